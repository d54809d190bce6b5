//! Keyframe selection and batches against the reference's lists.

use fresco_studio::frame::{FrameIdx, resize, working_size};
use fresco_studio::pipeline::keyframes::{
    KeyframeGap, KeyframeRule, MotionMeter, select_keyframes,
};
use fresco_studio::pipeline::plan::{Partition, plan_batches};
use fresco_studio::pipeline::shots::Shot;
use serde_json::Value;

use super::fixture::for_each;
use crate::clips;

#[test]
fn selection_from_the_given_scores_is_the_reference_s() {
    for_each("keyframes", |fixture| {
        let about = fixture.json("keyframes.json");
        for case in array(&about["selection"]) {
            let scores = scores_of(&about, case);
            assert_eq!(
                select(case, &scores),
                indices(&case["keys"]),
                "{}: {case}",
                fixture.name
            );
        }
    });
}

/// The fixture's note allows scores to differ by about 1 %, since decoders differ.
#[test]
fn selection_from_decoded_clips_is_the_reference_s() {
    for_each("keyframes", |fixture| {
        let about = fixture.json("keyframes.json");
        let videos = about["videos"].as_object().cloned().unwrap_or_default();
        for (clip, video) in &videos {
            let scores = measure(clip);
            let want = numbers(&video["scores"]);
            if scores.len() != want.len() {
                eprintln!(
                    "  {clip}: not compared, {} of {} frames here",
                    scores.len(),
                    want.len()
                );
                continue;
            }
            for (frame, (got, want)) in scores.iter().zip(&want).enumerate() {
                let allowed = 0.01 * want + 1e-6;
                assert!(
                    (got - want).abs() <= allowed,
                    "{clip} frame {frame}: {got} for {want}"
                );
            }
            for case in array(&about["selection"])
                .iter()
                .filter(|case| case["video"] == *clip)
            {
                assert_eq!(
                    select(case, &scores),
                    indices(&case["keys"]),
                    "{clip}: {case}"
                );
            }
        }
    });
}

#[test]
fn batches_are_the_reference_s_and_ours_are_valid() {
    for_each("keyframes", |fixture| {
        let about = fixture.json("keyframes.json");
        for case in array(&about["batches"]) {
            let keys = indices(&case["keys"]);
            let batch_size = case["batch_size"].as_u64().unwrap() as usize;
            let plan = |partition| plan_batches(&keys, batch_size, partition).unwrap();
            for partition in [Partition::Reference, Partition::Filled] {
                let new: Vec<FrameIdx> = plan(partition).into_iter().flat_map(|b| b.new).collect();
                assert_eq!(new, keys, "{}: {partition:?} {case}", fixture.name);
            }
            let ours = plan(Partition::Filled);
            assert!(
                ours.iter().all(|batch| batch.frames().len() <= batch_size),
                "{case}"
            );
            if let Some(sublists) = case["sublists"].as_array() {
                let want: Vec<_> = sublists.iter().map(indices).collect();
                let got: Vec<_> = plan(Partition::Reference)
                    .into_iter()
                    .map(|b| b.new)
                    .collect();
                assert_eq!(got, want, "{}: {case}", fixture.name);
            }
        }
    });
}

fn select(case: &Value, scores: &[f64]) -> Vec<FrameIdx> {
    let field = |name: &str| case[name].as_u64().unwrap() as usize;
    let gap = KeyframeGap::Range {
        min: field("mininterv"),
        max: field("maxinterv"),
    };
    let shot = Shot::try_from(0..scores.len()).unwrap();
    select_keyframes(&shot, gap, scores, KeyframeRule::Reference)
}

fn measure(clip: &str) -> Vec<f64> {
    let mut meter = MotionMeter::default();
    let mut scores = Vec::new();
    clips::for_each_frame(clip, None, |frame| {
        let size = working_size(frame.size(), 512).size();
        scores.push(meter.push(&resize(&frame, size)));
    });
    scores
}

fn scores_of(about: &Value, case: &Value) -> Vec<f64> {
    let video = case["video"].as_str().unwrap();
    numbers(&about["videos"][video]["scores"])
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn numbers(value: &Value) -> Vec<f64> {
    array(value).iter().map(|v| v.as_f64().unwrap()).collect()
}

fn indices(value: &Value) -> Vec<FrameIdx> {
    array(value)
        .iter()
        .map(|v| FrameIdx(v.as_u64().unwrap() as usize))
        .collect()
}
