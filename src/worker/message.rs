//! The protocol between the worker and whoever listens: plain data, nothing borrowed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::frame::{Frame, FrameIdx};
use crate::pipeline::job::{ControlKind, DeviceChoice, FillSpec, JobSpec};

pub use super::downloads::{DownloadState, GetModel};
pub use super::files::{FileAnswer, FileTask, Loaded, LockState};
pub use super::report::Report;
pub use crate::pipeline::annotator::weights_are_there;
pub use crate::pipeline::compat::Choices;
pub use crate::pipeline::controlnets::{LooksAt, own_control, proposed_control};
pub use crate::pipeline::engine::DeviceStatus;
pub use crate::pipeline::evaluate::Measures;
pub use crate::pipeline::export::{
    ExportQuality, ExportSettings, ExportSize, ExportSpec, Missing, Sound, VideoCodec,
};
pub use crate::pipeline::foretold::ForetoldMemory;
pub use crate::pipeline::keyframes::KeyframeRule;
pub use crate::pipeline::memory::{BatchLoad, NetworkSizes, batch_bytes, frames_that_fit};
pub use crate::pipeline::memory_meter::MeasuredMemory;
pub use crate::pipeline::model_manager::{
    CheckedBy, Entry, Found, Hub, Library, ModelId, ModelSources, NOT_SD15, Owner, Places, Receipt,
    Role, Secret, State, catalogue, entry,
};
pub use crate::pipeline::observer::{Progress, Stage, StepOf, Summary, Unit};
pub use crate::pipeline::overlay::{
    OverlayKey, OverlayKind, OverlaySpec, UNMATCHED, flow_colour, full_colour,
};
pub use crate::pipeline::plan::{Batch, BatchIdx, Plan};
pub use crate::pipeline::shots::{Shot, shots_between};
pub use crate::pipeline::survey::Survey;
pub use crate::pipeline::tokens::TokenCount;
pub use crate::pipeline::trial::TrialSpec;
pub use crate::pipeline::trouble::Trouble;
pub use crate::pipeline::work::{Pace, Work, disk_bytes};
pub use crate::video::{Ratio, TimestampIndex, VideoInfo};

/// Names one job; chosen by the sender, who uses each number once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

/// What the worker is asked to do. Jobs and checks run in order; opening and files do not wait for them.
#[derive(Clone, Debug)]
pub enum Command {
    /// Look at a video; answered by [`Event::Probed`].
    Probe(PathBuf),
    /// Look at every frame of a video, on a thread of its own; answered by [`Event::Source`]. The newest wins.
    Open(PathBuf),
    /// Stop looking at a video.
    CloseSource,
    /// Read or write a small file, on a thread of its own, in order; answered by [`Event::File`].
    File(FileTask),
    /// Use another ffmpeg than the one on the path, and look at it; answered by [`Event::Ffmpeg`].
    UseFfmpeg(Option<PathBuf>),
    /// See whether the models that settings name can be used, some of them by their names in these places; answered by
    /// [`Event::Model`].
    CheckModel(Box<JobSpec>, Box<Places>),
    /// Count the tokens of the prompt, on a thread of its own; answered by [`Event::Tokens`]. The newest wins.
    CountTokens(Box<JobSpec>),
    /// Look for models on this machine; answered by [`Event::Models`].
    ScanModels(Box<Places>),
    /// Look for helper networks and LoRAs in other places.
    UseModels(Box<Places>),
    /// Fetch a model of the catalogue, on a thread of its own, in order; answered by [`Event::Download`].
    GetModel(ModelId, Box<GetModel>),
    /// Open the device; answered by [`Event::Device`].
    CheckDevice(DeviceChoice),
    /// Write finished pictures to a file; answered by job events.
    Export(JobId, Box<ExportSpec>),
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
            Self::Translate(job, _)
            | Self::Fill(job, _)
            | Self::Evaluate(job, ..)
            | Self::Export(job, _) => Some(*job),
            _ => None,
        }
    }
}

/// What happened. Events queue and none is lost.
#[derive(Clone, Debug)]
pub enum Event {
    /// Answer to [`Command::Probe`].
    Probed(Result<Box<VideoInfo>, Report>),
    /// News of the video that is being opened; the path is the one that was asked for.
    Source(PathBuf, SourceEvent),
    /// Answer to [`Command::File`].
    File(FileAnswer),
    /// Answer to [`Command::UseFfmpeg`].
    Ffmpeg(Result<FfmpegStatus, Report>),
    /// Answer to [`Command::CheckModel`].
    Model(Result<ModelStatus, Report>),
    /// Answer to [`Command::CountTokens`]; nothing if the model has no vocabulary.
    Tokens(Option<TokenCount>),
    /// Answer to [`Command::ScanModels`].
    Models(Result<Box<Library>, Report>),
    /// News of a download.
    Download(ModelId, DownloadState),
    /// Answer to [`Command::CheckDevice`].
    Device(Result<DeviceStatus, Report>),
    /// A *try* goes on or has ended; the number is the request's.
    Trial(u64, TrialEvent),
    /// News of a job.
    Job(JobId, JobEvent),
}

