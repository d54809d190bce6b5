//! Guides against those that the reference was given, exactly where nothing was inpainted.

use fresco_studio::frame::Frame;
use fresco_studio::synth::{Mask, guides};

use super::case::{Case, for_each};

#[test]
fn edges_are_the_references() {
    for_each(|case| {
        for frame in 0..=case.interval {
            let file = format!("guides/edge_{frame:04}.png");
            if case.path.join(&file).is_file() {
                let edges = guides::edge(&case.input(frame));
                assert_eq!(edges, case.frame(file), "{} {frame}", case.name);
            }
        }
    });
}

#[test]
fn warped_guides_are_the_references() {
    for_each(|case| {
        for direction in ["forward", "backward"] {
            for step in 1..case.interval {
                check_step(case, direction, step);
            }
        }
    });
}

/// Compares both warped guides of one step of a pass, where they and what they came from are stored.
fn check_step(case: &Case, direction: &str, step: usize) {
    let number = |step: usize| match direction {
        "forward" => step,
        _ => case.interval - step,
    };
    let (current, previous) = (number(step), number(step - 1));
    let stored = |folder: &str, kind: &str, frame: usize| {
        let file = format!("{folder}/{kind}{direction}_{frame:04}.png");
        case.path.join(&file).is_file().then(|| case.frame(file))
    };
    let size = case.input(0).size();
    let (flow, hidden) = case.flow(current, previous);
    let positions = match step {
        1 => Some(guides::ramp(size)),
        _ => stored("guides", "position_", previous),
    };
    let outputs = match step {
        1 => Some(case.frame(format!("keys/{previous:04}.png"))),
        _ => Some(case.frame(format!("reference/{direction}/{previous:04}.png"))),
    };
    for (kind, before) in [("position_", positions), ("temporal_", outputs)] {
        let expected = stored("guides", kind, current);
        let (Some(before), Some(expected)) = (before, expected) else {
            continue;
        };
        let warped = guides::warp_nearest(&before, &flow);
        let what = format!("{} {kind}{direction} {current}", case.name);
        assert_equal_where_seen(&warped, &expected, &hidden, &what);
        let filled = guides::fill(&warped, &hidden);
        assert_equal_where_seen(&filled, &expected, &hidden, &what);
        eprintln!(
            "{what}: {} of {} compared",
            size.area() - hidden.count(),
            size.area()
        );
    }
}

fn assert_equal_where_seen(found: &Frame, expected: &Frame, hidden: &Mask, what: &str) {
    let pixels = found.pixels().chunks(3).zip(expected.pixels().chunks(3));
    let differing = pixels
        .zip(hidden.values())
        .filter(|((a, b), hidden)| !**hidden && a != b);
    assert_eq!(differing.count(), 0, "{what}");
}

#[test]
fn occlusion_is_the_references() {
    for_each(|case| {
        // The flow from the first keyframe and into the second are not stored: no pass takes these steps.
        for current in 2..case.interval {
            let (there, hidden) = case.flow(current, current - 1);
            let (back, _) = case.flow(current - 1, current);
            let mask = guides::occlusion(&there, &back);
            let differing = mask
                .values()
                .iter()
                .zip(hidden.values())
                .filter(|(a, b)| a != b);
            // The stored flows are rounded to 1/128 pixel, the masks come from the flows before.
            let share = differing.count() as f64 / hidden.values().len() as f64;
            eprintln!("{} {current}: {share:.5} of the mask differs", case.name);
            assert!(share < 0.002, "{} {current}: {share}", case.name);
        }
    });
}
