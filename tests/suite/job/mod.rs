//! Settings: their defaults, how flags and files write them, and every rule they must keep.

mod fill;
mod flags;

use std::path::{Path, PathBuf};

use fresco_studio::annotators::Annotator;
use fresco_studio::frame::FrameIdx;
use fresco_studio::pipeline::annotator::ReadyAnnotator;
use fresco_studio::pipeline::job::{
    CannyThresholds, ConsistencySpec, Container, ControlKind, ControlNetSpec, DeviceChoice,
    ExtraWords, FillPreset, FillSettings, FrameRange, FreeU, Job, JobSpec, KeyframeChoice, Look,
    Start,
};
use fresco_studio::pipeline::keyframes::KeyframeGap;

fn spec() -> JobSpec {
    JobSpec {
        source: "clip.mp4".into(),
        out: "out.mp4".into(),
        prompt: "a cartoon".into(),
        ..JobSpec::default()
    }
}

/// Names of the fields that are refused.
fn refused(spec: &JobSpec) -> Vec<&'static str> {
    match Job::new(spec) {
        Ok(_) => Vec::new(),
        Err(errors) => {
            assert!(errors.0.iter().all(|error| !error.message.is_empty()));
            errors.0.iter().map(|error| error.field).collect()
        }
    }
}

#[test]
fn a_job_has_the_values_that_depend_on_others() {
    let job = Job::new(&JobSpec {
        out: "films/out.final.MOV".into(),
        ..spec()
    })
    .unwrap();
    assert_eq!(job.container, Container::Mov);
    assert_eq!(job.work, Path::new("films/out.final.fresco"));
    assert_eq!(
        job.keyframes_folder(),
        Path::new("films/out.final-keyframes")
    );
    assert_eq!(job.short_side, 256, "the demo model is for small pictures");
    let gap = KeyframeGap::Range { min: 5, max: 20 };
    assert_eq!(job.keyframes, KeyframeChoice::Gap(gap));
    assert_eq!(job.sampling.start, Start::Source(0.75));
    let filled = FillSettings {
        preset: FillPreset::Default,
        gradient_blending: true,
        compat: None,
    };
    assert_eq!(job.fill, Some(filled));

    let other = JobSpec {
        model: Some("m".into()),
        work: Some("w".into()),
        from_noise: true,
        no_fill: true,
        keyframes: [8, 0, 8].map(FrameIdx).into(),
        ..spec()
    };
    let job = Job::new(&other).unwrap();
    assert_eq!((job.short_side, job.work), (512, PathBuf::from("w")));
    assert_eq!(
        job.keyframes,
        KeyframeChoice::Listed(vec![FrameIdx(0), FrameIdx(8)])
    );
    assert_eq!((job.sampling.start, job.fill), (Start::Noise, None));
}

/// Keys of finished work are made from what is written.
#[test]
fn a_setting_that_came_later_is_not_written_unless_it_is_set() {
    for is_set in [false, true] {
        let spec = JobSpec {
            shared_step_noise: is_set,
            guidance: ConsistencySpec {
                plain_recording: is_set,
                drop_unrelated_wrap: is_set,
                smooth_background_only: is_set,
                ..ConsistencySpec::default()
            },
            ..spec()
        };
        let written = toml::to_string(&spec).unwrap();
        let job = Job::new(&spec).unwrap();
        let sampling = serde_json::to_value(&job.sampling).unwrap();
        let consistency = serde_json::to_value(job.consistency).unwrap();
        for (name, resolved) in [
            ("shared_step_noise", sampling),
            ("plain_recording", consistency.clone()),
            ("drop_unrelated_wrap", consistency.clone()),
            ("smooth_background_only", consistency),
        ] {
            let flag = name.replace('_', "-");
            assert_eq!(written.contains(&flag), is_set, "{flag}: {written}");
            assert_eq!(resolved.get(name).is_some(), is_set, "{name}");
        }
    }
}

