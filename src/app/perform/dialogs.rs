//! Dialogs, messages, and what is handed to the desktop.

use super::super::actions::{Action, Effect};
use super::super::state::{AppState, Dialog};
use super::models::scan;

/// Opens and closes dialogs, or hands the action back.
pub fn perform(state: &mut AppState, action: Action) -> Result<Vec<Effect>, Action> {
    match action {
        Action::OpenDialog(dialog) => {
            let lists_models = dialog == Dialog::Models;
            show(state, dialog);
            if lists_models {
                return Ok(vec![scan(state)]);
            }
        }
        Action::ShowPreferences(page) => show(state, Dialog::Preferences(page)),
        Action::ShowDetails(report) => show(state, Dialog::Details(report)),
        Action::Escape => escape(state),
        Action::DismissMessage(id) => state.messages.dismiss(id),
        Action::ClearMessages => state.messages.clear(),
        Action::ForgetCrash => state.crashed_before = false,
        Action::Focus(setting) => state.focus = Some(setting),
        Action::Focused => state.focus = None,
        Action::Copy(text) => return Ok(vec![Effect::Copy(text)]),
        Action::Reveal(path) => return Ok(vec![Effect::Reveal(path)]),
        Action::OpenOutside(path) => return Ok(vec![Effect::OpenOutside(path)]),
        other => return Err(other),
    }
    Ok(Vec::new())
}

/// A dialog of a kind that is open already is replaced.
fn show(state: &mut AppState, dialog: Dialog) {
    let kind = std::mem::discriminant(&dialog);
    state
        .dialogs
        .retain(|open| std::mem::discriminant(open) != kind);
    state.dialogs.push(dialog);
}

/// Closes the topmost thing: a dialog, a toast, the full screen, playing, the selection.
fn escape(state: &mut AppState) {
    if state.dialogs.pop().is_some() {
        return;
    }
    let toasts = state.messages.toasts(state.now);
    if let Some(id) = toasts.first().map(|message| message.id) {
        state.messages.dismiss(id);
        return;
    }
    let Some(project) = &mut state.project else {
        return;
    };
    let view = &mut project.view;
    if view.full_screen {
        view.full_screen = false;
    } else if view.playback.is_playing() {
        view.playback.speed = 0.0;
    } else if project.trial.is_some() {
        project.trial = None;
    } else {
        view.selection.clear();
    }
}
