//! Every frame comes, once, in presentation order, whatever the container does with time.

use std::path::Path;
use std::process::Command;

use fresco_studio::frame::{FrameIdx, Size};
use fresco_studio::video::{Decoder, VideoError, frame_at};

use super::{Clips, number, numbers, packet_seconds, real_clip};

/// Many B-frames that refer to each other, across groups, and few key frames.
const REORDERED: [&str; 4] = [
    "-c:v",
    "libx264",
    "-x264-params",
    "bframes=4:b-adapt=0:b-pyramid=2:scenecut=0:keyint=16:open-gop=1:qp=4",
];

/// The index, and decoding all, agree on `n_frames` numbered from `first`.
fn check_all(clips: &Clips, path: &Path, first: usize, n_frames: usize) {
    let (info, index) = clips.open(path);
    assert_eq!(index.len(), n_frames, "{}", path.display());
    assert!(
        index.pts().is_sorted_by(|a, b| a < b),
        "{}: {:?}",
        path.display(),
        index.pts()
    );
    // Asking for more shows that there are no more.
    let (frames, error) = clips.decode_until_error(&info, n_frames + 5);
    assert_eq!(
        numbers(&frames),
        (first..first + n_frames).collect::<Vec<_>>(),
        "{}",
        path.display()
    );
    let stopped =
        matches!(&error, Some(VideoError::Broken { readable, .. }) if *readable == n_frames);
    assert!(stopped, "{error:?}");
}

#[test]
fn reordered_frames_come_in_presentation_order() {
    let Some(clips) = Clips::new() else { return };
    for name in ["a.mp4", "a.mkv", "a.mov", "a.ts", "a.avi", "a.h264"] {
        let path = clips.numbered(name, "64x48", 50, &REORDERED);
        check_all(&clips, &path, 0, 50);
    }
}

#[test]
fn timestamps_are_those_of_the_packets() {
    let Some(clips) = Clips::new() else { return };
    let timing = [
        "-vf",
        "settb=1/90000,setpts='(N*40+mod(N*17,30))/1000/TB'",
        "-fps_mode",
        "passthrough",
    ];
    for (name, base) in [
        ("a.mp4", "1/90000"),
        ("a.mkv", "1/1000"),
        ("a.ts", "1/90000"),
    ] {
        let path = clips.numbered(
            name,
            "64x48",
            50,
            &[&REORDERED[..], &timing, &["-enc_time_base", base]].concat(),
        );
        let (info, index) = clips.open(&path);
        let found = (0..index.len()).map(|n| index.seconds(FrameIdx(n)));
        let expected = packet_seconds(&path);
        assert_eq!(expected.len(), index.len());
        for (found, expected) in found.zip(&expected) {
            assert!(
                (found - expected).abs() < 2e-6,
                "{name}: {found} {expected}"
            );
        }
        assert!(index.is_variable() && info.variable_rate, "{name}");
        assert_eq!(
            numbers(&clips.decode(&info, 50)),
            (0..50).collect::<Vec<_>>()
        );
    }
}

#[test]
fn frames_hidden_by_an_edit_list_do_not_count() {
    let Some(clips) = Clips::new() else { return };
    let whole = clips.numbered("whole.mp4", "64x48", 50, &REORDERED);
    // Copied from a key frame, shown from frame 20.
    let args = ["-ss", "0.8", "-i", whole.to_str().unwrap(), "-c", "copy"];
    let cut = clips.make("cut.mp4", &args);
    assert!(
        packet_seconds(&cut).len() > 30,
        "the cut keeps hidden frames"
    );
    let (info, index) = clips.open(&cut);
    let frames = clips.decode(&info, index.len());
    let first = number(&frames[0]);
    assert!((19..=20).contains(&first), "{first}");
    check_all(&clips, &cut, first, 50 - first);
}

#[test]
fn ranges_are_half_open() {
    let Some(clips) = Clips::new() else { return };
    let (info, _) = clips.open(&clips.numbered("a.mp4", "64x48", 50, &REORDERED));
    for range in [0..1, 7..20, 17..18, 49..50, 30..30] {
        let mut decoder = Decoder::open(&clips.ffmpeg, &info, range.clone()).unwrap();
        let mut found = Vec::new();
        while let Some(frame) = decoder.next_frame().unwrap() {
            found.push(number(&frame));
        }
        assert_eq!(found, range.collect::<Vec<_>>());
    }
}

#[test]
fn single_frames_are_those_of_the_sequence() {
    let Some(clips) = Clips::new() else { return };
    for name in ["a.mp4", "a.mkv", "a.ts", "a.h264", "a.avi"] {
        let (info, index) = clips.open(&clips.numbered(name, "64x48", 54, &REORDERED));
        for wanted in [0, 1, 31, 32, 33, 40, 47, 48, 49, 53] {
            let frame = frame_at(&clips.ffmpeg, &info, &index, FrameIdx(wanted)).unwrap();
            assert_eq!(number(&frame), wanted, "{name}");
        }
        let beyond = frame_at(&clips.ffmpeg, &info, &index, FrameIdx(54));
        assert!(matches!(
            beyond,
            Err(VideoError::NoSuchFrames { n_frames: 54, .. })
        ));
    }
}

