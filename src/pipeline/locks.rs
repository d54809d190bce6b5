//! Locked keyframes: pictures that stay as they are when their batch is translated again.
//!
//! The whole batch is translated all the same, since its other frames, and through the recorded latents the batches
//! after it, depend on all of its frames; only the pictures of locked frames are not written. A picture that the user
//! has put in the place of one is kept in the same way, and the frames between keyframes follow it.

use serde::Serialize;

use super::observer::{Observer, Warning};
use super::plan::Batch;
use crate::files::ContentHash;
use crate::frame::{FrameIdx, Size};
use crate::video::FrameStore;

/// Pictures of one batch that are kept, with what is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Kept(Vec<(FrameIdx, ContentHash)>);

impl Kept {
    /// What is kept of a batch: locked frames that have a picture of the working size.
    #[must_use]
    pub fn of(
        locked: &[FrameIdx],
        batch: &Batch,
        results: &FrameStore,
        size: Size,
        observer: &dyn Observer,
    ) -> Self {
        let there = |frame: &&FrameIdx| locked.contains(frame) && results.path(**frame).is_file();
        let keep = |&frame: &FrameIdx| {
            let reason = match results.read(frame).map(|picture| picture.size()) {
                Ok(found) if found == size => match ContentHash::of_file(&results.path(frame)) {
                    Ok(hash) => return Some((frame, hash)),
                    Err(error) => error.to_string(),
                },
                Ok(found) => format!("it is {found}, and the working size is {size}"),
                Err(error) => error.to_string(),
            };
            observer.warning(Warning {
                summary: format!("the locked picture of frame {frame} is made again: {reason}"),
                hint: None,
            });
            None
        };
        Self(batch.new.iter().filter(there).filter_map(keep).collect())
    }

    /// Whether a frame's picture is kept.
    #[must_use]
    pub fn contains(&self, frame: FrameIdx) -> bool {
        self.0.iter().any(|(kept, _)| *kept == frame)
    }

    /// The key of a batch that was translated with these pictures kept. Without any it is the batch's own, so that
    /// locking a picture that is current costs nothing, and unlocking one that is not has it made again.
    #[must_use]
    pub fn key(&self, batch: &ContentHash) -> ContentHash {
        if self.0.is_empty() {
            batch.clone()
        } else {
            ContentHash::of_value(&(batch, self))
        }
    }
}
