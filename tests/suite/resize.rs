//! Working sizes and resampling, against OpenCV's results where fixtures hold some.

use fresco_studio::frame::{Frame, Size, WorkingSize, resize, working_size};
use proptest::prelude::*;

use crate::golden::fixture::{HostTensor, for_each};

/// Resampled pictures may differ by this many grey levels, as the fixture says in words.
const GREY_LEVELS: f32 = 2.0;

#[test]
fn working_sizes_of_common_videos() {
    for (source, short_side, want) in [
        ((480, 480), 512, (512, 512)),
        ((640, 512), 512, (640, 512)),
        ((1280, 720), 512, (896, 512)),
        ((720, 1280), 512, (512, 896)),
        ((1280, 720), 256, (448, 256)),
        // 160 pixels are two and a half blocks: to even.
        ((160, 64), 64, (128, 64)),
        ((1, 4000), 64, (64, 256_000)),
    ] {
        let size = working_size(
            Size {
                width: source.0,
                height: source.1,
            },
            short_side,
        );
        assert_eq!((size.size().width, size.size().height), want, "{source:?}");
        assert_eq!(size.latent_size().area() * 64, size.size().area());
    }
}

#[test]
fn working_sizes_are_checked_when_read() {
    let read = |text: &str| serde_json::from_str::<WorkingSize>(text);
    let size = read(r#"{"width":128,"height":64}"#).unwrap();
    assert_eq!(
        size.size(),
        Size {
            width: 128,
            height: 64
        }
    );
    assert!(read(r#"{"width":128,"height":65}"#).is_err());
    assert!(read(r#"{"width":0,"height":64}"#).is_err());
}

#[test]
fn resampling_equals_opencv() {
    for_each("fresco_ops", |fixture| {
        let tensors = fixture.tensors("golden.safetensors");
        for (key, want) in &tensors {
            let Some(case) = key
                .strip_prefix("resize_image.")
                .and_then(|k| k.strip_suffix(".out"))
            else {
                continue;
            };
            let frame = picture(&tensors[&format!("resize_image.{case}.in")]);
            let size = Size {
                width: want.shape[1] as u32,
                height: want.shape[0] as u32,
            };
            assert_eq!(
                working_size(frame.size(), size.width.min(size.height)).size(),
                size,
                "{case}"
            );
            let got: Vec<f32> = resize(&frame, size)
                .pixels()
                .iter()
                .map(|&v| f32::from(v))
                .collect();
            fixture.assert_within(key, &got, want, GREY_LEVELS);
        }
    });
}

fn picture(tensor: &HostTensor) -> Frame {
    let size = Size {
        width: tensor.shape[1] as u32,
        height: tensor.shape[0] as u32,
    };
    Frame::new(size, tensor.values.iter().map(|&v| v as u8).collect())
}

#[test]
fn halving_averages_two_by_two() {
    let frame = Frame::from_fn(
        Size {
            width: 4,
            height: 2,
        },
        |x, y| [(x * 10 + y) as u8, 0, 255],
    );
    let half = resize(
        &frame,
        Size {
            width: 2,
            height: 1,
        },
    );
    // (0 + 10 + 1 + 11) / 4 = 5.5 rounds up.
    assert_eq!(half.pixels(), [6, 0, 255, 26, 0, 255]);
}

proptest! {
    #[test]
    fn a_flat_picture_stays_flat(
        (w, h) in (1..90_u32, 1..90_u32),
        (to_w, to_h) in (1..90_u32, 1..90_u32),
        colour in any::<[u8; 3]>(),
    ) {
        let frame = Frame::from_fn(Size { width: w, height: h }, |_, _| colour);
        let to = Size { width: to_w, height: to_h };
        let got = resize(&frame, to);
        prop_assert_eq!(got.size(), to);
        for pixel in got.pixels().chunks_exact(3) {
            for (got, want) in pixel.iter().zip(colour) {
                prop_assert!(got.abs_diff(want) <= 1, "{} for {}", got, want);
            }
        }
    }

    #[test]
    fn the_same_size_is_the_same_picture(w in 1..40_u32, h in 1..40_u32) {
        let size = Size { width: w, height: h };
        let frame = Frame::from_fn(size, |x, y| [x as u8, y as u8, (x * y) as u8]);
        prop_assert_eq!(resize(&frame, size), frame);
    }

    #[test]
    fn working_sizes_keep_the_short_side(w in 1..5000_u32, h in 1..5000_u32, blocks in 1..16_u32) {
        let size = working_size(Size { width: w, height: h }, blocks * 64).size();
        prop_assert_eq!(size.width.min(size.height), blocks * 64);
        prop_assert_eq!((size.width % 64, size.height % 64), (0, 0));
    }
}
