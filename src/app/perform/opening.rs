//! Opening videos and projects.

use std::path::{Path, PathBuf};

use super::super::actions::Effect;
use super::super::messages::{Severity, plain};
use super::super::project::ProjectFile;
use super::super::settings::fresh_spec;
use super::super::state::{Access, AppState, KeyframeResult, Project, Source};
use super::super::work;
use super::preferences::{check_models, save_preferences};
use super::saving::clean_closing;
use super::tasks::{file, load};
use crate::files;
use crate::pipeline::job::{JobSpec, Preset};
use crate::worker::message::{Command, FileTask};

/// The prompt of the demonstration.
const DEMO_PROMPT: &str = "neon outlines";

/// What to do once the open project is left.
pub enum AfterLeaving {
    /// Show the start screen.
    Nothing,
    /// Open a video or a project.
    Open(PathBuf),
    /// Open the bundled clip.
    Demo,
}

/// Leaves the open project, whose state is kept by itself, and goes on.
pub fn leave(state: &mut AppState, then: AfterLeaving) -> Vec<Effect> {
    if state.job.is_some() {
        let text = "A job is running. Cancel it before another video is opened.";
        state
            .messages
            .say(Severity::Warning, plain(text), state.now);
        return Vec::new();
    }
    let mut effects = clean_closing(state);
    state.project = None;
    state.finished_jobs.clear();
    effects.push(Effect::Send(Command::CloseSource));
    match then {
        AfterLeaving::Nothing => {
            let recent = state.preferences.recent.clone();
            effects.push(file(FileTask::Look(recent)));
        }
        AfterLeaving::Open(path) => effects.extend(open(state, path)),
        AfterLeaving::Demo => {
            let path = state.folders.data.join("demo-clip.mp4");
            let spec = demo_spec(path.clone());
            effects.push(Effect::WriteDemoClip(path.clone()));
            effects.extend(open_video(state, path, spec));
        }
    }
    effects
}

/// Opens a video or a project.
pub fn open(state: &mut AppState, path: PathBuf) -> Vec<Effect> {
    if work::is_project(&path) {
        state.opening = Some(path.clone());
        return vec![load(path, true)];
    }
    let spec = JobSpec {
        source: path.clone(),
        device: state.preferences.device.clone(),
        model: state.preferences.model.clone(),
        control: state.models.control.unwrap_or(fresh_spec().control),
        seed: seed_of(&path),
        ..fresh_spec()
    };
    let mut effects = open_video(state, path, spec);
    effects.extend(remember(state));
    effects
}

/// A new project on a video. What is left of an earlier one on the same video is looked for.
fn open_video(state: &mut AppState, path: PathBuf, spec: JobSpec) -> Vec<Effect> {
    let home = work::home_of(&path, state.work_folders());
    let project = Project::new(spec, home);
    let autosave = project.autosave_path();
    state.project = Some(project);
    state.opening = Some(autosave.clone());
    // The folder is held before what is in it is read.
    let mut effects = vec![
        file(FileTask::Lock(autosave.clone())),
        load(autosave, false),
        Effect::Send(Command::Open(path)),
    ];
    effects.extend(check_models(state));
    effects
}

/// Settings that suit the bundled clip and model.
fn demo_spec(clip: PathBuf) -> JobSpec {
    let mut guidance = JobSpec::default().guidance;
    guidance.consistency = Preset::Light;
    JobSpec {
        source: clip,
        prompt: DEMO_PROMPT.to_owned(),
        guidance_scale: 3.0,
        steps: 15,
        size: Some(256),
        control_strength: 1.25,
        guidance,
        ..fresh_spec()
    }
}

/// A seed for a new project: from its path, so that opening a video again gives the same pictures.
fn seed_of(path: &Path) -> u32 {
    let hash = files::ContentHash::of_bytes(path.as_os_str().as_encoded_bytes());
    u32::from_str_radix(&hash.as_str()[..8], 16).unwrap_or(0)
}

/// A project file or autosave was read: takes its place.
pub(in crate::app) fn opened_project(
    state: &mut AppState,
    path: &Path,
    kept: ProjectFile,
    access: Access,
) -> Vec<Effect> {
    let is_saved = work::is_project(path);
    let folder = files::parent(path).to_owned();
    let home = if is_saved {
        work::work_beside(path)
    } else {
        folder
    };
    // The source goes on being looked at if it is the same.
    let before = state.project.take();
    let same = before.filter(|before| before.edits.spec.source == kept.edits.spec.source);
    let source = same.map(|before| before.source);
    let is_new = source.is_none();
    let mut project = Project::new(kept.edits.spec.clone(), home);
    project.path = is_saved.then(|| path.to_owned());
    project.access = if kept.is_newer { Access::Newer } else { access };
    project.fresh = JobSpec {
        source: kept.edits.spec.source.clone(),
        ..fresh_spec()
    };
    project.take_in(kept);
    if let Some(source) = source {
        let made_from = project.source.made_from;
        project.source = Source {
            made_from,
            ..source
        };
    }
    let video = project.edits.spec.source.clone();
    let inventory = FileTask::Inventory(project.work());
    state.project = Some(project);
    let mut effects = check_models(state);
    effects.push(file(inventory));
    if is_new {
        effects.push(Effect::Send(Command::Open(video)));
    }
    effects.extend(remember(state));
    effects
}

impl Project {
    /// Takes over what a file says.
    pub(in crate::app) fn take_in(&mut self, file: ProjectFile) {
        let work = self.work();
        self.is_new = false;
        self.edits = file.edits;
        self.view = file.view;
        self.source.made_from = file.source_state;
        self.unknown = file.unknown;
        self.results.unfinished = file.unfinished;
        self.results.filled_with = file.filled_with;
        for (frame, made_with) in file.made_with {
            let path = work.join("keyframes").join(format!("{frame:06}.png"));
            let result = KeyframeResult {
                path,
                made_with,
                version: 0,
            };
            self.results.keyframes.insert(frame, result);
        }
    }
}

/// Puts the project on the recent list.
pub fn remember(state: &mut AppState) -> Vec<Effect> {
    let Some(project) = &state.project else {
        return Vec::new();
    };
    let path = project.path.clone();
    let path = path.unwrap_or_else(|| project.edits.spec.source.clone());
    state.preferences.opened(&path);
    state.found_recent.insert(path, true);
    vec![save_preferences(state)]
}
