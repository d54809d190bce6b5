//! Keyframes, batches and segments: what is published, and what holds for any video.

use std::collections::BTreeSet;

use fresco_studio::frame::{Frame, FrameIdx, Size};
use fresco_studio::pipeline::keyframes::{
    KeyframeGap, KeyframeGapError, KeyframeRule, MotionMeter, select_keyframes,
};
use fresco_studio::pipeline::plan::{
    Batch, Partition, Plan, PlanError, Segment, plan_batches, repack,
};
use fresco_studio::pipeline::shots::{Shot, shots_between};
use proptest::prelude::*;

fn frames(indices: impl IntoIterator<Item = usize>) -> Vec<FrameIdx> {
    indices.into_iter().map(FrameIdx).collect()
}

fn shot(n_frames: usize) -> Shot {
    Shot::try_from(0..n_frames).unwrap()
}

fn new_counts(n_keyframes: usize, batch_size: usize, partition: Partition) -> Vec<usize> {
    let batches = plan_batches(&frames(0..n_keyframes), batch_size, partition).unwrap();
    batches.iter().map(|batch| batch.new.len()).collect()
}

#[test]
fn motion_selects_the_published_lists() {
    let scores: Vec<f64> = (0..60).map(|f| f64::from(37 * f % 29) / 29.0).collect();
    for ((min, max), want) in [
        ((3, 12), vec![0, 7, 18, 25, 36, 47, 59]),
        ((5, 20), vec![0, 7, 18, 36, 47, 59]),
        ((10, 30), vec![0, 18, 47, 59]),
    ] {
        for rule in [KeyframeRule::EndsIncluded, KeyframeRule::Reference] {
            let got = select_keyframes(&shot(60), KeyframeGap::Range { min, max }, &scores, rule);
            assert_eq!(got, frames(want.clone()), "{min}..{max}");
        }
    }
}

#[test]
fn motion_is_the_mean_squared_difference_of_blurred_frames() {
    let size = Size {
        width: 33,
        height: 21,
    };
    let flat = |grey: u8| Frame::from_fn(size, |_, _| [grey; 3]);
    let dot = Frame::from_fn(
        size,
        |x, y| if (x, y) == (16, 10) { [255; 3] } else { [0; 3] },
    );
    let mut meter = MotionMeter::default();
    assert!(
        meter.push(&flat(7)).abs() < f64::EPSILON,
        "the first frame moves nothing"
    );
    assert!(meter.push(&flat(7)).abs() < f64::EPSILON, "nothing moved");
    let got = meter.push(&flat(17));
    assert!((got - (10.0_f64 / 127.5).powi(2)).abs() < 1e-12, "{got}");
    meter.push(&flat(0));
    // The blurred dot is the product of the two kernels, rounded.
    let kernel = [4.0, 13.0, 30.0, 51.0, 60.0, 51.0, 30.0, 13.0, 4.0].map(|w: f64| w / 256.0);
    let levels = kernel
        .iter()
        .flat_map(|a| kernel.map(|b| (255.0 * a * b + 0.5).floor()));
    let want = levels.map(|v| (v / 127.5).powi(2)).sum::<f64>() / size.area() as f64;
    let got = meter.push(&dot);
    assert!((got - want).abs() < 1e-12, "{got} for {want}");
}

#[test]
fn only_the_reference_drops_the_tail() {
    let select = |gap, rule| select_keyframes(&shot(12), gap, &[], rule);
    assert_eq!(
        select(KeyframeGap::Fixed(5), KeyframeRule::Reference),
        frames([0, 5, 10])
    );
    assert_eq!(
        select(KeyframeGap::Fixed(5), KeyframeRule::EndsIncluded),
        frames([0, 5, 10, 11])
    );
    let equal_ends = KeyframeGap::Range { min: 11, max: 11 };
    assert_eq!(
        select(equal_ends, KeyframeRule::EndsIncluded),
        frames([0, 11])
    );
}

#[test]
fn keyframes_count_from_the_start_of_the_video() {
    let shot = Shot::try_from(100..103).unwrap();
    let gap = KeyframeGap::default();
    let got = select_keyframes(&shot, gap, &[0.5, 0.1, 0.2], KeyframeRule::EndsIncluded);
    assert_eq!(got, frames([100, 102]));
}

