//! The user's settings, and whether everything that is needed can be used.

use std::path::PathBuf;

use super::super::actions::Effect;
use super::super::preferences::Preferences;
use super::super::settings::fresh_spec;
use super::super::state::AppState;
use super::models::scan;
use super::tasks::{file, write};
use crate::pipeline::job::JobSpec;
use crate::worker::message::{Command, FileTask, Secret};

/// The file of preferences.
pub fn preferences_path(state: &AppState) -> PathBuf {
    state.folders.config.join(Preferences::FILE)
}

/// Writes them to their file.
pub fn save_preferences(state: &AppState) -> Effect {
    let (path, text) = (preferences_path(state), state.preferences.to_text());
    if state.preferences.hub_token.is_none() {
        return write(path, text);
    }
    let text = Secret(text);
    file(FileTask::SavePrivate { path, text })
}

/// Takes over other preferences.
pub fn set_preferences(state: &mut AppState, preferences: Preferences) -> Vec<Effect> {
    let preferences = preferences.clamped();
    let before = std::mem::replace(&mut state.preferences, preferences);
    if before == state.preferences {
        return Vec::new();
    }
    let mut effects = vec![save_preferences(state)];
    if before.ffmpeg != state.preferences.ffmpeg {
        let path = state.preferences.ffmpeg.clone();
        effects.push(Effect::Send(Command::UseFfmpeg(path)));
    }
    let environment = &state.models.environment;
    let places = |preferences: &Preferences| preferences.sources(environment).places;
    if places(&before) != places(&state.preferences) {
        effects.push(Effect::Send(Command::UseModels(Box::new(state.places()))));
        effects.push(scan(state));
        effects.push(check_model(state));
    }
    if before.device != state.preferences.device {
        let device = state.preferences.device.clone();
        if let Some(project) = &mut state.project {
            project.edits.spec.device = device.clone();
        }
        effects.push(Effect::Send(Command::CheckDevice(device)));
    }
    effects
}

/// Asks whether the models that the settings name can be used, and how long the prompt is for them.
pub(in crate::app) fn check_models(state: &AppState) -> Vec<Effect> {
    let project = state.project.as_ref();
    let tokens = project.map(|project| count_tokens(&project.edits.spec));
    std::iter::once(check_model(state)).chain(tokens).collect()
}

/// Asks whether the models that the settings name can be used.
pub fn check_model(state: &AppState) -> Effect {
    let project = state.project.as_ref();
    let spec = project.map_or_else(
        || JobSpec {
            model: state.preferences.model.clone(),
            control: state.models.control.unwrap_or(fresh_spec().control),
            ..fresh_spec()
        },
        |project| project.edits.spec.clone(),
    );
    Effect::Send(Command::CheckModel(
        Box::new(spec),
        Box::new(state.places()),
    ))
}

/// Asks how long the prompt is.
pub fn count_tokens(spec: &JobSpec) -> Effect {
    Effect::Send(Command::CountTokens(Box::new(spec.clone())))
}

/// Asks for everything that can be ready or not.
pub(in crate::app) fn check_everything(state: &AppState) -> Vec<Effect> {
    let preferences = &state.preferences;
    let project = state.project.as_ref();
    let device = project.map_or(&preferences.device, |project| &project.edits.spec.device);
    vec![
        Effect::Send(Command::UseFfmpeg(preferences.ffmpeg.clone())),
        check_model(state),
        Effect::Send(Command::CheckDevice(device.clone())),
        file(FileTask::Look(preferences.recent.clone())),
    ]
}
