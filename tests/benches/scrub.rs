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
    println!("{:<32} {:>8} {:>8}", "request → picture, ms", "p50", "p95");
    for (name, frames, ahead) in plans {
        // Another look at the video empties the cache of pictures.
        open(&worker, &path);
        let mut taken: Vec<f64> = frames.iter().map(|&n| fetch(&worker, n, ahead)).collect();
        taken.sort_by(f64::total_cmp);
        let at = |share: f64| taken[((taken.len() - 1) as f64 * share).round() as usize];
        println!("{name:<32} {:>8.1} {:>8.1}", at(0.5), at(0.95));
    }
}

/// Milliseconds from a request to its picture; a player then waits for the next frame's time.
fn fetch(worker: &WorkerHandle, frame: usize, ahead: usize) -> f64 {
    let key = PictureKey::Source(FrameIdx(frame));
    let began = Instant::now();
    worker.request_pictures(MediaRequest {
        wanted: vec![key.clone()],
        ahead,
    });
    loop {
        match worker.next_picture() {
            Some(found) if found.key == key => break,
            Some(_) => {}
            None => std::thread::sleep(Duration::from_micros(200)),
        }
    }
    let taken = began.elapsed();
    if ahead > 0 {
        std::thread::sleep(Duration::from_millis(33).saturating_sub(taken));
    }
    taken.as_secs_f64() * 1000.0
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
