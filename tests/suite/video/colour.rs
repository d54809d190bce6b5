//! Colours survive reading and writing, whatever matrix and range a file uses.

use fresco_studio::frame::{Frame, Size};
use fresco_studio::video::{EncodeConfig, Encoder, Ratio, TimestampIndex};

use super::{Clips, ffprobe, max_difference};

const SIZE: Size = Size {
    width: 256,
    height: 128,
};

/// A grey ramp above eight flat bars of 32 pixels.
fn chart() -> Frame {
    const BARS: [[u8; 3]; 8] = [
        [191, 191, 191],
        [191, 191, 0],
        [0, 191, 191],
        [0, 191, 0],
        [191, 0, 191],
        [191, 0, 0],
        [0, 0, 191],
        [255, 128, 20],
    ];
    Frame::from_fn(SIZE, |x, y| {
        if y < 64 {
            [x as u8; 3]
        } else {
            BARS[x as usize / 32]
        }
    })
}

/// Largest difference, away from the edges of the bars, where halved chroma bleeds.
fn flat_difference(a: &Frame, b: &Frame) -> u8 {
    let inner = |frame: &Frame| {
        Frame::from_fn(SIZE, |x, y| {
            let edge = y >= 56 && (x % 32 < 10 || x % 32 >= 22 || y < 72);
            if edge { [0; 3] } else { frame.at(x, y) }
        })
    };
    max_difference(&inner(a), &inner(b))
}

#[test]
fn every_matrix_and_range_is_read_right() {
    let Some(clips) = Clips::new() else { return };
    let chart = chart();
    let picture = clips.path("chart.png");
    chart.write_png(&picture).unwrap();
    for (matrix, tag) in [
        ("bt601", "smpte170m"),
        ("bt709", "bt709"),
        ("bt2020", "bt2020nc"),
    ] {
        for (range, range_tag) in [("limited", "tv"), ("full", "pc")] {
            for pixel_format in ["yuv420p", "yuv444p10le"] {
                let scale = format!(
                    "scale=out_color_matrix={matrix}:out_range={range}:flags=accurate_rnd+full_chroma_int+full_chroma_inp,\
                     format={pixel_format}"
                );
                let input = [
                    "-loop",
                    "1",
                    "-t",
                    "0.2",
                    "-i",
                    picture.to_str().unwrap(),
                    "-vf",
                    &scale,
                ];
                let tags = [
                    "-c:v",
                    "ffv1",
                    "-colorspace",
                    tag,
                    "-color_range",
                    range_tag,
                ];
                let name = format!("{matrix}-{range}-{pixel_format}.mkv");
                let info = clips.probe(&clips.make(&name, &[&input[..], &tags].concat()));
                let frames = clips.decode(&info, 3);
                let difference = flat_difference(&chart, &frames[2]);
                assert!(difference <= 2, "{name}: {difference}");
            }
        }
    }
}

#[test]
fn an_unnamed_matrix_is_read_by_height() {
    let Some(clips) = Clips::new() else { return };
    for (height, matrix) in [(576, "bt601"), (720, "bt709")] {
        let source = format!(
            "color=c=0xC02040:s=64x{height}:r=5:d=1,format=gbrp,\
             scale=out_color_matrix={matrix}:out_range=limited:flags=accurate_rnd,format=yuv444p"
        );
        let info =
            clips.probe(&clips.make("a.avi", &["-f", "lavfi", "-i", &source, "-c:v", "ffv1"]));
        assert!(info.colour.matrix_assumed);
        let found = clips.decode(&info, 1)[0].at(30, 30);
        let close = found
            .iter()
            .zip([0xC0, 0x20, 0x40])
            .all(|(a, b)| a.abs_diff(b) <= 2);
        assert!(close, "{height}: {found:?}");
    }
}

#[test]
fn a_written_file_is_tagged_and_reads_back_the_same() {
    let Some(clips) = Clips::new() else { return };
    let chart = chart();
    let index = TimestampIndex::constant(Ratio { num: 25, den: 1 }, 5);
    for name in ["a.mp4", "a.mov", "a.mkv"] {
        let path = clips.path(name);
        let config = EncodeConfig::new(SIZE);
        let mut encoder = Encoder::create(&clips.ffmpeg, &path, &index, 0..5, &config).unwrap();
        for _ in 0..5 {
            encoder.push(&chart).unwrap();
        }
        let info = encoder.finish().unwrap();
        let entries = "stream=color_range,color_space,color_transfer,color_primaries";
        assert_eq!(
            ffprobe(&path, &["-show_entries", entries]),
            ["tv,bt709,bt709,bt709"],
            "{name}"
        );
        assert!(!info.colour.matrix_assumed);
        for frame in clips.decode(&info, 5) {
            let difference = flat_difference(&chart, &frame);
            assert!(difference <= 2, "{name}: {difference}");
        }
    }
}