#[test]
fn the_annotator_follows_the_control() {
    let annotator = |control| {
        let spec = JobSpec {
            control,
            canny: CannyThresholds { low: 7, high: 9 },
            ..spec()
        };
        let job = Job::new(&spec).unwrap();
        job.control.annotator(&ControlNetSpec::default())
    };
    assert_eq!(
        annotator(ControlKind::SoftEdges),
        Some(Annotator::SoftEdges)
    );
    assert_eq!(
        annotator(ControlKind::Canny),
        Some(Annotator::Canny { low: 7, high: 9 })
    );
    assert_eq!(annotator(ControlKind::Hed), Some(Annotator::Hed));
    assert_eq!(annotator(ControlKind::None), None);
}

#[test]
fn each_controlnet_has_its_annotator_and_equal_ones_share_it() {
    let wanted = |control, nets: &[&str]| {
        let spec = JobSpec {
            control,
            controlnet: nets.iter().map(|net| net.parse().unwrap()).collect(),
            ..spec()
        };
        let job = Job::new(&spec).unwrap();
        ReadyAnnotator::wanted(&job.models, &job.control)
    };
    let CannyThresholds { low, high } = spec().canny;
    let nets = [
        "a,control=hed",
        "b",
        "c,control=depth,clip=c.mp4",
        "d,control=canny",
        "e,control=hed",
    ];
    assert_eq!(
        wanted(ControlKind::SoftEdges, &nets),
        [
            Annotator::Hed,
            Annotator::SoftEdges,
            Annotator::Canny { low, high }
        ]
    );
    let own = ["a,control=depth"];
    assert_eq!(wanted(ControlKind::SoftEdges, &own), [Annotator::Depth]);
    assert_eq!(wanted(ControlKind::None, &own), [Annotator::Depth]);
    assert!(wanted(ControlKind::Canny, &["a,clip=c.mp4"]).is_empty());
    assert_eq!(wanted(ControlKind::Hed, &[]), [Annotator::Hed]);
    assert!(wanted(ControlKind::None, &[]).is_empty());
}

#[test]
fn all_errors_are_told_at_once() {
    let wrong = JobSpec {
        source: PathBuf::new(),
        out: "out.avi".into(),
        prompt: "  ".into(),
        steps: 101,
        strength: f32::NAN,
        batch_size: 2,
        ..spec()
    };
    assert_eq!(
        refused(&wrong),
        ["out", "source", "prompt", "strength", "steps", "batch-size"]
    );
}

/// Changes one thing of a valid job.
fn with(change: impl FnOnce(&mut JobSpec)) -> JobSpec {
    let mut spec = spec();
    change(&mut spec);
    spec
}

#[test]
fn values_at_the_ends_of_their_ranges_are_accepted() {
    for spec in [
        with(|s| (s.steps, s.strength, s.guidance_scale) = (1, 0.0, 1.0)),
        with(|s| (s.steps, s.strength, s.guidance_scale) = (100, 1.0, 30.0)),
        with(|s| (s.size, s.batch_size, s.control_strength) = (Some(64), 3, 0.0)),
        with(|s| (s.size, s.batch_size, s.control_strength) = (Some(1024), 16, 2.0)),
        with(|s| s.canny = CannyThresholds { low: 1, high: 255 }),
        with(|s| s.range = Some(FrameRange { start: 7, end: 9 })),
        with(|s| s.keyframe_gap = KeyframeGap::Fixed(120)),
        with(|s| s.keyframe_gap = KeyframeGap::Range { min: 1, max: 120 }),
        with(|s| s.keyframes = vec![FrameIdx(3)]),
    ] {
        assert_eq!(refused(&spec), [""; 0], "{spec:?}");
    }
}

