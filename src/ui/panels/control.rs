//! Control: which structure of the source is kept, and how closely.

use egui::Ui;

use super::settings::Editor;
use crate::app::actions::{Action, FilePick, Gesture};
use crate::app::settings::{CONTROLS, Setting};
use crate::pipeline::job::{CannyThresholds, ControlKind, ControlNetSpec, JobSpec};
use crate::ui::theme;
use crate::ui::widgets::labelled_slider::{Edited, Row};
use crate::worker::message::LooksAt;

/// The section *Control*.
pub fn control_ui(editor: &mut Editor<'_>, ui: &mut Ui) {
    let spec = editor.spec;
    let kind = editor
        .row(Setting::ControlType)
        .choice(ui, &spec.control, CONTROLS);
    editor.edited(Setting::ControlType, kind, |spec, kind| spec.control = kind);
    if spec.control != ControlKind::None || !spec.controlnet.is_empty() {
        let strength = f64::from(spec.control_strength);
        editor.number(ui, Setting::ControlStrength, strength, |spec, strength| {
            spec.control_strength = strength as f32;
        });
    }
    let mut drawn = spec.controlnet.iter().map(|net| net.drawn(spec.control));
    if spec.control == ControlKind::Canny || drawn.any(|it| it == Some(ControlKind::Canny)) {
        thresholds_ui(editor, ui);
    }
    control_nets_ui(editor, ui);
}

/// Two sliders; one pushes the other, so that the lower stays below.
fn thresholds_ui(editor: &mut Editor<'_>, ui: &mut Ui) {
    let CannyThresholds { low, high } = editor.spec.canny;
    let Some(number) = Setting::Canny.number() else {
        return;
    };
    let row = |label| Row {
        label,
        ..editor.row(Setting::Canny)
    };
    let lower = row("Low threshold").slider(ui, f64::from(low), number);
    let upper = row("High threshold").slider(ui, f64::from(high), number);
    editor.edited(Setting::Canny, lower, |spec, low| {
        let low = low as u8;
        spec.canny = CannyThresholds {
            low,
            high: high.max(low),
        };
    });
    editor.edited(Setting::Canny, upper, |spec, high| {
        let high = high as u8;
        spec.canny = CannyThresholds {
            low: low.min(high),
            high,
        };
    });
}

/// The networks that read the control image.
fn control_nets_ui(editor: &mut Editor<'_>, ui: &mut Ui) {
    for (index, net) in editor.spec.controlnet.iter().enumerate() {
        let name = net
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        ui.horizontal(|ui| {
            ui.add(egui::Label::new(&name).truncate())
                .on_hover_text(net.path.display().to_string());
            let remove = ui
                .small_button("Remove")
                .accessible_name(format!("Remove {name}"));
            if remove.clicked() {
                editor.change(Setting::ControlNets, Gesture::Finished, |spec| {
                    spec.controlnet.remove(index);
                });
            }
        });
        clip_ui(editor, ui, index, &name);
        own_type_ui(editor, net, ui, index);
        unsuited_ui(editor.spec, net, ui);
        let row = |label| Row {
            label,
            help: "More: acts more strongly. Less: freer.",
            is_changed: false,
        };
        let numbers = [
            ("Weight", net.weight, 2.0),
            ("Start", net.start, 1.0),
            ("End", net.end, 1.0),
        ];
        for (label, value, max) in numbers {
            let number = crate::app::settings::Number {
                min: 0.0,
                max,
                step: 0.01,
                decimals: 2,
            };
            let edited = ui.push_id((index, label), |ui| {
                row(label).slider(ui, f64::from(value), number)
            });
            if let Some(Edited::To(value, gesture)) = edited.inner {
                let value = value as f32;
                editor.change(Setting::ControlNets, gesture, |spec| {
                    let net = &mut spec.controlnet[index];
                    match label {
                        "Weight" => net.weight = value,
                        "Start" => net.start = value.min(net.end - 0.01),
                        _ => net.end = value.max(net.start + 0.01),
                    }
                });
            }
        }
    }
    let add = ui.button("Add ControlNet…");
    if add.on_hover_text(Setting::ControlNets.tooltip()).clicked() {
        editor.asked.push(Action::Pick(FilePick::ControlNet));
    }
}

/// What is drawn for one of several networks, or for one that has a type of its own already.
fn own_type_ui(editor: &mut Editor<'_>, net: &ControlNetSpec, ui: &mut Ui, index: usize) {
    let is_one_of_several = editor.spec.controlnet.len() > 1;
    if net.clip.is_some() || !(is_one_of_several || net.control.is_some()) {
        return;
    }
    let own = CONTROLS
        .iter()
        .filter(|(control, _)| *control != ControlKind::None);
    let own = own.map(|(control, name)| (Some(*control), *name));
    let options: Vec<_> = std::iter::once((None, "As above")).chain(own).collect();
    let row = Row {
        label: "Own type",
        help: "Which structure this network is shown. Each type that is used is drawn once.",
        is_changed: net.control.is_some(),
    };
    let chosen = ui.push_id(index, |ui| row.choice(ui, &net.control, &options));
    let control = match chosen.inner {
        None => return,
        Some(Edited::Reset) => None,
        Some(Edited::To(control, _)) => control,
    };
    editor.change(Setting::ControlNets, Gesture::Finished, |spec| {
        spec.controlnet[index].control = control;
    });
}

/// Says that a network looks at something else than the control draws.
fn unsuited_ui(spec: &JobSpec, net: &ControlNetSpec, ui: &mut Ui) {
    let shown = net.drawn(spec.control);
    let shown = shown.filter(|control| *control != ControlKind::None);
    let Some((shown, looks_at)) = shown.zip(LooksAt::of_path(&net.path)) else {
        return;
    };
    if looks_at.is_drawn_by(shown) {
        return;
    }
    let is_it = |(kind, _): &&(ControlKind, &str)| looks_at.drawn_by() == Some(*kind);
    let advice = match CONTROLS.iter().find(is_it) {
        Some((_, name)) => format!("Choose the type {name}, or a clip of them."),
        None => "Choose a clip of them as its control images.".to_owned(),
    };
    let text = format!("Trained on {}. {advice}", looks_at.words());
    let text = egui::RichText::new(text).color(theme::of(ui).warning.colour());
    ui.add(egui::Label::new(text).wrap());
}

/// What the network looks at: images made from the source, or those of a clip.
fn clip_ui(editor: &mut Editor<'_>, ui: &mut Ui, index: usize, net: &str) {
    let clip = editor.spec.controlnet.get(index);
    let clip = clip.and_then(|net| net.clip.as_ref());
    let file = clip.and_then(|clip| clip.file_name());
    let shown = file.map_or("from the source".into(), |name| name.to_string_lossy());
    ui.horizontal(|ui| {
        ui.label("Control images");
        let button = ui.add(egui::Button::new(shown.as_ref()).truncate());
        let button = button.on_hover_text("A clip of ready-made control images…");
        if button
            .accessible_name(format!("Control images of {net}, {shown}"))
            .clicked()
        {
            editor
                .asked
                .push(Action::Pick(FilePick::ControlClip(index)));
        }
        if clip.is_some()
            && ui
                .small_button("From the source")
                .accessible_name(format!("Control images of {net} from the source"))
                .clicked()
        {
            editor.change(Setting::ControlNets, Gesture::Finished, |spec| {
                spec.controlnet[index].clip = None;
            });
        }
    });
}
