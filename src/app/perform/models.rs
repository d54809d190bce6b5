//! Models: which are used, and downloads.

use std::path::PathBuf;

use super::super::actions::{Action, Effect, FilePick, Gesture, Setting};
use super::super::models::{Download, ModelAction, Phase, Standing};
use super::super::state::AppState;
use super::preferences::{check_everything, check_model, save_preferences};
use super::tasks::file;
use crate::pipeline::job::{ControlKind, ControlNetSpec, LoraSpec};
use crate::worker::message::{Command, FileTask, ModelId, Role, State, entry, own_control};

/// Does what was asked about models, or hands the action back.
pub fn perform(state: &mut AppState, action: Action) -> Result<Vec<Effect>, Action> {
    Ok(match action {
        Action::UseDemoModel => use_demo(state),
        Action::Model(ModelAction::Scan) => vec![scan(state), check_model(state)],
        Action::Model(ModelAction::Use(role, path)) => use_model(state, role, path),
        Action::Model(ModelAction::Download(id)) => download(state, id),
        Action::Model(ModelAction::Pause(id)) => stop(state, &id, false),
        Action::Model(ModelAction::Drop(id)) => stop(state, &id, true),
        other => return Err(other),
    })
}

fn use_demo(state: &mut AppState) -> Vec<Effect> {
    state.preferences.model = None;
    let mut effects = vec![save_preferences(state)];
    let Some(project) = &state.project else {
        effects.extend(check_everything(state));
        return effects;
    };
    let mut spec = project.edits.spec.clone();
    spec.model = None;
    spec.vae = None;
    spec.controlnet.clear();
    spec.lora.clear();
    effects.extend(super::editing::change(
        state,
        Setting::Model,
        spec,
        Gesture::Finished,
    ));
    effects
}

/// Uses a model that was found.
fn use_model(state: &mut AppState, role: Role, path: PathBuf) -> Vec<Effect> {
    let pick = match role {
        Role::Checkpoint => FilePick::ModelFile,
        Role::Vae => FilePick::Vae,
        Role::ControlNet => FilePick::ControlNet,
        Role::Lora => FilePick::Lora,
        // They are found by the jobs that need them.
        Role::Helper => return Vec::new(),
    };
    use_file(state, pick, path)
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
            let mut net = ControlNetSpec {
                path,
                ..ControlNetSpec::default()
            };
            // The type follows what the first one looks at. Whether HED is installed is not known here.
            if !spec.controlnet.is_empty() {
                let can_draw = |control| control != ControlKind::Hed;
                net.control = own_control(&net, spec.control, can_draw);
            }
            spec.controlnet.push(net);
            Setting::ControlNets
        }
        FilePick::Lora => {
            let strength = 1.0;
            spec.lora.push(LoraSpec { path, strength });
            Setting::Loras
        }
        _ => {
            spec.model = Some(path);
            Setting::Model
        }
    };
    effects.extend(super::editing::change(state, what, spec, Gesture::Finished));
    effects
}

/// Looks for models.
pub fn scan(state: &mut AppState) -> Effect {
    state.models.looks += 1;
    Effect::Send(Command::ScanModels(Box::new(state.places())))
}

/// Begins a download, or goes on with it.
fn download(state: &mut AppState, id: ModelId) -> Vec<Effect> {
    let before = state.models.downloads.get(&id);
    if before.is_some_and(Download::is_active) || state.why_offline().is_some() {
        return Vec::new();
    }
    let download = Download {
        phase: Phase::Queued,
        bytes: before.map_or((0, None), |before| before.bytes),
    };
    state.models.downloads.insert(id.clone(), download);
    let how = Box::new(state.how_to_get());
    vec![Effect::Send(Command::GetModel(id, how))]
}

/// Stops a download. What came in is thrown away once nobody writes it any more.
fn stop(state: &mut AppState, id: &ModelId, drops: bool) -> Vec<Effect> {
    let downloads = &mut state.models.downloads;
    let phase = downloads.get_mut(id).map(|download| &mut download.phase);
    let mut effects = match phase {
        Some(Phase::Stopping { .. }) => return Vec::new(),
        Some(going @ Phase::Going(_)) => {
            *going = Phase::Stopping { drops };
            return vec![Effect::StopDownload(id.clone())];
        }
        // It has not begun.
        Some(Phase::Queued) => vec![Effect::StopDownload(id.clone())],
        Some(Phase::Failed(_)) | None => Vec::new(),
    };
    downloads.remove(id);
    if drops {
        effects.extend(drop_partial(state, id));
    }
    effects
}

/// Throws away what came in of a download that has stopped.
pub(in crate::app) fn drop_partial(state: &mut AppState, id: &ModelId) -> Vec<Effect> {
    let Some(entry) = entry(id) else {
        return Vec::new();
    };
    if matches!(state.models.standing(id), Standing::Unfinished(..)) {
        state.models.note(id, State::Missing);
    }
    let partials = entry.partials(state.models_folder());
    partials
        .map(|path| file(FileTask::Remove(path)))
        .into_iter()
        .collect()
}
