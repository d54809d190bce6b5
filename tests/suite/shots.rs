//! Cuts are found where clips are joined, and nowhere else.

use fresco_studio::frame::{Frame, FrameIdx, Size};
use fresco_studio::pipeline::shots::{Shot, ShotDetector, shots_between};
use proptest::prelude::*;

use crate::clips;

const SIZE: Size = Size {
    width: 160,
    height: 90,
};
/// No cuts.
const NONE: [usize; 0] = [];
const CLIPS: [&str; 3] = ["car-turn.mp4", "dog.mp4", "bunny.mp4"];

fn cuts(frames: &[Frame]) -> Vec<usize> {
    let mut detector = ShotDetector::default();
    for frame in frames {
        detector.push(frame);
    }
    detector.cuts().into_iter().map(|cut| cut.0).collect()
}

/// A smooth pattern without repetition, different for each seed, that shows where it is.
fn texture(seed: u32, x: f32, y: f32) -> [u8; 3] {
    let seed = seed as f32;
    let wave =
        |fx: f32, fy: f32, phase: f32| ((x * fx + y * fy) * 0.1 + phase * (seed + 1.0)).sin();
    let channel = |c: f32| {
        let sum = wave(0.31, 0.17 + seed * 0.05, c) + wave(0.13 + seed * 0.07, -0.23, 2.0 * c);
        let base = 128.0 + 50.0 * (seed * 2.3 + c * 1.7).sin();
        (base + 35.0 * sum).clamp(0.0, 255.0) as u8
    };
    [channel(0.7), channel(1.9), channel(3.1)]
}

/// A camera over a texture, moving `step` pixels a frame.
fn pan(seed: u32, n_frames: usize, step: f32) -> Vec<Frame> {
    let at = |frame: usize| {
        let offset = frame as f32 * step;
        Frame::from_fn(SIZE, |x, y| texture(seed, x as f32 + offset, y as f32))
    };
    (0..n_frames).map(at).collect()
}

fn relit(frame: &Frame, change: impl Fn(f32) -> f32) -> Frame {
    let pixels = frame
        .pixels()
        .iter()
        .map(|&v| change(f32::from(v)).clamp(0.0, 255.0) as u8);
    Frame::new(frame.size(), pixels.collect())
}

#[test]
fn nothing_fires_inside_real_shots() {
    for clip in CLIPS {
        let frames = clips::small_frames(clip);
        assert_eq!(cuts(&frames), NONE, "{clip}");
        let sparse: Vec<Frame> = frames.into_iter().step_by(3).collect();
        assert_eq!(cuts(&sparse), NONE, "{clip}, every third frame");
    }
}

#[test]
fn every_join_of_real_clips_fires() {
    let clips = CLIPS.map(clips::small_frames);
    if clips.iter().any(Vec::is_empty) {
        return;
    }
    for lengths in [
        [20, 20, 20, 20, 20, 20],
        [1, 2, 3, 1, 5, 1],
        [7, 1, 12, 2, 1, 30],
    ] {
        for first in 0..3 {
            let (mut joined, mut want) = (Vec::new(), Vec::new());
            for (part, length) in lengths.into_iter().enumerate() {
                let start = part * 9;
                joined.extend_from_slice(&clips[(first + part) % 3][start..start + length]);
                want.push(joined.len());
            }
            want.pop();
            assert_eq!(cuts(&joined), want, "lengths {lengths:?} from clip {first}");
        }
    }
}

#[test]
fn joins_of_generated_clips_fire() {
    let joined: Vec<Frame> = (0..6).flat_map(|seed| pan(seed, 8, 2.0)).collect();
    assert_eq!(cuts(&joined), [8, 16, 24, 32, 40]);
    let flat = [[200, 30, 30], [30, 30, 200], [60, 60, 60], [120, 120, 120]];
    let joined: Vec<Frame> = flat
        .iter()
        .flat_map(|&colour| vec![Frame::from_fn(SIZE, |_, _| colour); 5])
        .collect();
    assert_eq!(cuts(&joined), [5, 10, 15]);
}

#[test]
fn a_lone_inserted_frame_is_a_shot() {
    let mut frames = pan(1, 12, 2.0);
    frames[6] = pan(2, 1, 0.0).remove(0);
    assert_eq!(cuts(&frames), [6, 7]);
}

#[test]
fn a_flash_is_no_cut() {
    let bright = |v: f32| 2.0 * v + 60.0;
    let changes: [fn(f32) -> f32; 3] = [|_| 255.0, |_| 0.0, bright];
    for change in changes {
        let mut generated = pan(3, 20, 3.0);
        generated[10] = relit(&generated[10], change);
        assert_eq!(cuts(&generated), NONE, "generated");
        for clip in CLIPS {
            let mut frames = clips::small_frames(clip);
            frames.truncate(30);
            if let Some(frame) = frames.get_mut(15) {
                *frame = relit(frame, change);
            }
            assert_eq!(cuts(&frames), NONE, "{clip}");
        }
    }
}

#[test]
fn fades_are_no_cuts() {
    let frames = pan(4, 30, 1.0);
    let faded = frames.iter().enumerate().map(|(i, frame)| {
        let light = (i as f32 / 10.0).min((29 - i) as f32 / 10.0).min(1.0);
        relit(frame, |v| v * light)
    });
    assert_eq!(cuts(&faded.collect::<Vec<_>>()), NONE);
}

#[test]
fn fast_pans_are_no_cuts() {
    for step in [5.0, 15.0, 30.0, 38.0] {
        for seed in 0..5 {
            let mut frames = pan(seed, 6, 0.0);
            frames.extend(pan(seed, 16, step));
            assert_eq!(cuts(&frames), NONE, "{step} pixels a frame, texture {seed}");
        }
    }
}

#[test]
fn one_frame_of_any_size_has_no_cut() {
    assert_eq!(cuts(&[]), NONE);
    let tiny = Size {
        width: 3,
        height: 2,
    };
    assert_eq!(cuts(&[Frame::from_fn(tiny, |_, _| [9; 3])]), NONE);
}

#[test]
fn shots_are_read_as_ranges_and_checked() {
    let shot = Shot::try_from(3..7).unwrap();
    let text = serde_json::to_string(&shot).unwrap();
    assert_eq!(serde_json::from_str::<Shot>(&text).unwrap(), shot);
    assert!(serde_json::from_str::<Shot>(r#"{"start":4,"end":4}"#).is_err());
}

proptest! {
    #[test]
    fn shots_cover_the_frames_in_order(
        start in 0..20_usize,
        n_frames in 0..40_usize,
        cuts in proptest::collection::vec((0..80_usize).prop_map(FrameIdx), 0..10),
    ) {
        let frames = start..start + n_frames;
        let shots = shots_between(frames.clone(), &cuts);
        let covered: Vec<usize> = shots.iter().flat_map(Shot::range).collect();
        prop_assert_eq!(covered, frames.clone().collect::<Vec<_>>());
        for cut in cuts.iter().filter(|cut| frames.contains(&cut.0)) {
            prop_assert!(shots.iter().any(|shot| shot.first() == *cut));
        }
    }
}
