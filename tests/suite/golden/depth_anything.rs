//! `Depth-Anything` with its intermediate results.

use fresco_studio::annotators::DepthEstimator;
use fresco_studio::frame::{Frame, Size};
use fresco_studio::models::depth_anything::{DepthAnything, DepthAnythingConfig, KEYS};
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::{self, Fixture};
use super::{config_bytes, load_file, upload, values};

#[test]
fn depth_anything_matches_the_reference() {
    fixture::for_each("depth_anything_tiny", |fixture| {
        check(fixture, &Device::flex());
    });
}

fn network(fixture: &Fixture, device: &Device) -> DepthAnything {
    let config = DepthAnythingConfig::from_json(&config_bytes(&fixture.path)).unwrap();
    load_file(
        DepthAnything::new(&config, device),
        &fixture.folder("weights"),
        &KEYS,
    )
}

pub fn check(fixture: &Fixture, device: &Device) {
    let network = network(fixture, device);
    let golden = fixture.tensors("golden.safetensors");
    let cases = golden
        .keys()
        .filter_map(|name| name.strip_suffix(".pixel_values"));
    let mut n_cases = 0;
    for case in cases {
        let find = |name: &str| golden.get(&format!("{case}.{name}"));
        let compare = |name: &str, got: Vec<f32>| {
            if let Some(want) = find(name) {
                fixture.assert_close(&format!("{case}.{name}"), &got, want);
            }
        };
        let pixels: Tensor<4> = upload(find("pixel_values").unwrap(), device);
        compare("embeddings", values(network.embed(pixels.clone())));
        for (i, fused) in network.fused(pixels.clone()).into_iter().enumerate() {
            compare(&format!("neck.{i}"), values(fused));
        }
        compare("predicted_depth", values(network.forward(pixels)));
        n_cases += 1;
    }
    assert!(n_cases > 0, "{}: no pictures", fixture.name);
}

#[test]
fn files_are_found_with_and_without_a_config_beside_them() {
    fixture::for_each("depth_anything_tiny", |fixture| {
        let device = Device::flex();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.safetensors");
        std::fs::copy(fixture.folder("weights"), &file).unwrap();
        let error = DepthAnything::load(&file, &device).unwrap_err().to_string();
        assert!(
            error.contains("another shape"),
            "V2 Small is larger: {error}"
        );

        let config = folder.path().join("config.json");
        std::fs::copy(fixture.path.join("config.json"), &config).unwrap();
        let (network, unknown) = DepthAnything::load(&file, &device).unwrap();
        assert_eq!(unknown, [""; 0]);
        let estimator = DepthEstimator::DepthAnything(Box::new(network));
        for (width, height) in [(1, 1), (64, 48), (37, 90)] {
            let size = Size { width, height };
            let frame = Frame::from_fn(size, |x, y| [x as u8, y as u8, 9]);
            let depth = estimator.inverse_depth(&frame, &device).unwrap();
            assert_eq!(depth.len(), size.area());
        }

        std::fs::write(&config, b"{}").unwrap();
        let error = DepthAnything::load(&file, &device).unwrap_err().to_string();
        assert!(error.contains("config.json"), "{error}");
    });
}
