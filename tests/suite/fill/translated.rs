//! Translation with keyframes apart: the frames between them are filled.

use std::fs;

use crate::support::{
    Ended, MOVING, Studio, contents_of, files_in, frame_times, names_in, run, set,
};

struct Trial {
    studio: Studio,
    flags: Vec<String>,
}

impl Trial {
    fn new(n_frames: usize) -> Option<Self> {
        let studio = Studio::new()?;
        let clip = studio.clip("clip.mp4", MOVING, n_frames);
        let mut flags = studio.flags(&clip, "out.mp4");
        set(&mut flags, "--keyframe-gap", "3");
        Some(Self { studio, flags })
    }

    fn run(&self, more: &[&str]) -> Ended {
        let more = more.iter().map(|&flag| flag.to_owned());
        let ended = run(&self.flags.iter().cloned().chain(more).collect::<Vec<_>>());
        ended.assert_finished();
        ended
    }

    fn times(&self, folder: &str) -> Vec<std::time::SystemTime> {
        let files = files_in(&self.studio.path("work-out.mp4").join(folder));
        files.into_iter().map(|(_, _, time)| time).collect()
    }
}

fn stages(ended: &Ended) -> Vec<String> {
    let stages = ended
        .events
        .iter()
        .filter(|event| event["event"] == "stage");
    stages
        .map(|event| event["stage"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_frame_comes_out_and_settings_of_filling_redo_filling_alone() {
    let Some(trial) = Trial::new(8) else { return };
    let out = trial.studio.out("out.mp4");
    let ended = trial.run(&[]);
    assert_eq!(ended.keyframes(), [0, 3, 6, 7]);
    assert_eq!(
        stages(&ended),
        ["analyse", "keyframes", "in-betweens", "encode"]
    );
    let clip = trial.studio.path("clip.mp4");
    assert_eq!(frame_times(&out), frame_times(&clip));
    let finished = ended.events.last().unwrap();
    assert_eq!(
        (finished["frames"].as_u64(), finished["keyframes"].as_u64()),
        (Some(8), Some(4))
    );
    let filled = trial.studio.path("work-out.mp4/filled");
    assert_eq!(names_in(&filled).len(), 4);
    let (frames, keyframes, flow) = (
        trial.times("frames"),
        trial.times("keyframes"),
        trial.times("flow"),
    );
    let (first, video) = (contents_of(&filled), fs::read(&out).unwrap());

    // The same command: the same bytes, and nothing is made again.
    let times = trial.times("filled");
    trial.run(&[]);
    assert_eq!(
        (contents_of(&filled), fs::read(&out).unwrap()),
        (first.clone(), video)
    );
    assert_eq!(trial.times("filled"), times);

    for more in [&["--fill-preset", "draft"][..], &["--no-gradient-blending"]] {
        trial.run(more);
        let other = contents_of(&filled);
        assert!(
            first.iter().zip(&other).all(|(a, b)| a.1 != b.1),
            "{more:?}"
        );
        assert_eq!(trial.times("keyframes"), keyframes, "{more:?}");
        assert_eq!(
            (trial.times("frames"), trial.times("flow")),
            (frames.clone(), flow.clone())
        );
    }

    // Another prompt: other keyframes and fillings, the same flow.
    let before = trial.times("filled");
    let mut flags = trial.flags.clone();
    set(&mut flags, "--prompt", "an oil painting");
    run(&flags).assert_finished();
    assert!(
        keyframes
            .iter()
            .zip(trial.times("keyframes"))
            .all(|(a, b)| *a < b)
    );
    assert!(
        before
            .iter()
            .zip(trial.times("filled"))
            .all(|(a, b)| *a < b)
    );
    assert_eq!(trial.times("flow"), flow);
}

#[test]
fn keyframes_alone_replace_those_of_a_denser_run() {
    let Some(trial) = Trial::new(7) else { return };
    let folder = trial.studio.out("out-keyframes");
    let mut flags = trial.flags.clone();
    flags.push("--no-fill".into());
    set(&mut flags, "--keyframe-gap", "2");
    run(&flags).assert_finished();
    assert_eq!(
        names_in(&folder),
        ["0000.png", "0002.png", "0004.png", "0006.png"]
    );
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    fs::write(folder.join("sketch.png"), "mine").unwrap();
    set(&mut flags, "--keyframe-gap", "6");
    run(&flags).assert_finished();
    assert_eq!(
        names_in(&folder),
        ["0000.png", "0006.png", "notes.txt", "sketch.png"]
    );
}

#[test]
fn listed_keyframes_and_ranges_leave_no_frame_out() {
    let Some(mut trial) = Trial::new(8) else {
        return;
    };
    crate::support::unset(&mut trial.flags, "--keyframe-gap");
    let ended = trial.run(&[
        "--keyframes",
        "3,5",
        "--range",
        "1..7",
        "--fill-preset",
        "draft",
    ]);
    assert_eq!(ended.keyframes(), [3, 5]);
    assert_eq!(frame_times(&trial.studio.out("out.mp4")).len(), 6);
    assert_eq!(
        names_in(&trial.studio.path("work-out.mp4/filled")),
        ["000001.png", "000002.png", "000004.png", "000006.png"]
    );
}

#[test]
fn no_segment_crosses_a_cut() {
    let Some(studio) = Studio::new() else { return };
    let other = "color=c=navy:s=64x64:r=8:d=0.5,drawbox=8:8:30:20:white:fill";
    let joined = ["-filter_complex", "[0][1]concat=n=2:v=1:a=0"];
    let inputs = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=64x64:r=8:d=0.5",
        "-f",
        "lavfi",
        "-i",
        other,
    ];
    let clip = studio.make("cut.mp4", &[&inputs[..], &joined].concat());
    let mut flags = studio.flags(&clip, "out.mp4");
    set(&mut flags, "--keyframe-gap", "20");
    let ended = run(&flags);
    ended.assert_finished();
    assert_eq!(ended.keyframes(), [0, 3, 4, 7]);
    let flow = names_in(&studio.path("work-out.mp4/flow"));
    assert!(
        !flow.iter().any(|name| name.contains("0003_prev_0004")),
        "{flow:?}"
    );
    assert_eq!(names_in(&studio.path("work-out.mp4/filled")).len(), 4);
}
