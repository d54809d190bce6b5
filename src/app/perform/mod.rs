//! What the user asked for, done: one file for each kind of action.

mod dialogs;
mod editing;
mod exporting;
mod files;
mod keyframes;
mod looking;
mod models;
mod opening;
mod playing;
mod preferences;
mod saving;
mod tasks;
mod working;

pub use files::start;
pub(super) use models::{drop_partial, scan};
pub(super) use opening::opened_project;
pub(super) use preferences::{check_everything, check_model, check_models};
pub(super) use saving::autosave_now;
pub(super) use tasks::file;
pub(super) use working::ended;

use super::actions::{Action, Effect};
use super::state::AppState;

/// Does an action of one kind, or hands it back.
type Step = fn(&mut AppState, Action) -> Result<Vec<Effect>, Action>;

/// The kinds of actions, the most frequent first.
const STEPS: [Step; 9] = [
    playing::perform,
    looking::perform,
    editing::perform,
    keyframes::perform,
    working::perform,
    files::perform,
    exporting::perform,
    models::perform,
    dialogs::perform,
];

/// Does what the user asked. What has to happen outside of the window's memory is returned.
pub fn perform(state: &mut AppState, action: Action) -> Vec<Effect> {
    let mut action = action;
    for step in STEPS {
        match step(state, action) {
            Ok(effects) => return effects,
            Err(back) => action = back,
        }
    }
    tracing::error!(?action, "nobody performs this action");
    Vec::new()
}
