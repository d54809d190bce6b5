//! Every sampler in a whole job, with all guidance and several batches.

use std::path::Path;

use burn::tensor::TensorData;
use fresco_studio::pipeline::anchors::Anchors;
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::job::{ConsistencySpec, ControlKind, Job, JobSpec, Preset, Sampler};
use fresco_studio::pipeline::observer::{Cancelled, Observer, Progress};
use fresco_studio::pipeline::translate::translate;
use fresco_studio::tensor::Device;

use super::{Heard, Outcome, run};
use crate::support::{MOVING, Studio, contents_of, names_in};

fn spec(studio: &Studio, clip: &Path, out: &str, sampler: Sampler) -> JobSpec {
    JobSpec {
        sampler,
        steps: 4,
        ..studio.spec(clip, out)
    }
}

/// Cancels in the middle of the third batch.
struct StopsLate(std::sync::atomic::AtomicBool);

impl Observer for StopsLate {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.0.load(std::sync::atomic::Ordering::Relaxed) {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }

    fn progress(&self, progress: Progress) {
        // Three steps run in each batch of the keyframes, the fourth frame is the second batch.
        let is_late = progress.total == 9 && progress.done == 7;
        self.0
            .fetch_or(is_late, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn every_sampler_goes_on_where_it_was_and_ends_with_the_same_bytes() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 5);
    let mut seen: Vec<Vec<(String, Vec<u8>)>> = Vec::new();
    for sampler in Sampler::ALL {
        let whole = run(&spec(&studio, &clip, &format!("{sampler}.mp4"), sampler));
        assert_eq!(whole.plan.batches().len(), 3);
        check_anchors(&whole, sampler);

        let cut = spec(&studio, &clip, &format!("{sampler}-cut.mp4"), sampler);
        let job = Job::new(&cut).unwrap();
        let stopped = translate(&job, &mut Engine::default(), &StopsLate(false.into()));
        assert!(matches!(stopped, Err(Error::Cancelled)), "{sampler}");
        assert_eq!(names_in(&job.work.join("keyframes")).len(), 4, "{sampler}");
        let finished = contents_of(&job.work.join("anchors"));
        let resumed = run(&cut);
        assert_eq!(resumed.pictures, whole.pictures, "{sampler}");
        assert_eq!(
            contents_of(&job.work.join("anchors"))[..2],
            finished,
            "{sampler}"
        );
        assert!(!seen.contains(&whole.pictures), "{sampler} is like another");
        seen.push(whole.pictures);
    }
}

/// The first keyframe follows one trajectory through all batches, in the latents as in what the sampler remembers.
fn check_anchors(outcome: &Outcome, sampler: Sampler) {
    let n_tensors = match sampler {
        Sampler::UniPc => 4,
        Sampler::Dpmpp2mKarras => 2,
        _ => 1,
    };
    let read = |batch: usize| {
        let file = format!("anchors/batch-{batch:04}.safetensors");
        Anchors::read(&outcome.work.join(file)).unwrap()
    };
    let state = |anchors: &Anchors, step: usize, frame: usize| -> Vec<TensorData> {
        let state = anchors.at_step(step, &Device::flex()).into_iter();
        state.map(|t| t.narrow(0, frame, 1).into_data()).collect()
    };
    for step in 0..3 {
        let first = state(&read(0), step, 0);
        assert_eq!(first.len(), n_tensors, "{sampler}");
        let is_known = |data: &TensorData| data.iter::<f32>().any(|v| v != 0.0);
        // What is remembered is known one after the other: x̂₀ and the corrected sample after the first step.
        let n_known = first.iter().filter(|&data| is_known(data)).count();
        assert_eq!(
            n_known,
            n_tensors.min([1, 3, 4][step]),
            "{sampler}, step {step}"
        );
        for batch in 1..3 {
            assert_eq!(
                state(&read(batch), step, 0),
                first,
                "{sampler}, step {step}"
            );
            let last = state(&read(batch), step, 1);
            assert_ne!(
                last,
                state(&read(batch - 1), step, 1),
                "the last frame is a new one"
            );
        }
    }
}

#[test]
fn frames_without_a_difference_but_their_noise_are_one_picture_if_that_is_shared() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 4);
    let pictures = |sampler: Sampler, shared_step_noise| {
        // Nothing of the source is used: not its colours, not its shapes, not its motion.
        let spec = JobSpec {
            shared_step_noise,
            from_noise: true,
            control: ControlKind::None,
            guidance: ConsistencySpec {
                consistency: Preset::Off,
                ..ConsistencySpec::default()
            },
            ..spec(&studio, &clip, &format!("{sampler}.mp4"), sampler)
        };
        let outcome = run(&spec);
        assert_eq!(outcome.plan.batches().len(), 2);
        let bytes = outcome.pictures.into_iter().map(|(_, bytes)| bytes);
        bytes.collect::<Vec<_>>()
    };
    for sampler in [Sampler::Ddpm, Sampler::EulerA, Sampler::Lcm] {
        let shared = pictures(sampler, true);
        assert!(shared.iter().all(|p| *p == shared[0]), "{sampler}");
        // In the same working folder: pictures made with the other setting are not taken for these.
        let own = pictures(sampler, false);
        assert!(own[1..].iter().all(|p| *p != own[0]), "{sampler}");
    }
    let [shared, own] = [true, false].map(|shared| pictures(Sampler::Ddim, shared));
    assert!(shared == own, "ddim adds no noise");
}

#[test]
fn lcm_says_what_it_is_made_for() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    let warns = |out: &str, sampler, guidance_scale| {
        let spec = JobSpec {
            guidance_scale,
            ..spec(&studio, &clip, out, sampler)
        };
        let is_it = |heard: &Heard| matches!(heard, Heard::Warning(told) if told.contains("lcm"));
        run(&spec).heard.iter().any(is_it)
    };
    assert!(warns("strong.mp4", Sampler::Lcm, 7.5));
    assert!(!warns("weak.mp4", Sampler::Lcm, 1.5));
    assert!(!warns("other.mp4", Sampler::Ddim, 7.5));
}
