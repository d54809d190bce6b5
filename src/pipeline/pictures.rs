//! Pictures of frames on disk, wherever their files are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::error::Error;
use crate::files::ContentHash;
use crate::frame::{Frame, FrameIdx, Size, resize};
use crate::video::FrameStore;

/// Pictures by frame; read when they are needed.
#[derive(Clone, Debug)]
pub enum Pictures {
    /// Of our own making.
    Store(FrameStore),
    /// Somebody else's.
    Files(BTreeMap<FrameIdx, PathBuf>),
}

impl Pictures {
    /// The file of a frame.
    ///
    /// # Panics
    /// If somebody else's pictures are asked for a frame that they do not have.
    #[must_use]
    pub fn path(&self, frame: FrameIdx) -> PathBuf {
        match self {
            Self::Store(store) => store.path(frame),
            Self::Files(files) => files[&frame].clone(),
        }
    }

    /// Reads a frame at a size.
    ///
    /// # Errors
    /// [`Error::Frame`] if the picture is missing or damaged.
    pub fn read(&self, frame: FrameIdx, size: Size) -> Result<Frame, Error> {
        let picture = Frame::read(&self.path(frame))?;
        Ok(resize(&picture, size))
    }

    /// Identity of a frame's picture by content.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read.
    pub fn content_hash(&self, frame: FrameIdx) -> Result<ContentHash, Error> {
        super::analyse::content_hash(&self.path(frame))
    }
}
