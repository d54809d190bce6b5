//! The protocol between the worker and whoever listens: plain data, nothing borrowed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::frame::{Frame, FrameIdx};
use crate::pipeline::job::{FillSpec, JobSpec};

pub use super::report::Report;
pub use crate::pipeline::evaluate::Measures;
pub use crate::pipeline::observer::{Progress, Stage, Summary, Unit};
pub use crate::pipeline::plan::Plan;
pub use crate::video::VideoInfo;

/// Names one job; chosen by the sender, who uses each number once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

/// What the worker is asked to do, in order.
#[derive(Clone, Debug)]
pub enum Command {
    /// Look at a video; answered by [`Event::Probed`].
    Probe(PathBuf),
    /// Translate a video; answered by job events, the last of which ends the job.
    Translate(JobId, Box<JobSpec>),
    /// Fill the frames between keyframes that exist; answered by job events.
    Fill(JobId, Box<FillSpec>),
    /// Measure a result, named last, against its source; answered by job events.
    Evaluate(JobId, PathBuf, PathBuf),
    /// End the thread; jobs that still wait are cancelled.
    Shutdown,
}

impl Command {
    /// The job that it begins, if it begins one.
    #[must_use]
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::Translate(job, _) | Self::Fill(job, _) | Self::Evaluate(job, ..) => Some(*job),
            Self::Probe(_) | Self::Shutdown => None,
        }
    }
}

/// What happened. Events queue and none is lost.
#[derive(Clone, Debug)]
pub enum Event {
    /// Answer to [`Command::Probe`].
    Probed(Result<Box<VideoInfo>, Report>),
    /// News of a job.
    Job(JobId, JobEvent),
}

/// News of a job. Exactly one of the last four ends it, and nothing follows that one.
#[derive(Clone, Debug)]
pub enum JobEvent {
    /// The work is known and begins.
    Started(Plan),
    /// A stage begins.
    Stage(Stage),
    /// A keyframe's picture is on disk.
    Keyframe {
        /// The keyframe.
        frame: FrameIdx,
        /// Its picture.
        path: PathBuf,
    },
    /// Something did not go as wished, and the job goes on.
    Warning(Report),
    /// Done and verified.
    Finished(Summary),
    /// What [`Command::Evaluate`] measured.
    Evaluated(Measures),
    /// Stopped on request; everything finished is kept.
    Cancelled,
    /// Ended without a result; everything finished is kept.
    Failed(Report),
}

impl JobEvent {
    /// Whether this event ends its job.
    #[must_use]
    pub fn is_last(&self) -> bool {
        matches!(
            self,
            Self::Finished(_) | Self::Evaluated(_) | Self::Cancelled | Self::Failed(_)
        )
    }
}

/// How far a job is: a sample, of which only the newest counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JobProgress {
    /// The job.
    pub job: JobId,
    /// The current stage.
    pub stage: Stage,
    /// How far that stage is.
    pub progress: Progress,
    /// Time the stage has left, smoothed; unknown until some of it was measured.
    pub left: Option<Duration>,
}

/// A picture of an unfinished keyframe: a sample, of which only the newest counts.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The job.
    pub job: JobId,
    /// The keyframe.
    pub frame: FrameIdx,
    /// The picture.
    pub picture: Arc<Frame>,
}
