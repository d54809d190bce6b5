//! In-betweens: the frames between keyframes.

use egui::Ui;

use super::settings::Editor;
use crate::app::settings::Setting;

/// The section *In-betweens*.
pub fn fill_ui(editor: &mut Editor<'_>, ui: &mut Ui) {
    let fill = !editor.spec.no_fill;
    editor.toggle(ui, Setting::Fill, fill, |spec, fill| spec.no_fill = !fill);
}
