//! The playhead: seeking, stepping, playing.

use std::time::Duration;

use super::super::actions::{Action, Effect, Shuttle, Step};
use super::super::messages::{Severity, plain};
use super::super::state::{AppState, Dialog, Project};
use super::super::timecode::{self, Place};
use super::super::view::Playback;
use crate::frame::FrameIdx;

/// Fastest playing, forwards and backwards.
const FASTEST: f64 = 4.0;
/// Playing while K is held.
const SLOW: f64 = 0.25;

/// Moves the playhead, or hands the action back.
pub fn perform(state: &mut AppState, action: Action) -> Result<Vec<Effect>, Action> {
    match action {
        Action::Tick(now) => return Ok(tick(state, now)),
        Action::GoTo(text) => {
            go_to(state, &text);
            return Ok(Vec::new());
        }
        _ => {}
    }
    let Some(project) = &mut state.project else {
        return match action {
            Action::Seek(_) | Action::Step(_) | Action::TogglePlay | Action::Shuttle(_) => {
                Ok(Vec::new())
            }
            other => Err(other),
        };
    };
    match action {
        Action::Seek(frame) => project.seek(frame),
        Action::Step(step) => project.step(step),
        Action::TogglePlay if project.view.playback.is_playing() => project.play_at(0.0),
        Action::TogglePlay => {
            if project.view.playhead >= project.last_frame() {
                project.seek(FrameIdx(project.range().start));
            }
            project.play_at(1.0);
        }
        Action::Shuttle(shuttle) => {
            let speed = project.view.playback.speed;
            project.play_at(match shuttle {
                Shuttle::Stop => 0.0,
                Shuttle::SlowBack => -SLOW,
                Shuttle::SlowForward => SLOW,
                Shuttle::Forward if speed >= 1.0 => (speed * 2.0).min(FASTEST),
                Shuttle::Forward => 1.0,
                Shuttle::Back if speed <= -1.0 => (speed * 2.0).max(-FASTEST),
                Shuttle::Back => -1.0,
            });
        }
        other => return Err(other),
    }
    Ok(Vec::new())
}

fn tick(state: &mut AppState, now: Duration) -> Vec<Effect> {
    let elapsed = now.saturating_sub(state.now);
    state.now = now;
    if let Some(project) = &mut state.project {
        project.play_on(elapsed);
    }
    super::saving::autosave(state)
}

fn go_to(state: &mut AppState, text: &str) {
    state
        .dialogs
        .retain(|dialog| !matches!(dialog, Dialog::GoTo(_)));
    let Some(project) = &mut state.project else {
        return;
    };
    if let Some(place) = timecode::parse(text) {
        project.go_to(place);
    } else {
        let wanted = "expected a frame such as 120, or a time such as 1:04 or +2s";
        let report = plain(format!("{wanted}, not \"{}\"", text.trim()));
        state.messages.say(Severity::Warning, report, state.now);
    }
}

impl Project {
    /// The last frame of the video.
    #[must_use]
    pub fn last_frame(&self) -> FrameIdx {
        FrameIdx(self.source.n_frames().unwrap_or(1).saturating_sub(1))
    }

    pub(in crate::app) fn seek(&mut self, frame: FrameIdx) {
        self.view.playhead = frame.min(self.last_frame());
        let position = self.source.seconds_at(self.view.playhead);
        self.view.playback.position = position.unwrap_or(0.0);
    }

    fn play_at(&mut self, speed: f64) {
        let playhead = self.view.playhead;
        self.view.playback = Playback {
            speed,
            position: self.source.seconds_at(playhead).unwrap_or(0.0),
        };
    }

    /// Moves the playhead by the time that passed; playing ends where the video does.
    fn play_on(&mut self, elapsed: Duration) {
        let Playback { speed, position } = self.view.playback;
        if speed == 0.0 {
            return;
        }
        let position = position + speed * elapsed.as_secs_f64();
        self.view.playback.position = position.max(0.0);
        if let Some(frame) = self.source.frame_at(position) {
            self.view.playhead = frame;
        }
        let (first, last) = (FrameIdx(0), self.last_frame());
        let at_end = speed > 0.0 && self.view.playhead >= last;
        let at_start = speed < 0.0 && self.view.playhead == first;
        if at_end || at_start {
            self.view.playback.speed = 0.0;
        }
    }

    fn step(&mut self, step: Step) {
        let at = self.view.playhead;
        let moved =
            |frame: usize, by: i64| FrameIdx(usize::try_from(frame as i64 + by).unwrap_or(0));
        let target = match step {
            Step::Frames(n) => moved(at.0, i64::from(n)),
            Step::Seconds(n) => {
                let seconds = self.source.seconds_at(at).unwrap_or(0.0) + f64::from(n);
                self.source.frame_at(seconds).unwrap_or(at)
            }
            Step::PreviousKeyframe => last_below(&self.keyframes(), at).unwrap_or(at),
            Step::NextKeyframe => first_above(&self.keyframes(), at).unwrap_or(at),
            Step::PreviousShot => last_below(&self.shot_starts(), at).unwrap_or(at),
            Step::NextShot => first_above(&self.shot_starts(), at).unwrap_or(at),
            Step::RangeStart => FrameIdx(self.range().start),
            Step::RangeEnd => FrameIdx(self.range().end.saturating_sub(1)),
        };
        self.view.playback.speed = 0.0;
        self.seek(target);
    }

    fn shot_starts(&self) -> Vec<FrameIdx> {
        let survey = self.source.survey.as_ref();
        let shots = survey.map_or(Vec::new(), |survey| self.edits.shots(survey));
        shots
            .iter()
            .map(crate::worker::message::Shot::first)
            .collect()
    }

    fn go_to(&mut self, place: Place) {
        let at = self.view.playhead;
        let target = match place {
            Place::Frame(frame) => Some(FrameIdx(frame)),
            Place::FramesAway(by) => Some(FrameIdx(usize::try_from(at.0 as i64 + by).unwrap_or(0))),
            Place::Time(seconds) => self.source.frame_at(seconds),
            Place::SecondsAway(by) => {
                let seconds = self.source.seconds_at(at).unwrap_or(0.0) + by;
                self.source.frame_at(seconds)
            }
        };
        self.view.playback.speed = 0.0;
        self.seek(target.unwrap_or(at));
    }
}

fn last_below(frames: &[FrameIdx], at: FrameIdx) -> Option<FrameIdx> {
    frames.iter().rev().copied().find(|frame| *frame < at)
}

fn first_above(frames: &[FrameIdx], at: FrameIdx) -> Option<FrameIdx> {
    frames.iter().copied().find(|frame| *frame > at)
}
