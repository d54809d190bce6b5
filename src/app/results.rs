//! What was made of a video: finished pictures, unfinished ones, and the last *try*.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::frame::{Frame, FrameIdx};
use crate::worker::message::Report;

/// Finished pictures, and what is being made.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Translated keyframes.
    pub keyframes: BTreeMap<FrameIdx, KeyframeResult>,
    /// Frames filled between keyframes.
    pub filled: BTreeMap<FrameIdx, PathBuf>,
    /// The settings of in-betweens, if any are there.
    pub filled_with: Option<String>,
    /// Pictures of unfinished keyframes; gone when their batch is finished.
    pub previews: BTreeMap<FrameIdx, KeyframePreview>,
    /// Keyframes whose batch failed, and why.
    pub failed: BTreeMap<FrameIdx, String>,
    /// Whether pictures that were made are no longer there.
    pub removed: bool,
    /// Whether an earlier run was cut short and can be continued.
    pub unfinished: bool,
    /// Raised with every picture that is written, so that caches notice new ones under old names.
    pub version: u64,
}

/// A finished keyframe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyframeResult {
    /// Its picture.
    pub path: PathBuf,
    /// Fingerprint of all settings that it was made with; empty if that was not remembered.
    pub made_with: String,
    /// The value of [`Results::version`] when it was written.
    pub version: u64,
}

/// An unfinished keyframe as it looks now.
#[derive(Clone, Debug)]
pub struct KeyframePreview {
    /// A rough picture.
    pub picture: Arc<Frame>,
    /// Denoising steps done.
    pub step: usize,
    /// Of how many.
    pub n_steps: usize,
}

/// One frame translated with the current settings, to see what they do.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The frame.
    pub frame: FrameIdx,
    /// Number of the request, so that late answers to older ones are told apart.
    pub request: u64,
    /// How far it is.
    pub state: TrialState,
}

/// How far a *try* is.
#[derive(Clone, Debug)]
pub enum TrialState {
    /// Asked for. A job is running, and the try comes when it pauses at a batch or ends.
    WaitsForJob,
    /// Being made; the picture so far, if there is one.
    Working(Option<KeyframePreview>),
    /// Here it is.
    Done(Arc<Frame>),
    /// It did not work.
    Failed(Report),
}
