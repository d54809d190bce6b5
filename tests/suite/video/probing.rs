//! What a file holds is reported as it is.

use std::fs;
use std::path::Path;

use fresco_studio::frame::Size;
use fresco_studio::video::{ColourRange, HdrTransfer, Matrix, Ratio, VideoInfo};

use super::{Clips, max_difference};

const SOURCE: [&str; 4] = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1"];

fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

fn has_note(info: &VideoInfo, word: &str) -> bool {
    info.notes.iter().any(|note| note.contains(word))
}

#[test]
fn an_ordinary_clip_is_described() {
    let Some(clips) = Clips::new() else { return };
    let tags = [
        "-colorspace",
        "bt709",
        "-color_primaries",
        "bt709",
        "-color_trc",
        "bt709",
        "-color_range",
        "tv",
    ];
    let tone = [
        "-f",
        "lavfi",
        "-i",
        "sine=d=1",
        "-metadata:s:a",
        "language=deu",
        "-pix_fmt",
        "yuv420p",
    ];
    let path = clips.make(
        "a.mp4",
        &[&SOURCE[..], &tone, &["-c:a", "aac"], &tags].concat(),
    );
    let info = clips.probe(&path);
    assert!(info.container.contains("mp4"));
    assert_eq!(
        (info.codec.as_str(), info.pixel_format.as_str()),
        ("h264", "yuv420p")
    );
    assert_eq!(
        (info.coded_size, info.display_size),
        (size(64, 48), size(64, 48))
    );
    assert_eq!(
        (info.rotation, info.bit_depth, info.has_alpha, info.hdr),
        (0, 8, false, None)
    );
    assert_eq!(
        (info.colour.matrix, info.colour.range),
        (Matrix::Bt709, ColourRange::Limited)
    );
    assert_eq!(info.colour.primaries.as_deref(), Some("bt709"));
    assert_eq!(info.average_rate, Some(Ratio { num: 10, den: 1 }));
    assert!(!info.variable_rate);
    assert!((info.duration_secs - 1.0).abs() < 1e-6);
    assert_eq!(info.audio.len(), 1);
    assert_eq!(
        (
            info.audio[0].codec.as_str(),
            info.audio[0].language.as_deref()
        ),
        ("aac", Some("deu"))
    );
    assert_eq!(info.notes, Vec::<String>::new());
    let json = serde_json::to_string(&info).unwrap();
    assert_eq!(serde_json::from_str::<VideoInfo>(&json).unwrap(), info);
}

#[test]
fn subtitles_are_listed() {
    let Some(clips) = Clips::new() else { return };
    fs::write(
        clips.path("s.srt"),
        "1\n00:00:00,000 --> 00:00:00,900\nhello\n",
    )
    .unwrap();
    let text = clips.path("s.srt");
    let args = [
        "-i",
        text.to_str().unwrap(),
        "-c:s",
        "mov_text",
        "-metadata:s:s",
        "language=fra",
    ];
    let info = clips.probe(&clips.make("a.mp4", &[&SOURCE[..], &args].concat()));
    assert_eq!(info.subtitles.len(), 1);
    assert_eq!(info.subtitles[0].codec, "mov_text");
    assert_eq!(info.subtitles[0].language.as_deref(), Some("fra"));
}

#[test]
fn what_will_be_converted_is_noted() {
    let Some(clips) = Clips::new() else { return };
    let make =
        |name: &str, args: &[&str]| clips.probe(&clips.make(name, &[&SOURCE[..], args].concat()));

    let deep = make("deep.mkv", &["-c:v", "ffv1", "-pix_fmt", "yuv420p10le"]);
    assert_eq!(deep.bit_depth, 10);
    assert!(has_note(&deep, "10 bits"), "{:?}", deep.notes);

    let alpha = make("alpha.mov", &["-c:v", "qtrle", "-pix_fmt", "argb"]);
    assert!(alpha.has_alpha && alpha.colour.matrix == Matrix::Rgb);
    assert!(has_note(&alpha, "black"), "{:?}", alpha.notes);

    let hdr_tags = [
        "-colorspace",
        "bt2020nc",
        "-color_primaries",
        "bt2020",
        "-color_range",
        "tv",
    ];
    for (transfer, expected) in [
        ("smpte2084", HdrTransfer::Pq),
        ("arib-std-b67", HdrTransfer::Hlg),
    ] {
        let args = [
            &[
                "-c:v",
                "libx264",
                "-pix_fmt",
                "yuv420p10le",
                "-color_trc",
                transfer,
            ],
            &hdr_tags[..],
        ]
        .concat();
        let hdr = make(&format!("{transfer}.mp4"), &args);
        assert_eq!(
            (hdr.hdr, hdr.colour.matrix),
            (Some(expected), Matrix::Bt2020)
        );
        assert!(
            has_note(&hdr, "HDR") && has_note(&hdr, "10 bits"),
            "{:?}",
            hdr.notes
        );
    }

    let wide = make("wide.mp4", &["-vf", "setsar=4/3", "-pix_fmt", "yuv420p"]);
    assert_eq!(
        (wide.coded_size, wide.display_size),
        (size(64, 48), size(85, 48))
    );
    assert!(has_note(&wide, "square"), "{:?}", wide.notes);

    let full = make("full.mp4", &["-pix_fmt", "yuvj420p"]);
    assert_eq!(full.colour.range, ColourRange::Full);
    assert!(full.colour.matrix_assumed && full.colour.matrix == Matrix::Bt601);
    assert!(has_note(&full, "BT.601"), "{:?}", full.notes);
}

