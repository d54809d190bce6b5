//! What can go wrong with a video file, and what to do about it.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::frame::{FrameError, FrameIdx, Size};

use super::ffmpeg::Version;

/// Why a video could not be read or written.
///
/// The states that the interface names use its words.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// Neither the given place nor `PATH` holds both programs.
    #[error("FFmpeg was not found. It reads and writes video files{}", at(searched.as_deref()))]
    NotFound {
        /// The folder or file that was asked for, if any.
        searched: Option<PathBuf>,
    },
    /// The version is below the one this program is tested with.
    #[error("FFmpeg {version} is too old. Version {} or newer is needed: {}", Version::OLDEST, path.display())]
    TooOld {
        /// The version found.
        version: Version,
        /// The program.
        path: PathBuf,
    },
    /// A program exists but does not start, or its output cannot be read.
    #[error("cannot run FFmpeg; choose another build: {}", path.display())]
    Run {
        /// The program.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The source does not exist.
    #[error("{} is not where it was; locate it: {}", name(path), path.display())]
    MissingFile {
        /// The missing file.
        path: PathBuf,
    },
    /// The source exists and may not be read.
    #[error("{} cannot be opened; check its permissions: {}", name(path), path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The source has no bytes.
    #[error("{} is empty (0 bytes). Open another video: {}", name(path), path.display())]
    EmptyFile {
        /// The empty file.
        path: PathBuf,
    },
    /// The content is of no format that this FFmpeg knows.
    #[error("{} is not a video file. Open another: {}", name(path), path.display())]
    NotMedia {
        /// The file.
        path: PathBuf,
        /// What FFmpeg said.
        detail: String,
    },
    /// Sound or text only; cover art does not count.
    #[error("{} has no picture track. Open another: {}", name(path), path.display())]
    NoPicture {
        /// The file.
        path: PathBuf,
    },
    /// A single picture.
    #[error("One frame only. Open a video of two frames or more: {}", path.display())]
    TooShort {
        /// The file.
        path: PathBuf,
    },
    /// Reading ended before the end of the video, or cannot begin.
    #[error("{}: {}", stopped(*readable, *total), path.display())]
    Broken {
        /// The damaged file.
        path: PathBuf,
        /// How many frames, from the first, can be read.
        readable: usize,
        /// How many the file should have, where it says so.
        total: Option<usize>,
    },
    /// Frames were asked for that the video does not have.
    #[error("frames {}..{} are not in the video, which has {n_frames}: {}", range.start, range.end, path.display())]
    NoSuchFrames {
        /// The frames asked for.
        range: Range<usize>,
        /// How many there are.
        n_frames: usize,
        /// The video.
        path: PathBuf,
    },
    /// This FFmpeg build lacks what the output needs.
    #[error("no encoder for {wanted} in this FFmpeg build; choose another build or another format")]
    NoEncoder {
        /// What was to be encoded.
        wanted: String,
    },
    /// The extension names no container that is written here.
    #[error("cannot write the format of this name; use .mp4, .mov or .mkv: {}", path.display())]
    UnknownContainer {
        /// The output.
        path: PathBuf,
    },
    /// No room for the output.
    #[error("the disk is full; free some space or choose another folder: {}", path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// The output cannot be created.
    #[error("cannot write here; choose another folder: {}", path.display())]
    NotWritable {
        /// The output.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A frame of another size than the output.
    #[error("frame {frame} is {found}, the output is {expected}")]
    FrameSize {
        /// Position in the output.
        frame: FrameIdx,
        /// The output's size.
        expected: Size,
        /// The frame's size.
        found: Size,
    },
    /// More or fewer frames than the range has.
    #[error("{found} frames were given, {expected} are needed: {}", path.display())]
    FrameCount {
        /// Length of the range.
        expected: usize,
        /// Frames given.
        found: usize,
        /// The output.
        path: PathBuf,
    },
    /// The written file is not what was asked for; it was removed.
    #[error("the written video is wrong: {what}: {}", path.display())]
    WrongProduct {
        /// The difference.
        what: String,
        /// The output.
        path: PathBuf,
    },
    /// A picture of the frame store.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// FFmpeg failed for a reason of its own.
    #[error("FFmpeg failed: {log}: {}", path.display())]
    Ffmpeg {
        /// The file it worked on.
        path: PathBuf,
        /// The last lines it printed, separated by `; `.
        log: String,
    },
}

impl VideoError {
    /// What to do, where the message alone does not say enough.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotFound { .. } | Self::TooOld { .. } => {
                "install FFmpeg 5.1 or newer: \"sudo apt install ffmpeg\" (Debian, Ubuntu), \
                 \"sudo dnf install ffmpeg\" (Fedora), \"brew install ffmpeg\" (macOS), \
                 \"winget install ffmpeg\" (Windows), or point to a folder that holds ffmpeg and ffprobe"
            }
            Self::Broken { readable: 2.., .. } => "limit the range to the frames that can be read",
            Self::Broken { .. } => "copy or download the file again",
            Self::NoEncoder { .. } => {
                "a full FFmpeg build has libx264; odd sizes can be written by it alone"
            }
            Self::DiskFull { .. } => "an earlier file of this name is unchanged",
            _ => return None,
        })
    }

    /// An error while writing `path`, told apart by its kind.
    pub(super) fn writing(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull {
                path: path.to_owned(),
            },
            _ => Self::NotWritable {
                path: path.to_owned(),
                source,
            },
        }
    }

    /// An error of opening the source `path`.
    pub(super) fn opening(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::MissingFile {
                path: path.to_owned(),
            },
            _ => Self::Unreadable {
                path: path.to_owned(),
                source,
            },
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

fn at(searched: Option<&Path>) -> String {
    searched
        .map(|path| format!(": {}", path.display()))
        .unwrap_or_default()
}

fn stopped(readable: usize, total: Option<usize>) -> String {
    let of = total
        .map(|total| format!(" of {total}"))
        .unwrap_or_default();
    match readable {
        0 => {
            format!("Reading stopped at frame 0{of}. The file is damaged and no frame can be used")
        }
        1 => format!("Reading stopped at frame 1{of}. One frame cannot be used alone"),
        n => format!("Reading stopped at frame {n}{of}. The first {n} can be used"),
    }
}
