//! What the engine makes between other work, at once and without keeping it: of each kind only the newest counts.

use super::engine::Engine;
use super::error::Error;
use super::observer::Observer;
use super::overlay::{OverlaySpec, overlay};
use super::trial::{TrialSpec, try_frame};
use crate::frame::Frame;

/// A picture that somebody waits for.
#[derive(Clone, Copy, Debug)]
pub enum Sample<'a> {
    /// One frame with the current settings.
    Try(&'a TrialSpec),
    /// What is laid over a frame of the source.
    Overlay(&'a OverlaySpec),
}

impl Sample<'_> {
    /// Makes it.
    ///
    /// # Errors
    /// As [`try_frame`] and [`overlay`].
    pub fn make(self, engine: &mut Engine, observer: &dyn Observer) -> Result<Frame, Error> {
        match self {
            Self::Try(trial) => try_frame(trial, engine, observer),
            Self::Overlay(spec) => overlay(spec, engine, observer),
        }
    }
}