#[test]
fn single_frames_of_a_real_clip_are_those_of_the_sequence() {
    let Some(clips) = Clips::new() else { return };
    let Some(path) = real_clip("dog.mp4") else {
        return;
    };
    let (info, index) = clips.open(&path);
    let frames = clips.decode(&info, 240);
    for wanted in [0, 33, 100, 167, 239] {
        let frame = frame_at(&clips.ffmpeg, &info, &index, FrameIdx(wanted)).unwrap();
        assert!(frame == frames[wanted], "frame {wanted}");
    }
}

#[test]
fn odd_sizes_are_read_whole() {
    let Some(clips) = Clips::new() else { return };
    for (width, height) in [(63, 49), (64, 49), (63, 48), (1, 3)] {
        // A white frame with a black last column and row.
        let picture = format!(
            "nullsrc=s={width}x{height}:r=5:d=1,format=gray,geq=lum='if(eq(X,W-1)+eq(Y,H-1),0,255)',format=gbrp"
        );
        let args = ["-f", "lavfi", "-i", &picture, "-c:v", "ffv1"];
        let (info, index) = clips.open(&clips.make("odd.mkv", &args));
        let frames = clips.decode(&info, index.len());
        assert_eq!(
            (frames.len(), frames[0].size()),
            (5, Size { width, height })
        );
        for y in 0..height {
            for x in 0..width {
                let expected = if x == width - 1 || y == height - 1 {
                    [0; 3]
                } else {
                    [255; 3]
                };
                assert_eq!(frames[4].at(x, y), expected, "{x},{y} of {width}x{height}");
            }
        }
    }
}

#[test]
fn names_with_a_meaning_to_ffmpeg_are_only_names() {
    let Some(clips) = Clips::new() else { return };
    let plain = clips.numbered("plain.mp4", "64x48", 5, &[]);
    for name in [
        "a:b.mp4",
        "-dash.mp4",
        "50% %03d.mp4",
        "ü 'x' \"y\".mp4",
        "a?b#c.mp4",
    ] {
        let path = clips.path(name);
        std::fs::copy(&plain, &path).unwrap();
        check_all(&clips, &path, 0, 5);
    }
}

#[test]
fn cover_art_is_not_the_video() {
    let Some(clips) = Clips::new() else { return };
    let video = clips.numbered("video.mp4", "64x48", 8, &[]);
    let cover = clips.make(
        "cover.png",
        &["-f", "lavfi", "-i", "color=red:s=32x32", "-frames:v", "1"],
    );
    let inputs = ["-i", cover.to_str().unwrap(), "-i", video.to_str().unwrap()];
    let args = [
        "-map",
        "0",
        "-map",
        "1",
        "-c",
        "copy",
        "-disposition:v:0",
        "attached_pic",
    ];
    check_all(
        &clips,
        &clips.make("both.mp4", &[&inputs[..], &args].concat()),
        0,
        8,
    );
}

#[test]
fn real_clips_have_their_frames() {
    let Some(clips) = Clips::new() else { return };
    for (name, n_frames, rate) in [
        ("bunny.mp4", 132, 25.0),
        ("car-turn.mp4", 80, 10.0),
        ("dog.mp4", 300, 24.0),
    ] {
        let Some(path) = real_clip(name) else { return };
        let (info, index) = clips.open(&path);
        assert_eq!(index.len(), n_frames, "{name}");
        assert!((index.average_rate() - rate).abs() < 1e-6, "{name}");
        assert!(!index.is_variable() && !info.variable_rate, "{name}");
    }
}

#[test]
fn a_dropped_decoder_ends_its_child() {
    let Some(clips) = Clips::new() else { return };
    let path = clips.numbered("a name to look for.mkv", "640x480", 50, &["-c:v", "ffv1"]);
    let info = clips.probe(&path);
    let running = || {
        let list = Command::new("ps").args(["-eo", "args"]).output().ok()?;
        Some(String::from_utf8_lossy(&list.stdout).contains(path.to_str().unwrap()))
    };
    if running().is_none() {
        eprintln!("skipped: processes are listed by ps");
        return;
    }
    let mut decoder = Decoder::open(&clips.ffmpeg, &info, 0..50).unwrap();
    decoder.next_frame().unwrap();
    assert_eq!(
        running(),
        Some(true),
        "the pipe is full, so it cannot have ended"
    );
    drop(decoder);
    assert_eq!(running(), Some(false));
}
