//! Models that the user has: files and folders, used in place.

use std::path::PathBuf;

use super::super::actions::{Action, Effect, FilePick, Gesture, Setting};
use super::super::state::AppState;
use super::preferences::{check_everything, save_preferences};
use crate::pipeline::job::ControlNetSpec;

/// Uses another model, or hands the action back.
pub fn perform(state: &mut AppState, action: Action) -> Result<Vec<Effect>, Action> {
    if action != Action::UseDemoModel {
        return Err(action);
    }
    state.preferences.model = None;
    let mut effects = vec![save_preferences(state)];
    let Some(project) = &state.project else {
        effects.extend(check_everything(state));
        return Ok(effects);
    };
    let mut spec = project.edits.spec.clone();
    spec.model = None;
    spec.vae = None;
    spec.controlnet.clear();
    effects.extend(super::editing::change(
        state,
        Setting::Model,
        spec,
        Gesture::Finished,
    ));
    Ok(effects)
}

/// Uses a file or folder that was picked, in this project and in new ones.
pub fn use_file(state: &mut AppState, pick: FilePick, path: PathBuf) -> Vec<Effect> {
    let is_model = matches!(pick, FilePick::ModelFile | FilePick::ModelFolder);
    let mut effects = Vec::new();
    if is_model {
        state.preferences.model = Some(path.clone());
        effects.push(save_preferences(state));
    }
    let Some(project) = &state.project else {
        effects.extend(check_everything(state));
        return effects;
    };
    let mut spec = project.edits.spec.clone();
    let what = match pick {
        FilePick::Vae => {
            spec.vae = Some(path);
            Setting::Vae
        }
        FilePick::ControlClip(index) => {
            if let Some(net) = spec.controlnet.get_mut(index) {
                net.clip = Some(path);
            }
            Setting::ControlNets
        }
        FilePick::ControlNet => {
            spec.controlnet.push(ControlNetSpec {
                path,
                ..ControlNetSpec::default()
            });
            Setting::ControlNets
        }
        _ => {
            spec.model = Some(path);
            Setting::Model
        }
    };
    effects.extend(super::editing::change(state, what, spec, Gesture::Finished));
    effects
}
