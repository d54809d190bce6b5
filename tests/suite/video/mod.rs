//! Reading and writing video files, on clips that FFmpeg generates and on real ones where they exist.

mod colour;
mod decoding;
mod encoding;
mod failures;
mod memory;
mod probing;
mod sound;
mod store;
mod writing_failures;

use std::path::{Path, PathBuf};
use std::process::Command;

use fresco_studio::frame::{Frame, FrameIdx};
use fresco_studio::video::{Decoder, Ffmpeg, TimestampIndex, VideoError, VideoInfo, probe};
use tempfile::TempDir;

/// Brightness steps between frames of [`Clips::numbered`].
const LUMA_STEP: f64 = 4.0;

/// FFmpeg and a folder for generated clips.
pub struct Clips {
    pub ffmpeg: Ffmpeg,
    pub folder: TempDir,
}

impl Clips {
    /// Nothing, after saying so, where there is no FFmpeg.
    pub fn new() -> Option<Self> {
        match Ffmpeg::find(None) {
            Ok(ffmpeg) => Some(Self {
                ffmpeg,
                folder: tempfile::tempdir().unwrap(),
            }),
            Err(error) => {
                eprintln!("skipped: {error}");
                None
            }
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs FFmpeg with arguments, to which the file is appended.
    pub fn make(&self, name: &str, args: &[&str]) -> PathBuf {
        let path = self.path(name);
        let mut command = Command::new(self.ffmpeg.path());
        let output = command
            .args(["-v", "error", "-y"])
            .args(args)
            .arg(&path)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        path
    }

    /// A clip whose frame `n` is a flat grey that tells `n`, below 55.
    pub fn numbered(&self, name: &str, size: &str, n_frames: usize, args: &[&str]) -> PathBuf {
        let source = format!(
            "nullsrc=s={size}:r=25,format=yuv420p,geq=lum='16+N*{LUMA_STEP}':cb=128:cr=128"
        );
        let n_frames = n_frames.to_string();
        let input = ["-f", "lavfi", "-i", &source, "-frames:v", &n_frames];
        self.make(name, &[&input, args].concat())
    }

    pub fn probe(&self, path: &Path) -> VideoInfo {
        probe(&self.ffmpeg, path).unwrap()
    }

    pub fn open(&self, path: &Path) -> (VideoInfo, TimestampIndex) {
        let info = self.probe(path);
        let index = TimestampIndex::read(&self.ffmpeg, &info).unwrap();
        (info, index)
    }

    pub fn decode(&self, info: &VideoInfo, n_frames: usize) -> Vec<Frame> {
        let (frames, error) = self.decode_until_error(info, n_frames);
        assert!(error.is_none(), "{error:?}");
        frames
    }

    pub fn decode_until_error(
        &self,
        info: &VideoInfo,
        n_frames: usize,
    ) -> (Vec<Frame>, Option<VideoError>) {
        let mut decoder = Decoder::open(&self.ffmpeg, info, 0..n_frames).unwrap();
        let mut frames = Vec::new();
        loop {
            assert_eq!(decoder.position(), FrameIdx(frames.len()));
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => return (frames, None),
                Err(error) => {
                    assert!(
                        decoder.next_frame().unwrap().is_none(),
                        "nothing follows an error"
                    );
                    return (frames, Some(error));
                }
            }
        }
    }
}

/// The number that a frame of [`Clips::numbered`] tells by its mean brightness.
pub fn number(frame: &Frame) -> usize {
    let sum: f64 = frame.pixels().iter().map(|&value| f64::from(value)).sum();
    let grey = sum / frame.pixels().len() as f64;
    (grey * 219.0 / 255.0 / LUMA_STEP).round() as usize
}

pub fn numbers(frames: &[Frame]) -> Vec<usize> {
    frames.iter().map(number).collect()
}

/// Largest difference of any channel of any pixel.
pub fn max_difference(a: &Frame, b: &Frame) -> u8 {
    assert_eq!(a.size(), b.size());
    a.pixels()
        .iter()
        .zip(b.pixels())
        .map(|(a, b)| a.abs_diff(*b))
        .max()
        .unwrap_or(0)
}

/// Peak signal-to-noise ratio in dB.
pub fn psnr(a: &Frame, b: &Frame) -> f64 {
    assert_eq!(a.size(), b.size());
    let squares = a
        .pixels()
        .iter()
        .zip(b.pixels())
        .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    let mean = squares.sum::<f64>() / a.pixels().len() as f64;
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}

/// A clip of the shared folder; nothing, after saying so, where it is absent.
pub fn real_clip(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/videos")
        .join(name);
    if !path.exists() {
        eprintln!("skipped: {} is absent", path.display());
    }
    path.exists().then_some(path)
}

/// Runs FFmpeg's own prober and returns the lines it prints.
pub fn ffprobe(path: &Path, args: &[&str]) -> Vec<String> {
    let mut command = Command::new("ffprobe");
    let output = command
        .args(["-v", "error"])
        .args(args)
        .args(["-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.trim_end_matches(',').to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// Times of all packets of the picture track in seconds, sorted.
pub fn packet_seconds(path: &Path) -> Vec<f64> {
    let lines = ffprobe(
        path,
        &["-select_streams", "v:0", "-show_entries", "packet=pts_time"],
    );
    let mut seconds: Vec<f64> = lines.iter().map(|line| line.parse().unwrap()).collect();
    seconds.sort_by(f64::total_cmp);
    seconds
}
