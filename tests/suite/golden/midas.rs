//! `MiDaS` with intermediate results, and the control image that becomes of its depth.

use fresco_studio::annotators::{DepthEstimator, DepthRange};
use fresco_studio::frame::Size;
use fresco_studio::models::midas::{KEYS, Midas, MidasConfig};
use fresco_studio::tensor::{Device, Tensor};

use super::egnet::frames;
use super::fixture::{self, Fixture, HostTensor};
use super::{config_bytes, load_file, upload, values};

#[test]
fn midas_matches_the_reference() {
    fixture::for_each("dpt_hybrid_tiny", |fixture| check(fixture, &Device::flex()));
}

pub fn check(fixture: &Fixture, device: &Device) {
    let config: MidasConfig = serde_json::from_slice(&config_bytes(&fixture.path)).unwrap();
    let weights = fixture.folder("weights");
    let network = load_file(Midas::new(&config, device), &weights, &KEYS);
    let golden = fixture.tensors("golden.safetensors");
    let cases = golden.keys().filter_map(|name| name.strip_suffix(".input"));
    let mut n_cases = 0;
    for case in cases {
        let find = |name: &str| golden.get(&format!("{case}.{name}"));
        let compare = |name: &str, got: Tensor<4>| {
            if let Some(want) = find(name) {
                fixture.assert_close(&format!("{case}.{name}"), &values(got), want);
            }
        };
        let input: Tensor<4> = upload(find("input").unwrap(), device);
        let levels = network.levels(input.clone());
        for (i, level) in levels.iter().take(2).enumerate() {
            compare(&format!("stage{i}"), level.clone());
        }
        for (i, fused) in network.fused(levels).into_iter().enumerate() {
            compare(&format!("refinenet{}", 4 - i), fused);
        }
        compare("depth", network.forward(input));
        n_cases += 1;
    }
    assert!(n_cases > 0, "{}: no pictures", fixture.name);

    let estimator = DepthEstimator::Midas(Box::new(network));
    for case in golden.keys().filter_map(|name| name.strip_suffix(".image")) {
        let picture = &golden[&format!("{case}.image")];
        check_image(
            fixture,
            &estimator,
            picture,
            &golden[&format!("{case}.depth_u8")],
            device,
        );
    }
}

/// The control image of a picture `[h, w, 3]`, within one level.
fn check_image(
    fixture: &Fixture,
    estimator: &DepthEstimator,
    picture: &HostTensor,
    want: &HostTensor,
    device: &Device,
) {
    let picture = HostTensor {
        shape: [&[1], &picture.shape[..]].concat(),
        values: picture.values.clone(),
    };
    let frame = &frames(&picture)[0];
    let depth = estimator.inverse_depth(frame, device).unwrap();
    let image = DepthRange::of_frame(&depth).image(frame.size(), &depth);
    let levels: Vec<f32> = image.values().iter().map(|v| v * 255.0).collect();
    fixture.assert_within("depth_u8", &levels, want, 1.001);
}

#[test]
fn any_size_has_a_depth_of_its_size() {
    fixture::for_each("dpt_hybrid_tiny", |fixture| {
        let device = Device::flex();
        let config: MidasConfig = serde_json::from_slice(&config_bytes(&fixture.path)).unwrap();
        let network = load_file(
            Midas::new(&config, &device),
            &fixture.folder("weights"),
            &KEYS,
        );
        let estimator = DepthEstimator::Midas(Box::new(network));
        for (width, height) in [(1, 1), (40, 33), (64, 31)] {
            let size = Size { width, height };
            let frame = fresco_studio::frame::Frame::from_fn(size, |x, y| [x as u8, y as u8, 9]);
            let depth = estimator.inverse_depth(&frame, &device).unwrap();
            assert_eq!(depth.len(), size.area());
        }
    });
}
