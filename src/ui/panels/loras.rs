//! The list of LoRAs: those of the settings, and those that the prompt names.

use egui::{Ui, vec2};

use super::settings::Editor;
use crate::app::actions::{Action, FilePick, Gesture};
use crate::app::settings::Setting;
use crate::pipeline::job::{JobSpec, LoraSpec, without_lora_tags};
use crate::ui::theme;
use crate::ui::widgets::labelled_slider::{Edited, Row};

/// The strength of a LoRA that nobody has changed.
const PLAIN: f32 = 1.0;

/// Room for the button beside a row.
const BUTTON_WIDTH: f32 = 64.0;

/// The rows *LoRA*.
pub fn loras_ui(editor: &mut Editor<'_>, ui: &mut Ui) {
    for (index, lora) in editor.spec.lora.iter().enumerate() {
        ui.push_id(("lora", index), |ui| lora_ui(editor, index, lora, ui));
    }
    let prompted = in_words(editor.spec);
    for (index, lora) in prompted.iter().enumerate() {
        ui.push_id(("lora of the prompt", index), |ui| {
            ui.horizontal(|ui| {
                ui.label(name(lora));
                ui.weak(format!("{:.2}, from the prompt", lora.strength));
            });
        });
    }
    ui.horizontal(|ui| {
        let add = ui.button("Add LoRA…");
        if add.on_hover_text(Setting::Loras.tooltip()).clicked() {
            editor.asked.push(Action::Pick(FilePick::Lora));
        }
        if !prompted.is_empty() {
            let help = "Takes them out of the prompt, so that their strength has a slider.";
            let button = ui.button("Move to the list").on_hover_text(help);
            let button = button.accessible_name("Move LoRAs of the prompt to the list");
            if button.clicked() {
                editor.change(Setting::Loras, Gesture::Finished, take_out);
            }
        }
    });
}

fn lora_ui(editor: &mut Editor<'_>, index: usize, lora: &LoraSpec, ui: &mut Ui) {
    let name = name(lora);
    let row = Row {
        label: &name,
        help: Setting::Loras.tooltip(),
        is_changed: (lora.strength - PLAIN).abs() > f32::EPSILON,
    };
    ui.horizontal(|ui| {
        let size = vec2(ui.available_width() - BUTTON_WIDTH, theme::HIT_TARGET);
        let edited = ui.allocate_ui(size, |ui| {
            let number = Setting::Loras.number()?;
            row.slider(ui, f64::from(lora.strength), number)
        });
        let strength = match edited.inner {
            Some(Edited::To(strength, gesture)) => Some((strength as f32, gesture)),
            Some(Edited::Reset) => Some((PLAIN, Gesture::Finished)),
            None => None,
        };
        if let Some((strength, gesture)) = strength {
            editor.change(Setting::Loras, gesture, |spec| {
                spec.lora[index].strength = strength;
            });
        }
        let remove = ui.small_button("Remove");
        let remove = remove.on_hover_text(lora.path.display().to_string());
        if remove
            .accessible_name(format!("Remove LoRA {name}"))
            .clicked()
        {
            editor.change(Setting::Loras, Gesture::Finished, |spec| {
                spec.lora.remove(index);
            });
        }
    });
}

/// What a LoRA is called: its file without the ending.
fn name(lora: &LoraSpec) -> String {
    let name = lora.path.file_name().unwrap_or(lora.path.as_os_str());
    let name = name.to_string_lossy();
    name.trim_end_matches(".safetensors").to_owned()
}

/// The LoRAs that the prompt and the quality words name.
fn in_words(spec: &JobSpec) -> Vec<LoraSpec> {
    let texts = [&spec.prompt, &spec.quality].into_iter();
    texts.flat_map(|text| without_lora_tags(text).1).collect()
}

/// Moves the LoRAs of the words to the list.
fn take_out(spec: &mut JobSpec) {
    spec.lora.extend(in_words(spec));
    for text in [&mut spec.prompt, &mut spec.quality] {
        *text = without_lora_tags(text).0;
    }
}
