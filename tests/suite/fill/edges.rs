//! Keyframes in every place, and sources that no flow can follow: every frame comes out, and looks like a keyframe.

use fresco_studio::frame::{Frame, FrameIdx, Size, resize};
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::job::{Compat, FillPreset, FillSpec, InBetweensSpec};
use fresco_studio::synth::SynthError;
use proptest::prelude::*;

use super::{Place, SIZE, difference, flat, frames_in, noise, painted, run, source};

#[test]
fn keyframes_stay_as_they_were_painted_and_the_others_follow_the_motion() {
    let place = Place::moving(9, &[0, 4, 8]);
    let frames = place.fill();
    assert_eq!(frames.len(), 9);
    for (i, frame) in frames.iter().enumerate() {
        let wanted = painted(i);
        if i % 4 == 0 {
            assert_eq!(*frame, wanted, "keyframe {i}");
        }
        let off = difference(frame, &wanted);
        let (source, before) = (difference(frame, &source(i)), painted(i / 4 * 4));
        assert!(off < 6.0 && source > 40.0, "{i}: {off} {source}");
        assert!(
            i % 4 == 0 || off < difference(frame, &before),
            "{i} does not stand still"
        );
    }
}

#[test]
fn frames_before_the_first_keyframe_and_after_the_last_one_are_filled() {
    let frames = Place::moving(8, &[2, 4]).fill();
    assert_eq!(frames.len(), 8);
    for (i, frame) in frames.iter().enumerate() {
        assert!(difference(frame, &painted(i)) < 8.0, "{i}");
    }
    let alone = Place::moving(5, &[3]).fill();
    assert_eq!(alone.len(), 5);
    for (i, frame) in alone.iter().enumerate() {
        assert!(difference(frame, &painted(i)) < 8.0, "{i}");
    }
}

#[test]
fn neighbouring_keyframes_leave_nothing_to_do() {
    let place = Place::moving(3, &[0, 1, 2]);
    let (summary, told) = run(&place.spec()).unwrap();
    assert_eq!((summary.frames, summary.keyframes), (3, 3));
    assert_eq!(told.plan.unwrap().n_in_betweens(), 0);
    for (i, frame) in frames_in(&place.spec().out).iter().enumerate() {
        assert_eq!(*frame, painted(i));
    }
}

#[test]
fn the_shortest_sources_and_segments() {
    for (n_frames, keys) in [
        (1, &[0][..]),
        (2, &[0]),
        (2, &[1]),
        (2, &[0, 1]),
        (3, &[0, 2]),
        (3, &[1]),
    ] {
        for compat in [None, Some(Compat::Reference)] {
            let place = Place::moving(n_frames, keys);
            let spec = FillSpec {
                compat,
                ..place.spec()
            };
            run(&spec).unwrap();
            let frames = frames_in(&spec.out);
            assert_eq!(frames.len(), n_frames, "{keys:?}");
            for (i, frame) in frames.iter().enumerate() {
                assert!(
                    difference(frame, &painted(i)) < 8.0,
                    "{n_frames} {keys:?} {i}"
                );
            }
        }
    }
}

/// Nothing of one frame is seen in the next.
#[test]
fn frames_that_have_nothing_in_common_still_look_like_the_keyframe() {
    for compat in [None, Some(Compat::Reference)] {
        let place = Place::new(5, noise);
        let keys = [flat([200, 30, 30]), flat([200, 30, 30])];
        place.key("0000.png", &keys[0]);
        place.key("0004.png", &keys[1]);
        let spec = FillSpec {
            compat,
            ..place.spec()
        };
        run(&spec).unwrap();
        for frame in frames_in(&spec.out) {
            // The reference rounds down.
            let far = frame.pixels().iter().zip(keys[0].pixels());
            let far = far.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(far <= if compat.is_some() { 4 } else { 2 }, "{far}");
        }
    }
}

#[test]
fn every_colour_of_a_filled_frame_is_one_of_its_keyframes_whatever_the_motion() {
    // The whole scene jumps by a third of the picture at every frame.
    let jump = |i: usize| {
        Frame::from_fn(SIZE, |x, y| {
            source(0).at((x + 16 * i as u32) % SIZE.width, y)
        })
    };
    let place = Place::new(7, jump);
    place.key("0.png", &painted(0));
    let frames = place.fill();
    assert_eq!(frames.len(), 7);
    for frame in &frames {
        // Averages of patches of one keyframe stay within its range of colours.
        let within = |c: usize| {
            let range = |frame: &Frame| {
                let values = || frame.pixels().iter().skip(c).step_by(3);
                (*values().min().unwrap(), *values().max().unwrap())
            };
            let ((low, high), (a, b)) = (range(&painted(0)), range(frame));
            low <= a && b <= high
        };
        assert!((0..3).all(within));
    }
    let content = |frame: &Frame| difference(frame, &flat([150, 40, 160]));
    assert!(
        frames.iter().all(|frame| content(frame) > 2.0),
        "no frame is empty"
    );
}

