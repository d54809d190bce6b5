//! What undo covers: settings, keyframes, shots, range, locks.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::frame::FrameIdx;
use crate::pipeline::job::{FrameRange, JobSpec};
use crate::worker::message::{Shot, Survey, shots_between};

/// Everything the user decides about a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edits {
    /// The settings of the take. Keyframes and range of the job are made from the fields below.
    pub spec: JobSpec,
    /// Keyframes.
    pub keyframes: Keyframes,
    /// First frames of all shots but the first, if the user changed what was found.
    pub cuts: Option<BTreeSet<FrameIdx>>,
    /// Keyframes that are never redone.
    pub locked: BTreeSet<FrameIdx>,
    /// The part that is translated; all of it if absent.
    pub range: Option<FrameRange>,
}

/// Which frames are keyframes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keyframes {
    /// As the gap of the settings suggests.
    #[default]
    Suggested,
    /// As the user placed them.
    Placed(BTreeSet<FrameIdx>),
}

impl Edits {
    /// The frames that are translated.
    #[must_use]
    pub fn range(&self, n_frames: usize) -> Range<usize> {
        match self.range {
            Some(FrameRange { start, end }) => start.min(n_frames)..end.min(n_frames),
            None => 0..n_frames,
        }
    }

    /// The shots of the translated part: those that were found, or those of the user.
    #[must_use]
    pub fn shots(&self, survey: &Survey) -> Vec<Shot> {
        let cuts: Vec<FrameIdx> = match &self.cuts {
            Some(cuts) => cuts.iter().copied().collect(),
            None => survey.cuts(),
        };
        shots_between(self.range(survey.n_frames()), &cuts)
    }

    /// The keyframes of the translated part, in order; first and last frame of every shot are among them.
    #[must_use]
    pub fn keyframes(&self, survey: &Survey) -> Vec<FrameIdx> {
        let shots = self.shots(survey);
        match &self.keyframes {
            Keyframes::Suggested => survey.suggest_keyframes(&shots, self.spec.keyframe_gap),
            Keyframes::Placed(placed) => {
                let range = self.range(survey.n_frames());
                let mut frames: BTreeSet<FrameIdx> = placed
                    .iter()
                    .copied()
                    .filter(|frame| range.contains(&frame.0))
                    .collect();
                frames.extend(shots.iter().flat_map(|shot| [shot.first(), shot.last()]));
                frames.into_iter().collect()
            }
        }
    }
}