#[test]
fn gaps_are_read_and_written() {
    for text in ["7", "5..20", "4..4"] {
        assert_eq!(text.parse::<KeyframeGap>().unwrap().to_string(), text);
        let json = format!("\"{text}\"");
        let gap: KeyframeGap = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&gap).unwrap(), json);
    }
    let refused = |text: &str| text.parse::<KeyframeGap>().unwrap_err();
    assert_eq!(refused("0"), KeyframeGapError::Zero);
    assert_eq!(refused("0..5"), KeyframeGapError::Zero);
    assert_eq!(
        refused("9..5"),
        KeyframeGapError::Reversed { min: 9, max: 5 }
    );
    for text in ["", "5..", "..5", "5...20", "-1", "a..b", "5..=20"] {
        assert!(
            matches!(refused(text), KeyframeGapError::Malformed(_)),
            "{text}"
        );
    }
}

#[test]
fn reference_batches_have_the_published_sizes() {
    for (n_keyframes, batch_size, want) in [
        (8, 8, vec![8]),
        (9, 8, vec![6, 3]),
        (10, 8, vec![7, 3]),
        (11, 8, vec![8, 3]),
        (23, 8, vec![8, 6, 6, 3]),
        (9, 5, vec![5, 1, 3]),
    ] {
        let got = new_counts(n_keyframes, batch_size, Partition::Reference);
        assert_eq!(got, want, "{n_keyframes} by {batch_size}");
    }
}

#[test]
fn own_batches_are_full_and_fit() {
    for (n_keyframes, batch_size, want) in [
        (1, 3, vec![1]),
        (8, 8, vec![8]),
        (9, 8, vec![6, 3]),
        (14, 8, vec![8, 6]),
        (15, 8, vec![8, 4, 3]),
        (23, 8, vec![8, 6, 6, 3]),
        (5, 3, vec![3, 1, 1]),
        (7, 4, vec![4, 1, 2]),
        (8, 5, vec![5, 3]),
    ] {
        let got = new_counts(n_keyframes, batch_size, Partition::Filled);
        assert_eq!(got, want, "{n_keyframes} by {batch_size}");
    }
}

#[test]
fn a_single_keyframe_before_gives_two_equal_anchors() {
    let keys = frames([0, 5, 10, 15]);
    let batches = plan_batches(&keys, 3, Partition::Reference).unwrap();
    assert_eq!(batches[1].anchors, frames([0, 0]));
    assert_eq!(batches[1].frames(), frames([0, 0, 5, 10, 15]));
}

#[test]
fn impossible_plans_are_refused() {
    let plan = |keys: &[usize], batch_size| {
        plan_batches(&frames(keys.iter().copied()), batch_size, Partition::Filled)
    };
    assert_eq!(plan(&[], 8), Err(PlanError::NoKeyframes));
    assert_eq!(
        plan(&[1], 2),
        Err(PlanError::BatchTooSmall { batch_size: 2 })
    );
    assert_eq!(plan(&[4, 4], 8), Err(PlanError::OutOfOrder(FrameIdx(4))));
    let shots = shots_between(0..10, &[FrameIdx(5)]);
    let keyframes = [frames([0, 4]), frames([5, 10])];
    assert_eq!(
        Plan::new(shots, &keyframes, 8, Partition::Filled),
        Err(PlanError::OutsideShot {
            frame: FrameIdx(10),
            shot: 1
        })
    );
}

fn segment(shot: usize, left: Option<usize>, right: Option<usize>) -> Segment {
    let frames = left.map_or(0, |left| left + 1)..right.unwrap_or(0);
    Segment {
        shot,
        left: left.map(FrameIdx),
        right: right.map(FrameIdx),
        frames,
    }
}

