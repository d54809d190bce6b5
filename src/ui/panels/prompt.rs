//! The prompt and what goes with it.

use egui::{TextEdit, Ui};

use super::notices::local_notice_ui;
use super::settings::Editor;
use crate::app::actions::{Action, Gesture};
use crate::app::notices::NoticeKind;
use crate::app::settings::Setting;
use crate::app::state::AppState;
use crate::pipeline::job::JobSpec;

/// The section *Prompt*.
pub fn prompt_ui(state: &AppState, editor: &mut Editor<'_>, ui: &mut Ui) {
    words_ui(editor, ui, Setting::Prompt, 4, |spec| &mut spec.prompt);
    editor
        .asked
        .extend(local_notice_ui(state, NoticeKind::EmptyPrompt, ui));
    let is_used = !editor.spec.negative.is_empty() || !editor.spec.quality.is_empty();
    egui::CollapsingHeader::new("Quality words and negative prompt")
        .default_open(is_used)
        .show_unindented(ui, |ui| {
            labelled(ui, Setting::Quality);
            words_ui(editor, ui, Setting::Quality, 1, |spec| &mut spec.quality);
            labelled(ui, Setting::Negative);
            words_ui(editor, ui, Setting::Negative, 2, |spec| &mut spec.negative);
        });
}

fn labelled(ui: &mut Ui, setting: Setting) {
    ui.label(setting.label()).on_hover_text(setting.tooltip());
}

/// Enter makes a new line; Ctrl+Enter is the one button, which the shortcut table sees to.
fn words_ui(
    editor: &mut Editor<'_>,
    ui: &mut Ui,
    setting: Setting,
    rows: usize,
    field: fn(&mut JobSpec) -> &mut String,
) {
    let mut spec = editor.spec.clone();
    let text = field(&mut spec);
    let edit = TextEdit::multiline(text)
        .id_salt(setting.label())
        .hint_text(setting.tooltip())
        .desired_rows(rows)
        .desired_width(f32::INFINITY);
    let response = ui.add(edit).accessible_name(setting.label());
    if editor.wants_focus(setting) {
        response.request_focus();
        editor.asked.push(Action::Focused);
    }
    if response.changed() {
        editor.change(setting, Gesture::Ongoing, |changed| {
            *field(changed) = std::mem::take(field(&mut spec));
        });
    }
}
