//! Keyframes, locks, shots and the range.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::actions::{Action, Effect, Gesture, SelectMode};
use super::super::edits::Keyframes;
use super::super::history::StepName;
use super::super::state::{AppState, Project};
use crate::frame::FrameIdx;
use crate::pipeline::job::FrameRange;

/// Does an action on keyframes, shots or range, or hands it back.
pub fn perform(state: &mut AppState, action: Action) -> Result<Vec<Effect>, Action> {
    let now = state.now;
    let Some(project) = &mut state.project else {
        return without_project(action);
    };
    match action {
        Action::ToggleKeyframe(frame) => project.toggle_keyframe(frame, now),
        Action::MoveKeyframe { from, to, gesture } => project.move_keyframe(from, to, gesture, now),
        Action::NudgeSelected(by) => project.nudge(by, now),
        Action::RemoveSelected => project.remove_selected(now),
        Action::ToggleLock => project.toggle_lock(now),
        Action::SuggestKeyframes => {
            project.edit(
                StepName::SuggestKeyframes,
                Gesture::Finished,
                now,
                |edits| {
                    edits.keyframes = Keyframes::Suggested;
                },
            );
            project.tidy_selection();
        }
        Action::Select(frame, mode) => project.select(frame, mode),
        Action::ToggleCut(frame) => project.toggle_cut(frame, now),
        Action::SetIn => {
            let start = project.view.playhead.0;
            let end = project.range().end.max(start + 1);
            project.set_range(start, end, Gesture::Finished, now);
        }
        Action::SetOut => {
            let end = project.view.playhead.0 + 1;
            let start = project.range().start.min(end - 1);
            project.set_range(start, end, Gesture::Finished, now);
        }
        Action::SetRange {
            start,
            end,
            gesture,
        } => project.set_range(start, end, gesture, now),
        Action::ClearRange => project.edit(StepName::Range, Gesture::Finished, now, |edits| {
            edits.range = None;
        }),
        other => return Err(other),
    }
    Ok(Vec::new())
}

/// Keys for keyframes do nothing on the start screen.
fn without_project(action: Action) -> Result<Vec<Effect>, Action> {
    match action {
        Action::ToggleKeyframe(_)
        | Action::MoveKeyframe { .. }
        | Action::NudgeSelected(_)
        | Action::RemoveSelected
        | Action::ToggleLock
        | Action::SuggestKeyframes
        | Action::Select(..)
        | Action::ToggleCut(_)
        | Action::SetIn
        | Action::SetOut
        | Action::SetRange { .. }
        | Action::ClearRange => Ok(Vec::new()),
        other => Err(other),
    }
}

impl Project {
    /// The keyframes as they are now; none before the source was surveyed.
    #[must_use]
    pub fn keyframes(&self) -> Vec<FrameIdx> {
        let survey = self.source.survey.as_ref();
        survey.map_or(Vec::new(), |survey| self.edits.keyframes(survey))
    }

    /// Whether a frame is one of the [ends](super::super::edits::Edits::ends) of its shot, and so always a keyframe.
    #[must_use]
    pub fn is_shot_end(&self, frame: FrameIdx) -> bool {
        let Some(survey) = &self.source.survey else {
            return false;
        };
        let shots = self.edits.shots(survey);
        shots
            .iter()
            .any(|shot| self.edits.ends(shot).contains(&frame))
    }

    /// The frames that are translated; none before they are counted.
    #[must_use]
    pub fn range(&self) -> std::ops::Range<usize> {
        self.edits.range(self.source.n_frames().unwrap_or(0))
    }

    fn placed(&self) -> BTreeSet<FrameIdx> {
        let mut placed: BTreeSet<FrameIdx> = self.keyframes().into_iter().collect();
        // Those outside of the range come back when it grows.
        if let Keyframes::Placed(all) = &self.edits.keyframes {
            let range = self.range();
            placed.extend(all.iter().filter(|frame| !range.contains(&frame.0)));
        }
        placed
    }

    fn place(
        &mut self,
        name: StepName,
        gesture: Gesture,
        now: Duration,
        change: impl FnOnce(&mut BTreeSet<FrameIdx>),
    ) {
        if self.source.survey.is_none() {
            return;
        }
        let before = self.placed();
        let mut placed = before.clone();
        change(&mut placed);
        if placed != before {
            self.edit(name, gesture, now, |edits| {
                edits.keyframes = Keyframes::Placed(placed);
            });
        } else if gesture == Gesture::Finished {
            self.history.close();
        }
    }

    fn toggle_keyframe(&mut self, frame: FrameIdx, now: Duration) {
        if !self.range().contains(&frame.0) {
            return;
        }
        if self.keyframes().contains(&frame) {
            self.remove([frame].into(), now);
        } else {
            self.place(StepName::AddKeyframe, Gesture::Finished, now, |placed| {
                placed.insert(frame);
            });
        }
    }