#[test]
fn a_variable_rate_is_noticed() {
    let Some(clips) = Clips::new() else { return };
    let timing = [
        "-vf",
        "settb=1/90000,setpts='(N*100+mod(N*17,60))/1000/TB'",
        "-fps_mode",
        "passthrough",
    ];
    let base = ["-enc_time_base", "1/1000"];
    for name in ["v.mp4", "v.mkv"] {
        let info = clips.probe(&clips.make(name, &[&SOURCE[..], &timing, &base].concat()));
        assert!(info.variable_rate, "{name}");
    }
    let film = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=24000/1001:d=2"];
    assert!(!clips.probe(&clips.make("film.mkv", &film)).variable_rate);
}

/// The display matrix of an MP4 track for a clockwise turn.
fn set_rotation(path: &Path, degrees: u32) {
    let (cos, sin): (i32, i32) = match degrees {
        90 => (0, 1),
        180 => (-1, 0),
        270 => (0, -1),
        other => panic!("{other}"),
    };
    let one = 1 << 16;
    let matrix = [
        cos * one,
        sin * one,
        0,
        -sin * one,
        cos * one,
        0,
        0,
        0,
        1 << 30,
    ];
    let mut bytes = fs::read(path).unwrap();
    let header = bytes.windows(4).position(|word| word == b"tkhd").unwrap();
    for (n, value) in matrix.iter().enumerate() {
        // The matrix follows the name and 40 bytes of numbers and times.
        let at = header + 44 + n * 4;
        bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_turned_picture_is_read_upright() {
    let Some(clips) = Clips::new() else { return };
    // White on the left, black on the right, and grey below, so that each turn looks different.
    let picture =
        "nullsrc=s=64x48:r=10:d=1,format=gray,geq=lum='if(gt(Y,31),128,if(lt(X,32),255,0))'";
    let args = [
        "-f", "lavfi", "-i", picture, "-pix_fmt", "yuv420p", "-crf", "1",
    ];
    // Where white, black and grey are found afterwards, in (width, height) of the upright picture.
    let cases = [
        (90, size(48, 64), [(32, 10), (32, 54), (5, 32)]),
        (180, size(64, 48), [(54, 32), (10, 32), (32, 5)]),
        (270, size(48, 64), [(16, 54), (16, 10), (43, 32)]),
    ];
    for (degrees, upright, places) in cases {
        let path = clips.make(&format!("r{degrees}.mp4"), &args);
        set_rotation(&path, degrees);
        let (info, index) = clips.open(&path);
        assert_eq!(
            (info.rotation, info.coded_size, info.display_size),
            (degrees, size(64, 48), upright)
        );
        assert!(has_note(&info, &format!("{degrees}°")), "{:?}", info.notes);
        let frames = clips.decode(&info, index.len());
        assert_eq!(frames.len(), 10);
        for ((x, y), expected) in places.into_iter().zip([255, 0, 130]) {
            let found = frames[3].at(x, y)[1];
            assert!(
                found.abs_diff(expected) < 6,
                "{degrees}°: {found} at {x},{y}, not {expected}"
            );
        }
    }
}

#[test]
fn pixels_are_made_square_at_display_size() {
    let Some(clips) = Clips::new() else { return };
    let args = [
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=72x57:r=10:d=1,setsar=16/15",
        "-c:v",
        "ffv1",
        "-pix_fmt",
        "bgr0",
    ];
    let info = clips.probe(&clips.make("pal.mkv", &args));
    assert_eq!(info.display_size, size(77, 57));
    let frames = clips.decode(&info, 2);
    assert_eq!(frames[1].size(), size(77, 57));
    assert!(max_difference(&frames[0], &frames[1]) < 255);
}
