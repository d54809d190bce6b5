//! What the export dialog holds, and what it asks the worker for.

use super::actions::ExportWhat;
use crate::worker::message::{ExportSettings, VideoCodec};

/// What the export dialog says.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportDraft {
    /// All frames or keyframes.
    pub what: ExportWhat,
    /// The preset it began with.
    pub preset: ExportPreset,
    /// Whether only the part between in and out is written.
    pub range_only: bool,
    /// Whether the settings are stored in the file.
    pub store_settings: bool,
    /// How pictures are written, and where.
    pub settings: ExportSettings,
}

/// A set of export settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportPreset {
    /// H.264.
    #[default]
    Sharing,
    /// H.265.
    Small,
    /// `ProRes` 422 HQ.
    Editing,
    /// FFV1.
    Archive,
    /// PNG of every frame.
    Pictures,
    /// PNG of every keyframe.
    Keyframes,
}

impl ExportPreset {
    /// All, as the menu lists them.
    pub const ALL: [Self; 6] = [
        Self::Sharing,
        Self::Small,
        Self::Editing,
        Self::Archive,
        Self::Pictures,
        Self::Keyframes,
    ];

    /// What the menu says.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Sharing => "Sharing (H.264)",
            Self::Small => "Small (H.265)",
            Self::Editing => "Editing (ProRes 422 HQ)",
            Self::Archive => "Archive (FFV1)",
            Self::Pictures => "Pictures (PNG)",
            Self::Keyframes => "Keyframes (PNG)",
        }
    }

    /// How it compresses.
    #[must_use]
    pub fn codec(self) -> VideoCodec {
        match self {
            Self::Sharing => VideoCodec::H264,
            Self::Small => VideoCodec::H265,
            Self::Editing => VideoCodec::ProRes,
            Self::Archive => VideoCodec::Ffv1,
            Self::Pictures | Self::Keyframes => VideoCodec::Png,
        }
    }

    /// The extension of its files; none where it writes a folder.
    #[must_use]
    pub fn extension(self) -> Option<&'static str> {
        match self {
            Self::Sharing | Self::Small => Some("mp4"),
            Self::Editing => Some("mov"),
            Self::Archive => Some("mkv"),
            Self::Pictures | Self::Keyframes => None,
        }
    }
}