#[test]
fn equal_keyframes_of_a_still_source_are_repeated() {
    let place = Place::new(4, |_| source(0));
    place.key("0.png", &painted(0));
    place.key("3.png", &painted(0));
    for frame in place.fill() {
        // Votes and blending soften the finest texture a little.
        let off = difference(&frame, &painted(0));
        assert!(off < 3.0, "{off}");
    }
}

#[test]
fn keyframes_of_any_size_and_kind_are_used() {
    let place = Place::moving(3, &[]);
    let large = Size {
        width: 96,
        height: 80,
    };
    place.key("a_0000.png", &resize(&painted(0), large));
    let path = place.path("keys").join("a_0002.jpg");
    image::RgbImage::from_raw(SIZE.width, SIZE.height, painted(2).pixels().to_vec())
        .unwrap()
        .save(&path)
        .unwrap();
    let frames = place.fill();
    assert!(frames.iter().all(|frame| frame.size() == SIZE));
    for (i, frame) in frames.iter().enumerate() {
        assert!(difference(frame, &painted(i)) < 12.0, "{i}");
    }
}

#[test]
fn pictures_without_room_for_a_patch_are_refused() {
    let tiny = |width, height| Size { width, height };
    for (size, fits) in [(tiny(5, 5), true), (tiny(7, 5), true), (tiny(4, 40), false)] {
        let place = Place::new(3, |i| {
            Frame::from_fn(size, |x, y| [x as u8 * 6, y as u8 * 6, i as u8])
        });
        place.key("0.png", &painted(0));
        match run(&place.spec()) {
            Ok(_) => assert!(fits && frames_in(&place.spec().out).len() == 3),
            Err(Error::Synth(SynthError::TooSmall(found))) => assert!(!fits && found == size),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn settings_change_the_frames_between_and_nothing_else() {
    let place = Place::moving(4, &[0, 3]);
    let with = |compat, fill_preset, no_gradient_blending| {
        let spec = FillSpec {
            compat,
            in_betweens: InBetweensSpec {
                fill_preset,
                no_gradient_blending,
            },
            ..place.spec()
        };
        run(&spec).unwrap();
        frames_in(&spec.out)
    };
    let own = with(None, FillPreset::Default, false);
    for other in [
        with(Some(Compat::Reference), FillPreset::Default, false),
        with(None, FillPreset::Draft, false),
        with(None, FillPreset::Default, true),
    ] {
        assert_eq!((&other[0], &other[3]), (&own[0], &own[3]));
        assert!(other[1] != own[1] && other[2] != own[2]);
        assert!((1..3).all(|i| difference(&other[i], &own[i]) < 6.0));
    }
}

#[test]
fn a_cut_is_not_crossed_unless_a_shot_has_no_keyframe() {
    let two_shots = |i: usize| {
        if i < 4 {
            source(i)
        } else {
            flat_with_square(i)
        }
    };
    let place = Place::new(8, two_shots);
    place.key("1.png", &painted(1));
    let (_, told) = run(&place.spec()).unwrap();
    assert!(
        told.warnings
            .iter()
            .any(|w| w.contains("frames 4 to 7 and no keyframe")),
        "{:?}",
        told.warnings
    );
    assert_eq!(told.plan.unwrap().shots().len(), 1);

    place.key("6.png", &flat([250, 250, 20]));
    let (_, told) = run(&place.spec()).unwrap();
    assert!(
        !told.warnings.iter().any(|w| w.contains("keyframe")),
        "{:?}",
        told.warnings
    );
    assert_eq!(told.plan.unwrap().shots().len(), 2);
    let frames = frames_in(&place.spec().out);
    assert!(difference(&frames[3], &painted(3)) < 8.0);
    assert!(difference(&frames[4], &flat([250, 250, 20])) < 1.0);
}

/// Another place altogether.
fn flat_with_square(i: usize) -> Frame {
    let inside = move |x: u32, y: u32| (20 + i as u32..40).contains(&x) && (4..30).contains(&y);
    Frame::from_fn(SIZE, move |x, y| {
        if inside(x, y) {
            [250, 240, 10]
        } else {
            [5, 200, 20]
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn no_frame_is_ever_missing(n_frames in 1..7_usize, keys in proptest::collection::btree_set(0..7_usize, 1..4)) {
        let keys: Vec<usize> = keys.into_iter().map(|key| key % n_frames).collect();
        let place = Place::moving(n_frames, &keys);
        let spec = FillSpec {
            in_betweens: InBetweensSpec {
                fill_preset: FillPreset::Draft,
                no_gradient_blending: false,
            },
            ..place.spec()
        };
        let (summary, told) = run(&spec).unwrap();
        prop_assert_eq!(summary.frames, n_frames);
        prop_assert_eq!(frames_in(&spec.out).len(), n_frames);
        let plan = told.plan.unwrap();
        prop_assert!(keys.iter().all(|&key| plan.keyframes().contains(&FrameIdx(key))));
    }
}
