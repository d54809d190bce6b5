//! Written files have the frames, the size and the times that were asked for.

use std::path::Path;

use fresco_studio::frame::{Frame, Size};
use fresco_studio::video::{EncodeConfig, Encoder, Ratio, TimestampIndex, VideoInfo, packet_times};

use super::{Clips, ffprobe, number, numbers, packet_seconds, psnr, real_clip};

/// Decodes a range of a clip and writes it again.
fn copy(
    clips: &Clips,
    source: &Path,
    name: &str,
    range: std::ops::Range<usize>,
) -> (VideoInfo, TimestampIndex) {
    let (info, index) = clips.open(source);
    let config = EncodeConfig::like(&info);
    let mut encoder = Encoder::create(
        &clips.ffmpeg,
        &clips.path(name),
        &index,
        range.clone(),
        &config,
    )
    .unwrap();
    let mut decoder = fresco_studio::video::Decoder::open(&clips.ffmpeg, &info, range).unwrap();
    while let Some(frame) = decoder.next_frame().unwrap() {
        encoder.push(&frame).unwrap();
    }
    (encoder.finish().unwrap(), index)
}

#[test]
fn a_variable_rate_is_kept_to_the_millisecond() {
    let Some(clips) = Clips::new() else { return };
    let timing = [
        "-vf",
        "settb=1/90000,setpts='(N*40+mod(N*17,30)+200*gt(N,20))/1000/TB'",
        "-fps_mode",
        "passthrough",
    ];
    for source in ["1/90000", "1/1000", "1001/24000"] {
        let args = [
            &timing[..],
            &["-enc_time_base", source, "-c:v", "libx264", "-bf", "3"],
        ]
        .concat();
        let extension = if source == "1/1000" { "mkv" } else { "mp4" };
        let original = clips.numbered(&format!("source.{extension}"), "64x48", 50, &args);
        for name in ["a.mp4", "a.mov", "a.mkv"] {
            let (info, index) = copy(&clips, &original, name, 0..50);
            let path = clips.path(name);
            let (expected, found) = (packet_seconds(&original), packet_seconds(&path));
            assert_eq!(expected.len(), found.len());
            for (n, (expected, found)) in expected.iter().zip(&found).enumerate() {
                assert!(
                    (expected - found).abs() < 0.001,
                    "{source} {name} frame {n}: {found} not {expected}"
                );
            }
            let duration = packet_times(&clips.ffmpeg, &path).unwrap().duration_secs();
            assert!(
                (duration - index.duration_secs()).abs() < 0.0011,
                "{source} {name}: {duration}"
            );
            assert_eq!(
                numbers(&clips.decode(&info, 50)),
                (0..50).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn the_last_frame_stays_as_long_as_it_should() {
    let Some(clips) = Clips::new() else { return };
    let index = TimestampIndex::new(Ratio { num: 1, den: 1000 }, vec![0, 40, 100, 130], 730);
    let size = Size {
        width: 64,
        height: 48,
    };
    for name in ["a.mp4", "a.mov", "a.mkv"] {
        let path = clips.path(name);
        let mut encoder =
            Encoder::create(&clips.ffmpeg, &path, &index, 0..4, &EncodeConfig::new(size)).unwrap();
        for n in 0..4 {
            encoder
                .push(&Frame::from_fn(size, |_, _| [n * 50; 3]))
                .unwrap();
        }
        let info = encoder.finish().unwrap();
        let times = packet_times(&clips.ffmpeg, &path).unwrap();
        assert_eq!(times.len(), 4);
        assert!(
            (times.duration_secs() - 0.73).abs() < 0.0011,
            "{name}: {}",
            times.duration_secs()
        );
        let container: f64 = ffprobe(&path, &["-show_entries", "format=duration"])[0]
            .parse()
            .unwrap();
        assert!((container - 0.73).abs() < 0.0011, "{name}: {container}");
        assert!(info.variable_rate);
    }
}

#[test]
fn a_constant_rate_stays_exact() {
    let Some(clips) = Clips::new() else { return };
    let ntsc = "testsrc=s=64x48:r=30000/1001:d=2";
    for (source, rate) in [
        ("source.mp4", "30000/1001"),
        ("source.ts", "30000/1001"),
        ("source.mkv", ""),
    ] {
        let original = clips.make(source, &["-f", "lavfi", "-i", ntsc, "-c:v", "libx264"]);
        let (_, index) = copy(&clips, &original, "a.mp4", 0..60);
        assert_eq!(index.len(), 60, "{source}");
        let found = ffprobe(
            &clips.path("a.mp4"),
            &["-show_entries", "stream=avg_frame_rate,nb_frames"],
        );
        if rate.is_empty() {
            // Matroska knows milliseconds only.
            assert!(found[0].ends_with(",60"), "{found:?}");
        } else {
            assert_eq!(found, [format!("{rate},60")], "{source}");
        }
    }
}

#[test]
fn every_size_is_kept_exactly() {
    let Some(clips) = Clips::new() else { return };
    for (width, height, pixel_format) in [
        (64, 48, "yuv420p"),
        (63, 49, "yuv444p"),
        (64, 49, "yuv444p"),
        (17, 16, "yuv444p"),
    ] {
        let original = clips.numbered(
            "odd.mkv",
            &format!("{width}x{height}"),
            6,
            &["-c:v", "ffv1", "-pix_fmt", "gray"],
        );
        for name in ["a.mp4", "a.mov", "a.mkv"] {
            let (info, _) = copy(&clips, &original, name, 0..6);
            assert_eq!(info.display_size, Size { width, height });
            assert_eq!(info.pixel_format, pixel_format);
            assert_eq!(info.codec, "h264");
            let frames = clips.decode(&info, 6);
            assert_eq!(numbers(&frames), (0..6).collect::<Vec<_>>());
            assert_eq!(frames[0].size(), Size { width, height });
        }
    }
}

#[test]
fn a_range_begins_at_zero() {
    let Some(clips) = Clips::new() else { return };
    let original = clips.numbered("source.mp4", "64x48", 50, &["-c:v", "libx264", "-bf", "3"]);
    for range in [10..30, 49..50] {
        let (info, _) = copy(&clips, &original, "a.mp4", range.clone());
        let seconds = packet_seconds(&clips.path("a.mp4"));
        assert_eq!((seconds.len(), seconds[0]), (range.len(), 0.0));
        let frames = clips.decode(&info, range.len());
        assert_eq!(
            frames.iter().map(number).collect::<Vec<_>>(),
            range.collect::<Vec<_>>()
        );
    }
}

#[test]
fn an_existing_file_is_replaced_only_by_a_whole_one() {
    let Some(clips) = Clips::new() else { return };
    let original = clips.numbered("source.mp4", "64x48", 8, &[]);
    std::fs::write(clips.path("a.mp4"), "earlier").unwrap();
    let (info, _) = copy(&clips, &original, "a.mp4", 0..8);
    assert_eq!(info.path, clips.path("a.mp4"));
    assert_eq!(clips.open(&info.path).1.len(), 8);
    let mut names: Vec<_> = std::fs::read_dir(clips.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["a.mp4", "source.mp4"]);
}

#[test]
fn the_comment_is_stored() {
    let Some(clips) = Clips::new() else { return };
    let size = Size {
        width: 16,
        height: 16,
    };
    let comment = "prompt: a \"fox\", 100% oil; seed=7";
    let config = EncodeConfig {
        comment: Some(comment.to_owned()),
        ..EncodeConfig::new(size)
    };
    let index = TimestampIndex::constant(Ratio { num: 25, den: 1 }, 2);
    let mut encoder =
        Encoder::create(&clips.ffmpeg, &clips.path("a.mp4"), &index, 0..2, &config).unwrap();
    for _ in 0..2 {
        encoder.push(&Frame::from_fn(size, |_, _| [9; 3])).unwrap();
    }
    let info = encoder.finish().unwrap();
    let stored = ffprobe(&info.path, &["-show_entries", "format_tags=comment"]);
    assert_eq!(stored[0].trim_matches('"').replace("\"\"", "\""), comment);
}

#[test]
fn real_clips_survive_a_round_trip() {
    let Some(clips) = Clips::new() else { return };
    for name in ["bunny.mp4", "car-turn.mp4", "dog.mp4"] {
        let Some(original) = real_clip(name) else {
            return;
        };
        let (source, index) = clips.open(&original);
        let (info, _) = copy(&clips, &original, name, 0..index.len());
        assert_eq!(info.average_rate, source.average_rate, "{name}");
        assert!(
            (info.duration_secs - source.duration_secs).abs() < 0.001,
            "{name}"
        );
        assert_eq!(
            packet_seconds(&info.path),
            packet_seconds(&original),
            "{name}"
        );
        let sound = |info: &VideoInfo| {
            info.audio
                .iter()
                .map(|audio| audio.codec.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(sound(&info), sound(&source));
        for (before, after) in clips
            .decode(&source, 20)
            .iter()
            .zip(clips.decode(&info, 20))
        {
            let quality = psnr(before, &after);
            assert!(quality > 36.0, "{name}: {quality} dB");
        }
    }
}
