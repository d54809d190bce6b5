//! Decodes the real clips that lie beside the repository, where they and ffmpeg are present.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fresco_studio::frame::{Frame, Size};

/// Gives every frame of a clip, scaled to `size` if there is one; says *skipped* and gives none if that cannot be done.
///
/// Returns how many frames there were.
pub fn for_each_frame(clip: &str, size: Option<Size>, mut take: impl FnMut(Frame)) -> usize {
    let Some(path) = find(clip) else { return 0 };
    let size = size.unwrap_or_else(|| probe(&path));
    let mut child = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&path)
        .arg("-vf")
        .arg(format!("scale={}:{}:flags=area", size.width, size.height))
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stream = child.stdout.take().unwrap();
    let mut pixels = vec![0; size.area() * 3];
    let mut n_frames = 0;
    while stream.read_exact(&mut pixels).is_ok() {
        take(Frame::new(size, pixels.clone()));
        n_frames += 1;
    }
    assert!(child.wait().unwrap().success(), "{clip}: ffmpeg failed");
    n_frames
}

/// All frames of a clip at a small size; empty where it cannot be decoded.
pub fn small_frames(clip: &str) -> Vec<Frame> {
    let mut frames = Vec::new();
    let size = Size {
        width: 160,
        height: 90,
    };
    for_each_frame(clip, Some(size), |frame| frames.push(frame));
    frames
}

fn find(clip: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/videos")
        .join(clip);
    if !path.is_file() {
        eprintln!("skipped: no clip {}", path.display());
        return None;
    }
    let has_ffmpeg = Command::new("ffmpeg").arg("-version").output().is_ok();
    if !has_ffmpeg {
        eprintln!("skipped: no ffmpeg to decode {clip}");
    }
    has_ffmpeg.then_some(path)
}

fn probe(path: &Path) -> Size {
    let entries = "stream=width,height";
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v:0",
            "-of",
            "csv=p=0",
            "-show_entries",
            entries,
        ])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (width, height) = text.trim().split_once(',').unwrap();
    Size {
        width: width.parse().unwrap(),
        height: height.parse().unwrap(),
    }
}
