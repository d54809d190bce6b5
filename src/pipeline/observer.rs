//! What a running job tells, and the one thing it asks: whether to go on.
//!
//! The pipeline knows this trait and nothing of who listens.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::error::Error;
use super::foretold::ForetoldMemory;
use super::memory_meter::MeasuredMemory;
use super::plan::Plan;
use super::sample::Sample;
use crate::frame::{Frame, FrameIdx};

/// Listens to one job.
pub trait Observer: Sync {
    /// Waits while the job is paused. Called once per denoising step, per optimiser iteration, per
    /// synthesised frame and per read from ffmpeg, so that pause and cancel act within one of them.
    ///
    /// # Errors
    /// [`Cancelled`] if the job is to stop; everything finished is kept.
    fn checkpoint(&self) -> Result<(), Cancelled>;

    /// The work is known and begins.
    fn started(&self, plan: &Plan) {
        let _ = plan;
    }

    /// A stage begins.
    fn stage(&self, stage: Stage) {
        let _ = stage;
    }

    /// How far the current stage is, finer than its products. Work found done in the journal is
    /// reported before the first own work of the stage, so that it does not count as fast.
    fn progress(&self, progress: Progress) {
        let _ = progress;
    }

    /// A keyframe's picture is on disk, whether made now or found in the journal.
    fn keyframe(&self, frame: FrameIdx, path: &Path) {
        let _ = (frame, path);
    }

    /// Whether anybody looks at previews now; making one costs time.
    fn preview_wanted(&self) -> bool {
        false
    }

    /// A picture of an unfinished keyframe.
    fn preview(&self, frame: FrameIdx, picture: Arc<Frame>) {
        let _ = (frame, picture);
    }

    /// Rough pictures of all new keyframes of a batch, as they look after a step.
    fn batch_preview(&self, step: StepOf, pictures: Vec<(FrameIdx, Arc<Frame>)>) {
        let _ = step;
        for (frame, picture) in pictures {
            self.preview(frame, picture);
        }
    }

    /// Something did not go as wished, and the job goes on.
    fn warning(&self, warning: Warning) {
        let _ = warning;
    }

    /// What batches will take of the device's memory.
    fn memory_foretold(&self, memory: ForetoldMemory) {
        let _ = memory;
    }

    /// What a batch took of the device's memory, where its allocator tells.
    fn memory(&self, memory: MeasuredMemory) {
        let _ = memory;
    }

    /// The engine is free for a moment: samples that wait can be made with `make`.
    fn interlude(&self, make: &mut MakeSample<'_>) {
        let _ = make;
    }
}

/// Makes a sample with the engine of the job that is running.
pub type MakeSample<'a> = dyn FnMut(Sample<'_>, &dyn Observer) -> Result<Frame, Error> + 'a;

/// The job is to stop, because somebody said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Part of a job, in the order they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Frames are read and looked at.
    Analyse,
    /// Keyframes are translated.
    Keyframes,
    /// The frames between keyframes are filled.
    InBetweens,
    /// The result is written.
    Encode,
    /// A result is measured: not part of a translation.
    Evaluate,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Analyse => "Analyse",
            Self::Keyframes => "Keyframes",
            Self::InBetweens => "In-betweens",
            Self::Encode => "Encode",
            Self::Evaluate => "Evaluate",
        })
    }
}

/// What progress counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Frames of the video.
    Frames,
    /// Denoising steps of all batches.
    Steps,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Frames => "frames",
            Self::Steps => "steps",
        })
    }
}

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Finished units.
    pub done: usize,
    /// All units of the stage.
    pub total: usize,
    /// What is counted.
    pub unit: Unit,
}

/// A denoising step among those that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StepOf {
    /// Steps done.
    pub step: usize,
    /// Steps that run.
    pub executed: usize,
}

/// Trouble that does not end the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What happened and what it means for the result.
    pub summary: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What a finished job has made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The written and checked file.
    pub out: PathBuf,
    /// Frames in it.
    pub frames: usize,
    /// Keyframes among them.
    pub keyframes: usize,
    /// Its length.
    pub duration_secs: f64,
    /// Time each stage took, in their order.
    pub stage_secs: Vec<(Stage, f64)>,
    /// What else is worth knowing, one sentence each.
    pub notes: Vec<String>,
}

/// Tells when stages begin and counts the seconds of each.
#[derive(Debug, Default)]
pub struct StageClock {
    finished: Vec<(Stage, f64)>,
    running: Option<(Stage, Instant)>,
}

impl StageClock {
    /// A stage begins, and the one before ends.
    pub fn start(&mut self, stage: Stage, observer: &dyn Observer) {
        self.lap();
        observer.stage(stage);
        self.running = Some((stage, Instant::now()));
    }

    fn lap(&mut self) {
        if let Some((stage, began)) = self.running.take() {
            self.finished.push((stage, began.elapsed().as_secs_f64()));
        }
    }

    /// The last stage ends; seconds of each, in their order.
    #[must_use]
    pub fn stop(mut self) -> Vec<(Stage, f64)> {
        self.lap();
        self.finished
    }
}
