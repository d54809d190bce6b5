//! Videos in and out: timing and sound are the source's.

use fresco_studio::pipeline::job::{DeviceChoice, FillSpec};
use fresco_studio::pipeline::observer::{Stage, Unit};

use super::{Place, painted, run};
use crate::support::{self, MOVING, Studio, contents_of, ffprobe, frame_times, names_in};

#[test]
fn a_video_with_sound_is_filled_to_a_video_with_sound() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 7);
    // Keyframes as an artist makes them: pictures of the source, edited.
    let keys = studio.path("keys");
    std::fs::create_dir(&keys).unwrap();
    for frame in [0, 4] {
        let select = format!("select=eq(n\\,{frame}),negate");
        let input = [
            "-i",
            clip.to_str().unwrap(),
            "-vf",
            &select,
            "-frames:v",
            "1",
        ];
        studio.make(&format!("keys/take_{frame:03}.png"), &input);
    }
    let out = studio.out("out.mp4");
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let work = studio.path("work");
    let flags = [
        "fill",
        "--source",
        &path(&clip),
        "--keyframes",
        &path(&keys),
        "--out",
        &path(&out),
        "--work",
        &path(&work),
        "--device",
        "cpu",
        "--json",
    ];
    let ended = support::run(&flags.map(ToOwned::to_owned));
    ended.assert_finished();
    assert_eq!(ended.keyframes(), [0, 4]);
    let stages = ended
        .events
        .iter()
        .filter(|event| event["event"] == "stage");
    let stages: Vec<_> = stages
        .map(|event| event["stage"].as_str().unwrap())
        .collect();
    assert_eq!(stages, ["analyse", "in-betweens", "encode"]);
    assert_eq!(frame_times(&out), frame_times(&clip));
    let about = |path| ffprobe(path, "stream=codec_type,codec_name,width,height");
    assert_eq!(about(&out), about(&clip));
    assert_eq!(names_in(&studio.path("results")), ["out.mp4"]);
    assert_eq!(names_in(&work.join("filled")).len(), 5);
    let finished = ended.events.last().unwrap();
    assert_eq!(
        (finished["frames"].as_u64(), finished["keyframes"].as_u64()),
        (Some(7), Some(2))
    );

    // The same frames as pictures.
    let spec = FillSpec {
        source: clip,
        keyframes: keys,
        out: studio.path("frames"),
        work: Some(work.clone()),
        device: DeviceChoice::Cpu,
        ..FillSpec::default()
    };
    let (_, told) = run(&spec).unwrap();
    let frames = contents_of(&spec.out);
    assert_eq!(frames.len(), 7);
    for (name, picture) in &frames {
        let stored = work.join("filled").join(format!("00{name}"));
        assert!(
            !stored.exists() || std::fs::read(stored).unwrap() == *picture,
            "{name}"
        );
    }
    // What was there already is told first.
    let progress = &told.progress[&Stage::InBetweens];
    assert_eq!(
        (progress[0].done, progress[0].total, progress[0].unit),
        (5, 5, Unit::Frames)
    );
}

#[test]
fn pictures_become_a_video() {
    let Some(studio) = Studio::new() else { return };
    let place = Place::moving(5, &[0, 4]);
    let out = studio.out("out.mkv");
    let spec = FillSpec {
        out: out.clone(),
        ..place.spec()
    };
    let (summary, told) = run(&spec).unwrap();
    assert_eq!((summary.frames, summary.keyframes), (5, 2));
    assert!((summary.duration_secs - 0.2).abs() < 1e-3);
    assert_eq!(frame_times(&out), [0.0, 0.04, 0.08, 0.12, 0.16]);
    assert_eq!(ffprobe(&out, "stream=width,height"), ["48", "40"]);
    assert_eq!(
        told.stages,
        [Stage::Analyse, Stage::InBetweens, Stage::Encode]
    );
    for (stage, total) in [
        (Stage::Analyse, 5),
        (Stage::InBetweens, 3),
        (Stage::Encode, 5),
    ] {
        let done: Vec<usize> = told.progress[&stage].iter().map(|p| p.done).collect();
        assert!(
            done.is_sorted() && done.last() == Some(&total),
            "{stage}: {done:?}"
        );
    }
    assert_eq!(told.keyframes, [0, 4]);
    assert!(painted(0).size() == super::SIZE);
}