#[test]
fn ten_bits_become_eight() {
    let Some(clips) = Clips::new() else { return };
    let ramp = "nullsrc=s=256x16:r=5:d=1,format=yuv420p10,geq=lum='64+X*876/255':cb=512:cr=512";
    let args = [
        "-f",
        "lavfi",
        "-i",
        ramp,
        "-c:v",
        "ffv1",
        "-color_range",
        "tv",
    ];
    let info = clips.probe(&clips.make("a.mkv", &args));
    let expected = Frame::from_fn(
        Size {
            width: 256,
            height: 16,
        },
        |x, _| [x as u8; 3],
    );
    assert!(max_difference(&clips.decode(&info, 1)[0], &expected) <= 1);
}

#[test]
fn transparent_parts_become_black() {
    let Some(clips) = Clips::new() else { return };
    // Opaque, half and fully transparent thirds of one colour.
    let source = "color=c=0xC86432:s=96x32:r=5:d=1,format=rgba,\
                  geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='if(lt(X,32),255,if(lt(X,64),128,0))'";
    let cases: [(&str, &[&str]); 4] = [
        ("a.mov", &["-c:v", "qtrle", "-pix_fmt", "argb"]),
        (
            "b.mov",
            &[
                "-c:v",
                "prores_ks",
                "-profile:v",
                "4444",
                "-pix_fmt",
                "yuva444p10le",
            ],
        ),
        ("c.mkv", &["-c:v", "ffv1", "-pix_fmt", "bgra"]),
        (
            "d.webm",
            &[
                "-c:v",
                "libvpx-vp9",
                "-pix_fmt",
                "yuva420p",
                "-crf",
                "4",
                "-b:v",
                "0",
            ],
        ),
    ];
    for (name, args) in cases {
        if name.ends_with("webm") && !clips.ffmpeg.has_decoder("libvpx-vp9") {
            eprintln!("skipped: alpha in WebM needs libvpx");
            continue;
        }
        let info = clips.probe(&clips.make(name, &[&["-f", "lavfi", "-i", source], args].concat()));
        assert!(info.has_alpha, "{name}");
        let frame = &clips.decode(&info, 3)[2];
        for (x, expected) in [(16, [200, 100, 50]), (48, [100, 50, 25]), (80, [0; 3])] {
            let close = frame
                .at(x, 16)
                .iter()
                .zip(expected)
                .all(|(a, b)| a.abs_diff(b) <= 4);
            assert!(
                close,
                "{name}: {:?} at {x}, not {expected:?}",
                frame.at(x, 16)
            );
        }
    }
}

#[test]
fn high_dynamic_range_is_brought_down() {
    let Some(clips) = Clips::new() else { return };
    if !clips.ffmpeg.has_filter("zscale") || !clips.ffmpeg.has_filter("tonemap") {
        eprintln!("skipped: this FFmpeg has no zscale or tonemap filter");
        return;
    }
    // PQ codes of 1, 26, 203 and 1000 cd/m² in limited range.
    let ramp = "nullsrc=s=256x32:r=5:d=1,format=yuv420p10,\
                geq=lum='if(lt(X,64),195,if(lt(X,128),390,if(lt(X,192),573,723)))':cb=512:cr=512";
    let tags = [
        "-color_primaries",
        "bt2020",
        "-color_trc",
        "smpte2084",
        "-colorspace",
        "bt2020nc",
        "-color_range",
        "tv",
    ];
    let args = [
        &["-f", "lavfi", "-i", ramp, "-c:v", "libx264", "-qp", "1"],
        &tags[..],
    ]
    .concat();
    let (info, index) = clips.open(&clips.make("a.mp4", &args));
    let frames = clips.decode(&info, index.len());
    let greys = [32, 96, 160, 224].map(|x| frames[2].at(x, 16));
    for grey in greys {
        assert!(
            grey.iter().all(|&value| value.abs_diff(grey[0]) <= 2),
            "grey stays grey: {grey:?}"
        );
    }
    let levels = greys.map(|grey| grey[1]);
    assert!(
        levels.is_sorted_by(|a, b| a < b),
        "brighter stays brighter: {levels:?}"
    );
    assert!(
        levels[0] < 40 && (130..=235).contains(&levels[2]) && levels[3] > 190,
        "{levels:?}"
    );
}
