//! What undo covers: settings, keyframes, shots, range, locks.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::frame::FrameIdx;
use crate::pipeline::job::{FrameRange, JobSpec};
use crate::worker::message::{Choices, KeyframeRule, Shot, Survey, shots_between};

/// Everything the user decides about a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edits {
    /// The settings of the take. Keyframes and range of the job are made from the fields below.
    pub spec: JobSpec,
    /// Keyframes.
    pub keyframes: Keyframes,
    /// First frames of all shots but the first, if the user changed what the job would find.
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

    /// First frames of all shots of the video but the first: those that a job finds, or those of the user.
    #[must_use]
    pub fn all_cuts(&self, survey: &Survey) -> BTreeSet<FrameIdx> {
        match &self.cuts {
            Some(cuts) => cuts.clone(),
            None if self.choices().finds_cuts => survey.cuts().into_iter().collect(),
            None => BTreeSet::new(),
        }
    }

    /// The shots of the translated part.
    #[must_use]
    pub fn shots(&self, survey: &Survey) -> Vec<Shot> {
        let cuts: Vec<FrameIdx> = self.all_cuts(survey).into_iter().collect();
        shots_between(self.range(survey.n_frames()), &cuts)
    }

    /// The frames of a shot that are keyframes whatever the user places: its first, and its last if the rule wants it.
    #[must_use]
    pub fn ends(&self, shot: &Shot) -> BTreeSet<FrameIdx> {
        match self.choices().keyframes {
            KeyframeRule::EndsIncluded => [shot.first(), shot.last()].into(),
            KeyframeRule::Reference => [shot.first()].into(),
        }
    }

    /// What a job with these settings does differently to follow another program.
    #[must_use]
    pub fn choices(&self) -> Choices {
        Choices::of(self.spec.compat)
    }

    /// The keyframes of the translated part, in order; the [ends](Self::ends) of every shot are among them.
    #[must_use]
    pub fn keyframes(&self, survey: &Survey) -> Vec<FrameIdx> {
        let shots = self.shots(survey);
        match &self.keyframes {
            Keyframes::Suggested => {
                let (gap, rule) = (self.spec.keyframe_gap, self.choices().keyframes);
                survey.suggest_keyframes(&shots, gap, rule)
            }
            Keyframes::Placed(placed) => {
                let range = self.range(survey.n_frames());
                let mut frames: BTreeSet<FrameIdx> = placed
                    .iter()
                    .copied()
                    .filter(|frame| range.contains(&frame.0))
                    .collect();
                frames.extend(shots.iter().flat_map(|shot| self.ends(shot)));
                frames.into_iter().collect()
            }
        }
    }
}
