//! How a project is looked at: playhead, viewer, timeline, selection. Stored with the project, not undone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::frame::FrameIdx;
use crate::worker::message::OverlayKind;

/// How a project is looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ViewState {
    /// The frame in the viewer.
    pub playhead: FrameIdx,
    /// What the viewer compares.
    pub mode: ViewerMode,
    /// The line between source and result.
    pub wipe: Wipe,
    /// Factor on differences: 1, 4 or 16.
    pub difference_gain: DifferenceGain,
    /// What is drawn over the picture.
    pub overlay: Overlay,
    /// Zoom and place of the picture.
    pub zoom: Zoom,
    /// The part of the timeline that is seen.
    pub timeline: TimelineView,
    /// Selected keyframes.
    #[serde(skip)]
    pub selection: BTreeSet<FrameIdx>,
    /// Which keyframes the panel shows.
    #[serde(skip)]
    pub filter: KeyframeFilter,
    /// Whether the source is shown in any mode, as long as the key is held.
    #[serde(skip)]
    pub hold_source: bool,
    /// Whether the viewer fills the screen.
    #[serde(skip)]
    pub full_screen: bool,
    /// Playing, and how fast.
    #[serde(skip)]
    pub playback: Playback,
}

/// What the viewer shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewerMode {
    /// The source.
    Source,
    /// The result, or the source dimmed where there is none.
    #[default]
    Result,
    /// Both, with a line between.
    Wipe,
    /// Both, next to each other.
    SideBySide,
    /// How they differ.
    Difference,
}

impl ViewerMode {
    /// All, in the order of their keys.
    pub const ALL: [Self; 5] = [
        Self::Source,
        Self::Result,
        Self::Wipe,
        Self::SideBySide,
        Self::Difference,
    ];

    /// What its button says.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Source => "Source",
            Self::Result => "Result",
            Self::Wipe => "Wipe",
            Self::SideBySide => "Side by side",
            Self::Difference => "Difference",
        }
    }
}

/// The line of the wipe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wipe {
    /// Where it is: 0 left or top, 1 right or bottom.
    pub position: f32,
    /// How it lies.
    pub line: WipeLine,
}

impl Default for Wipe {
    fn default() -> Self {
        Self {
            position: 0.5,
            line: WipeLine::Upright,
        }
    }
}

/// How the line of the wipe lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WipeLine {
    /// Result left, source right.
    #[default]
    Upright,
    /// Result above, source below.
    Level,
}

/// Factor on differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DifferenceGain {
    /// As they are.
    #[default]
    X1,
    /// Four times.
    X4,
    /// Sixteen times.
    X16,
}

impl DifferenceGain {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::X1, Self::X4, Self::X16];

    /// The number.
    #[must_use]
    pub fn factor(self) -> u8 {
        match self {
            Self::X1 => 1,
            Self::X4 => 4,
            Self::X16 => 16,
        }
    }
}

/// What is drawn over the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// The control image.
    Control,
    /// Where each pixel goes.
    Flow,
    /// What has no counterpart in the next picture.
    Occlusion,
    /// What people look at.
    Saliency,
    /// A border that tells batches apart.
    Batches,
}

impl Overlay {
    /// All, in the order of the menu.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::Control,
        Self::Flow,
        Self::Occlusion,
        Self::Saliency,
        Self::Batches,
    ];

    /// What the menu says.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::None => "No overlay",
            Self::Control => "Control image",
            Self::Flow => "Flow",
            Self::Occlusion => "Occlusion",
            Self::Saliency => "Saliency",
            Self::Batches => "Batch borders",
        }
    }

    /// What the engine makes for it, if it does.
    #[must_use]
    pub fn kind(self) -> Option<OverlayKind> {
        match self {
            Self::Flow => Some(OverlayKind::Flow),
            Self::Occlusion => Some(OverlayKind::Occlusion),
            Self::Saliency => Some(OverlayKind::Saliency),
            Self::None | Self::Control | Self::Batches => None,
        }
    }
}

/// How large the picture is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Zoom {
    /// Screen pixels per picture pixel; fitted to the viewer if absent.
    pub factor: Option<f32>,
    /// The point of the picture in the middle of the viewer, 0 to 1 on both axes.
    pub centre: [f32; 2],
}

impl Default for Zoom {
    fn default() -> Self {
        Self {
            factor: None,
            centre: [0.5; 2],
        }
    }
}

/// The part of the timeline that is seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineView {
    /// The first frame seen; fractions are allowed while zooming.
    pub first: f64,
    /// Frames seen; all if absent.
    pub n_frames: Option<f64>,
}

impl Default for TimelineView {
    fn default() -> Self {
        Self {
            first: 0.0,
            n_frames: None,
        }
    }
}

/// Which keyframes the panel shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyframeFilter {
    /// All.
    #[default]
    All,
    /// Those made with other settings than now.
    OutOfDate,
    /// Those that failed.
    Failed,
    /// Those that are locked.
    Locked,
}

/// Playing, and how fast.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Playback {
    /// Seconds of video a second: 0 is still, below 0 backwards.
    pub speed: f64,
    /// Exact position while playing, in seconds from the first frame.
    pub position: f64,
}

impl Playback {
    /// Whether the playhead moves by itself.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.speed != 0.0
    }
}
