//! From asking for a frame to having it, on a 1080p H.264 clip: `cargo bench --bench scrub`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints and may fail"
)]

use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fresco_studio::frame::FrameIdx;
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::worker::message::{MediaRequest, PictureKey, SourceEvent};
use fresco_studio::worker::{Command, Event, WorkerHandle, spawn};

const N_FRAMES: usize = 300;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    let source = "testsrc2=s=1920x1080:r=30";
    let made = Process::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", source])
        .args([
            "-frames:v",
            &N_FRAMES.to_string(),
            "-c:v",
            "libx264",
            "-preset",
            "fast",
        ])
        .args(["-pix_fmt", "yuv420p"])
        .arg(&path)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: no ffmpeg with libx264 to make a clip with");
        return;
    }
    let worker = spawn(Engine::default, Arc::new(|| {})).unwrap();
    let began = Instant::now();
    open(&worker, &path);
    println!(
        "open and survey {N_FRAMES} frames: {:.2} s",
        began.elapsed().as_secs_f64()
    );
    let jump = |i: usize| (i * 97 + 40) % N_FRAMES;
    let plans: [(&str, Vec<usize>, usize); 4] = [
        ("random", (0..40).map(jump).collect(), 0),
        ("forwards, frame by frame", (60..160).collect(), 0),
        ("backwards, frame by frame", (100..200).rev().collect(), 0),
        ("playing at 30 frames a second", (150..240).collect(), 24),
    ];
    println!(
        "{:<32} {:>17} {:>17}",
        "request → picture, ms", "right frame", "full size"
    );
    println!(
        "{:<32} {:>8} {:>8} {:>8} {:>8}",
        "", "p50", "p95", "p50", "p95"
    );
    for (name, frames, ahead) in plans {
        // Another look at the video empties the cache of pictures.
        open(&worker, &path);
        let taken = frames.iter().map(|&n| fetch(&worker, n, ahead));
        let (first, whole): (Vec<f64>, Vec<f64>) = taken.unzip();
        let [first, whole] = [first, whole].map(|mut taken| {
            taken.sort_by(f64::total_cmp);
            [0.5, 0.95].map(|share| taken[((taken.len() - 1) as f64 * share).round() as usize])
        });
        println!(
            "{name:<32} {:>8.1} {:>8.1} {:>8.1} {:>8.1}",
            first[0], first[1], whole[0], whole[1]
        );
    }
    drag(&worker, &path);
}

/// Drags the playhead over the clip and lets it go: how many places are seen on the way, and how soon the last is there.
fn drag(worker: &WorkerHandle, path: &Path) {
    open(worker, path);
    let mut n_seen = 0;
    let places = (0..60).map(|i| N_FRAMES - 20 - i * 4);
    let n_places = places.clone().count();
    for frame in places {
        worker.request_pictures(MediaRequest {
            wanted: vec![PictureKey::Source(FrameIdx(frame))],
            ahead: 0,
        });
        std::thread::sleep(Duration::from_millis(16));
        while let Some(found) = worker.next_picture() {
            n_seen += usize::from(found.key == PictureKey::Source(FrameIdx(frame)));
        }
    }
    let (first, whole) = fetch(worker, 17, 0);
    println!(
        "dragged backwards at 60 places a second: {n_seen} of {n_places} seen in time; then a place after {first:.1} ms, \
         full size after {whole:.1} ms"
    );
}

/// Milliseconds from a request to the right frame, and to its full size; a player then waits for the next frame's time.
fn fetch(worker: &WorkerHandle, frame: usize, ahead: usize) -> (f64, f64) {
    let key = PictureKey::Source(FrameIdx(frame));
    let began = Instant::now();
    worker.request_pictures(MediaRequest {
        wanted: vec![key.clone()],
        ahead,
    });
    let mut first = None;
    loop {
        match worker.next_picture() {
            Some(found) if found.key == key => {
                first.get_or_insert(began.elapsed());
                if !found.is_stand_in {
                    break;
                }
            }
            Some(_) => {}
            None => std::thread::sleep(Duration::from_micros(200)),
        }
    }
    let taken = began.elapsed();
    if ahead > 0 {
        std::thread::sleep(Duration::from_millis(33).saturating_sub(taken));
    }
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    (millis(first.unwrap_or(taken)), millis(taken))
}

fn open(worker: &WorkerHandle, path: &Path) {
    worker.send(Command::Open(path.to_owned())).unwrap();
    loop {
        match worker.events().recv().unwrap() {
            Event::Source(_, SourceEvent::Done(_)) => return,
            Event::Source(_, SourceEvent::Failed(report)) => panic!("{report:?}"),
            _ => {}
        }
    }
}