#[test]
fn values_outside_of_their_ranges_are_refused() {
    let net = |weight, start, end| {
        with(|s| {
            s.controlnet = vec![ControlNetSpec {
                path: "c".into(),
                weight,
                start,
                end,
                ..ControlNetSpec::default()
            }];
        })
    };
    for (spec, field) in [
        (
            with(|s| {
                s.free_u = Some(FreeU {
                    b1: 1.0,
                    b2: 1.7,
                    s1: 1.0,
                    s2: 1.0,
                });
            }),
            "freeu",
        ),
        (with(|s| s.steps = 0), "steps"),
        (with(|s| s.strength = 1.05), "strength"),
        (with(|s| s.guidance_scale = 0.9), "guidance-scale"),
        (with(|s| s.look = Some("sepia".into())), "look"),
        (with(|s| s.guidance_scale = 30.1), "guidance-scale"),
        (with(|s| s.control_strength = -0.1), "control-strength"),
        (with(|s| s.size = Some(32)), "size"),
        (with(|s| s.size = Some(500)), "size"),
        (with(|s| s.size = Some(1088)), "size"),
        (with(|s| s.batch_size = 17), "batch-size"),
        (
            with(|s| s.canny = CannyThresholds { low: 0, high: 100 }),
            "canny",
        ),
        (
            with(|s| s.canny = CannyThresholds { low: 100, high: 50 }),
            "canny",
        ),
        (
            with(|s| s.range = Some(FrameRange { start: 7, end: 8 })),
            "range",
        ),
        (
            with(|s| s.range = Some(FrameRange { start: 8, end: 7 })),
            "range",
        ),
        (with(|s| s.out = "clip.mp4".into()), "out"),
        (with(|s| s.out = "out".into()), "out"),
        (
            with(|s| s.device = DeviceChoice::Named(" ".into())),
            "device",
        ),
        (net(2.1, 0.0, 1.0), "controlnet"),
        (net(1.0, 0.5, 0.5), "controlnet"),
        (net(1.0, 0.0, 1.1), "controlnet"),
        (
            with(|s| s.keyframe_gap = KeyframeGap::Fixed(0)),
            "keyframe-gap",
        ),
    ] {
        assert_eq!(refused(&spec), [field], "{spec:?}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let range = Some(FrameRange { start: 10, end: 20 });
    let words = |frame| ExtraWords {
        frame: FrameIdx(frame),
        text: "x".into(),
    };
    for (spec, field) in [
        (
            with(|s| (s.range, s.keyframes, s.no_fill) = (range, vec![FrameIdx(20)], true)),
            "keyframes",
        ),
        (
            with(|s| (s.range, s.extra) = (range, vec![words(9)])),
            "extra",
        ),
        (with(|s| s.extra = vec![words(3), words(3)]), "extra"),
        (
            with(|s| {
                s.control = ControlKind::None;
                s.controlnet = vec!["c".parse().unwrap()];
            }),
            "controlnet",
        ),
        (
            with(|s| s.controlnet = vec!["c,control=none".parse().unwrap()]),
            "controlnet",
        ),
    ] {
        assert_eq!(refused(&spec), [field], "{spec:?}");
    }
}

#[test]
fn missing_files_are_told_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("clip.mp4");
    std::fs::write(&there, b"").unwrap();
    let found = JobSpec {
        source: there.clone(),
        out: folder.path().join("out.mp4"),
        ..spec()
    };
    assert_eq!(Job::new(&found).unwrap().check_files(), Ok(()));

    let missing = JobSpec {
        source: folder.path().join("gone.mp4"),
        out: folder.path().join("no-such-folder/out.mp4"),
        model: Some(folder.path().join("model")),
        vae: Some(there.clone()),
        controlnet: vec![ControlNetSpec {
            path: folder.path().join("net"),
            clip: Some(folder.path().join("clip.mkv")),
            ..ControlNetSpec::default()
        }],
        ..spec()
    };
    let errors = Job::new(&missing).unwrap().check_files().unwrap_err();
    let fields: Vec<_> = errors.0.iter().map(|error| error.field).collect();
    assert_eq!(
        fields,
        ["source", "model", "controlnet", "controlnet", "out"]
    );

    let roundabout = folder
        .path()
        .join("./../")
        .join(folder.path().file_name().unwrap())
        .join("clip.mp4");
    let onto_itself = JobSpec {
        source: there,
        out: roundabout,
        ..spec()
    };
    let errors = Job::new(&onto_itself).unwrap().check_files().unwrap_err();
    assert_eq!(errors.0[0].field, "out");
}

#[test]
fn an_unknown_look_lists_those_that_are_there() {
    let errors = Job::new(&with(|s| s.look = Some("sepia".into()))).unwrap_err();
    let text = errors.to_string();
    for name in ["--look", "`sepia`", "autumn", "watercolor"] {
        assert!(text.contains(name), "{name} in {text}");
    }
}

#[test]
fn words_of_a_look_follow_the_prompt() {
    let job = Job::new(&with(|s| s.look = Some("snow".into()))).unwrap();
    let words = Look::named("snow").unwrap().words;
    assert_eq!(job.prompt.text, format!("a cartoon, {words}"));
}
