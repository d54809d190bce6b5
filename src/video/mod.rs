//! Reads and writes video files through the user's own FFmpeg.
//!
//! FFmpeg runs as a child process: no codec is linked, so any build of version 5.1 or newer serves.
//! A clip goes through here in this order:
//!
//! 1. [`Ffmpeg::find`] locates the two programs and checks their version.
//! 2. [`probe`] says what a file holds and what reading it will change ([`VideoInfo::notes`]).
//! 3. [`TimestampIndex::read`] counts the frames by decoding them and keeps the time of each.
//! 4. [`Decoder`] yields frames in presentation order; [`frame_at`] fetches a single one.
//! 5. [`FrameStore`] keeps frames as picture files.
//! 6. [`Encoder`] writes frames with the times of the source, and its sound, to a new file and checks it.
//!
//! Memory does not grow with the length of a clip, apart from eight bytes a frame in the index.

mod check;
mod colour;
mod compression;
mod decode;
mod encode;
mod encode_plan;
mod encode_timing;
mod error;
mod ffmpeg;
mod frame_store;
mod info;
mod matroska;
mod picture_folder;
mod pixel_format;
mod probe;
mod process;
mod ratio;
mod timestamps;

pub use check::{PacketTimes, packet_times};
pub use colour::{Colour, ColourRange, HdrTransfer, Matrix};
pub use compression::Compression;
pub use decode::{Decoder, frame_at};
pub use encode::{EncodeConfig, Encoder};
pub use encode_plan::{Sound, Tracks};
pub use error::VideoError;
pub use ffmpeg::{Ffmpeg, Version};
pub use frame_store::FrameStore;
pub use info::{AudioStream, SubtitleStream, VideoInfo};
pub use picture_folder::{PictureFolderError, numbered_pictures, picture_sequence};
pub use probe::probe;
pub use ratio::Ratio;
pub use timestamps::TimestampIndex;
