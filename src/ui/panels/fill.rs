//! In-betweens: the frames between keyframes.

use egui::Ui;

use super::settings::Editor;
use crate::app::settings::Setting;
use crate::pipeline::job::FillPreset;

/// What the list of efforts offers, from the most to the least.
const PRESETS: &[(FillPreset, &str)] = &[
    (FillPreset::Best, "Best"),
    (FillPreset::Default, "Default"),
    (FillPreset::Fast, "Fast"),
    (FillPreset::Draft, "Draft"),
    (FillPreset::Parity, "As the reference"),
];

/// The section *In-betweens*.
pub fn fill_ui(editor: &mut Editor<'_>, ui: &mut Ui) {
    let fill = !editor.spec.no_fill;
    editor.toggle(ui, Setting::Fill, fill, |spec, fill| spec.no_fill = !fill);
    let in_betweens = editor.spec.in_betweens;
    // Without in-betweens there is nothing that these would change.
    ui.add_enabled_ui(fill, |ui| {
        let preset = editor
            .row(Setting::FillPreset)
            .choice(ui, &in_betweens.fill_preset, PRESETS);
        editor.edited(Setting::FillPreset, preset, |spec, preset| {
            spec.in_betweens.fill_preset = preset;
        });
        let blends = !in_betweens.no_gradient_blending;
        editor.toggle(ui, Setting::GradientBlending, blends, |spec, on| {
            spec.in_betweens.no_gradient_blending = !on;
        });
    });
}
