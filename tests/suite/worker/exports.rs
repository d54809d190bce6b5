//! Exports: formats, sizes, sound, gaps, names, through the real engine.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fresco_studio::frame::{Frame, FrameIdx, Size};
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::video::{Ffmpeg, FrameStore, TimestampIndex, probe};
use fresco_studio::worker::message::{
    ExportQuality, ExportSettings, ExportSize, ExportSpec, Missing, Sound, Summary, VideoCodec,
};
use fresco_studio::worker::{Command, JobEvent, Report, spawn};

use super::{FIRST, events_of};
use crate::support::{MOVING, Studio, ffprobe, frame_times, names_in};

/// A clip of eight frames with sound, and pictures of some of them, each of one grey.
struct Set {
    studio: Studio,
    spec: ExportSpec,
}

impl Set {
    fn new(frames: &[usize]) -> Option<Self> {
        let studio = Studio::new()?;
        let clip = studio.clip("clip.mp4", MOVING, 8);
        let ffmpeg = Ffmpeg::find(None).unwrap();
        let info = probe(&ffmpeg, &clip).unwrap();
        let times = TimestampIndex::read(&ffmpeg, &info).unwrap();
        let store = FrameStore::open(&studio.path("filled")).unwrap();
        let size = Size {
            width: 128,
            height: 128,
        };
        let picture = |&n: &usize| {
            let frame = FrameIdx(n);
            let grey = Frame::from_fn(size, |_, _| [(20 * n) as u8; 3]);
            store.write(frame, &grey).unwrap();
            (frame, store.path(frame))
        };
        let spec = ExportSpec {
            info,
            times,
            range: 0..8,
            pictures: frames.iter().map(picture).collect(),
            comment: Some("a fox\nSteps: 20".into()),
            settings: ExportSettings {
                missing: Missing::Refuse,
                size: ExportSize::Source,
                codec: VideoCodec::H264,
                quality: ExportQuality::default(),
                sound: Sound::Copy,
                keep_metadata: true,
                keep_subtitles: true,
                mark: true,
                path: studio.out("a.mp4"),
                overwrite: false,
            },
        };
        Some(Self { studio, spec })
    }

    fn export(&self) -> Result<Summary, Report> {
        let worker = spawn(Engine::default, Arc::new(|| {})).unwrap();
        let spec = Box::new(self.spec.clone());
        worker.send(Command::Export(FIRST, spec)).unwrap();
        match events_of(&worker, FIRST).pop() {
            Some(JobEvent::Finished(summary)) => Ok(summary),
            Some(JobEvent::Failed(report)) => Err(report),
            other => panic!("{other:?}"),
        }
    }

    fn decoded(&self, path: &Path) -> Vec<Frame> {
        let _ = self;
        let ffmpeg = Ffmpeg::find(None).unwrap();
        let info = probe(&ffmpeg, path).unwrap();
        let n = TimestampIndex::read(&ffmpeg, &info).unwrap().len();
        let mut decoder = fresco_studio::video::Decoder::open(&ffmpeg, &info, 0..n).unwrap();
        (0..n)
            .map(|_| decoder.next_frame().unwrap().unwrap())
            .collect()
    }
}

