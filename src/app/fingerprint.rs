//! Which settings a result was made with, as a short text: it tells whether the result is out of date.
//!
//! The journal of the working folder decides what is really redone; this only has to agree with it closely enough to
//! tell the user before anything runs.

use crate::files::ContentHash;
use crate::frame::FrameIdx;
use crate::pipeline::job::{ExtraWords, JobSpec, Precision};
use crate::worker::message::Plan;

/// A fingerprint for each batch of a plan, in its order: of the settings that pictures depend on, and of the batch with
/// all earlier ones of its shot, whose anchors it is given. `precision` is the one that pictures are told apart by.
#[must_use]
pub fn batch_fingerprints(spec: &JobSpec, precision: Precision, plan: &Plan) -> Vec<String> {
    let shared = ContentHash::of_value(&JobSpec {
        precision,
        ..pictures_only(spec)
    });
    let mut chain: Option<(usize, ContentHash)> = None;
    let mut fingerprints = Vec::new();
    for batch in plan.batches() {
        let before = chain.take().filter(|(shot, _)| *shot == batch.shot);
        let words: Vec<&ExtraWords> = words_of(spec, &batch.frames());
        let frames = (&batch.anchors, &batch.new);
        let hash = ContentHash::of_value(&(&shared, frames, words, before.map(|(_, hash)| hash)));
        fingerprints.push(hash.as_str()[..16].to_owned());
        chain = Some((batch.shot, hash));
    }
    fingerprints
}

/// A fingerprint of everything that the frames between keyframes depend on.
#[must_use]
pub fn fill_fingerprint(spec: &JobSpec, precision: Precision, plan: &Plan) -> String {
    let batches = batch_fingerprints(spec, precision, plan);
    let hash = ContentHash::of_value(&(batches, &spec.in_betweens));
    hash.as_str()[..16].to_owned()
}

fn words_of<'a>(spec: &'a JobSpec, frames: &[FrameIdx]) -> Vec<&'a ExtraWords> {
    let words = spec.extra.iter();
    words
        .filter(|words| frames.contains(&words.frame))
        .collect()
}

/// The settings without those that no keyframe's picture depends on, or that the plan holds already.
fn pictures_only(spec: &JobSpec) -> JobSpec {
    let plain = JobSpec::default();
    JobSpec {
        out: plain.out,
        work: plain.work,
        extra: plain.extra,
        range: plain.range,
        device: plain.device,
        keyframes: plain.keyframes,
        lock: plain.lock,
        cuts: plain.cuts,
        keyframe_gap: plain.keyframe_gap,
        batch_size: plain.batch_size,
        no_fill: plain.no_fill,
        in_betweens: plain.in_betweens,
        ..spec.clone()
    }
}
