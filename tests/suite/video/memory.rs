//! Memory does not grow with the length of a clip.

use std::env;
use std::fs;
use std::process::Command;

use fresco_studio::video::{Decoder, Ffmpeg, TimestampIndex, probe};

use super::Clips;

/// Names the clip to a second run of this test, which decodes it and prints its peak memory.
const CLIP: &str = "FRESCO_TEST_DECODE_CLIP";

/// Decodes every frame of a clip and reports the peak of this process in KiB.
fn decode_all(path: &str) {
    let ffmpeg = Ffmpeg::find(None).unwrap();
    let info = probe(&ffmpeg, path.as_ref()).unwrap();
    let index = TimestampIndex::read(&ffmpeg, &info).unwrap();
    let mut decoder = Decoder::open(&ffmpeg, &info, 0..index.len()).unwrap();
    let mut n_frames = 0;
    while decoder.next_frame().unwrap().is_some() {
        n_frames += 1;
    }
    assert_eq!(n_frames, index.len());
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    eprintln!(
        "frames {n_frames} peak {}",
        peak.trim().trim_end_matches(" kB")
    );
}

/// Peak memory in KiB of decoding a generated clip in a process of its own.
///
/// The least of three runs: which pages of the program are counted varies from run to run.
fn measure(clips: &Clips, n_frames: usize) -> f64 {
    let count = n_frames.to_string();
    let input = [
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=96x64:r=25",
        "-frames:v",
        &count,
    ];
    let args = [&input[..], &["-c:v", "mpeg4", "-q:v", "8"]].concat();
    let path = clips.make(&format!("{n_frames}.mp4"), &args);
    let run = || {
        let name = "video::memory::ten_thousand_frames_need_no_more_than_five_hundred";
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CLIP, &path)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("frames "));
        let (found, peak) = line
            .unwrap_or_else(|| panic!("{text}"))
            .split_once(" peak ")
            .unwrap();
        assert_eq!(found, count);
        peak.parse().unwrap()
    };
    (0..3).map(|_| run()).fold(f64::MAX, f64::min)
}

#[test]
fn ten_thousand_frames_need_no_more_than_five_hundred() {
    if let Ok(path) = env::var(CLIP) {
        return decode_all(&path);
    }
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: peak memory is read from /proc");
        return;
    }
    let Some(clips) = Clips::new() else { return };
    let (short, long) = (measure(&clips, 500), measure(&clips, 10_000));
    assert!(
        long <= short * 1.1,
        "{long} KiB for 10,000 frames, {short} KiB for 500"
    );
}
