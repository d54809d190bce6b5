//! A fill that was killed goes on where it was and ends with the same bytes; what changed is made anew.

use std::fs;
use std::time::SystemTime;

use fresco_studio::pipeline::job::{Compat, FillPreset, FillSpec, InBetweensSpec};

use super::{Place, painted, run};
use crate::support::{self, Program, contents_of, files_in, names_in};

fn flags(place: &Place, out: &str) -> Vec<String> {
    let path = |name: &str| place.path(name).to_str().unwrap().to_owned();
    let flags = [
        "fill",
        "--source",
        &path("source"),
        "--keyframes",
        &path("keys"),
        "--out",
        &path(out),
        "--device",
        "cpu",
        "--json",
    ];
    flags.map(ToOwned::to_owned).into()
}

fn times(place: &Place, folder: &str) -> Vec<(String, SystemTime)> {
    let files = files_in(&place.path(folder)).into_iter();
    files.map(|(name, _, time)| (name, time)).collect()
}

#[test]
fn killed_at_any_moment_it_ends_with_the_same_bytes() {
    let place = Place::moving(13, &[0, 4, 8, 12]);
    support::run(&flags(&place, "whole")).assert_finished();
    let whole = contents_of(&place.path("whole"));
    assert_eq!(whole.len(), 13);

    let is_done = |event: &serde_json::Value, n: u64| {
        event["stage"] == "in-betweens" && event["done"].as_u64() >= Some(n)
    };
    for n in [0, 4, 7] {
        let mut program = Program::start(&flags(&place, "out"));
        program.until(|event| is_done(event, n) || event["event"] == "finished");
        program.kill();
    }
    let first = &place.path("out.fresco/filled/000001.png");
    let made = first
        .exists()
        .then(|| fs::metadata(first).unwrap().modified().unwrap());
    support::run(&flags(&place, "out")).assert_finished();
    assert_eq!(contents_of(&place.path("out")), whole);
    if let Some(made) = made {
        assert_eq!(
            fs::metadata(first).unwrap().modified().unwrap(),
            made,
            "made once"
        );
    }
    // Once more: everything is there, and only the result is written again. What a killed run began is gone.
    for folder in ["filled", "flow"] {
        let begun = format!("out.fresco/{folder}/.partial-abc");
        fs::write(place.path(&begun), "begun").unwrap();
    }
    let n_flow = names_in(&place.path("out.fresco/flow")).len();
    let mut before = times(&place, "out.fresco/filled");
    before.retain(|(name, _)| name != ".partial-abc");
    let ended = support::run(&flags(&place, "out"));
    ended.assert_finished();
    assert_eq!(times(&place, "out.fresco/filled"), before);
    assert_eq!(contents_of(&place.path("out")), whole);
    let names = names_in(&place.path("out.fresco/filled"));
    assert_eq!(names.len(), 9, "nothing unfinished is left: {names:?}");
    assert_eq!(names_in(&place.path("out.fresco/flow")).len(), n_flow - 1);
}

#[test]
fn what_changed_is_made_again_and_nothing_else() {
    let place = Place::moving(9, &[0, 4, 8]);
    run(&place.spec()).unwrap();
    let (flow, filled) = (
        times(&place, "out.fresco/flow"),
        times(&place, "out.fresco/filled"),
    );
    assert_eq!((flow.len(), filled.len()), (16, 6));

    // Another keyframe at one end: the segment beside it.
    place.key("8.png", &painted(7));
    run(&place.spec()).unwrap();
    let changed = times(&place, "out.fresco/filled");
    assert_eq!(filled[..3], changed[..3]);
    assert!(
        filled[3..]
            .iter()
            .zip(&changed[3..])
            .all(|(a, b)| a.1 < b.1)
    );

    // Other settings: all segments, along the same flow.
    let mut before = changed;
    for (compat, fill_preset) in [
        (None, FillPreset::Draft),
        (Some(Compat::Reference), FillPreset::Draft),
    ] {
        let spec = FillSpec {
            compat,
            in_betweens: InBetweensSpec {
                fill_preset,
                no_gradient_blending: false,
            },
            ..place.spec()
        };
        run(&spec).unwrap();
        let after = times(&place, "out.fresco/filled");
        assert!(before.iter().zip(&after).all(|(a, b)| a.1 < b.1));
        before = after;
    }
    assert_eq!(times(&place, "out.fresco/flow"), flow);

    // One keyframe more: its frame is no in-between any more.
    place.key("2.png", &painted(2));
    run(&place.spec()).unwrap();
    assert_eq!(times(&place, "out.fresco/flow"), flow);
    let frames = super::frames_in(&place.path("out"));
    assert_eq!(frames[2], painted(2));
}

#[test]
fn a_damaged_picture_is_made_again() {
    let place = Place::moving(7, &[0, 3, 6]);
    let whole = place.fill();
    for name in [
        "filled/000002.png",
        "flow/cur_0004_prev_0003.png",
        "journal/fill.jsonl",
    ] {
        let path = place.path("out.fresco").join(name);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(place.fill(), whole, "{name}");
    }
}
