//! The small dialogs: go to, close, save, details, about.

use egui::{Context, Id, Key, TextEdit};

use super::dialog::{buttons, dialog};
use super::models::left;
use crate::app::actions::Action;
use crate::worker::message::Report;

/// Type a frame or a time.
#[must_use]
pub fn go_to_ui(ctx: &Context) -> Vec<Action> {
    let memory = Id::unique("go to");
    let shown = dialog(ctx, "Go to frame or time", 320.0, |ui| {
        let mut text: String = ui.data(|data| data.get_temp(memory)).unwrap_or_default();
        let edit = TextEdit::singleline(&mut text)
            .id(memory)
            .hint_text("120, 1:04, +2s");
        let response = ui.add(edit.desired_width(f32::INFINITY));
        let response = response.accessible_name("Frame or time");
        response.request_focus();
        let is_entered = ui.input(|input| input.key_pressed(Key::Enter));
        let pressed = buttons(ui, &["Cancel", "Go"]);
        ui.data_mut(|data| data.insert_temp(memory, text.clone()));
        match pressed {
            Some(0) => vec![Action::Escape],
            Some(_) => vec![Action::Escape, Action::GoTo(text)],
            None if is_entered => vec![Action::Escape, Action::GoTo(text)],
            None => Vec::new(),
        }
    });
    if shown.is_left || !shown.inner.is_empty() {
        ctx.data_mut(|data| data.remove::<String>(memory));
    }
    left(shown.inner, shown.is_left)
}

/// A job is running while the window is to close.
#[must_use]
pub fn close_while_working_ui(ctx: &Context) -> Vec<Action> {
    let shown = dialog(ctx, "Work is going on", 440.0, |ui| {
        ui.label("Everything finished is kept. The next start offers to continue.");
        match buttons(ui, &["Keep working", "Pause and quit"]) {
            Some(0) => vec![Action::Escape],
            Some(_) => vec![Action::PauseAndQuit],
            None => Vec::new(),
        }
    });
    left(shown.inner, shown.is_left)
}

/// There are changes that the project file does not have.
#[must_use]
pub fn save_before_closing_ui(ctx: &Context) -> Vec<Action> {
    let shown = dialog(ctx, "Save changes?", 440.0, |ui| {
        ui.label("The project has changes that its file has not.");
        match buttons(ui, &["Cancel", "Do not save", "Save"]) {
            Some(0) => vec![Action::Escape],
            Some(1) => vec![Action::QuitWithoutSaving],
            Some(_) => vec![Action::Escape, Action::Save, Action::Close],
            None => Vec::new(),
        }
    });
    left(shown.inner, shown.is_left)
}

/// What went wrong, in full.
#[must_use]
pub fn details_ui(report: &Report, ctx: &Context) -> Vec<Action> {
    let shown = dialog(ctx, "What happened", 560.0, |ui| {
        let mut lines = vec![report.summary.clone()];
        lines.extend(report.causes.iter().cloned());
        for line in &lines {
            ui.add(egui::Label::new(line).wrap().selectable(true));
        }
        if let Some(hint) = &report.hint {
            ui.strong(hint);
            lines.push(hint.clone());
        }
        match buttons(ui, &["Copy details", "Close"]) {
            Some(0) => vec![Action::Copy(lines.join("\n"))],
            Some(_) => vec![Action::Escape],
            None => Vec::new(),
        }
    });
    left(shown.inner, shown.is_left)
}

/// Version, licences, help.
#[must_use]
pub fn about_ui(ctx: &Context) -> Vec<Action> {
    let shown = dialog(ctx, "About FRESCO Studio", 480.0, |ui| {
        ui.label(format!("Version {}", env!("CARGO_PKG_VERSION")));
        ui.label("Re-renders a video in a new style from a text prompt, on your own machine.");
        ui.label("No network, no account, no telemetry.");
        ui.weak("MIT OR Apache-2.0. The demo model is CC BY-SA 4.0.");
        ui.weak("The demo clip is Big Buck Bunny, © 2008 Blender Foundation, CC BY 3.0.");
        buttons(ui, &["Close"]).map(|_| Action::Escape)
    });
    left(shown.inner.into_iter().collect(), shown.is_left)
}
