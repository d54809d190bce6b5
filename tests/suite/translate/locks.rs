//! Locked keyframes: their pictures stay, and everything else goes on as if they had been made.

use fresco_studio::frame::{Frame, FrameIdx};
use fresco_studio::pipeline::job::JobSpec;

use super::run;
use crate::support::{MOVING, Studio};

#[test]
fn a_locked_picture_stays_and_the_others_are_as_without_the_lock() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 5);
    let first = run(&studio.spec(&clip, "a.mp4"));
    let dog = |out: &str| JobSpec {
        prompt: "a dog".into(),
        ..studio.spec(&clip, out)
    };
    let unlocked = run(&dog("b.mp4"));
    // The second frame is in the first of three batches, the fourth in the second.
    for locked in [1, 3] {
        let again = run(&JobSpec {
            work: Some(first.work.clone()),
            lock: vec![FrameIdx(locked)],
            ..dog(&format!("locked-{locked}.mp4"))
        });
        for (index, (frame, picture)) in again.pictures.iter().enumerate() {
            let wanted = if index == locked {
                &first.pictures
            } else {
                &unlocked.pictures
            };
            assert_eq!(
                *picture, wanted[index].1,
                "frame {frame} with {locked} locked"
            );
        }
        // Back to the first prompt: nothing of it is locked, and everything is made again where it has to be.
        let back = run(&JobSpec {
            work: Some(first.work.clone()),
            ..studio.spec(&clip, &format!("back-{locked}.mp4"))
        });
        assert_eq!(back.pictures, first.pictures);
    }
}

#[test]
fn unlocking_makes_the_picture_again_and_locking_a_current_one_costs_nothing() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 3);
    let spec = studio.spec(&clip, "a.mp4");
    let first = run(&spec);
    let store =
        |name: &str| std::fs::read_to_string(first.work.join("journal").join(name)).unwrap();
    let lines = store("translate.jsonl").matches("keyframes/batch").count();
    let lock = |spec: &JobSpec| JobSpec {
        lock: vec![FrameIdx(1)],
        ..spec.clone()
    };
    assert_eq!(run(&lock(&spec)).pictures, first.pictures);
    let after = store("translate.jsonl").matches("keyframes/batch").count();
    assert_eq!(after, lines, "no batch is translated again");

    let other = JobSpec {
        prompt: "a dog".into(),
        ..spec
    };
    let kept = run(&lock(&other));
    assert_eq!(kept.pictures[1], first.pictures[1]);
    let freed = run(&other);
    assert_ne!(freed.pictures[1], first.pictures[1]);
    assert_eq!(freed.pictures[0], kept.pictures[0]);
}

#[test]
fn a_picture_put_in_its_place_stays_too() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 3);
    let spec = studio.spec(&clip, "a.mp4");
    let first = run(&spec);
    let path = first.work.join("keyframes/000001.png");
    let size = Frame::read(&path).unwrap().size();
    Frame::from_fn(size, |_, _| [200, 30, 30])
        .write_png(&path)
        .unwrap();
    let own = std::fs::read(&path).unwrap();
    let kept = run(&JobSpec {
        lock: vec![FrameIdx(1)],
        ..spec
    });
    assert_eq!(std::fs::read(&path).unwrap(), own);
    assert_eq!(kept.pictures[0], first.pictures[0]);
}
