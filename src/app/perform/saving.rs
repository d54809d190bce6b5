//! Saving projects, by the user and by itself.

use std::path::PathBuf;

use super::super::actions::{Effect, FilePick};
use super::super::messages::{Severity, plain};
use super::super::project;
use super::super::state::{Access, AppState, Dialog, JobPhase};
use super::super::work::{self, EXTENSION};
use super::opening::remember;
use super::tasks::{file, write};
use crate::files;
use crate::worker::message::FileTask;

/// Writes the project to its file, which is asked for if there is none.
pub fn save(state: &mut AppState) -> Vec<Effect> {
    let Some(project) = &mut state.project else {
        return Vec::new();
    };
    match (&project.path, project.access) {
        (Some(path), Access::ReadWrite) => {
            let text = project::to_text(project, files::parent(path), false);
            let effect = write(path.clone(), text);
            project.unsaved = false;
            // The automatic copy would else hide what was saved, being older.
            let mut effects = vec![effect];
            effects.extend(autosave_now(state));
            effects
        }
        _ => vec![Effect::Pick {
            pick: FilePick::SaveProject,
            proposal: Some(project.proposed_path()),
        }],
    }
}

/// Gives the project another file. Results stay where they are made from then on: in that file's working folder.
pub fn save_as(state: &mut AppState, path: PathBuf) -> Vec<Effect> {
    let path = with_extension(path);
    let Some(project) = &mut state.project else {
        return Vec::new();
    };
    let (from, to) = (project.work(), work::work_beside(&path));
    if from != to && state.job.is_some() {
        let text =
            "A job is running in the working folder. Save under another name when it has ended.";
        state
            .messages
            .say(Severity::Warning, plain(text), state.now);
        return Vec::new();
    }
    let before = project.path.replace(path.clone());
    let before = before.unwrap_or_else(|| from.join(work::AUTOSAVE));
    let mut effects = vec![file(FileTask::Unlock(before)), file(FileTask::Lock(path))];
    if from != to {
        effects.push(file(FileTask::Adopt { from, to }));
        project.moved_results();
    }
    project.access = Access::ReadWrite;
    effects.extend(save(state));
    effects.extend(remember(state));
    effects
}

/// Moves the working folder of a project that has no file to where working folders are now.
pub fn move_home(state: &mut AppState) -> Vec<Effect> {
    let folders = state.work_folders().to_owned();
    let Some(project) = state
        .project
        .as_mut()
        .filter(|project| project.path.is_none())
    else {
        return Vec::new();
    };
    let from = project.work();
    let to = work::home_of(&project.edits.spec.source, &folders);
    if from == to || state.job.is_some() || project.access != Access::ReadWrite {
        return Vec::new();
    }
    let before = project.autosave_path();
    project.home.clone_from(&to);
    project.moved_results();
    let mut effects = vec![
        file(FileTask::Unlock(before)),
        file(FileTask::Lock(project.autosave_path())),
        file(FileTask::Adopt {
            from,
            to: to.clone(),
        }),
    ];
    effects.extend(autosave_now(state));
    effects.push(file(FileTask::Space(to)));
    effects
}

fn with_extension(path: PathBuf) -> PathBuf {
    if work::is_project(&path) {
        return path;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".toml").unwrap_or(&name);
    let stem = stem.strip_suffix(".fresco").unwrap_or(stem);
    path.with_file_name(format!("{stem}{EXTENSION}"))
}

/// Saves by itself, if it is time.
pub(in crate::app) fn autosave(state: &mut AppState) -> Vec<Effect> {
    let after = f64::from(state.preferences.autosave_secs);
    let Some(project) = &state.project else {
        return Vec::new();
    };
    let waited = project.changed_at.map(|at| state.now.saturating_sub(at));
    if waited.is_some_and(|waited| waited.as_secs_f64() >= after) {
        autosave_now(state)
    } else {
        Vec::new()
    }
}

/// Saves by itself, now.
pub fn autosave_now(state: &mut AppState) -> Vec<Effect> {
    let Some(project) = &mut state.project else {
        return Vec::new();
    };
    project.changed_at = None;
    if project.access != Access::ReadWrite {
        return Vec::new();
    }
    let path = project.autosave_path();
    let text = project::to_text(project, files::parent(&path), true);
    vec![write(path, text)]
}

/// The project is left properly: says so in its automatic copy, and lets others have it.
pub(in crate::app) fn clean_closing(state: &mut AppState) -> Vec<Effect> {
    let Some(project) = &mut state.project else {
        return Vec::new();
    };
    if project.access != Access::ReadWrite {
        return Vec::new();
    }
    let path = project.autosave_path();
    let text = project::to_text(project, files::parent(&path), false);
    let locked = project.path.clone().unwrap_or_else(|| path.clone());
    vec![write(path, text), file(FileTask::Unlock(locked))]
}

/// Nothing is lost by closing: what was not saved is in the automatic copy.
pub fn close(state: &mut AppState) -> Vec<Effect> {
    if state.job.is_some() {
        if !state.dialogs.contains(&Dialog::CloseWhileWorking) {
            state.dialogs.push(Dialog::CloseWhileWorking);
        }
        return Vec::new();
    }
    quit(state)
}

/// Closes the window; a running job is stopped where it is and can be continued.
pub fn quit(state: &mut AppState) -> Vec<Effect> {
    let mut effects = clean_closing(state);
    if let Some(job) = &mut state.job {
        job.phase = JobPhase::Stopping;
        effects.push(Effect::Cancel(job.id));
    }
    state.quitting = true;
    effects.push(Effect::Quit);
    effects
}
