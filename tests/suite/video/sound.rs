//! Sound and subtitles go along with the pictures.

use std::fs;
use std::ops::Range;
use std::path::Path;

use fresco_studio::video::{Decoder, EncodeConfig, Encoder, VideoInfo};

use super::{Clips, ffprobe, packet_seconds, real_clip};

/// Writes a range of a clip again and returns what was noted about its tracks.
fn copy(clips: &Clips, source: &Path, name: &str, range: Range<usize>) -> (VideoInfo, Vec<String>) {
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
    let mut decoder = Decoder::open(&clips.ffmpeg, &info, range).unwrap();
    while let Some(frame) = decoder.next_frame().unwrap() {
        encoder.push(&frame).unwrap();
    }
    let notes = encoder.notes().to_vec();
    (encoder.finish().unwrap(), notes)
}

/// Beginning and end of the sound in seconds.
fn sound_span(path: &Path) -> (f64, f64) {
    let lines = ffprobe(
        path,
        &[
            "-select_streams",
            "a:0",
            "-show_entries",
            "packet=pts_time,duration_time",
        ],
    );
    let packets = lines.iter().filter_map(|line| {
        let mut fields = line.split(',').map(str::parse::<f64>);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    });
    packets.fold((f64::MAX, f64::MIN), |(begin, end), (at, length)| {
        (begin.min(at), end.max(at + length))
    })
}

/// The compressed sound, without times.
fn sound_hash(clips: &Clips, path: &Path) -> Vec<u8> {
    let name = path.with_extension("md5");
    let args = [
        "-i",
        path.to_str().unwrap(),
        "-map",
        "0:a:0",
        "-c",
        "copy",
        "-f",
        "md5",
    ];
    fs::read(clips.make(name.file_name().unwrap().to_str().unwrap(), &args)).unwrap()
}

/// Numbered frames for two seconds and a tone.
fn with_tone(clips: &Clips, name: &str, args: &[&str]) -> std::path::PathBuf {
    let tone = ["-f", "lavfi", "-i", "sine=d=2", "-shortest"];
    let video = clips.numbered(
        &format!("silent-{name}"),
        "64x48",
        50,
        &["-c:v", "libx264", "-bf", "2"],
    );
    let inputs = [
        &["-i", video.to_str().unwrap()],
        &tone[..],
        &["-c:v", "copy"],
    ]
    .concat();
    clips.make(name, &[&inputs, args].concat())
}

#[test]
fn sound_is_copied_where_the_container_takes_it() {
    let Some(clips) = Clips::new() else { return };
    let cases = [
        ("a.mp4", "aac", "out.mp4", "aac"),
        ("a.mp4", "aac", "out.mkv", "aac"),
        ("b.mkv", "libopus", "out.mp4", "opus"),
        ("c.mkv", "libmp3lame", "out.mov", "mp3"),
        ("d.mov", "pcm_s16le", "out.mov", "pcm_s16le"),
        ("e.ts", "aac", "out.mp4", "aac"),
    ];
    for (source, encoder, out, codec) in cases {
        let original = with_tone(&clips, source, &["-c:a", encoder]);
        let (info, notes) = copy(&clips, &original, out, 0..50);
        assert_eq!(info.audio.len(), 1, "{source} {out}");
        assert_eq!(info.audio[0].codec, codec);
        assert_eq!(notes, Vec::<String>::new());
        let ((begin, end), (begin_before, end_before)) =
            (sound_span(&info.path), sound_span(&original));
        let (length, expected) = (end - begin, end_before - begin_before);
        assert!(
            (length - expected).abs() < 0.05,
            "{source} {out}: {length} s, not {expected} s"
        );
        let offset = |path: &Path, begin: f64| begin - packet_seconds(path)[0];
        let shift = offset(&info.path, begin) - offset(&original, begin_before);
        assert!(
            shift.abs() < 0.03,
            "{source} {out}: the sound moved by {shift} s"
        );
        if source == "a.mp4" && out == "out.mp4" {
            assert_eq!(
                sound_hash(&clips, &info.path),
                sound_hash(&clips, &original)
            );
        }
    }
}

#[test]
fn other_sound_becomes_aac() {
    let Some(clips) = Clips::new() else { return };
    for (source, encoder, out) in [
        ("a.mkv", "libvorbis", "out.mp4"),
        ("b.mov", "pcm_s16le", "out.mp4"),
        ("c.mkv", "flac", "out.mov"),
    ] {
        let original = with_tone(&clips, source, &["-c:a", encoder]);
        let (info, notes) = copy(&clips, &original, out, 0..50);
        assert_eq!(info.audio[0].codec, "aac");
        assert!(notes.iter().any(|note| note.contains("AAC")), "{notes:?}");
        let (_, end) = sound_span(&info.path);
        assert!((end - 2.0).abs() < 0.05, "{end}");
    }
}

