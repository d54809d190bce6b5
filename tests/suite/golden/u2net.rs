//! `U²-Net` against the authors' code, with few channels; the fixture lies in this repository.

use std::path::Path;

use burn::tensor::activation::sigmoid;
use fresco_studio::annotators::{ChannelOrder, SaliencyEstimator, SaliencyNetwork};
use fresco_studio::frame::{Frame, Size};
use fresco_studio::models::u2net::U2Net;
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::{HostTensor, read_tensors};
use super::{upload, values};

/// Largest difference, as a share of the largest value.
const TOLERANCE: f32 = 1e-4;

fn folder() -> &'static Path {
    Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/u2net_tiny"
    ))
}

#[test]
fn u2net_matches_the_authors_code() {
    check(&Device::flex());
}

pub fn check(device: &Device) {
    let (network, unknown) = U2Net::load(&folder().join("model.safetensors"), device).unwrap();
    assert!(unknown.is_empty(), "{unknown:?}");
    let golden = read_tensors(&folder().join("golden.safetensors"));
    let cases: Vec<&str> = golden
        .keys()
        .filter_map(|name| name.strip_suffix(".unit"))
        .collect();
    assert_eq!(cases.len(), 2);
    for case in cases {
        let picture: Tensor<4> = upload(&golden[&format!("{case}.unit")], device);
        let got = values(sigmoid(network.forward(picture)));
        let want = &golden[&format!("{case}.salient")];
        let worst = apart(&got, want);
        eprintln!("  {case}: worst difference {worst:.2e}");
        assert!(worst <= TOLERANCE * want.largest(), "{case}: {worst}");
    }
}

fn apart(got: &[f32], want: &HostTensor) -> f32 {
    assert_eq!(got.len(), want.values.len());
    let pairs = got.iter().zip(&want.values);
    pairs
        .map(|(got, want)| (got - want).abs())
        .fold(0.0, f32::max)
}

/// Whatever the shape of a frame, and however dark it is.
#[test]
fn masks_have_half_the_size_of_their_frames_and_do_not_depend_on_brightness() {
    let device = Device::flex();
    let file = folder().join("model.safetensors");
    let (network, order) = (SaliencyNetwork::U2Net, ChannelOrder::Trained);
    let (estimator, _) = SaliencyEstimator::load(network, &file, order, &device).unwrap();
    let size = Size {
        width: 96,
        height: 64,
    };
    let bright = |by: u32| {
        Frame::from_fn(size, |x, y| {
            [x * by % 256, y * by, (x + y) * by / 2].map(|value| value.min(254) as u8)
        })
    };
    let frames = [bright(2), bright(1)];
    let masks = estimator.masks(&frames, &device).unwrap();
    assert_eq!(masks.dims(), [2, 1, 32, 48]);
    let masks = values(masks);
    assert!(masks.iter().all(|value| (0.0..=1.0).contains(value)));
    let (first, second) = masks.split_at(32 * 48);
    let pairs = first.iter().zip(second);
    let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 0.1, "{worst}");
}