#[test]
fn keyframes_that_exist_leave_the_frames_around_them() {
    let shots = shots_between(0..14, &[FrameIdx(8), FrameIdx(10)]);
    let plan = Plan::of_finished(shots.clone(), frames([2, 3, 6, 9, 12])).unwrap();
    assert!(plan.batches().is_empty());
    let tail = Segment {
        frames: 13..14,
        ..segment(2, Some(12), None)
    };
    let want = [
        segment(0, None, Some(2)),
        segment(0, Some(3), Some(6)),
        Segment {
            frames: 7..8,
            ..segment(0, Some(6), None)
        },
        Segment {
            frames: 8..9,
            ..segment(1, None, Some(9))
        },
        Segment {
            frames: 10..12,
            ..segment(2, None, Some(12))
        },
        tail,
    ];
    assert_eq!(plan.segments().collect::<Vec<_>>(), want);
    assert_eq!(plan.n_in_betweens(), 9);

    let of = |keyframes: &[usize]| {
        Plan::of_finished(shots.clone(), frames(keyframes.iter().copied())).unwrap_err()
    };
    assert_eq!(of(&[2, 9]), PlanError::NoKeyframes);
    assert_eq!(of(&[3, 2, 9, 12]), PlanError::OutOfOrder(FrameIdx(2)));
    let (frame, shot) = (FrameIdx(14), 2);
    assert_eq!(of(&[2, 9, 12, 14]), PlanError::OutsideShot { frame, shot });
}