    fn remove(&mut self, frames: BTreeSet<FrameIdx>, now: Duration) {
        let frames: BTreeSet<FrameIdx> = frames
            .into_iter()
            .filter(|&frame| !self.is_shot_end(frame))
            .collect();
        self.place(StepName::RemoveKeyframe, Gesture::Finished, now, |placed| {
            placed.retain(|frame| !frames.contains(frame));
        });
        self.tidy_selection();
    }

    fn move_keyframe(&mut self, from: FrameIdx, to: FrameIdx, gesture: Gesture, now: Duration) {
        let range = self.range();
        let Some(last) = range.end.checked_sub(1) else {
            return;
        };
        let to = FrameIdx(to.0.clamp(range.start, last));
        let is_taken = to != from && self.keyframes().contains(&to);
        if is_taken || self.is_shot_end(from) {
            return;
        }
        self.place(StepName::MoveKeyframe, gesture, now, |placed| {
            if placed.remove(&from) {
                placed.insert(to);
            }
        });
        if self.view.selection.remove(&from) {
            self.view.selection.insert(to);
        }
    }

    /// Moves all selected keyframes, or none if one of them cannot go there.
    fn nudge(&mut self, by: isize, now: Duration) {
        let chosen = self.view.selection.iter().copied();
        let chosen: BTreeSet<FrameIdx> = chosen.filter(|&f| !self.is_shot_end(f)).collect();
        let range = self.range();
        let target = |frame: &FrameIdx| {
            let to = frame.0.checked_add_signed(by)?;
            range.contains(&to).then_some(FrameIdx(to))
        };
        let targets: Option<BTreeSet<FrameIdx>> = chosen.iter().map(target).collect();
        let Some(targets) = targets.filter(|targets| !targets.is_empty()) else {
            return;
        };
        let keyframes = self.keyframes();
        let is_taken = |frame: &FrameIdx| keyframes.contains(frame) && !chosen.contains(frame);
        if targets.iter().any(is_taken) {
            return;
        }
        self.place(StepName::MoveKeyframe, Gesture::Finished, now, |placed| {
            placed.retain(|frame| !chosen.contains(frame));
            placed.extend(&targets);
        });
        self.view.selection = targets;
    }

    fn remove_selected(&mut self, now: Duration) {
        let selection = self.view.selection.clone();
        self.remove(selection, now);
    }

    fn toggle_lock(&mut self, now: Duration) {
        let mut chosen = self.view.selection.clone();
        if chosen.is_empty() {
            chosen.insert(self.view.playhead);
        }
        // Only a picture that is there can be kept.
        chosen.retain(|frame| self.results.keyframes.contains_key(frame));
        let all_locked = chosen.is_subset(&self.edits.locked);
        self.edit(StepName::Lock, Gesture::Finished, now, |edits| {
            for frame in chosen {
                if all_locked {
                    edits.locked.remove(&frame);
                } else {
                    edits.locked.insert(frame);
                }
            }
        });
    }

    fn select(&mut self, frame: FrameIdx, mode: SelectMode) {
        let keyframes = self.keyframes();
        if !keyframes.contains(&frame) {
            return;
        }
        let selection = &mut self.view.selection;
        match mode {
            SelectMode::Only => *selection = [frame].into(),
            SelectMode::Toggle => {
                if !selection.remove(&frame) {
                    selection.insert(frame);
                }
            }
            SelectMode::Extend => {
                let ends = [frame]
                    .iter()
                    .chain(selection.iter())
                    .copied()
                    .collect::<Vec<_>>();
                let (first, last) = (ends.iter().min(), ends.iter().max());
                if let (Some(first), Some(last)) = (first, last) {
                    let between = keyframes.iter().filter(|f| (first..=last).contains(f));
                    *selection = between.copied().collect();
                }
            }
        }
    }

    /// Forgets selected keyframes that are none any more.
    pub(in crate::app) fn tidy_selection(&mut self) {
        let keyframes = self.keyframes();
        self.view
            .selection
            .retain(|frame| keyframes.contains(frame));
    }

    fn toggle_cut(&mut self, frame: FrameIdx, now: Duration) {
        let Some(survey) = self.source.survey.clone() else {
            return;
        };
        if frame.0 == 0 || frame.0 >= survey.n_frames() {
            return;
        }
        let mut cuts = self.edits.all_cuts(&survey);
        let name = if cuts.remove(&frame) {
            StepName::Join
        } else {
            cuts.insert(frame);
            StepName::Cut
        };
        self.edit(name, Gesture::Finished, now, |edits| {
            edits.cuts = Some(cuts);
        });
        self.tidy_selection();
    }

    /// A range has two frames at least.
    fn set_range(&mut self, start: usize, end: usize, gesture: Gesture, now: Duration) {
        let Some(n_frames) = self.source.n_frames().filter(|&n| n >= 2) else {
            return;
        };
        let start = start.min(n_frames - 2);
        let end = end.clamp(start + 2, n_frames);
        let range = (start > 0 || end < n_frames).then_some(FrameRange { start, end });
        self.edit(StepName::Range, gesture, now, |edits| edits.range = range);
        self.tidy_selection();
    }
}
