//! What reading and writing small files gave: projects, preferences, locks, recent files.

use std::path::Path;

use super::super::Effect;
use super::super::messages::{Severity, plain};
use super::super::perform::{check_everything, check_models, file, opened_project};
use super::super::preferences::Preferences;
use super::super::project;
use super::super::state::{Access, AppState, Project, SourceTrouble};
use crate::files;
use crate::worker::message::{FileAnswer, FileTask, Loaded, LockState, Report, SourceState};

pub(super) fn answer(state: &mut AppState, answer: FileAnswer) -> Vec<Effect> {
    match answer {
        FileAnswer::Loaded(loaded) => return file_loaded(state, loaded),
        FileAnswer::Saved(path, Err(report)) => {
            // It was not saved after all.
            if let Some(project) = &mut state.project
                && project.path.as_ref() == Some(&path)
            {
                project.unsaved = true;
            }
            state.messages.say(Severity::Error, report, state.now);
        }
        FileAnswer::Locked(_, LockState::Taken) => {
            if let Some(project) = &mut state.project {
                project.access = Access::InUse;
            }
        }
        FileAnswer::Saved(_, Ok(())) | FileAnswer::Locked(..) => {}
        FileAnswer::Space(folder, free) => {
            let is_ours = |project: &Project| project.work() == folder;
            if state.project.as_ref().is_some_and(is_ours) {
                state.disk_free = free;
            }
        }
        FileAnswer::Looked(found) => state.found_recent.extend(found),
        FileAnswer::Inventory {
            work,
            keyframes,
            filled,
        } => {
            if let Some(project) = &mut state.project
                && project.work() == work
            {
                project.found_pictures(&keyframes, &filled);
            }
        }
    }
    Vec::new()
}

fn file_loaded(state: &mut AppState, loaded: Loaded) -> Vec<Effect> {
    let Loaded { path, text, lock } = loaded;
    if path.ends_with(Preferences::FILE) {
        return preferences_loaded(state, text);
    }
    if state.opening.as_ref() != Some(&path) {
        return Vec::new();
    }
    state.opening = None;
    let is_autosave = !crate::app::work::is_project(&path);
    let text = match text {
        Ok(Some(text)) => text,
        // No automatic copy: nothing was begun yet.
        Ok(None) if is_autosave => return Vec::new(),
        Ok(None) => {
            let missing = format!("there is no such project: {}", path.display());
            state.found_recent.insert(path, false);
            state
                .messages
                .say(Severity::Error, plain(missing), state.now);
            return Vec::new();
        }
        Err(report) => {
            state.messages.say(Severity::Error, report, state.now);
            return Vec::new();
        }
    };
    match project::from_text(&text, files::parent(&path)) {
        Ok(file) => take_project(state, &path, file, lock),
        Err(error) => {
            let report = Report {
                summary: format!("cannot open {}", path.display()),
                causes: vec![error.to_string()],
                hint: is_autosave.then(|| "the video is opened without it".to_owned()),
                ..Report::default()
            };
            state.messages.say(Severity::Error, report, state.now);
            Vec::new()
        }
    }
}

fn take_project(
    state: &mut AppState,
    path: &Path,
    file_read: project::ProjectFile,
    lock: LockState,
) -> Vec<Effect> {
    if crate::app::work::is_project(path) {
        let access = match lock {
            LockState::Taken => Access::InUse,
            LockState::Ours | LockState::NotAsked => Access::ReadWrite,
        };
        let mut effects = opened_project(state, path, file_read, access);
        // What was changed and not saved is in the automatic copy, if there is one.
        if let Some(project) = &state.project
            && access == Access::ReadWrite
        {
            let autosave = project.autosave_path();
            state.opening = Some(autosave.clone());
            effects.push(file(FileTask::Load {
                path: autosave,
                lock: false,
            }));
        }
        return effects;
    }
    let Some(project) = &mut state.project else {
        return Vec::new();
    };
    let (was_open, is_other) = (file_read.open, file_read.edits != project.edits);
    state.crashed_before = was_open;
    let source = file_read.edits.spec.source.clone();
    if !source.as_os_str().is_empty() && source != project.edits.spec.source {
        // The copy is of another video of this name, or of before the video was moved.
        return Vec::new();
    }
    let made_from = file_read.source_state;
    project.take_in(file_read);
    project.unsaved |= is_other && project.path.is_some();
    changed_since(project, made_from);
    let inventory = file(FileTask::Inventory(project.work()));
    let mut effects = check_models(state);
    effects.push(inventory);
    effects
}

/// The source may have been looked at before it was known from which state of it results were made.
fn changed_since(project: &mut Project, made_from: Option<SourceState>) {
    let now = project.source.state;
    if let (Some(before), Some(now)) = (made_from, now)
        && before != now
    {
        project.source.trouble = Some(SourceTrouble::Changed);
    }
}

fn preferences_loaded(state: &mut AppState, text: Result<Option<String>, Report>) -> Vec<Effect> {
    match text {
        Ok(text) => {
            let (preferences, lost) = Preferences::from_text(&text.unwrap_or_default());
            if !lost.is_empty() {
                let text = format!("Some preferences could not be read: {}.", lost.join(", "));
                state
                    .messages
                    .say(Severity::Warning, plain(text), state.now);
            }
            // A file given on the command line was opened before this was known.
            let opened = std::mem::take(&mut state.preferences.recent);
            state.preferences = preferences;
            for path in opened.iter().rev() {
                state.preferences.opened(path);
            }
            let preferences = &state.preferences;
            if let Some(project) = state.project.as_mut().filter(|project| project.is_new) {
                for spec in [&mut project.edits.spec, &mut project.fresh] {
                    spec.model.clone_from(&preferences.model);
                    spec.device = preferences.device.clone();
                }
            }
        }
        Err(report) => state.messages.say(Severity::Warning, report, state.now),
    }
    check_everything(state)
}
