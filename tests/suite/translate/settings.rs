//! What single settings do to the pictures.

use std::path::{Path, PathBuf};

use fresco_studio::frame::{Frame, FrameIdx};
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::job::{
    ControlKind, ControlNetSpec, ExtraWords, FrameRange, Job, JobSpec,
};
use fresco_studio::pipeline::translate::translate;

use super::{Recorder, run};
use crate::support::{MOVING, Studio, names_in};
use crate::video::psnr;

#[test]
fn the_same_job_gives_the_same_bytes_and_another_one_others() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 3);
    let base = |out| studio.spec(&clip, out);
    let first = run(&base("a.mp4"));
    let second = run(&base("b.mp4"));
    assert_eq!(first.pictures, second.pictures);
    let bytes = |name| std::fs::read(studio.out(name)).unwrap();
    assert_eq!(bytes("a.mp4"), bytes("b.mp4"));
    // In the working folder of the first: its frames are used again, its keyframes are not.
    let base = |out| JobSpec {
        work: Some(first.work.clone()),
        ..base(out)
    };
    for (what, other) in [
        (
            "seed",
            JobSpec {
                seed: 1,
                ..base("seed.mp4")
            },
        ),
        (
            "prompt",
            JobSpec {
                prompt: "an oil painting".into(),
                ..base("prompt.mp4")
            },
        ),
        (
            "negative",
            JobSpec {
                negative: "blurry".into(),
                ..base("negative.mp4")
            },
        ),
        (
            "strength",
            JobSpec {
                strength: 1.0,
                ..base("strength.mp4")
            },
        ),
        (
            "start",
            JobSpec {
                from_noise: true,
                ..base("noise.mp4")
            },
        ),
    ] {
        let other = run(&other).pictures;
        for (a, b) in first.pictures.iter().zip(&other) {
            assert_ne!(a.1, b.1, "another {what}, {}", a.0);
        }
    }
}

#[test]
fn at_strength_zero_the_source_comes_back_through_the_vae() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 5);
    let spec = JobSpec {
        strength: 0.0,
        ..studio.spec(&clip, "out.mp4")
    };
    let outcome = run(&spec);
    assert_eq!(outcome.plan.batches().len(), 3);
    for (name, _) in &outcome.pictures {
        let read = |folder: &str| Frame::read(&outcome.work.join(folder).join(name)).unwrap();
        let (source, picture) = (read("frames"), read("keyframes"));
        let quality = psnr(&source, &picture);
        assert!(quality > 12.0, "{name}: {quality}");
    }
    let redrawn = run(&studio.spec(&clip, "redrawn.mp4"));
    assert_ne!(outcome.pictures, redrawn.pictures);
}

fn demo_net(weight: f32, start: f32, end: f32) -> ControlNetSpec {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo/controlnet");
    ControlNetSpec {
        path,
        weight,
        start,
        end,
        ..ControlNetSpec::default()
    }
}

#[test]
fn controlnets_add_up_by_weight_and_share_of_the_steps() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    let pictures = |out: &str, controlnet: Vec<ControlNetSpec>| {
        let control = if controlnet.is_empty() {
            ControlKind::None
        } else {
            ControlKind::SoftEdges
        };
        // Four of four steps run, so that half of them are two.
        let spec = JobSpec {
            controlnet,
            control,
            from_noise: true,
            steps: 4,
            ..studio.spec(&clip, out)
        };
        run(&spec).pictures
    };
    let none = pictures("none.mp4", vec![]);
    let whole = pictures("whole.mp4", vec![demo_net(1.0, 0.0, 1.0)]);
    assert_ne!(whole, none);
    assert_eq!(pictures("zero.mp4", vec![demo_net(0.0, 0.0, 1.0)]), none);
    let halves = vec![demo_net(0.5, 0.0, 1.0), demo_net(0.5, 0.0, 1.0)];
    assert_eq!(pictures("halves.mp4", halves), whole, "two halves are one");
    let early = demo_net(1.0, 0.0, 0.5);
    let turns = vec![early.clone(), demo_net(1.0, 0.5, 1.0)];
    assert_eq!(pictures("turns.mp4", turns), whole, "one after the other");
    let early = pictures("early.mp4", vec![early]);
    assert!(early != whole && early != none);
}

#[test]
fn each_controlnet_looks_at_the_control_that_is_its_own() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    // All in one working folder: a picture of other control images is not taken for a finished one.
    let work = studio.path("work");
    let pictures = |control, nets: &[(f32, Option<ControlKind>)]| {
        let net = |&(weight, control): &(f32, _)| ControlNetSpec {
            control,
            ..demo_net(weight, 0.0, 1.0)
        };
        let spec = JobSpec {
            controlnet: nets.iter().map(net).collect(),
            control,
            work: Some(work.clone()),
            ..studio.spec(&clip, "out.mp4")
        };
        run(&spec).pictures
    };
    let (soft, canny) = (ControlKind::SoftEdges, ControlKind::Canny);
    let of_soft = pictures(soft, &[(1.0, None)]);
    let of_canny = pictures(soft, &[(1.0, Some(canny))]);
    assert_ne!(of_soft, of_canny);
    assert_eq!(pictures(canny, &[(1.0, None)]), of_canny);
    for (weights, alone) in [((1.0, 0.0), &of_soft), ((0.0, 1.0), &of_canny)] {
        let both = pictures(soft, &[(weights.0, None), (weights.1, Some(canny))]);
        assert_eq!(&both, alone, "{weights:?}");
        let nets = [(weights.0, Some(soft)), (weights.1, Some(canny))];
        assert_eq!(
            &pictures(ControlKind::None, &nets),
            alone,
            "each its own: {weights:?}"
        );
    }
}

#[test]
fn a_control_clip_takes_the_place_of_the_source() {
    let Some(studio) = Studio::new() else { return };
    let source = studio.clip("clip.mp4", MOVING, 4);
    let control = studio.clip("control.mp4", "mandelbrot=s=64x64:r=8", 4);
    let with = |out: &str, clip: PathBuf, weight| JobSpec {
        controlnet: vec![ControlNetSpec {
            clip: Some(clip),
            ..demo_net(weight, 0.0, 1.0)
        }],
        control: ControlKind::None,
        range: Some(FrameRange { start: 1, end: 4 }),
        ..studio.spec(&source, out)
    };
    let ours = run(&with("ours.mp4", control.clone(), 1.0));
    assert_eq!(names_in(&ours.work.join("control-0")).len(), 3);
    let others = run(&with("others.mp4", source.clone(), 1.0));
    let none = run(&with("none.mp4", control, 0.0));
    assert!(ours.pictures != others.pictures && ours.pictures != none.pictures);

    let short = studio.clip("short.mp4", MOVING, 3);
    let job = Job::new(&with("short-out.mp4", short.clone(), 1.0)).unwrap();
    let error = translate(&job, &mut Engine::default(), &Recorder::default()).unwrap_err();
    assert!(
        matches!(&error, Error::ControlClipTooShort { clip, n_frames: 3, needed: 4 } if *clip == short),
        "{error:?}"
    );
}

#[test]
fn extra_words_change_their_own_frame() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 3);
    let plain = run(&studio.spec(&clip, "plain.mp4"));
    let extra = vec![ExtraWords {
        frame: FrameIdx(1),
        text: ", an oil painting".into(),
    }];
    let with = run(&JobSpec {
        extra,
        ..studio.spec(&clip, "with.mp4")
    });
    assert_ne!(plain.pictures[1], with.pictures[1]);
}
