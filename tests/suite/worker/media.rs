//! Opening videos, and pictures of them while a job runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::bounded;
use fresco_studio::frame::{Frame, FrameIdx, Size};
use fresco_studio::video::{Ffmpeg, FrameStore, TimestampIndex, frame_at, probe};
use fresco_studio::worker::message::{
    ControlLook, MediaPicture, MediaRequest, PictureKey, SourceEvent, Survey,
};
use fresco_studio::worker::{Command, Event, WorkerHandle, spawn};

use super::{FIRST, PATIENCE, next, translate};
use crate::scripted::{Place, Scripted, summary};
use crate::support::Studio;

fn worker() -> WorkerHandle {
    let build = || Scripted::new(|job, _| Ok(summary(job)));
    spawn(build, Arc::new(|| {})).unwrap()
}

/// Opens a video and waits for its survey; returns that and how many small pictures came.
fn open(worker: &WorkerHandle, path: &Path) -> (Arc<Survey>, usize) {
    worker.send(Command::Open(path.to_owned())).unwrap();
    let mut n_small = 0;
    loop {
        let Event::Source(of, event) = next(worker) else {
            panic!("news of the video")
        };
        assert_eq!(of, path);
        match event {
            SourceEvent::Thumbnails(small) => n_small += small.len(),
            SourceEvent::Done(survey) => return (survey, n_small),
            SourceEvent::Failed(report) => panic!("{report:?}"),
            SourceEvent::Missing => panic!("missing"),
            _ => {}
        }
    }
}

fn want(worker: &WorkerHandle, wanted: &[PictureKey], ahead: usize) {
    worker.request_pictures(MediaRequest {
        wanted: wanted.to_vec(),
        ahead,
    });
}

/// Waits for a picture proper; others that come before are passed over.
fn wait_for(worker: &WorkerHandle, key: &PictureKey) -> MediaPicture {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match worker.next_picture() {
            Some(picture) if picture.key == *key && !picture.is_stand_in => return picture,
            Some(_) => {}
            None => std::thread::yield_now(),
        }
    }
    panic!("{key:?} never came");
}

fn picture(worker: &WorkerHandle, key: PictureKey) -> Arc<Frame> {
    want(worker, std::slice::from_ref(&key), 0);
    wait_for(worker, &key).picture.unwrap()
}

/// A clip of 90 frames with few codec keyframes and reordered frames, and each frame found by another way.
fn long_clip(studio: &Studio) -> (PathBuf, impl Fn(usize) -> Frame) {
    let path = studio.make(
        "long.mp4",
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=96x64:r=25",
            "-frames:v",
            "90",
            "-g",
            "45",
            "-bf",
            "3",
        ],
    );
    let ffmpeg = Ffmpeg::find(None).unwrap();
    let info = probe(&ffmpeg, &path).unwrap();
    let times = TimestampIndex::read(&ffmpeg, &info).unwrap();
    let frame = move |n| frame_at(&ffmpeg, &info, &times, FrameIdx(n)).unwrap();
    (path, frame)
}

#[test]
fn a_video_is_surveyed() {
    let Some(studio) = Studio::new() else { return };
    let cut = "testsrc2=s=64x64:r=8:d=1,format=yuv420p[a];color=c=blue:s=64x64:r=8:d=1,noise=alls=60:allf=t[b];[a][b]concat";
    let path = studio.make("cut.mp4", &["-f", "lavfi", "-i", cut]);
    let worker = worker();
    let (survey, n_small) = open(&worker, &path);
    assert_eq!((survey.n_frames(), n_small), (16, 16));
    assert_eq!(survey.cuts(), [FrameIdx(8)]);
    assert!(survey.motion()[1] > 0.0);
}

#[test]
fn what_cannot_be_opened_is_told() {
    let Some(studio) = Studio::new() else { return };
    let worker = worker();
    let text = studio.path("text.mp4");
    std::fs::write(&text, "no video").unwrap();
    let one = studio.make(
        "one.mp4",
        &["-f", "lavfi", "-i", "testsrc2=s=64x64", "-frames:v", "1"],
    );
    let gone = studio.path("gone.mp4");
    let last = |path: &Path| {
        worker.send(Command::Open(path.to_owned())).unwrap();
        loop {
            match next(&worker) {
                Event::Source(_, SourceEvent::Failed(report)) => return report.summary,
                Event::Source(_, SourceEvent::Missing) => return "missing".to_owned(),
                Event::Source(_, SourceEvent::Done(_)) => return "done".to_owned(),
                _ => {}
            }
        }
    };
    assert_eq!(last(&gone), "missing");
    assert!(last(&text).contains("not a video"), "{}", last(&text));
    assert!(last(&one).starts_with("One frame only"), "{}", last(&one));
}

#[test]
fn frames_are_exact_however_they_are_asked_for() {
    let Some(studio) = Studio::new() else { return };
    let (path, frame) = long_clip(&studio);
    let worker = worker();
    open(&worker, &path);
    // Far ahead, a step, back by steps, near the beginning, across codec keyframes, the last.
    for n in [70, 71, 74, 60, 59, 58, 57, 3, 2, 44, 45, 46, 89, 0] {
        let found = picture(&worker, PictureKey::Source(FrameIdx(n)));
        assert!(*found == frame(n), "frame {n}");
    }
    let key = PictureKey::Source(FrameIdx(90));
    want(&worker, std::slice::from_ref(&key), 0);
    assert!(wait_for(&worker, &key).picture.is_err());
}

