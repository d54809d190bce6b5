//! The playhead: steps, playing, typed places; the view.

use fresco_studio::app::actions::{Shuttle, Step};
use fresco_studio::app::state::Dialog;
use fresco_studio::app::view::{TimelineView, ViewerMode};

use super::*;

fn at(state: &AppState) -> usize {
    project(state).view.playhead.0
}

fn stepped(state: &mut AppState, step: Step) -> usize {
    perform(state, Action::Step(step));
    at(state)
}

#[test]
fn steps_go_where_they_say() {
    let mut state = opened();
    assert_eq!(stepped(&mut state, Step::Frames(-1)), 0, "the first frame");
    assert_eq!(stepped(&mut state, Step::Frames(3)), 3);
    assert_eq!(stepped(&mut state, Step::Seconds(1)), 23);
    assert_eq!(stepped(&mut state, Step::PreviousKeyframe), 20);
    assert_eq!(stepped(&mut state, Step::NextKeyframe), 25);
    assert_eq!(stepped(&mut state, Step::PreviousShot), 20);
    assert_eq!(stepped(&mut state, Step::PreviousShot), 0);
    assert_eq!(stepped(&mut state, Step::NextShot), 20);
    assert_eq!(
        stepped(&mut state, Step::NextShot),
        20,
        "there is none after"
    );
    assert_eq!(stepped(&mut state, Step::RangeEnd), 39);
    assert_eq!(stepped(&mut state, Step::Seconds(5)), 39, "the last frame");
    perform(
        &mut state,
        Action::SetRange {
            start: 4,
            end: 30,
            gesture: Gesture::Finished,
        },
    );
    assert_eq!(stepped(&mut state, Step::RangeStart), 4);
    assert_eq!(stepped(&mut state, Step::RangeEnd), 29);
}

#[test]
fn playing_follows_the_clock_and_ends_with_the_video() {
    let mut state = opened();
    perform(&mut state, Action::TogglePlay);
    later(&mut state, 0.51);
    assert_eq!(at(&state), 10);
    perform(&mut state, Action::Shuttle(Shuttle::Forward));
    later(&mut state, 0.5);
    assert_eq!(at(&state), 30, "twice as fast");
    later(&mut state, 9.0);
    assert_eq!(at(&state), 39);
    assert!(!project(&state).view.playback.is_playing());
    perform(&mut state, Action::TogglePlay);
    assert_eq!(at(&state), 0, "from the beginning again");
}

#[test]
#[allow(clippy::float_cmp, reason = "these values are exact")]
fn shuttling_speeds_up_and_turns() {
    let mut state = opened();
    perform(&mut state, Action::Seek(FrameIdx(30)));
    let mut speed = |shuttle| {
        perform(&mut state, Action::Shuttle(shuttle));
        project(&state).view.playback.speed
    };
    let speeds = [
        Shuttle::Forward,
        Shuttle::Forward,
        Shuttle::Forward,
        Shuttle::Forward,
        Shuttle::Back,
        Shuttle::Back,
        Shuttle::Stop,
        Shuttle::SlowBack,
        Shuttle::SlowForward,
    ]
    .map(&mut speed);
    assert_eq!(speeds, [1.0, 2.0, 4.0, 4.0, -1.0, -2.0, 0.0, -0.25, 0.25]);
    perform(&mut state, Action::Shuttle(Shuttle::Back));
    later(&mut state, 5.0);
    assert_eq!((at(&state), project(&state).view.playback.speed), (0, 0.0));
}

#[test]
fn typed_places_are_gone_to() {
    let mut state = opened();
    perform(&mut state, Action::OpenDialog(Dialog::GoTo(String::new())));
    for (text, frame) in [
        ("12", 12),
        ("+0.5s", 22),
        ("-2", 20),
        ("0:01", 20),
        ("+1:00", 39),
    ] {
        perform(&mut state, Action::GoTo(text.into()));
        assert_eq!(at(&state), frame, "{text}");
    }
    assert!(state.dialogs.is_empty());
    perform(&mut state, Action::GoTo("yesterday".into()));
    assert_eq!(at(&state), 39);
    assert_eq!(state.messages.unread(), 1);
}

#[test]
fn zooming_keeps_the_playhead_in_its_place() {
    let mut state = opened();
    perform(&mut state, Action::Seek(FrameIdx(30)));
    perform(&mut state, Action::ZoomTimeline(2.0));
    let TimelineView { first, n_frames } = project(&state).view.timeline;
    assert_eq!((first, n_frames), (15.0, Some(20.0)));
    for _ in 0..9 {
        perform(&mut state, Action::ZoomTimeline(2.0));
    }
    assert_eq!(project(&state).view.timeline.n_frames, Some(8.0));
    perform(&mut state, Action::ZoomTimeline(0.01));
    assert_eq!(project(&state).view.timeline, TimelineView::default());
}

#[test]
fn turning_the_wipe_shows_it_and_escape_closes_the_topmost() {
    let mut state = opened();
    perform(&mut state, Action::TurnWipe);
    assert_eq!(project(&state).view.mode, ViewerMode::Wipe);
    perform(&mut state, Action::SetWipe(7.0));
    assert!((project(&state).view.wipe.position - 1.0).abs() < 1e-6);
    perform(&mut state, Action::ToggleFullScreen);
    perform(&mut state, Action::OpenDialog(Dialog::Shortcuts));
    perform(&mut state, Action::OpenDialog(Dialog::About));
    perform(&mut state, Action::Escape);
    assert_eq!(state.dialogs, [Dialog::Shortcuts]);
    perform(&mut state, Action::Escape);
    assert!(project(&state).view.full_screen);
    perform(&mut state, Action::Escape);
    assert!(!project(&state).view.full_screen);
}
