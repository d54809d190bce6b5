//! Changes of settings, and undo.

use std::time::Duration;

use super::super::actions::{Action, Effect, Gesture, Section, Setting};
use super::super::edits::Edits;
use super::super::history::StepName;
use super::super::state::{AppState, Project};
use super::preferences::{check_model, count_tokens};
use crate::pipeline::job::{ControlKind, ControlNetSpec, JobSpec, ModelFiles, model_files};
use crate::worker::message::Command;

/// Does an action that changes settings, or hands it back.
pub fn perform(state: &mut AppState, action: Action) -> Result<Vec<Effect>, Action> {
    Ok(match action {
        Action::Undo => step_back(state, Direction::Undo),
        Action::Redo => step_back(state, Direction::Redo),
        Action::Change {
            what,
            spec,
            gesture,
        } => change(state, what, *spec, gesture),
        Action::ResetSetting(setting) => {
            let Some(project) = &state.project else {
                return Ok(Vec::new());
            };
            let mut spec = project.edits.spec.clone();
            setting.copy(&project.fresh, &mut spec);
            change(state, setting, spec, Gesture::Finished)
        }
        Action::ResetSection(section) => reset_section(state, section),
        other => return Err(other),
    })
}

/// Takes over other settings, as one step.
pub fn change(state: &mut AppState, what: Setting, spec: JobSpec, gesture: Gesture) -> Vec<Effect> {
    let now = state.now;
    let Some(project) = &mut state.project else {
        return Vec::new();
    };
    let before = project.edits.spec.clone();
    // Source, result and working folder are the project's, not a panel's.
    let spec = JobSpec {
        source: before.source.clone(),
        out: before.out.clone(),
        work: before.work.clone(),
        ..spec
    };
    if spec == before {
        if gesture == Gesture::Finished {
            project.history.close();
        }
        return Vec::new();
    }
    project.edit(StepName::Setting(what), gesture, now, |edits| {
        edits.spec = spec;
    });
    checks(&before, state)
}

fn reset_section(state: &mut AppState, section: Section) -> Vec<Effect> {
    let now = state.now;
    let Some(project) = &mut state.project else {
        return Vec::new();
    };
    let before = project.edits.spec.clone();
    let fresh = project.fresh.clone();
    project.edit(StepName::Reset, Gesture::Finished, now, |edits| {
        for setting in section.settings() {
            setting.copy(&fresh, &mut edits.spec);
        }
    });
    checks(&before, state)
}

enum Direction {
    Undo,
    Redo,
}

fn step_back(state: &mut AppState, direction: Direction) -> Vec<Effect> {
    let now = state.now;
    let Some(project) = &mut state.project else {
        return Vec::new();
    };
    let other = match direction {
        Direction::Undo => project.history.undo(&project.edits),
        Direction::Redo => project.history.redo(&project.edits),
    };
    let Some(edits) = other else {
        return Vec::new();
    };
    let before = std::mem::replace(&mut project.edits, edits);
    project.touched(now);
    project.tidy_selection();
    checks(&before.spec, state)
}

/// Looks again at models and device if the settings name others now.
fn checks(before: &JobSpec, state: &AppState) -> Vec<Effect> {
    let Some(project) = &state.project else {
        return Vec::new();
    };
    let after = &project.edits.spec;
    let mut effects = Vec::new();
    if models(before) != models(after) {
        effects.push(check_model(state));
    }
    let words = |spec: &JobSpec| {
        let (look, model) = (spec.look.clone(), spec.model.clone());
        (
            spec.prompt.clone(),
            spec.quality.clone(),
            look,
            model,
            spec.compat,
        )
    };
    if words(before) != words(after) {
        effects.push(count_tokens(after));
    }
    if before.device != after.device {
        let device = after.device.clone();
        effects.push(Effect::Send(Command::CheckDevice(device)));
    }
    effects
}

/// The files that settings name, with what else says whether they can be used.
fn models(spec: &JobSpec) -> (ModelFiles, ControlKind) {
    let mut files = model_files(spec);
    for net in &mut files.controlnets {
        let ControlNetSpec {
            path,
            control,
            clip,
            ..
        } = std::mem::take(net);
        *net = ControlNetSpec {
            path,
            control,
            clip,
            ..ControlNetSpec::default()
        };
    }
    for lora in &mut files.loras {
        lora.strength = 1.0;
    }
    (files, spec.control)
}

impl Project {
    /// Makes a change that can be undone.
    pub(in crate::app) fn edit(
        &mut self,
        name: StepName,
        gesture: Gesture,
        now: Duration,
        change: impl FnOnce(&mut Edits),
    ) {
        let before = self.edits.clone();
        change(&mut self.edits);
        if self.edits == before {
            return;
        }
        self.history.record(name, &before, gesture);
        self.touched(now);
    }

    /// Notes that there is something to save.
    pub(in crate::app) fn touched(&mut self, now: Duration) {
        self.unsaved = true;
        self.changed_at.get_or_insert(now);
    }
}
