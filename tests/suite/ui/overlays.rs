//! What is laid over the picture: asked for when it is chosen, shown when it is there, and explained.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::Action;
use fresco_studio::app::view::Overlay;
use fresco_studio::frame::{Frame, FrameIdx};
use fresco_studio::worker::message::{OverlayKey, OverlayKind, OverlayPicture, Report};

use super::script::{Asked, overlay_picture};
use super::{Bench, CLIP, ask, facts, key, names, open_clip, settle, start_job};

/// Chooses an overlay in the menu below the picture.
pub fn choose(bench: &mut Bench, overlay: Overlay) {
    bench
        .get_by_role_and_label(Role::ComboBox, "Overlay")
        .click();
    settle(bench);
    bench
        .get_by_role_and_label(Role::Button, overlay.label())
        .click();
    settle(bench);
    assert_eq!(bench.state().project().view.overlay, overlay);
}

/// What was asked for since the last call.
fn requests(bench: &Bench) -> Vec<OverlayKey> {
    let asked = bench.state().script().take_asked().into_iter();
    asked
        .filter_map(|asked| match asked {
            Asked::LaidOver(spec) => Some(spec.key),
            _ => None,
        })
        .collect()
}

/// The worker answers what it was asked last.
pub fn answer(bench: &mut Bench) {
    let key = *requests(bench).last().expect("an overlay was asked for");
    give(bench, key);
}

fn give(bench: &mut Bench, key: OverlayKey) {
    tell_of(bench, CLIP, key, Ok(Arc::new(overlay_picture())));
}

fn tell_of(bench: &mut Bench, source: &str, key: OverlayKey, picture: Result<Arc<Frame>, Report>) {
    let source = source.into();
    *bench.state().script().overlay.borrow_mut() = Some(OverlayPicture {
        key,
        source,
        picture,
    });
    settle(bench);
}

fn legend(bench: &Bench, text: &str) {
    assert!(
        names(bench).iter().any(|name| name.contains(text)),
        "no {text:?} in {:?}",
        names(bench)
    );
}

#[test]
fn a_keyframe_is_compared_with_the_next_and_another_frame_with_its_neighbour() {
    let mut bench = open_clip();
    choose(&mut bench, Overlay::Flow);
    let next = bench.state().project().edits.keyframes(&super::survey())[1];
    let asked = requests(&bench);
    let [of_keyframe] = asked[..] else {
        panic!("asked once, not {asked:?}")
    };
    assert_eq!(of_keyframe.kind, OverlayKind::Flow);
    assert_eq!((of_keyframe.frame, of_keyframe.other), (FrameIdx(0), next));
    ask(&mut bench, Action::Seek(FrameIdx(1)));
    let pairs: Vec<_> = requests(&bench)
        .iter()
        .map(|key| (key.frame, key.other))
        .collect();
    assert_eq!(pairs, [(FrameIdx(1), FrameIdx(2))]);
    // The last frame of a shot has none after it that belongs to it.
    ask(&mut bench, Action::ToggleKeyframe(FrameIdx(18)));
    ask(&mut bench, Action::Seek(FrameIdx(19)));
    let last = requests(&bench).pop().unwrap();
    assert_eq!((last.frame, last.other), (FrameIdx(19), FrameIdx(18)));
}

#[test]
fn an_overlay_is_asked_for_once_and_kept() {
    let mut bench = open_clip();
    choose(&mut bench, Overlay::Saliency);
    legend(&bench, "saliency: being made");
    bench.run_steps(5);
    let asked = requests(&bench);
    assert_eq!(asked.len(), 1, "while it is made nothing new is asked for");
    give(&mut bench, asked[0]);
    legend(&bench, "saliency: bright stands out");
    ask(&mut bench, Action::Seek(FrameIdx(3)));
    legend(&bench, "saliency: being made");
    assert_eq!(requests(&bench).len(), 1);
    ask(&mut bench, Action::Seek(FrameIdx(0)));
    legend(&bench, "saliency: bright stands out");
    assert!(requests(&bench).is_empty(), "it is kept");
}

#[test]
fn a_late_answer_to_an_older_request_is_not_shown_on_another_frame() {
    let mut bench = open_clip();
    choose(&mut bench, Overlay::Occlusion);
    let first = requests(&bench)[0];
    ask(&mut bench, Action::Seek(FrameIdx(3)));
    give(&mut bench, first);
    legend(&bench, "occlusion: being made");
}

#[test]
fn an_overlay_of_another_video_is_not_shown() {
    let mut bench = open_clip();
    choose(&mut bench, Overlay::Occlusion);
    let key = requests(&bench)[0];
    let picture = Ok(Arc::new(overlay_picture()));
    tell_of(&mut bench, "/clips/other.mp4", key, picture);
    legend(&bench, "occlusion: being made");
    give(&mut bench, key);
    legend(&bench, "red is not found there");
}

#[test]
fn one_that_cannot_be_made_says_why() {
    let mut bench = open_clip();
    choose(&mut bench, Overlay::Flow);
    let key = requests(&bench)[0];
    let report = facts::report("the frame cannot be read");
    tell_of(&mut bench, CLIP, key, Err(report));
    legend(&bench, "no flow: the frame cannot be read");
    bench.run_steps(5);
    assert!(requests(&bench).is_empty(), "it is not asked for again");
}

#[test]
fn beside_a_job_an_overlay_waits_for_the_batch() {
    let mut bench = open_clip();
    start_job(&mut bench);
    choose(&mut bench, Overlay::Flow);
    legend(&bench, "flow: comes between two batches of the job");
}

#[test]
fn every_overlay_has_a_legend_and_none_has_none() {
    let mut bench = open_clip();
    let legends = [
        (Overlay::Control, "white lines are kept"),
        (Overlay::Flow, "right red, down green, left cyan, up violet"),
        (Overlay::Occlusion, "red is not found there"),
        (Overlay::Saliency, "bright stands out"),
        (Overlay::Batches, "batch 1 of 2, frames 0–19, begins here"),
    ];
    for (overlay, text) in legends {
        choose(&mut bench, overlay);
        if overlay.kind().is_some() {
            answer(&mut bench);
        }
        legend(&bench, text);
    }
    let before = names(&bench).len();
    choose(&mut bench, Overlay::None);
    assert_eq!(names(&bench).len(), before - 1, "the legend is gone");
}

#[test]
fn the_palette_knows_every_overlay() {
    let mut bench = open_clip();
    for (words, overlay) in [
        ("flow", Overlay::Flow),
        ("occlusion", Overlay::Occlusion),
        ("saliency", Overlay::Saliency),
        ("batch borders", Overlay::Batches),
    ] {
        key(&mut bench, Modifiers::COMMAND, Key::K);
        bench.get_by_label("Search commands").type_text(words);
        settle(&mut bench);
        key(&mut bench, Modifiers::NONE, Key::Enter);
        assert_eq!(bench.state().project().view.overlay, overlay);
    }
}
