//! What panels read: the state, and what was worked out of it once for all of them.

use crate::app::fit::{Fit, fit};
use crate::app::marks::{self, Mark};
use crate::app::state::{AppState, Project};
use crate::app::timecode;
use crate::frame::FrameIdx;
use crate::worker::message::{Plan, Ratio};

/// Marks and plan of the project, worked out again after each change of the state.
#[derive(Debug, Default)]
pub struct Derived {
    /// All keyframes, in order.
    pub marks: Vec<Mark>,
    /// Shots, keyframes and batches.
    pub plan: Option<Plan>,
    /// What the work will take.
    pub fit: Option<Fit>,
}

impl Derived {
    /// What follows from a state.
    #[must_use]
    pub fn of(state: &AppState) -> Self {
        let marks = marks::marks(state);
        let plan = state.project.as_ref().and_then(marks::plan);
        let fit = plan.as_ref().and_then(|plan| fit(state, plan, &marks));
        Self { marks, plan, fit }
    }
}

/// An open project as panels see it.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Everything.
    pub state: &'a AppState,
    /// The project.
    pub project: &'a Project,
    /// What was worked out of it.
    pub derived: &'a Derived,
}

impl Scene<'_> {
    /// How many frames there are; 1 while that is unknown.
    #[must_use]
    pub fn n_frames(&self) -> usize {
        self.project.source.n_frames().unwrap_or(1).max(1)
    }

    /// The frame in the viewer.
    #[must_use]
    pub fn playhead(&self) -> FrameIdx {
        self.project.view.playhead
    }

    /// The keyframe at a frame.
    #[must_use]
    pub fn mark_at(&self, frame: FrameIdx) -> Option<&Mark> {
        let marks = &self.derived.marks;
        let index = marks.binary_search_by_key(&frame, |mark| mark.frame).ok()?;
        marks.get(index)
    }

    /// The selected keyframe, or the one at the playhead.
    #[must_use]
    pub fn current_mark(&self) -> Option<&Mark> {
        let selected = self.project.view.selection.iter().next_back();
        let selected = selected.and_then(|frame| self.mark_at(*frame));
        selected.or_else(|| self.mark_at(self.playhead()))
    }

    /// Frames a second, for rulers and seconds.
    #[must_use]
    pub fn frames_per_sec(&self) -> f64 {
        let rate = self
            .project
            .source
            .info
            .as_ref()
            .and_then(|info| info.average_rate);
        rate.map_or(25.0, Ratio::as_f64)
    }

    /// When a frame is shown, as `hours:minutes:seconds:frames`.
    #[must_use]
    pub fn timecode(&self, frame: FrameIdx) -> String {
        timecode::format(self.seconds_at(frame), self.frames_per_sec())
    }

    /// The batch that a frame lies in, and the first and last keyframe of it.
    #[must_use]
    pub fn batch_at(&self, frame: FrameIdx) -> Option<(usize, FrameIdx, FrameIdx)> {
        let batches = self.derived.plan.as_ref()?.batches();
        let ends = batches
            .iter()
            .enumerate()
            .filter_map(|(index, batch)| Some((index, *batch.new.first()?, *batch.new.last()?)));
        ends.take_while(|(_, first, _)| *first <= frame)
            .reduce(|_, later| later)
    }

    /// When a frame is shown, in seconds.
    #[must_use]
    pub fn seconds_at(&self, frame: FrameIdx) -> f64 {
        let known = self.project.source.seconds_at(frame);
        known.unwrap_or_else(|| frame.0 as f64 / self.frames_per_sec())
    }
}