#[test]
fn a_plan_of_two_shots() {
    let shots = shots_between(0..12, &[FrameIdx(8)]);
    let keyframes = [frames([0, 3, 5, 7]), frames([8, 11])];
    let plan = Plan::new(shots, &keyframes, 3, Partition::Filled).unwrap();
    let batch = |shot, anchors: &[usize], new: &[usize]| Batch {
        shot,
        anchors: frames(anchors.iter().copied()),
        new: frames(new.iter().copied()),
    };
    let want = [
        batch(0, &[], &[0, 3, 5]),
        batch(0, &[0, 5], &[7]),
        batch(1, &[], &[8, 11]),
    ];
    assert_eq!(plan.batches(), want);
    let want = [
        segment(0, Some(0), Some(3)),
        segment(0, Some(3), Some(5)),
        segment(0, Some(5), Some(7)),
        segment(1, Some(8), Some(11)),
    ];
    assert_eq!(plan.segments().collect::<Vec<_>>(), want);
    assert_eq!(plan.n_in_betweens(), 6);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

/// Selection as the paper's algorithm is written: the plain definition that the quick one must equal.
fn follow_motion_by_definition(scores: &[f64], min: usize, max: usize) -> Vec<usize> {
    let mut d = scores.to_vec();
    let n = d.len();
    d[..min.min(n)].fill(-1.0);
    d[n.saturating_sub(min)..].fill(-1.0);
    let mut keys = vec![0, n - 1];
    keys.dedup();
    while keys.windows(2).any(|pair| pair[1] - pair[0] > max) {
        let best = (0..n).rev().max_by(|&a, &b| d[a].total_cmp(&d[b])).unwrap();
        if d[best] < 0.0 {
            break;
        }
        d[best - min..(best + min).min(n)].fill(-1.0);
        keys.push(best);
        keys.sort_unstable();
    }
    keys
}

proptest! {
    #[test]
    fn selection_equals_its_definition(
        scores in proptest::collection::vec((0..12_u32).prop_map(f64::from), 1..120),
        min in 1..12_usize,
        more in 1..20_usize,
    ) {
        let gap = KeyframeGap::Range { min, max: min + more };
        let got = select_keyframes(&shot(scores.len()), gap, &scores, KeyframeRule::EndsIncluded);
        let want = follow_motion_by_definition(&scores, min, min + more);
        prop_assert_eq!(got, frames(want));
    }

    #[test]
    fn both_ends_are_keyframes_at_any_fixed_gap(n_frames in 1..200_usize, every in 1..50_usize) {
        let keys =
            select_keyframes(&shot(n_frames), KeyframeGap::Fixed(every), &[], KeyframeRule::EndsIncluded);
        prop_assert_eq!(keys.first(), Some(&FrameIdx(0)));
        prop_assert_eq!(keys.last(), Some(&FrameIdx(n_frames - 1)));
        prop_assert!(keys.windows(2).all(|k| k[0] < k[1] && k[1].0 - k[0].0 <= every));
    }

    #[test]
    fn batches_hold_every_keyframe_once_within_their_size(
        keys in proptest::collection::btree_set(0..500_usize, 1..60),
        batch_size in 3..12_usize,
    ) {
        let n = keys.len();
        let keys = frames(keys);
        let batches = plan_batches(&keys, batch_size, Partition::Filled).unwrap();
        let new: Vec<FrameIdx> = batches.iter().flat_map(|b| b.new.clone()).collect();
        prop_assert_eq!(&new, &keys);
        prop_assert_eq!(batches.len(), 1 + n.saturating_sub(batch_size).div_ceil(batch_size - 2));
        prop_assert!(batches[0].anchors.is_empty());
        for (before, batch) in batches.iter().zip(batches.iter().skip(1)) {
            prop_assert_eq!(&batch.anchors, &vec![keys[0], *before.new.last().unwrap()]);
            prop_assert!(batch.anchors[0] != batch.anchors[1]);
        }
        let sizes: Vec<usize> = batches.iter().map(|b| b.frames().len()).collect();
        prop_assert!(sizes.iter().all(|&size| size <= batch_size), "{:?}", sizes);
        prop_assert!(batches.iter().all(|b| !b.new.is_empty()));
        let full = sizes.len().saturating_sub(2);
        prop_assert!(sizes[..full].iter().all(|&size| size == batch_size), "{:?}", sizes);
        let (_, before) = batches.split_last().unwrap();
        let last = n - before.iter().map(|batch| batch.new.len()).sum::<usize>();
        prop_assert!(before.is_empty() || last >= 3.min(batch_size - 2), "{:?}", sizes);
    }

    #[test]
    fn smaller_batches_take_over_anywhere(
        keys in proptest::collection::btree_set(0..500_usize, 1..60),
        batch_size in 4..12_usize,
        smaller in 3..8_usize,
        from in 0..20_usize,
    ) {
        let keys = frames(keys);
        let batches = plan_batches(&keys, batch_size, Partition::Filled).unwrap();
        let from = from.min(batches.len() - 1);
        let packed = [&batches[..from], &repack(&batches[from..], smaller)].concat();
        let new: Vec<FrameIdx> = packed.iter().flat_map(|b| b.new.clone()).collect();
        prop_assert_eq!(&new, &keys);
        for (before, batch) in packed.iter().zip(packed.iter().skip(1)) {
            prop_assert_eq!(&batch.anchors, &vec![keys[0], *before.new.last().unwrap()]);
        }
        prop_assert!(packed[from..].iter().all(|b| b.frames().len() <= smaller && !b.new.is_empty()));
    }

    #[test]
    fn nothing_crosses_a_cut(
        n_frames in 1..150_usize,
        cuts in proptest::collection::vec((0..150_usize).prop_map(FrameIdx), 0..8),
        every in 1..20_usize,
        batch_size in 3..9_usize,
        partition in prop_oneof![Just(Partition::Filled), Just(Partition::Reference)],
    ) {
        let shots = shots_between(0..n_frames, &cuts);
        let gap = KeyframeGap::Fixed(every);
        let select = |shot: &Shot| select_keyframes(shot, gap, &[], KeyframeRule::EndsIncluded);
        let keyframes: Vec<_> = shots.iter().map(select).collect();
        let plan = Plan::new(shots.clone(), &keyframes, batch_size, partition).unwrap();
        prop_assert_eq!(plan.keyframes(), keyframes.concat());
        let new: Vec<FrameIdx> = plan.batches().iter().flat_map(|b| b.new.clone()).collect();
        prop_assert_eq!(plan.keyframes(), new);
        for batch in plan.batches() {
            prop_assert!(batch.frames().iter().all(|f| plan.shots()[batch.shot].contains(*f)));
        }
        let mut reached = BTreeSet::new();
        for segment in plan.segments() {
            let shot = &plan.shots()[segment.shot];
            let ends = [segment.left, segment.right].into_iter().flatten();
            prop_assert!(ends.clone().count() > 0 && ends.clone().all(|end| shot.contains(end)));
            prop_assert!(segment.frames.clone().all(|i| !plan.keyframes().contains(&FrameIdx(i))));
            reached.extend(segment.frames);
        }
        reached.extend(plan.keyframes().iter().map(|key| key.0));
        prop_assert_eq!(reached, (0..n_frames).collect::<BTreeSet<_>>());
    }
}
