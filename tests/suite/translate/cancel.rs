//! A job ends at any of its checkpoints, and has enough of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::job::Job;
use fresco_studio::pipeline::observer::{Cancelled, Observer, Stage};
use fresco_studio::pipeline::translate::translate;

use crate::support::{MOVING, Studio, names_in};

/// Cancels at a checkpoint, counted from 0; counts those before each stage.
struct Stopper {
    stop_at: usize,
    checkpoints: AtomicUsize,
    before_keyframes: AtomicUsize,
    before_encode: AtomicUsize,
}

impl Stopper {
    fn new(stop_at: usize) -> Self {
        let [checkpoints, before_keyframes, before_encode] = [0; 3].map(AtomicUsize::new);
        Self {
            stop_at,
            checkpoints,
            before_keyframes,
            before_encode,
        }
    }
}

impl Observer for Stopper {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        let count = self.checkpoints.fetch_add(1, Ordering::Relaxed);
        if count < self.stop_at {
            Ok(())
        } else {
            Err(Cancelled)
        }
    }
    fn stage(&self, stage: Stage) {
        let count = self.checkpoints.load(Ordering::Relaxed);
        match stage {
            Stage::Keyframes => self.before_keyframes.store(count, Ordering::Relaxed),
            Stage::Encode => self.before_encode.store(count, Ordering::Relaxed),
            Stage::Evaluate => panic!("a translation does not measure"),
            Stage::Analyse | Stage::InBetweens => {}
        }
    }
}

#[test]
fn a_cancelled_job_ends_at_its_next_checkpoint_and_leaves_no_result() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 4);
    let run = |stopper: &Stopper, out: &str| {
        let job = Job::new(&studio.spec(&clip, out)).unwrap();
        translate(&job, &mut Engine::default(), stopper)
    };
    let whole = Stopper::new(usize::MAX);
    run(&whole, "out.mp4").unwrap();
    let counts = [
        &whole.before_keyframes,
        &whole.before_encode,
        &whole.checkpoints,
    ];
    let [analysed, drawn, all] = counts.map(|count| count.load(Ordering::Relaxed));
    let per_stage = [analysed, drawn - analysed, all - drawn];
    // Each frame is read twice, for its time and for its picture; two batches of two steps each, of which the first has 20
    // iterations at the three levels that have more than one token; each frame is written.
    for (found, least) in per_stage.into_iter().zip([8, 2 * (2 + 3 * 20), 4]) {
        assert!(found >= least, "{per_stage:?}");
    }
    std::fs::remove_file(studio.out("out.mp4")).unwrap();
    for stop_at in [0, 2, analysed + 30, all / 2, all - 1] {
        let stopper = Stopper::new(stop_at);
        let result = run(&stopper, &format!("{stop_at}.mp4"));
        assert!(matches!(result, Err(Error::Cancelled)), "{stop_at}");
        assert_eq!(
            stopper.checkpoints.into_inner(),
            stop_at + 1,
            "it ends at once"
        );
        assert!(names_in(&studio.path("results")).is_empty());
    }
}
