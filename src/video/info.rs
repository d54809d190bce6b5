//! What a video file holds: plain data that crosses threads and goes to JSON.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::frame::Size;

use super::colour::{Colour, HdrTransfer};
use super::ratio::Ratio;

/// Facts about a video file, read without decoding it.
///
/// The number of frames is not among them: containers are often wrong about it, so it comes from
/// [`TimestampIndex`](super::TimestampIndex).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoInfo {
    /// The file.
    pub path: PathBuf,
    /// Names of the container format, for example `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// Number of the picture track among the streams of the file.
    pub stream: u32,
    /// Codec of the pictures, for example `h264`.
    pub codec: String,
    /// Size as stored.
    pub coded_size: Size,
    /// Size as shown: pixels made square by changing the width, then turned upright.
    pub display_size: Size,
    /// Shape of a stored pixel, width to height.
    pub sample_aspect_ratio: Ratio,
    /// Degrees, clockwise and below 360, by which the stored picture is turned for display.
    pub rotation: u32,
    /// FFmpeg's name of the pixel format.
    pub pixel_format: String,
    /// Bits of a channel.
    pub bit_depth: u32,
    /// Whether the pictures have an alpha channel.
    pub has_alpha: bool,
    /// Transfer function, if the video is one of high dynamic range.
    pub hdr: Option<HdrTransfer>,
    /// Matrix, range, primaries and transfer function.
    pub colour: Colour,
    /// Seconds a tick of the timestamps lasts.
    pub time_base: Ratio,
    /// Frames a second on average, where the container says.
    pub average_rate: Option<Ratio>,
    /// Whether the time between frames varies, judged by the first frames of the file.
    pub variable_rate: bool,
    /// Length of the picture track in seconds, as the container says; 0 where it says nothing.
    pub duration_secs: f64,
    /// When the last frame ends, in ticks, where the container says so exactly.
    pub stated_end: Option<i64>,
    /// Time of the file's first sample, of whatever stream, in seconds.
    pub start_secs: f64,
    /// How many frames the container claims to have.
    pub claimed_frames: Option<usize>,
    /// Sound tracks, in the order of the file.
    pub audio: Vec<AudioStream>,
    /// Subtitle tracks, in the order of the file.
    pub subtitles: Vec<SubtitleStream>,
    /// What reading converts, in sentences for people; empty if the frames are taken as they are.
    pub notes: Vec<String>,
}

/// A sound track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioStream {
    /// Number among the streams of the file.
    pub stream: u32,
    /// Codec, for example `aac`; empty if FFmpeg does not know it.
    pub codec: String,
    /// Channels.
    pub channels: u32,
    /// Samples a second.
    pub sample_rate: u32,
    /// Language code, for example `eng`.
    pub language: Option<String>,
}

/// A subtitle track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitleStream {
    /// Number among the streams of the file.
    pub stream: u32,
    /// Codec, for example `subrip`; empty if FFmpeg does not know it.
    pub codec: String,
    /// Language code, for example `eng`.
    pub language: Option<String>,
}
