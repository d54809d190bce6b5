//! Frames as picture files in a folder, one file a frame.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files;
use crate::frame::{Frame, FrameError, FrameIdx};

use super::error::VideoError;

/// A folder of lossless pictures named after their position: `000000.png`, `000001.png`, ….
///
/// Nothing is kept in memory, so several stores and processes may use one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameStore {
    folder: PathBuf,
}

impl FrameStore {
    /// Opens a folder, which is created if it is missing.
    ///
    /// # Errors
    /// [`VideoError::NotWritable`] or [`VideoError::DiskFull`] if it cannot be created.
    pub fn open(folder: &Path) -> Result<Self, VideoError> {
        fs::create_dir_all(folder).map_err(|error| VideoError::writing(folder, error))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Opens a folder to which nobody else writes: what a killed writer left unfinished is removed.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_alone(folder: &Path) -> Result<Self, VideoError> {
        let store = Self::open(folder)?;
        files::remove_partials(folder).map_err(|error| VideoError::writing(folder, error))?;
        Ok(store)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of a frame, whether it exists or not.
    #[must_use]
    pub fn path(&self, frame: FrameIdx) -> PathBuf {
        self.folder.join(format!("{:06}.png", frame.0))
    }

    /// Whether a frame is there.
    #[must_use]
    pub fn contains(&self, frame: FrameIdx) -> bool {
        self.path(frame).is_file()
    }

    /// Writes a frame; an existing one is replaced at once or not at all.
    ///
    /// # Errors
    /// [`VideoError::DiskFull`], or [`VideoError::NotWritable`].
    pub fn write(&self, frame: FrameIdx, picture: &Frame) -> Result<(), VideoError> {
        picture
            .write_png(&self.path(frame))
            .map_err(|error| match error {
                FrameError::Write { path, source } => VideoError::writing(&path, source),
                error @ FrameError::Read { .. } => error.into(),
            })
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`VideoError::Frame`] if it is missing or damaged.
    pub fn read(&self, frame: FrameIdx) -> Result<Frame, VideoError> {
        Ok(Frame::read(&self.path(frame))?)
    }

    /// The frames that are there, in order.
    ///
    /// # Errors
    /// [`VideoError::Unreadable`] or [`VideoError::MissingFile`] if the folder cannot be listed.
    pub fn list(&self) -> Result<Vec<FrameIdx>, VideoError> {
        let mut frames = fs::read_dir(&self.folder)
            .and_then(|entries| {
                let numbers = entries.map(|entry| Ok(number_of(&entry?.path())));
                numbers
                    .filter_map(io::Result::transpose)
                    .collect::<io::Result<Vec<_>>>()
            })
            .map_err(|error| VideoError::opening(&self.folder, error))?;
        frames.sort_unstable();
        Ok(frames)
    }

    /// How many frames are there.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn len(&self) -> Result<usize, VideoError> {
        Ok(self.list()?.len())
    }

    /// Whether no frame is there.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn is_empty(&self) -> Result<bool, VideoError> {
        Ok(self.len()? == 0)
    }
}

/// The position a file name stands for; nothing for names that [`FrameStore::path`] does not give.
fn number_of(path: &Path) -> Option<FrameIdx> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".png")?;
    let digits = stem.len() >= 6 && stem.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| stem.parse().ok().map(FrameIdx)).flatten()
}
