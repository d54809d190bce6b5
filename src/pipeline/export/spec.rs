//! What an export writes.

use std::ops::Range;
use std::path::PathBuf;

use crate::frame::{FrameIdx, Size};
use crate::video::{Compression, TimestampIndex, VideoInfo};

pub use crate::video::Sound;

/// A file to write from finished pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportSpec {
    /// The source: timing, sound, and pictures for frames without a result.
    pub info: VideoInfo,
    /// When its frames are shown.
    pub times: TimestampIndex,
    /// Frames to write, at least one.
    pub range: Range<usize>,
    /// Finished pictures, in order of their frames.
    pub pictures: Vec<(FrameIdx, PathBuf)>,
    /// Text for the comment field, such as the settings.
    pub comment: Option<String>,
    /// How they are written, and where.
    pub settings: ExportSettings,
}

/// How pictures are written, and where.
#[allow(
    clippy::struct_excessive_bools,
    reason = "one checkbox each, independent of the others"
)]
#[derive(Clone, Debug, PartialEq)]
pub struct ExportSettings {
    /// What stands in for frames without one.
    pub missing: Missing,
    /// Size of the pictures.
    pub size: ExportSize,
    /// How pictures are compressed.
    pub codec: VideoCodec,
    /// How well.
    pub quality: ExportQuality,
    /// What happens to the sound.
    pub sound: Sound,
    /// Whether the source's metadata are kept.
    pub keep_metadata: bool,
    /// Whether the source's subtitles are kept.
    pub keep_subtitles: bool,
    /// Whether the file says that a model made it.
    pub mark: bool,
    /// The file, or the folder where pictures are wanted.
    pub path: PathBuf,
    /// Whether an existing file may be replaced; else the name gets a number.
    pub overwrite: bool,
}

/// What stands in for frames without a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// The export is refused, with their number.
    #[default]
    Refuse,
    /// The source's picture.
    Source,
    /// Nothing: only frames with a result are written, each shown until the next.
    Skip,
}

/// Size of exported pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportSize {
    /// As the source is shown.
    #[default]
    Source,
    /// As the pictures were made.
    Working,
    /// Another.
    Custom(Size),
}

/// How pictures are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VideoCodec {
    /// H.264.
    #[default]
    H264,
    /// H.265.
    H265,
    /// `ProRes` 422 HQ.
    ProRes,
    /// FFV1, lossless.
    Ffv1,
    /// A lossless picture file for each frame.
    Png,
}

impl VideoCodec {
    /// How a video file is compressed; nothing where picture files are written.
    #[must_use]
    pub fn compression(self, quality: ExportQuality) -> Option<Compression> {
        match self {
            Self::H264 => Some(Compression::H264 { crf: quality.0 }),
            Self::H265 => Some(Compression::H265 { crf: quality.0 }),
            Self::ProRes => Some(Compression::ProRes),
            Self::Ffv1 => Some(Compression::Ffv1),
            Self::Png => None,
        }
    }
}

/// Quality of H.264 and H.265: 0 is lossless, 18 hardly differs from the pictures, 51 is worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportQuality(pub u8);

impl Default for ExportQuality {
    fn default() -> Self {
        Self(18)
    }
}
