//! What the window remembers. Panels read it, [`perform`](super::perform) and [`update`](super::update) alone change it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::actions::Setting;
use super::edits::Edits;
use super::export::ExportDraft;
use super::history::History;
use super::memory_ratios::MeasuredOn;
use super::messages::Messages;
use super::models::Models;
use super::preferences::Preferences;
use super::view::ViewState;
use super::work_left::MeasuredFrom;
use crate::frame::{Frame, FrameIdx};
use crate::pipeline::job::JobSpec;
use crate::worker::message::{
    DeviceStatus, FfmpegStatus, JobId, JobProgress, ModelId, ModelStatus, Plan, Report,
    SourceState, Stage, Summary, Survey, TimestampIndex, TokenCount, VideoInfo, Work,
};

/// Everything the window shows.
#[derive(Debug, Default)]
pub struct AppState {
    /// The open project; the start screen is shown without one.
    pub project: Option<Project>,
    /// This user's settings.
    pub preferences: Preferences,
    /// Which of the recent files are there; those not named have not been looked for yet.
    pub found_recent: BTreeMap<PathBuf, bool>,
    /// How long the prompt is; unknown without a vocabulary.
    pub tokens: Option<TokenCount>,
    /// Free bytes on the disk of the working folder; unknown where the system does not tell.
    pub disk_free: Option<u64>,
    /// Whether the model that the settings name can be used.
    pub model: Check<ModelStatus>,
    /// The models of this machine.
    pub models: Models,
    /// Where the networks run.
    pub device: Check<DeviceStatus>,
    /// The program that reads and writes video.
    pub ffmpeg: Check<FfmpegStatus>,
    /// The job that runs or waits, if any.
    pub job: Option<RunningJob>,
    /// How earlier jobs ended, newest last.
    pub finished_jobs: Vec<FinishedJob>,
    /// What the user was told.
    pub messages: Messages,
    /// Dialogs, the topmost last.
    pub dialogs: Vec<Dialog>,
    /// Time since the window opened, as of the last [`Action::Tick`](super::Action::Tick).
    pub now: Duration,
    /// The project file or automatic copy that is being read.
    pub opening: Option<PathBuf>,
    /// Whether the stopped job begins again with the settings as they are now.
    pub restart: bool,
    /// Where files go that have no place of their own yet.
    pub folders: Folders,
    /// A setting that wants the keyboard's focus; the panel that shows it takes it with [`Action::Focused`](super::Action::Focused).
    pub focus: Option<Setting>,
    /// Whether the last run of the program ended unexpectedly.
    pub crashed_before: bool,
    /// Number of the next job.
    pub next_job: u64,
    /// Set once the window may close.
    pub quitting: bool,
}

pub use super::results::{KeyframePreview, KeyframeResult, Results, Trial, TrialState};
pub use crate::files::UserFolders as Folders;

/// Something that is looked at on another thread.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Check<T> {
    /// No answer yet.
    #[default]
    Unknown,
    /// It can be used.
    Ready(T),
    /// It cannot be used, and why.
    Failed(Report),
}

impl<T> Check<T> {
    /// The answer, if it is a good one.
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Unknown | Self::Failed(_) => None,
        }
    }
}

/// An open project: one video and what is to become of it.
#[derive(Debug)]
pub struct Project {
    /// Its file; none before it is first saved.
    pub path: Option<PathBuf>,
    /// Where autosaves and an unsaved project's results go.
    pub home: PathBuf,
    /// Whether it may be changed on disk.
    pub access: Access,
    /// What a setting is reset to.
    pub fresh: JobSpec,
    /// Whether no file says which settings were chosen.
    pub is_new: bool,
    /// What undo covers: settings, keyframes, shots, range, locks.
    pub edits: Edits,
    /// Steps of undo and redo.
    pub history: History,
    /// The video.
    pub source: Source,
    /// Finished pictures.
    pub results: Results,
    /// What the last *try* gave.
    pub trial: Option<Trial>,
    /// How it is looked at.
    pub view: ViewState,
    /// Whether there are changes that the project file has not.
    pub unsaved: bool,
    /// When the oldest change was made that no autosave holds.
    pub changed_at: Option<Duration>,
    /// What the file holds that this version does not know; written back as it is.
    pub unknown: toml::Table,
}

/// Whether a project may be written to its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Yes.
    #[default]
    ReadWrite,
    /// No: a newer version of the program made it.
    Newer,
    /// No: another window has it open.
    InUse,
}

/// The opened video, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Facts from the container.
    pub info: Option<Arc<VideoInfo>>,
    /// When each frame is shown; the number of frames is known from here on.
    pub times: Option<Arc<TimestampIndex>>,
    /// Shots and motion; keyframes are suggested from here on.
    pub survey: Option<Arc<Survey>>,
    /// Small pictures for timeline and scrubbing.
    pub thumbnails: BTreeMap<FrameIdx, Arc<Frame>>,
    /// Frames looked at so far, while the survey runs.
    pub surveyed: usize,
    /// The file as it is.
    pub state: Option<SourceState>,
    /// The file as it was when results were made.
    pub made_from: Option<SourceState>,
    /// What is wrong with it.
    pub trouble: Option<SourceTrouble>,
}