const ALL: [usize; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

#[test]
fn every_format_holds_the_pictures_the_times_and_the_sound() {
    let Some(mut set) = Set::new(&ALL) else {
        return;
    };
    let ffmpeg = Ffmpeg::find(None).unwrap();
    for (codec, name, found) in [
        (VideoCodec::H264, "a.mp4", "h264"),
        (VideoCodec::H265, "b.mp4", "hevc"),
        (VideoCodec::ProRes, "c.mov", "prores"),
        (VideoCodec::Ffv1, "d.mkv", "ffv1"),
    ] {
        let compression = codec.compression(ExportQuality::default());
        if !compression.is_some_and(|compression| compression.is_possible(&ffmpeg)) {
            eprintln!("skipped: this FFmpeg cannot write {found}");
            continue;
        }
        set.spec.settings.codec = codec;
        set.spec.settings.path = set.studio.out(name);
        let summary = set.export().unwrap();
        assert_eq!((summary.frames, &summary.out), (8, &set.spec.settings.path));
        let codecs = ffprobe(&summary.out, "stream=codec_name");
        assert_eq!(codecs, [found, "aac"], "{name}");
        let times = frame_times(&summary.out);
        for (n, time) in times.iter().enumerate() {
            assert!((time - n as f64 / 8.0).abs() < 0.002, "{name}: {times:?}");
        }
        let frames = set.decoded(&summary.out);
        for (n, frame) in frames.iter().enumerate() {
            let [red, _, blue] = frame.at(30, 30);
            let wanted = (20 * n) as u8;
            assert!(
                red.abs_diff(wanted) <= 3 && blue.abs_diff(wanted) <= 3,
                "{name} {n}"
            );
            assert_eq!(frame.size(), set.spec.info.display_size);
        }
    }
    let comment = ffprobe(&set.studio.out("a.mp4"), "format_tags=comment").join("\n");
    assert!(
        comment.contains("Steps: 20") && comment.contains("compositeWith"),
        "{comment}"
    );
}

#[test]
fn ranges_sizes_and_silence_are_obeyed() {
    let Some(mut set) = Set::new(&ALL) else {
        return;
    };
    set.spec.range = 2..6;
    set.spec.settings.size = ExportSize::Working;
    set.spec.settings.sound = Sound::None;
    set.spec.comment = None;
    set.spec.settings.mark = false;
    let out = set.export().unwrap().out;
    assert_eq!(ffprobe(&out, "stream=codec_name,width"), ["h264", "128"]);
    let frames = set.decoded(&out);
    let reds: Vec<u8> = frames.iter().map(|frame| frame.at(9, 9)[0]).collect();
    assert_eq!(reds.len(), 4);
    assert!(
        reds[0].abs_diff(40) <= 3 && reds[3].abs_diff(100) <= 3,
        "{reds:?}"
    );
    assert!(ffprobe(&out, "format_tags=comment").is_empty());
    set.spec.settings.size = ExportSize::Custom(Size {
        width: 50,
        height: 30,
    });
    let out = set.export().unwrap().out;
    assert_eq!(ffprobe(&out, "stream=width,height"), ["50", "30"]);
}

#[test]
fn gaps_are_refused_or_filled_or_left_out() {
    let Some(mut set) = Set::new(&[0, 4, 7]) else {
        return;
    };
    let report = set.export().unwrap_err();
    assert!(
        report.summary.starts_with("5 frames have no result"),
        "{report:?}"
    );
    assert!(names_in(&set.studio.path("results")).is_empty());

    set.spec.settings.missing = Missing::Source;
    let summary = set.export().unwrap();
    assert_eq!((summary.frames, summary.keyframes), (8, 3));
    let frames = set.decoded(&summary.out);
    let is_grey = |frame: &Frame| {
        let [r, g, b] = frame.at(32, 8);
        let other = frame.at(32, 40);
        r.abs_diff(g) <= 3 && g.abs_diff(b) <= 3 && r.abs_diff(other[0]) <= 3
    };
    let grey: Vec<usize> = (0..8).filter(|&n| is_grey(&frames[n])).collect();
    assert_eq!(grey, [0, 4, 7]);

    set.spec.settings.missing = Missing::Skip;
    set.spec.settings.path = set.studio.out("keys.mp4");
    let summary = set.export().unwrap();
    let times = frame_times(&summary.out);
    let wanted = [0.0, 0.5, 0.875];
    assert_eq!(times.len(), 3);
    assert!(
        times.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 0.002),
        "{times:?}"
    );
}

#[test]
fn nothing_is_replaced_unasked() {
    let Some(mut set) = Set::new(&ALL) else {
        return;
    };
    let names = |set: &Set| names_in(&set.studio.path("results"));
    for expected in ["a.mp4", "a (2).mp4", "a (3).mp4"] {
        let out = set.export().unwrap().out;
        assert_eq!(out, set.studio.out(expected));
    }
    set.spec.settings.overwrite = true;
    set.spec.range = 0..2;
    assert_eq!(set.export().unwrap().out, set.studio.out("a.mp4"));
    assert_eq!(names(&set).len(), 3);
    let source = set.spec.info.path.clone();
    let before = fs::read(&source).unwrap();
    set.spec.settings.path.clone_from(&source);
    let report = set.export().unwrap_err();
    assert!(
        report.summary.contains("would replace the source"),
        "{report:?}"
    );
    assert_eq!(fs::read(&source).unwrap(), before);
}

#[test]
fn pictures_go_to_a_folder_that_is_whole_or_absent() {
    let Some(mut set) = Set::new(&[0, 4, 7]) else {
        return;
    };
    set.spec.settings.codec = VideoCodec::Png;
    set.spec.settings.missing = Missing::Skip;
    set.spec.settings.path = set.studio.out("keys");
    let summary = set.export().unwrap();
    let expected = ["0000.png", "0004.png", "0007.png", "settings.txt"];
    assert_eq!(names_in(&summary.out), expected);
    let picture = Frame::read(&summary.out.join("0004.png")).unwrap();
    assert_eq!(
        (picture.at(1, 1), picture.size()),
        ([80; 3], set.spec.info.display_size)
    );
    let again: PathBuf = set.export().unwrap().out;
    assert_eq!(again, set.studio.out("keys (2)"));
    fs::remove_file(&set.spec.pictures[1].1).unwrap();
    set.export().unwrap_err();
    assert_eq!(names_in(&set.studio.path("results")), ["keys", "keys (2)"]);
}
