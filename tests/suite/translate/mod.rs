//! A whole job, from a clip to a clip, on the processor with the demo model: the test to read first.

mod cancel;
mod depth;
mod guidance;
mod helpers;
mod installed;
mod locks;
mod models;
mod options;
mod samplers;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fresco_studio::frame::{Frame, FrameIdx};
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::job::{Compat, CutList, FrameRange, Job, JobSpec, KeyframeGap};
use fresco_studio::pipeline::observer::{
    Cancelled, Observer, Progress, Stage, Summary, Unit, Warning,
};
use fresco_studio::pipeline::plan::Plan;
use fresco_studio::pipeline::shots::Shot;
use fresco_studio::pipeline::translate::translate;

use crate::support::{MOVING, Studio, contents_of, ffprobe, frame_times, names_in};

/// One thing that an observer was told.
#[derive(Clone, Debug, PartialEq)]
enum Heard {
    Stage(Stage),
    Started(Plan),
    Progress(Stage, Progress),
    /// And whether its picture was on disk.
    Keyframe(FrameIdx, bool),
    Preview(FrameIdx),
    Warning(String),
}

#[derive(Default)]
struct Recorder {
    heard: Mutex<Vec<Heard>>,
    wants_previews: bool,
}

impl Recorder {
    fn note(&self, heard: Heard) {
        self.heard.lock().unwrap().push(heard);
    }
}

impl Observer for Recorder {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        Ok(())
    }
    fn started(&self, plan: &Plan) {
        self.note(Heard::Started(plan.clone()));
    }
    fn stage(&self, stage: Stage) {
        self.note(Heard::Stage(stage));
    }
    fn progress(&self, progress: Progress) {
        let heard = self.heard.lock().unwrap();
        let stages = heard.iter().rev().find_map(|heard| match heard {
            Heard::Stage(stage) => Some(*stage),
            _ => None,
        });
        drop(heard);
        self.note(Heard::Progress(stages.unwrap(), progress));
    }
    fn keyframe(&self, frame: FrameIdx, path: &Path) {
        self.note(Heard::Keyframe(frame, path.is_file()));
    }
    fn preview_wanted(&self) -> bool {
        self.wants_previews
    }
    fn preview(&self, frame: FrameIdx, _picture: Arc<Frame>) {
        self.note(Heard::Preview(frame));
    }
    fn warning(&self, warning: Warning) {
        self.note(Heard::Warning(warning.summary));
    }
}

/// What a finished job left.
struct Outcome {
    summary: Summary,
    plan: Plan,
    heard: Vec<Heard>,
    work: PathBuf,
    /// Name and content of each keyframe's file.
    pictures: Vec<(String, Vec<u8>)>,
}

fn run(spec: &JobSpec) -> Outcome {
    run_with(spec, Recorder::default())
}

fn run_with(spec: &JobSpec, recorder: Recorder) -> Outcome {
    let job = Job::new(spec).unwrap();
    let summary = translate(&job, &mut Engine::default(), &recorder).unwrap();
    let heard = recorder.heard.into_inner().unwrap();
    let plan = heard.iter().find_map(|heard| match heard {
        Heard::Started(plan) => Some(plan.clone()),
        _ => None,
    });
    Outcome {
        summary,
        plan: plan.unwrap(),
        heard,
        pictures: contents_of(&job.work.join("keyframes")),
        work: job.work,
    }
}

fn frames(frames: impl IntoIterator<Item = usize>) -> Vec<FrameIdx> {
    frames.into_iter().map(FrameIdx).collect()
}

/// Two clips have the same length and the same frame times, counted from the first.
fn assert_same_timing(a: &Path, b: &Path) {
    let (a_times, b_times) = (frame_times(a), frame_times(b));
    assert_eq!(a_times.len(), b_times.len());
    for (a, b) in a_times.iter().zip(&b_times) {
        let (a, b) = (a - a_times[0], b - b_times[0]);
        assert!((a - b).abs() <= 0.001, "{a} {b}");
    }
    let length = |path| ffprobe(path, "format=duration")[0].parse::<f64>().unwrap();
    assert!(
        (length(a) - length(b)).abs() <= 0.03,
        "{} {}",
        length(a),
        length(b)
    );
}

/// An odd size, a rate that varies, and sound.
fn odd_clip(studio: &Studio) -> PathBuf {
    let picture = "testsrc=s=67x65:r=10,settb=1/1000,setpts='N*100+mod(N*17,60)'";
    let vfr = "-fps_mode passthrough -enc_time_base 1:1000 -pix_fmt yuv444p";
    let vfr: Vec<&str> = vfr.split(' ').collect();
    let silent = studio.make(
        "silent.mkv",
        &[&["-f", "lavfi", "-i", picture, "-frames:v", "5"], &vfr[..]].concat(),
    );
    let sound = "-f lavfi -i sine=d=0.5 -c:v copy -c:a aac";
    let sound: Vec<&str> = sound.split(' ').collect();
    studio.make(
        "clip.mkv",
        &[&["-i", silent.to_str().unwrap()], &sound[..]].concat(),
    )
}