/// Mean difference of two pictures in levels; the first is enlarged by leaving pixels standing.
fn difference(a: &Frame, b: &Frame) -> f64 {
    let (from, to) = (a.size(), b.size());
    let enlarged = Frame::from_fn(to, |x, y| {
        a.at(x * from.width / to.width, y * from.height / to.height)
    });
    let pairs = enlarged.pixels().iter().zip(b.pixels());
    let sum: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / b.pixels().len() as f64
}

#[test]
fn a_small_picture_of_the_same_frame_comes_first() {
    let Some(studio) = Studio::new() else { return };
    let (path, frame) = long_clip(&studio);
    let worker = worker();
    open(&worker, &path);
    for n in [70, 20, 89] {
        let key = PictureKey::Source(FrameIdx(n));
        want(&worker, std::slice::from_ref(&key), 0);
        let began = Instant::now();
        let first = loop {
            assert!(began.elapsed() < PATIENCE, "frame {n} never came");
            match worker.next_picture() {
                Some(found) if found.key == key => break found,
                Some(_) => {}
                None => std::thread::yield_now(),
            }
        };
        assert!(first.is_stand_in, "frame {n}");
        let first = first.picture.unwrap();
        let (same, other) = (
            difference(&first, &frame(n)),
            difference(&first, &frame(n - 9)),
        );
        assert!(
            same < 8.0 && same < other / 2.0,
            "frame {n}: {same}, {other}"
        );
        assert!(*wait_for(&worker, &key).picture.unwrap() == frame(n));
        // It is in memory now, and nothing needs to stand in for it.
        want(&worker, std::slice::from_ref(&key), 0);
        let again = loop {
            if let Some(found) = worker.next_picture() {
                break found;
            }
            std::thread::yield_now();
        };
        assert!(again.key == key && !again.is_stand_in, "frame {n}");
    }
}

#[test]
fn the_newest_request_comes_first() {
    let Some(studio) = Studio::new() else { return };
    let (path, frame) = long_clip(&studio);
    let worker = worker();
    open(&worker, &path);
    for n in (0..85).rev() {
        want(&worker, &[PictureKey::Source(FrameIdx(n))], 8);
    }
    let newest = PictureKey::Source(FrameIdx(87));
    want(&worker, std::slice::from_ref(&newest), 0);
    let mut n_before = 0;
    let found = loop {
        match worker.next_picture() {
            Some(found) if found.key == newest && !found.is_stand_in => break found,
            Some(_) => n_before += 1,
            None => std::thread::yield_now(),
        }
    };
    assert!(*found.picture.unwrap() == frame(87));
    assert!(n_before < 80, "{n_before} old requests were answered");
}

#[test]
fn pictures_come_while_a_job_runs_and_from_files_too() {
    let Some(studio) = Studio::new() else { return };
    let place = Place::new();
    let (begun, has_begun) = bounded(1);
    let (go, leave) = bounded::<()>(1);
    let build = move || {
        Scripted::new(move |job, _| {
            begun.send(()).unwrap();
            leave.recv().unwrap();
            Ok(summary(job))
        })
    };
    let worker = spawn(build, Arc::new(|| {})).unwrap();
    let clip = studio.clip("short.mp4", crate::support::MOVING, 8);
    open(&worker, &clip);
    translate(&worker, FIRST, place.spec());
    has_begun.recv_timeout(PATIENCE).unwrap();
    let source = picture(&worker, PictureKey::Source(FrameIdx(5)));
    let store = FrameStore::open(&place.path("filled")).unwrap();
    store.write(FrameIdx(5), &source).unwrap();
    let file = PictureKey::File(store.path(FrameIdx(5)), 1);
    assert!(picture(&worker, file) == source);
    let look = ControlLook {
        canny: Some((50, 100)),
        short_side: 128,
    };
    let control = picture(&worker, PictureKey::Control(FrameIdx(5), look));
    let size = Size {
        width: 128,
        height: 128,
    };
    assert_eq!(control.size(), size);
    let lit = control
        .pixels()
        .iter()
        .map(|&value| usize::from(value == 255))
        .sum::<usize>();
    assert!(
        lit > 100
            && control
                .pixels()
                .iter()
                .all(|&value| value == 0 || value == 255)
    );
    let gone = PictureKey::File(place.path("gone.png"), 1);
    want(&worker, std::slice::from_ref(&gone), 0);
    assert!(wait_for(&worker, &gone).picture.is_err());
    go.send(()).unwrap();
}

#[test]
fn another_video_takes_the_place_of_the_first() {
    let Some(studio) = Studio::new() else { return };
    let (path, _) = long_clip(&studio);
    let other = studio.clip("other.mp4", "color=c=red:s=64x64:r=8", 4);
    let worker = worker();
    // The first is given up at once.
    worker.send(Command::Open(path)).unwrap();
    worker.send(Command::Open(other.clone())).unwrap();
    let mut done = Vec::new();
    while done.is_empty() {
        if let Event::Source(of, SourceEvent::Done(_)) = next(&worker) {
            done.push(of);
        }
    }
    assert_eq!(done, [other]);
    let red = picture(&worker, PictureKey::Source(FrameIdx(1)));
    assert!(red.at(9, 9)[0] > 200);
    worker.send(Command::CloseSource).unwrap();
    let key = PictureKey::Source(FrameIdx(1));
    want(&worker, std::slice::from_ref(&key), 0);
    assert!(wait_for(&worker, &key).picture.is_err());
}
