//! The viewer: modes, wipe, overlay, tries and previews.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::Action;
use fresco_studio::app::view::{Overlay, ViewerMode, WipeLine};
use fresco_studio::frame::FrameIdx;
use fresco_studio::worker::message::{Event, TrialEvent};

use super::script::{Asked, result_picture};
use super::{ask, key, open_clip, press, settle, tell, translate_all};

#[test]
fn number_keys_choose_the_mode() {
    let mut bench = open_clip();
    let keys = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5];
    for (number, mode) in keys.into_iter().zip(ViewerMode::ALL) {
        key(&mut bench, Modifiers::NONE, number);
        assert_eq!(bench.state().project().view.mode, mode);
    }
}

#[test]
fn the_wipe_is_moved_by_keyboard_and_turned() {
    let mut bench = open_clip();
    translate_all(&mut bench);
    ask(&mut bench, Action::SetMode(ViewerMode::Wipe));
    bench
        .get_by_role_and_label(Role::Slider, "Wipe 50 percent")
        .focus();
    settle(&mut bench);
    // After Tab the arrows belong to the slider.
    bench.key_press_modifiers(Modifiers::SHIFT, Key::Tab);
    bench.key_press(Key::Tab);
    settle(&mut bench);
    key(&mut bench, Modifiers::NONE, Key::ArrowRight);
    assert!((bench.state().project().view.wipe.position - 0.52).abs() < 1e-3);
    key(&mut bench, Modifiers::NONE, Key::Escape);
    key(&mut bench, Modifiers::NONE, Key::W);
    assert_eq!(bench.state().project().view.wipe.line, WipeLine::Level);
}

#[test]
fn the_wipe_is_dragged() {
    let mut bench = open_clip();
    translate_all(&mut bench);
    ask(&mut bench, Action::SetMode(ViewerMode::Wipe));
    let line = bench
        .get_by_role_and_label(Role::Slider, "Wipe 50 percent")
        .rect()
        .center();
    bench.hover_at(line);
    settle(&mut bench);
    bench.drag_at(line);
    settle(&mut bench);
    let to = line + egui::vec2(80.0, 0.0);
    bench.hover_at(to);
    settle(&mut bench);
    bench.drop_at(to);
    settle(&mut bench);
    assert!(bench.state().project().view.wipe.position > 0.55);
}

#[test]
fn a_try_is_shown_and_the_newest_wins() {
    let mut bench = open_clip();
    key(&mut bench, Modifiers::NONE, Key::P);
    ask(&mut bench, Action::Seek(FrameIdx(9)));
    key(&mut bench, Modifiers::NONE, Key::P);
    let asked = bench.state().script().take_asked();
    let requests: Vec<u64> = asked
        .iter()
        .filter_map(|asked| match asked {
            Asked::Tried(request) => Some(request.request),
            _ => None,
        })
        .collect();
    assert_eq!(requests.len(), 2);
    let late = Event::Trial(requests[0], TrialEvent::Done(Arc::new(result_picture())));
    tell(&mut bench, vec![late]);
    let project = bench.state().project();
    assert!(
        project.result_picture(FrameIdx(9)).tag().as_deref() != Some("try"),
        "the old answer is not shown"
    );
    let answer = Event::Trial(requests[1], TrialEvent::Done(Arc::new(result_picture())));
    tell(&mut bench, vec![answer]);
    let project = bench.state().project();
    assert_eq!(
        project.result_picture(FrameIdx(9)).tag().as_deref(),
        Some("try")
    );
}

#[test]
fn c_shows_the_control_image() {
    let mut bench = open_clip();
    key(&mut bench, Modifiers::NONE, Key::C);
    assert_eq!(bench.state().project().view.overlay, Overlay::Control);
    key(&mut bench, Modifiers::NONE, Key::C);
    assert_eq!(bench.state().project().view.overlay, Overlay::None);
}

#[test]
fn space_plays_and_the_playhead_moves() {
    let mut bench = open_clip();
    key(&mut bench, Modifiers::NONE, Key::Space);
    bench.run_steps(30);
    let at = bench.state().project().view.playhead;
    assert!(
        at > FrameIdx(4),
        "half a second is more than four frames, not {at}"
    );
    key(&mut bench, Modifiers::NONE, Key::Space);
    assert!(!bench.state().project().view.playback.is_playing());
}

#[test]
fn the_timeline_is_scrubbed() {
    let mut bench = open_clip();
    let timeline = bench
        .get_by_role_and_label(Role::Slider, "Frame 0 of 48, 0.00 seconds")
        .rect();
    let at = egui::pos2(timeline.center().x, timeline.top() + 10.0);
    bench.hover_at(at);
    settle(&mut bench);
    bench.drag_at(at);
    settle(&mut bench);
    bench.drop_at(at);
    settle(&mut bench);
    let frame = bench.state().project().view.playhead.0;
    assert!((20..28).contains(&frame), "{frame}");
}

#[test]
fn full_screen_leaves_the_picture_alone() {
    let mut bench = open_clip();
    key(&mut bench, Modifiers::NONE, Key::F11);
    assert!(bench.query_by_label("Settings panel").is_none());
    key(&mut bench, Modifiers::NONE, Key::Escape);
    assert!(bench.query_by_label("Settings panel").is_some());
}

#[test]
fn a_transport_button_does_what_its_key_does() {
    let mut bench = open_clip();
    press(&mut bench, "One frame forward");
    assert_eq!(bench.state().project().view.playhead, FrameIdx(1));
}