/// News of a video that is being opened. One of the last three ends it.
#[derive(Clone, Debug)]
pub enum SourceEvent {
    /// Facts from the container, and which state of the file they are about.
    Info(Arc<VideoInfo>, SourceState),
    /// When each frame is shown; damage is told too, and then only the frames before it are there.
    Times(Arc<TimestampIndex>, Option<Report>),
    /// Small pictures.
    Thumbnails(Vec<(FrameIdx, Arc<Frame>)>),
    /// So many frames were looked at.
    Surveyed(usize),
    /// Shots and motion.
    Done(Arc<Survey>),
    /// It is not there.
    Missing,
    /// It cannot be used.
    Failed(Report),
}

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceState {
    /// Its length.
    pub bytes: u64,
    /// When it was changed, in seconds since 1970.
    pub modified_secs: u64,
}

/// News of a *try*.
#[derive(Clone, Debug)]
pub enum TrialEvent {
    /// It waits, because a job is running.
    Waits,
    /// It begins.
    Started,
    /// Here it is.
    Done(Arc<Frame>),
    /// A newer request took its place.
    Replaced,
    /// It did not work.
    Failed(Report),
}

/// A *try*: a sample, of which only the newest counts.
#[derive(Clone, Debug, PartialEq)]
pub struct TryRequest {
    /// Its number, chosen by the sender.
    pub request: u64,
    /// What to try.
    pub trial: TrialSpec,
}

/// What is laid over a frame: a sample, of which only the newest counts.
#[derive(Clone, Debug)]
pub struct OverlayPicture {
    /// Which.
    pub key: OverlayKey,
    /// The video that it is of.
    pub source: PathBuf,
    /// The picture, or why there is none.
    pub picture: Result<Arc<Frame>, Report>,
}

/// The ffmpeg that is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FfmpegStatus {
    /// Its version.
    pub version: String,
    /// Codecs that exports can use with it.
    pub codecs: Vec<VideoCodec>,
    /// The program that is meant, if not the one on the path.
    pub path: Option<PathBuf>,
}

/// The models that settings name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelStatus {
    /// What they are called.
    pub name: String,
    /// Whether it is the bundled demo model.
    pub is_demo: bool,
    /// Whether there is a `ControlNet`.
    pub has_control: bool,
    /// Which helper networks are there; classical methods stand in for the others.
    pub helpers: HelpersFound,
    /// How large its networks are: what memory and time depend on.
    pub sizes: NetworkSizes,
    /// The control that suits it and has all that it needs.
    pub proposed_control: ControlKind,
}

/// Helper networks whose weights are on this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HelpersFound {
    /// `GMFlow`, which finds motion.
    pub gmflow: bool,
    /// Name of the network that finds what is salient, if there is one.
    pub saliency: Option<&'static str>,
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
    /// What batches will take of the device's memory.
    MemoryForetold(ForetoldMemory),
    /// What a batch took of the device's memory, where its allocator tells.
    Memory(MeasuredMemory),
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

/// Pictures of unfinished frames: a sample, of which only the newest counts.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Whose they are.
    pub of: PreviewOf,
    /// The step after which they look so, if they are of a step.
    pub step: Option<StepOf>,
    /// The frames and their pictures.
    pub pictures: Vec<(FrameIdx, Arc<Frame>)>,
}

/// Whose previews they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewOf {
    /// A job's.
    Job(JobId),
    /// A *try*'s, by the number of the request.
    Trial(u64),
}

/// Names one picture of source or result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PictureKey {
    /// A frame of the opened video.
    Source(FrameIdx),
    /// A picture file; the number tells versions of it apart.
    File(PathBuf, u64),
    /// The control image of a frame.
    Control(FrameIdx, ControlLook),
}

/// How control images are made: what their pictures depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControlLook {
    /// Canny's thresholds; soft edges without.
    pub canny: Option<(u8, u8)>,
    /// Short side at which they are made.
    pub short_side: u32,
}

/// Pictures that the window wants now, the most wanted first; each request replaces the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaRequest {
    /// What is to be shown.
    pub wanted: Vec<PictureKey>,
    /// Frames of the source to decode ahead of the last wanted one: playing forwards.
    pub ahead: usize,
}

/// An answer to a [`MediaRequest`].
#[derive(Clone, Debug)]
pub struct MediaPicture {
    /// Which picture.
    pub key: PictureKey,
    /// The picture, or why there is none.
    pub picture: Result<Arc<Frame>, Report>,
    /// Whether it is only a small picture of the same frame, to be shown until the other comes.
    pub is_stand_in: bool,
}
