//! How far filling is, in frames of the video.

use super::observer::{Observer, Progress, Unit};
use super::plan::{Plan, Segment};

/// Counts frames; one that is painted twice and blended is half done by each pass.
pub(super) struct Count<'a> {
    halves: usize,
    total: usize,
    observer: &'a dyn Observer,
}

impl<'a> Count<'a> {
    pub fn new(plan: &Plan, observer: &'a dyn Observer) -> Self {
        Self {
            halves: 0,
            total: plan.n_in_betweens(),
            observer,
        }
    }

    pub fn found(&mut self, segment: &Segment) {
        self.halves += 2 * segment.frames.len();
    }

    pub fn painted(&mut self, segment: &Segment) {
        self.halves += match (segment.left, segment.right) {
            (Some(_), Some(_)) => 1,
            _ => 2,
        };
    }

    /// Tells nothing where nothing is to be filled: the stage does not exist then.
    pub fn tell(&self) {
        if self.total > 0 {
            self.observer.progress(Progress {
                done: self.halves / 2,
                total: self.total,
                unit: Unit::Frames,
            });
        }
    }
}