#[test]
fn sound_is_cut_to_a_range() {
    let Some(clips) = Clips::new() else { return };
    for (source, out) in [
        ("a.mp4", "out.mp4"),
        ("b.mkv", "out.mkv"),
        ("c.ts", "out.mp4"),
    ] {
        let original = with_tone(&clips, source, &["-c:a", "aac"]);
        for range in [0..20, 10..35, 30..50] {
            let (info, _) = copy(&clips, &original, out, range.clone());
            let (begin, end) = sound_span(&info.path);
            let expected = range.len() as f64 / 25.0;
            assert!(
                begin > -0.03 && begin < 0.05,
                "{source} {range:?}: begins at {begin}"
            );
            assert!(
                (end - expected).abs() < 0.06,
                "{source} {range:?}: ends at {end}, not {expected}"
            );
            assert_eq!(packet_seconds(&info.path).len(), range.len());
        }
    }
}

#[test]
fn cut_sound_is_that_of_the_range() {
    let Some(clips) = Clips::new() else { return };
    // Silence for one second, then a tone.
    let video = clips.numbered("silent.mp4", "64x48", 50, &[]);
    let step = [
        "-f",
        "lavfi",
        "-i",
        "aevalsrc='if(gt(t,1),sin(2000*t),0)':d=2",
        "-c:v",
        "copy",
        "-c:a",
        "aac",
    ];
    let original = clips.make(
        "a.mp4",
        &[&["-i", video.to_str().unwrap()], &step[..]].concat(),
    );
    for (range, expected) in [(15..50, 0.4), (0..40, 1.0)] {
        let (info, _) = copy(&clips, &original, "out.mp4", range);
        let raw = clips.make(
            "a.raw",
            &[
                "-i",
                info.path.to_str().unwrap(),
                "-f",
                "s16le",
                "-ac",
                "1",
                "-ar",
                "8000",
            ],
        );
        let bytes = fs::read(raw).unwrap();
        let samples = bytes
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        let onset = samples
            .into_iter()
            .position(|sample| sample.unsigned_abs() > 6000)
            .unwrap() as f64
            / 8000.0;
        assert!((onset - expected).abs() < 0.03, "{onset}, not {expected}");
    }
}

#[test]
fn a_late_picture_stays_late() {
    let Some(clips) = Clips::new() else { return };
    let video = clips.numbered("silent.mp4", "64x48", 25, &[]);
    let inputs = [
        "-itsoffset",
        "0.5",
        "-i",
        video.to_str().unwrap(),
        "-f",
        "lavfi",
        "-i",
        "sine=d=1.5",
    ];
    let original = clips.make(
        "a.mp4",
        &[&inputs[..], &["-c:v", "copy", "-c:a", "aac"]].concat(),
    );
    for out in ["out.mp4", "out.mkv"] {
        let (info, _) = copy(&clips, &original, out, 0..25);
        let first = packet_seconds(&info.path)[0];
        assert!((first - 0.5).abs() < 0.002, "{first}");
        let (_, end) = sound_span(&info.path);
        assert!((end - 1.5).abs() < 0.05, "{end}");
    }
}

#[test]
fn subtitles_and_languages_are_kept() {
    let Some(clips) = Clips::new() else { return };
    fs::write(
        clips.path("s.srt"),
        "1\n00:00:00,200 --> 00:00:00,900\nhello\n",
    )
    .unwrap();
    let (video, text) = (
        clips.numbered("v.mp4", "64x48", 50, &[]),
        clips.path("s.srt"),
    );
    let inputs = [
        "-i",
        video.to_str().unwrap(),
        "-i",
        text.to_str().unwrap(),
        "-f",
        "lavfi",
        "-i",
        "sine=d=2",
    ];
    let maps = ["-map", "0", "-map", "1", "-map", "2", "-c:v", "copy"];
    let languages = [
        "-metadata:s:s",
        "language=fra",
        "-metadata:s:a",
        "language=deu",
    ];
    let original = clips.make(
        "a.mkv",
        &[&inputs[..], &maps, &languages, &["-c:s", "srt"]].concat(),
    );
    for (out, codec) in [("out.mp4", "mov_text"), ("out.mkv", "subrip")] {
        let (info, _) = copy(&clips, &original, out, 0..50);
        assert_eq!(info.subtitles.len(), 1);
        assert_eq!(info.subtitles[0].codec, codec);
        assert_eq!(info.subtitles[0].language.as_deref(), Some("fra"));
        assert_eq!(info.audio[0].language.as_deref(), Some("deu"));
    }
}

#[test]
fn the_sound_of_a_real_clip_is_kept() {
    let Some(clips) = Clips::new() else { return };
    let Some(original) = real_clip("bunny.mp4") else {
        return;
    };
    let (info, _) = copy(&clips, &original, "out.mp4", 40..60);
    assert_eq!(info.audio[0].codec, "aac");
    let (_, end) = sound_span(&info.path);
    assert!((end - 0.8).abs() < 0.05, "{end}");
}
