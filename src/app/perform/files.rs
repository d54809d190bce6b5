//! Opening, saving, closing.

use std::path::PathBuf;

use super::super::actions::{Action, Effect, FilePick};
use super::super::messages::{Severity, plain};
use super::super::models::Models;
use super::super::state::{AppState, Dialog, Folders, Source};
use super::opening::{AfterLeaving, leave, open};
use super::preferences::{check_everything, preferences_path, save_preferences, set_preferences};
use super::saving::{close, move_home, quit, save, save_as};
use super::tasks::load;
use crate::worker::message::{Command, ModelSources};

/// The state of a window that has just been opened, and what to ask first. `environment` says where models are
/// and come from unless preferences do; `file` is opened too.
#[must_use]
pub fn start(
    folders: Folders,
    environment: ModelSources,
    file: Option<PathBuf>,
) -> (AppState, Vec<Effect>) {
    let mut state = AppState {
        folders,
        models: Models {
            environment,
            ..Models::default()
        },
        next_job: 1,
        ..AppState::default()
    };
    let path = preferences_path(&state);
    let mut effects = vec![load(path, false)];
    if let Some(file) = file {
        effects.extend(open(&mut state, file));
    }
    (state, effects)
}

/// Opens, saves and closes, or hands the action back.
pub fn perform(state: &mut AppState, action: Action) -> Result<Vec<Effect>, Action> {
    Ok(match action {
        Action::Pick(pick) => vec![Effect::Pick {
            pick,
            proposal: state.proposal(pick),
        }],
        Action::Picked(_, None) => Vec::new(),
        Action::Picked(pick, Some(path)) => return Ok(picked(state, pick, path)),
        Action::NoFileDialog(pick) => {
            no_file_dialog(state, pick);
            Vec::new()
        }
        Action::Open(path) => leave(state, AfterLeaving::Open(path)),
        Action::OpenDemo => leave(state, AfterLeaving::Demo),
        Action::New => leave(state, AfterLeaving::Nothing),
        Action::Save => save(state),
        Action::SaveAs => vec![Effect::Pick {
            pick: FilePick::SaveProject,
            proposal: state.proposal(FilePick::SaveProject),
        }],
        Action::ForgetRecent(path) => {
            state.preferences.recent.retain(|recent| *recent != path);
            vec![save_preferences(state)]
        }
        Action::Close => close(state),
        Action::PauseAndQuit | Action::QuitWithoutSaving => quit(state),
        Action::Relocate(path) => relocate(state, path),
        Action::UseReadable => {
            set_trouble_aside(state);
            Vec::new()
        }
        Action::KeepResults => {
            if let Some(project) = &mut state.project {
                project.source.made_from = project.source.state;
            }
            set_trouble_aside(state);
            Vec::new()
        }
        Action::StartOver => {
            if let Some(project) = &mut state.project {
                project.forget_results();
                project.source.made_from = None;
            }
            set_trouble_aside(state);
            Vec::new()
        }
        Action::SetPreferences(preferences) => set_preferences(state, *preferences),
        Action::CheckAgain => check_everything(state),
        other => return Err(other),
    })
}

/// Says how a file is named without a dialog.
fn no_file_dialog(state: &mut AppState, pick: FilePick) {
    let mut report = plain("this system shows no file dialog");
    report.causes = vec!["neither a desktop portal nor zenity answers".to_owned()];
    let install = "install xdg-desktop-portal or zenity to have one";
    let (hint, button) = match pick {
        FilePick::Video | FilePick::Project => {
            let palette = Action::OpenDialog(Dialog::Palette(String::new()));
            let hint =
                "press Ctrl+K and type the whole path of the file, or drop the file on the window";
            (Some(hint), Some(("Type a path", palette)))
        }
        FilePick::ExportFile | FilePick::ExportFolder => {
            (Some("type the path into the field beside the button"), None)
        }
        _ => (None, None),
    };
    report.hint = Some(hint.map_or(install.to_owned(), |hint| format!("{hint}; {install}")));
    let now = state.now;
    state
        .messages
        .say_with(Severity::Warning, report, button, now);
}

fn picked(state: &mut AppState, pick: FilePick, path: PathBuf) -> Vec<Effect> {
    match pick {
        FilePick::Video | FilePick::Project => super::perform(state, Action::Open(path)),
        FilePick::SaveProject => save_as(state, path),
        FilePick::Source => relocate(state, path),
        FilePick::MoreModels => {
            let mut preferences = state.preferences.clone();
            if !preferences.more_model_folders.contains(&path) {
                preferences.more_model_folders.push(path);
            }
            set_preferences(state, preferences)
        }
        FilePick::Ffmpeg | FilePick::WorkFolder | FilePick::ModelsFolder => {
            let mut preferences = state.preferences.clone();
            let place = match pick {
                FilePick::Ffmpeg => &mut preferences.ffmpeg,
                FilePick::WorkFolder => &mut preferences.work_folder,
                _ => &mut preferences.models_folder,
            };
            *place = Some(path);
            let mut effects = set_preferences(state, preferences);
            if pick == FilePick::WorkFolder {
                effects.extend(move_home(state));
            }
            effects
        }
        FilePick::ExportFile | FilePick::ExportFolder => {
            super::exporting::set_path(state, path);
            Vec::new()
        }
        FilePick::ModelFolder
        | FilePick::ModelFile
        | FilePick::Vae
        | FilePick::Lora
        | FilePick::ControlNet
        | FilePick::ControlClip(_) => super::models::use_file(state, pick, path),
    }
}

fn relocate(state: &mut AppState, path: PathBuf) -> Vec<Effect> {
    let now = state.now;
    let Some(project) = &mut state.project else {
        return Vec::new();
    };
    project.edits.spec.source.clone_from(&path);
    project.fresh.source.clone_from(&path);
    let made_from = project.source.made_from;
    project.source = Source {
        made_from,
        ..Source::default()
    };
    project.touched(now);
    vec![Effect::Send(Command::Open(path))]
}

fn set_trouble_aside(state: &mut AppState) {
    let now = state.now;
    if let Some(project) = &mut state.project {
        project.source.trouble = None;
        project.touched(now);
    }
}