#[test]
fn a_clip_becomes_a_clip_of_the_same_frames_times_size_and_sound() {
    let Some(studio) = Studio::new() else { return };
    let clip = odd_clip(&studio);
    let spec = studio.spec(&clip, "out.mkv");
    let Outcome {
        summary,
        plan,
        heard,
        work,
        ..
    } = run(&spec);

    assert_same_timing(&clip, &spec.out);
    let size = |path| ffprobe(path, "stream=width,height");
    assert_eq!(size(&spec.out), size(&clip));
    assert_eq!(size(&spec.out), ["67", "65"]);
    let codecs = |path| ffprobe(path, "stream=codec_type,codec_name");
    assert_eq!(codecs(&spec.out), codecs(&clip));
    assert!(codecs(&spec.out).contains(&"audio".to_owned()));
    assert_eq!(names_in(&studio.path("results")), ["out.mkv"]);
    assert_eq!((summary.frames, summary.keyframes), (5, 5));
    assert_eq!(summary.out, spec.out);
    let stages: Vec<Stage> = summary.stage_secs.iter().map(|(stage, _)| *stage).collect();
    assert_eq!(stages, [Stage::Analyse, Stage::Keyframes, Stage::Encode]);

    let mut expected = vec![Heard::Stage(Stage::Analyse), Heard::Started(plan)];
    expected.push(Heard::Stage(Stage::Keyframes));
    expected.extend((0..5).map(|frame| Heard::Keyframe(FrameIdx(frame), true)));
    expected.push(Heard::Stage(Stage::Encode));
    let is_fact = |heard: &&Heard| !matches!(heard, Heard::Progress(_, _) | Heard::Warning(_));
    let facts: Vec<Heard> = heard.iter().filter(is_fact).cloned().collect();
    assert_eq!(facts, expected);
    // Two steps of three run, in each of three batches.
    for (stage, total, unit) in [
        (Stage::Analyse, 5, Unit::Frames),
        (Stage::Keyframes, 6, Unit::Steps),
        (Stage::Encode, 5, Unit::Frames),
    ] {
        let done = progress_in(stage, &heard, total, unit);
        assert!(done.is_sorted(), "{stage}: {done:?}");
        assert!(
            (1..=total).all(|step| done.contains(&step)),
            "{stage}: {done:?}"
        );
    }
    // Keyframes are written as they finish, not all at the end.
    let steps_before = |frame: usize| {
        let before = heard
            .iter()
            .take_while(|heard| **heard != Heard::Keyframe(FrameIdx(frame), true));
        progress_in(
            Stage::Keyframes,
            &before.cloned().collect::<Vec<_>>(),
            6,
            Unit::Steps,
        )
    };
    assert_eq!(steps_before(2).last(), Some(&2));
    assert_eq!(steps_before(3).last(), Some(&4));
    assert_eq!(names_in(&work.join("frames")).len(), 5);
}

/// What was done when progress was told in a stage, each time of the same total and unit.
fn progress_in(stage: Stage, heard: &[Heard], total: usize, unit: Unit) -> Vec<usize> {
    let told = heard.iter().filter_map(|heard| match heard {
        Heard::Progress(told, progress) if *told == stage => Some(progress),
        _ => None,
    });
    told.map(|progress| {
        assert_eq!((progress.total, progress.unit), (total, unit));
        progress.done
    })
    .collect()
}

