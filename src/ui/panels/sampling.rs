//! Sampling: the model and the denoising loop.

use egui::{CollapsingHeader, Ui};

use super::loras::loras_ui;
use super::settings::Editor;
use crate::app::actions::{Action, FilePick, Gesture};
use crate::app::settings::{Number, Setting};
use crate::app::state::{AppState, Dialog};
use crate::pipeline::job::{DeviceChoice, FreeU, Sampler};
use crate::ui::widgets::labelled_slider::{Edited, Row};

/// One of the four strengths.
type Part = fn(&mut FreeU) -> &mut f32;

/// The section *Sampling*.
pub fn sampling_ui(state: &AppState, editor: &mut Editor<'_>, ui: &mut Ui) {
    model_ui(state, editor, ui);
    let spec = editor.spec;
    ui.add_enabled_ui(!spec.from_noise, |ui| {
        editor.number(
            ui,
            Setting::Strength,
            f64::from(spec.strength),
            |spec, strength| {
                spec.strength = strength as f32;
            },
        );
    });
    editor.toggle(ui, Setting::FromNoise, spec.from_noise, |spec, on| {
        spec.from_noise = on;
    });
    editor.number(ui, Setting::Steps, spec.steps as f64, |spec, steps| {
        spec.steps = steps as usize;
    });
    let scale = f64::from(spec.guidance_scale);
    editor.number(ui, Setting::GuidanceScale, scale, |spec, scale| {
        spec.guidance_scale = scale as f32;
    });
    let samplers: Vec<(Sampler, &str)> = Sampler::ALL
        .map(|sampler| (sampler, sampler.name()))
        .to_vec();
    let sampler = editor
        .row(Setting::Sampler)
        .choice(ui, &spec.sampler, &samplers);
    editor.edited(Setting::Sampler, sampler, |spec, sampler| {
        spec.sampler = sampler;
    });
    seed_ui(editor, ui);
    let shared = spec.shared_step_noise;
    editor.toggle(ui, Setting::SharedStepNoise, shared, |spec, on| {
        spec.shared_step_noise = on;
    });
    free_u_ui(editor, ui);
    device_ui(editor, ui);
}

fn model_ui(state: &AppState, editor: &mut Editor<'_>, ui: &mut Ui) {
    let name = match &editor.spec.model {
        Some(path) => path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        None => "demo model".to_owned(),
    };
    let row = editor.row(Setting::Model);
    let picked = row.custom(ui, |ui| {
        let button = egui::Button::new(name.as_str()).truncate();
        let response = ui.add(button).on_hover_text("Models…");
        let response = response.accessible_name(format!("Model, {name}"));
        response.clicked().then_some(())
    });
    match picked {
        Some(Edited::Reset) => {
            editor.asked.push(Action::ResetSetting(Setting::Model));
        }
        Some(_) => editor.asked.push(Action::OpenDialog(Dialog::Models)),
        None => (),
    }
    if let crate::app::state::Check::Failed(report) = &state.model {
        ui.colored_label(ui.visuals().error_fg_color, &report.summary);
    }
    let vae = editor
        .spec
        .vae
        .as_ref()
        .map_or("the model's own".to_owned(), |path| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        });
    let asked = editor.row(Setting::Vae).custom(ui, |ui| {
        let response = ui.add(egui::Button::new(vae.as_str()).truncate());
        let response = response.accessible_name(format!("VAE, {vae}"));
        response.clicked().then_some(())
    });
    match asked {
        Some(Edited::Reset) => {
            editor.asked.push(Action::ResetSetting(Setting::Vae));
        }
        Some(_) => editor.asked.push(Action::Pick(FilePick::Vae)),
        None => (),
    }
    loras_ui(editor, ui);
}

fn seed_ui(editor: &mut Editor<'_>, ui: &mut Ui) {
    let mut seed = editor.spec.seed;
    let row = editor.row(Setting::Seed);
    let mut wants_new = false;
    let edited = row.custom(ui, |ui| {
        let response = ui.add(egui::DragValue::new(&mut seed).speed(1.0));
        let response = response.on_hover_text(row.help).accessible_name(row.label);
        let dice = ui
            .button("New")
            .on_hover_text("Another seed, another picture.");
        wants_new = dice.accessible_name("New seed").clicked();
        response.changed().then_some(seed)
    });
    editor.edited(Setting::Seed, edited, |spec, seed| spec.seed = seed);
    if wants_new {
        editor.change(Setting::Seed, Gesture::Finished, |spec| {
            spec.seed = drawn_seed();
        });
    }
}

/// Four strengths; with all of them at 1 nothing is changed.
fn free_u_ui(editor: &mut Editor<'_>, ui: &mut Ui) {
    const OFF: FreeU = FreeU {
        b1: 1.0,
        b2: 1.0,
        s1: 1.0,
        s2: 1.0,
    };
    let own = editor.spec.free_u.unwrap_or(OFF);
    let strengths: [(&str, f32, f64, f64, Part); 4] = [
        ("FreeU b1", own.b1, 1.0, 1.6, |free_u| &mut free_u.b1),
        ("FreeU b2", own.b2, 1.0, 1.6, |free_u| &mut free_u.b2),
        ("FreeU s1", own.s1, 0.0, 1.0, |free_u| &mut free_u.s1),
        ("FreeU s2", own.s2, 0.0, 1.0, |free_u| &mut free_u.s2),
    ];
    CollapsingHeader::new(Setting::FreeU.label()).show(ui, |ui| {
        for (label, value, min, max, part) in strengths {
            let row = Row {
                label,
                ..editor.row(Setting::FreeU)
            };
            let number = Number {
                min,
                max,
                step: 0.05,
                decimals: 2,
            };
            let edited = row.slider(ui, f64::from(value), number);
            editor.edited(Setting::FreeU, edited, |spec, value| {
                let mut changed = own;
                *part(&mut changed) = value as f32;
                spec.free_u = (changed != OFF).then_some(changed);
            });
        }
    });
}

/// A seed that nobody chose: the standard library's hash maps are keyed at random.
fn drawn_seed() -> u32 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    RandomState::new().build_hasher().finish() as u32
}

fn device_ui(editor: &mut Editor<'_>, ui: &mut Ui) {
    let mut devices = vec![
        (DeviceChoice::Auto, "automatic"),
        (DeviceChoice::Gpu, "any GPU"),
        (DeviceChoice::Cpu, "CPU"),
    ];
    let own = editor.spec.device.clone();
    if let DeviceChoice::Named(name) = &own {
        devices.push((own.clone(), name));
    }
    let device = editor.row(Setting::Device).choice(ui, &own, &devices);
    editor.edited(Setting::Device, device, |spec, device| spec.device = device);
}