/// Why a source cannot be used, or not as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceTrouble {
    /// The file is not where it was.
    Moved,
    /// The file is another than at the last translation.
    Changed,
    /// It is no video, or has one frame.
    Unusable(Report),
    /// Reading stops early.
    Broken {
        /// Frames that can be used.
        readable: usize,
        /// What was said.
        report: Report,
    },
}

impl Source {
    /// How many frames there are, once that is known.
    #[must_use]
    pub fn n_frames(&self) -> Option<usize> {
        self.times.as_ref().map(|times| times.len())
    }

    /// When a frame is shown, in seconds from the first.
    #[must_use]
    pub fn seconds_at(&self, frame: FrameIdx) -> Option<f64> {
        let times = self.times.as_ref()?;
        let (first, time) = (*times.pts().first()?, *times.pts().get(frame.0)?);
        Some((time - first) as f64 * times.time_base().as_f64())
    }

    /// The frame shown at a time, in seconds from the first.
    #[must_use]
    pub fn frame_at(&self, seconds: f64) -> Option<FrameIdx> {
        let times = self.times.as_ref()?;
        let first = *times.pts().first()? as f64;
        let tick = times.time_base().as_f64();
        let after = times
            .pts()
            .partition_point(|&time| (time as f64 - first) * tick <= seconds + 1e-9);
        Some(FrameIdx(after.saturating_sub(1)))
    }

    /// The small picture nearest to a frame.
    #[must_use]
    pub fn nearest_thumbnail(&self, frame: FrameIdx) -> Option<&Arc<Frame>> {
        let before = self.thumbnails.range(..=frame).next_back();
        let after = self.thumbnails.range(frame..).next();
        let nearest = before
            .into_iter()
            .chain(after)
            .min_by_key(|(at, _)| at.0.abs_diff(frame.0));
        nearest.map(|(_, picture)| picture)
    }
}

/// A job that runs, is paused, or waits for the worker.
#[derive(Clone, Debug)]
pub struct RunningJob {
    /// Its number.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// The settings that it runs with.
    pub spec: Box<JobSpec>,
    /// What is done to it.
    pub phase: JobPhase,
    /// Its plan, once known.
    pub plan: Option<Plan>,
    /// The stage it is in.
    pub stage: Option<Stage>,
    /// How far that is.
    pub progress: Option<JobProgress>,
    /// When it began.
    pub began: Duration,
    /// Keyframes finished so far.
    pub keyframes_done: usize,
    /// Which.
    pub finished: BTreeSet<FrameIdx>,
    /// Whether it is to end after its keyframes.
    pub stop_after_keyframes: bool,
    /// Warnings so far.
    pub warnings: Vec<Report>,
    /// The fingerprint that each keyframe will have.
    pub made_with: BTreeMap<FrameIdx, String>,
    /// How much work all of it is, if that is known.
    pub work: Option<Work>,
    /// What a measurement of its memory holds for, if that is known.
    pub measured_on: Option<MeasuredOn>,
    /// The progress from which its pace is measured.
    pub measured_from: Option<MeasuredFrom>,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Translates the video.
    Translate,
    /// Writes a file.
    Export,
}

/// What is done to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobPhase {
    /// It runs, or will as soon as the worker is free.
    Working,
    /// It waits for the user.
    Paused,
    /// It was told to stop and has not said that it did.
    Stopping,
}

/// A job that has ended.
#[derive(Clone, Debug)]
pub struct FinishedJob {
    /// Its number.
    pub id: JobId,
    /// What it did.
    pub kind: JobKind,
    /// How it ended.
    pub ending: Ending,
    /// How long it took.
    pub took: Duration,
}

/// How a job ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Done and checked.
    Done(Summary),
    /// Stopped by the user.
    Stopped,
    /// Failed.
    Failed(Report),
}

/// A window over the window.
#[derive(Clone, Debug, PartialEq)]
pub enum Dialog {
    /// Write the result to a file.
    Export(ExportDraft),
    /// The user's settings.
    Preferences(PreferencesPage),
    /// All keys.
    Shortcuts,
    /// Models: which are used and whether they can be.
    Models,
    /// Whether a model is to be downloaded.
    Download(ModelId),
    /// Type a frame or a time.
    GoTo(String),
    /// All commands, searched by name.
    Palette(String),
    /// Pause and quit, or keep working.
    CloseWhileWorking,
    /// Save changes before closing.
    SaveBeforeClosing,
    /// A report in full.
    Details(Report),
    /// Version, licences, help.
    About,
}

/// A page of the preferences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreferencesPage {
    /// Recent list, autosave.
    #[default]
    General,
    /// Theme, scale, motion.
    Appearance,
    /// Adapter, memory limit.
    Device,
    /// Where models are and come from.
    Models,
    /// ffmpeg, working folder.
    Video,
    /// Keys.
    Shortcuts,
}