#[test]
fn no_batch_crosses_a_cut() {
    let Some(studio) = Studio::new() else { return };
    let (a, b) = (
        "testsrc2=s=64x64:r=8:d=0.5",
        "color=c=navy:s=64x64:r=8:d=0.5,drawbox=8:8:30:20:white:fill",
    );
    let joined = ["-filter_complex", "[0][1]concat=n=2:v=1:a=0"];
    let inputs = ["-f", "lavfi", "-i", a, "-f", "lavfi", "-i", b];
    let clip = studio.make("cut.mp4", &[&inputs[..], &joined].concat());
    let spec = JobSpec {
        no_fill: true,
        keyframe_gap: KeyframeGap::Fixed(3),
        ..studio.spec(&clip, "out.mp4")
    };
    let outcome = run(&spec);
    let shots: Vec<_> = outcome.plan.shots().iter().map(Shot::range).collect();
    assert_eq!(shots, [0..4, 4..8]);
    assert_eq!(outcome.plan.keyframes(), frames([0, 3, 4, 7]));
    let batches: Vec<_> = outcome
        .plan
        .batches()
        .iter()
        .map(|b| (b.shot, b.frames()))
        .collect();
    assert_eq!(batches, [(0, frames([0, 3])), (1, frames([4, 7]))]);
    assert_eq!(outcome.summary.keyframes, 4);

    // The reference knows no cuts but those that it is told.
    let reference = |out: &str, cuts| {
        let spec = JobSpec {
            compat: Some(Compat::Reference),
            cuts,
            no_fill: true,
            keyframe_gap: KeyframeGap::Fixed(3),
            ..studio.spec(&clip, out)
        };
        run(&spec).plan
    };
    let found = reference("reference.mp4", None);
    assert_eq!(found.shots().len(), 1);
    assert_eq!(found.keyframes(), frames([0, 3, 6]));
    let named = reference("named.mp4", Some(CutList(frames([4]))));
    assert_eq!(named.shots().len(), 2);
    assert_eq!(named.keyframes(), frames([0, 3, 4, 7]));
}

#[test]
fn without_filling_the_keyframes_are_the_result() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 6);
    let spec = JobSpec {
        no_fill: true,
        keyframe_gap: KeyframeGap::Fixed(3),
        ..studio.spec(&clip, "out.mp4")
    };
    let outcome = run(&spec);
    assert_eq!(
        names_in(&studio.path("results")),
        ["out-keyframes", "out.mp4"]
    );
    let copies = contents_of(&studio.out("out-keyframes"));
    let names: Vec<&str> = copies.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["0000.png", "0003.png", "0005.png"]);
    let content = |files: &[(String, Vec<u8>)]| -> Vec<Vec<u8>> {
        files.iter().map(|(_, content)| content.clone()).collect()
    };
    assert_eq!(content(&copies), content(&outcome.pictures));
    // The clip of them is as long as the source, each shown until the next.
    assert_eq!(frame_times(&spec.out), [0.0, 0.375, 0.625]);
    let length = |path| ffprobe(path, "format=duration")[0].parse::<f64>().unwrap();
    assert!((length(&spec.out) - length(&clip)).abs() < 0.03);
    assert_eq!(
        ffprobe(&spec.out, "stream=codec_type").len(),
        2,
        "the sound is kept"
    );

    // The reference loses the frames after its last keyframe.
    let reference = JobSpec {
        compat: Some(Compat::Reference),
        ..JobSpec {
            out: studio.out("ref.mp4"),
            work: Some(studio.path("ref")),
            ..spec
        }
    };
    assert_eq!(run(&reference).plan.keyframes(), frames([0, 3]));
}

#[test]
fn a_range_is_translated_alone() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 8);
    let range = Some(FrameRange { start: 2, end: 6 });
    let spec = JobSpec {
        range,
        ..studio.spec(&clip, "out.mp4")
    };
    let outcome = run(&spec);
    assert_eq!(outcome.plan.keyframes(), frames(2..6));
    assert_eq!(names_in(&outcome.work.join("frames")).len(), 4);
    assert_eq!(frame_times(&spec.out), [0.0, 0.125, 0.25, 0.375]);
    assert!((outcome.summary.duration_secs - 0.5).abs() < 0.001);
    let length = ffprobe(&spec.out, "format=duration")[0]
        .parse::<f64>()
        .unwrap();
    assert!(
        (length - 0.5).abs() < 0.05,
        "the sound is cut to the range: {length}"
    );

    // The frames of a range are those of the whole.
    let whole = run(&studio.spec(&clip, "whole.mp4"));
    let source = |work: &Path| contents_of(&work.join("frames"));
    assert_eq!(source(&outcome.work)[..], source(&whole.work)[2..6]);
}

#[test]
fn previews_are_made_when_somebody_looks() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 4);
    let previews = |out: &str, wants_previews| {
        let recorder = Recorder {
            wants_previews,
            ..Recorder::default()
        };
        let outcome = run_with(&studio.spec(&clip, out), recorder);
        let previews = outcome.heard.iter().filter_map(|heard| match heard {
            Heard::Preview(frame) => Some(frame.0),
            _ => None,
        });
        (previews.collect::<Vec<_>>(), outcome.pictures)
    };
    let (shown, seen) = previews("seen.mp4", true);
    let (hidden, unseen) = previews("unseen.mp4", false);
    assert_eq!(
        shown,
        [0, 1, 2, 0, 1, 2, 3, 3],
        "the new frames of each batch, after each step"
    );
    assert!(hidden.is_empty());
    assert_eq!(seen, unseen, "looking changes nothing");
}
