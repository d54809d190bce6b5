//! The marks on the timeline: every keyframe with its state, batch and shot.

use crate::frame::FrameIdx;
use crate::worker::message::{BatchIdx, Plan, Shot};

use super::fingerprint::{batch_fingerprints, fill_fingerprint};
use super::state::{AppState, JobKind, Project};

/// What a keyframe looks like on timeline and grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The frame.
    pub frame: FrameIdx,
    /// Its state.
    pub state: MarkState,
    /// Whether it is never redone.
    pub locked: bool,
    /// The batch it is translated in.
    pub batch: BatchIdx,
    /// Its shot, counted from 0.
    pub shot: usize,
    /// Whether it is one of the [ends](super::edits::Edits::ends) of its shot, which cannot be removed.
    pub is_end: bool,
}

/// How far a keyframe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkState {
    /// ◇ Not translated yet.
    Planned,
    /// ◐ In the batch that is being translated.
    Working {
        /// Steps done.
        step: usize,
        /// Of how many.
        n_steps: usize,
    },
    /// ◆ Translated with the settings as they are.
    Done,
    /// ◆! Translated with other settings.
    OutOfDate,
    /// ✕ Its batch failed.
    Failed,
}

impl Mark {
    /// Its shape.
    #[must_use]
    pub fn glyph(&self) -> &'static str {
        match self.state {
            MarkState::Planned => "◇",
            MarkState::Working { .. } => "◐",
            MarkState::Done if self.locked => "◈",
            MarkState::Done => "◆",
            MarkState::OutOfDate => "◆!",
            MarkState::Failed => "✕",
        }
    }

    /// Its state in words.
    #[must_use]
    pub fn word(&self) -> String {
        match self.state {
            MarkState::Planned => "planned".to_owned(),
            MarkState::Working { step, n_steps } => format!("working, step {step} of {n_steps}"),
            MarkState::Done if self.locked => "locked".to_owned(),
            MarkState::Done => "done".to_owned(),
            MarkState::OutOfDate => "out of date".to_owned(),
            MarkState::Failed => "failed".to_owned(),
        }
    }

    /// What a screen reader says.
    #[must_use]
    pub fn description(&self) -> String {
        format!(
            "Keyframe {}, {}, shot {}, batch {}",
            self.frame,
            self.word(),
            self.shot + 1,
            self.batch.0 + 1
        )
    }
}

/// Shots, keyframes and batches as the settings say; nothing before the source was surveyed.
#[must_use]
pub fn plan(project: &Project) -> Option<Plan> {
    let survey = project.source.survey.as_ref()?;
    let edits = &project.edits;
    let shots = edits.shots(survey);
    let keyframes = edits.keyframes(survey);
    let of_shot = |shot: &Shot| {
        let inside = keyframes.iter().copied();
        inside.filter(|frame| shot.contains(*frame)).collect()
    };
    let lists: Vec<Vec<FrameIdx>> = shots.iter().map(of_shot).collect();
    let partition = edits.choices().partition;
    Plan::new(shots, &lists, edits.spec.batch_size.max(3), partition).ok()
}

/// Whether the frames between keyframes were made from the keyframes as the settings want them now.
#[must_use]
pub fn in_betweens_are_current(state: &AppState, project: &Project) -> bool {
    let precision = state.told_apart(state.preferences.precision);
    let results = &project.results;
    let Some(plan) = plan(project) else {
        return false;
    };
    results.filled.is_empty()
        || results.filled_with == Some(fill_fingerprint(&project.edits.spec, precision, &plan))
}

/// All keyframes with their states, in order.
#[must_use]
pub fn marks(state: &AppState) -> Vec<Mark> {
    let Some(project) = &state.project else {
        return Vec::new();
    };
    let Some(plan) = plan(project) else {
        return Vec::new();
    };
    let working = working_batch(state);
    let precision = state.told_apart(state.preferences.precision);
    let fingerprints = batch_fingerprints(&project.edits.spec, precision, &plan);
    let mut marks = Vec::new();
    for ((i, batch), wanted) in plan.batches().iter().enumerate().zip(&fingerprints) {
        let shot = &plan.shots()[batch.shot];
        for &frame in &batch.new {
            let result = project.results.keyframes.get(&frame);
            let locked = project.edits.locked.contains(&frame);
            let of_working = working.as_ref().is_some_and(|batch| batch.contains(&frame));
            let state = match result {
                _ if project.results.failed.contains_key(&frame) => MarkState::Failed,
                Some(result) if locked || result.made_with == *wanted => MarkState::Done,
                _ if of_working => working_state(project, frame),
                None => MarkState::Planned,
                Some(_) => MarkState::OutOfDate,
            };
            marks.push(Mark {
                frame,
                state,
                locked,
                batch: BatchIdx(i),
                shot: batch.shot,
                is_end: project.edits.ends(shot).contains(&frame),
            });
        }
    }
    marks
}

fn working_state(project: &Project, frame: FrameIdx) -> MarkState {
    let preview = project.results.previews.get(&frame);
    MarkState::Working {
        step: preview.map_or(0, |preview| preview.step),
        n_steps: preview.map_or(project.edits.spec.steps, |preview| preview.n_steps),
    }
}

/// Keyframes of the first batch of the running job that is not finished.
fn working_batch(state: &AppState) -> Option<Vec<FrameIdx>> {
    let job = state.job.as_ref()?;
    let is_translation = job.kind == JobKind::Translate;
    let plan = job.plan.as_ref().filter(|_| is_translation)?;
    let mut before = 0;
    for batch in plan.batches() {
        before += batch.new.len();
        if job.keyframes_done < before {
            return Some(batch.new.clone());
        }
    }
    None
}
