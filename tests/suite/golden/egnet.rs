//! `EGNet` with its intermediate results, what goes into it and what background follows from it.

use std::collections::BTreeMap;

use burn::tensor::activation::sigmoid;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use fresco_studio::annotators::{ChannelOrder, egnet_input};
use fresco_studio::frame::{Frame, Size};
use fresco_studio::fresco::background_weight;
use fresco_studio::models::egnet::{EgNet, EgNetConfig, KEYS};
use fresco_studio::tensor::{Device, Resampling, Tensor, resize};

use super::fixture::{self, Fixture, HostTensor, read_tensors};
use super::{load_file, upload, values};

type Golden = BTreeMap<String, HostTensor>;

#[test]
fn egnet_matches_the_reference() {
    fixture::for_each("egnet_tiny", |fixture| check(fixture, &Device::flex()));
}

pub fn check(fixture: &Fixture, device: &Device) {
    let config = fixture.json("config.json");
    let number = |value: &serde_json::Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let config = EgNetConfig {
        width: number(&config["convert"][0][0]) / number(&config["channel_divisor"]),
        blocks: [0, 1, 2, 3].map(|stage| number(&config["resnet"][stage])),
    };
    let weights = fixture.folder("weights");
    let network = load_file(EgNet::new(&config, device), &weights, &KEYS);
    let weights = read_tensors(&weights);
    let golden = fixture.tensors("golden.safetensors");
    let cases = golden.keys().filter_map(|name| name.strip_suffix(".input"));
    let mut n_cases = 0;
    for case in cases {
        check_case(fixture, (&network, &weights), (case, &golden), device);
        n_cases += 1;
    }
    assert!(n_cases > 0, "{}: no pictures", fixture.name);
}

fn check_case(
    fixture: &Fixture,
    (network, weights): (&EgNet, &Golden),
    (case, golden): (&str, &Golden),
    device: &Device,
) {
    let compare = |name: &str, got: Tensor<4>| {
        let name = format!("{case}.{name}");
        if let Some(want) = golden.get(&name) {
            // Intermediate results are of the first picture alone.
            fixture.assert_close(&name, &values(got.narrow(0, 0, want.shape[0])), want);
        }
    };
    let input: Tensor<4> = upload(&golden[&format!("{case}.input")], device);
    if let Some(pictures) = golden.get(&format!("{case}.images")) {
        let frames = frames(pictures);
        let shown = |frame| egnet_input(frame, ChannelOrder::Reference, device);
        compare("input", Tensor::cat(frames.iter().map(shown).collect(), 0));
    }
    let size = [input.dims()[2], input.dims()[3]];
    let features = network.features(input.clone());
    for (i, feature) in features.iter().enumerate() {
        compare(&format!("base.{i}"), feature.clone());
    }
    let converted = network.converted(&features);
    for (i, feature) in converted.iter().enumerate() {
        compare(&format!("convert.{i}"), feature.clone());
    }
    // Scores of single levels, which only training uses: their weights are not in the network.
    let cues = network.cues(&converted);
    let score = |level: usize, features: &Tensor<4>| {
        let part = |name: &str| &weights[&format!("merge1.score.{level}.{name}")];
        let options = ConvOptions::new([1; 2], [1; 2], [1; 2], 1);
        let (weight, bias) = (upload(part("weight"), device), upload(part("bias"), device));
        let score = conv2d(features.clone(), weight, Some(bias), options);
        resize(score, size, Resampling::LinearByCorners)
    };
    compare("edge", score(0, &cues.edge));
    let coarsest = cues.salient.len();
    for (i, salient) in cues.salient.iter().enumerate() {
        compare(&format!("sal.{}", coarsest - 1 - i), score(i + 1, salient));
    }
    let logits = network.forward(input);
    compare("final", logits.clone());
    compare("background", background_weight(&sigmoid(logits)));
}

/// Pictures `[n, h, w, 3]` of bytes.
pub fn frames(pictures: &HostTensor) -> Vec<Frame> {
    let [height, width] = [1, 2].map(|axis| u32::try_from(pictures.shape[axis]).unwrap());
    let size = Size { width, height };
    let bytes: Vec<u8> = pictures.values.iter().map(|&v| v as u8).collect();
    bytes
        .chunks(size.area() * 3)
        .map(|bytes| Frame::new(size, bytes.to_vec()))
        .collect()
}

#[test]
fn training_and_reference_differ_in_the_order_of_colours() {
    let size = Size {
        width: 2,
        height: 3,
    };
    let device = Device::flex();
    let frame = Frame::from_fn(size, |x, _| [10 + 2 * x as u8, 100, 200]);
    let shown = |order| values(egnet_input(&frame, order, &device));
    let close = |got: Vec<f32>, want: [f32; 3]| {
        let worst = got.iter().zip(want).map(|(g, w)| (g - w).abs());
        assert!(
            got.len() == 3 && worst.fold(0.0, f32::max) < 1e-4,
            "{got:?}"
        );
    };
    let [blue, green, red] = [104.006_99, 116.668_77, 122.678_92];
    close(
        shown(ChannelOrder::Trained),
        [200.0 - blue, 100.0 - green, 11.0 - red],
    );
    close(
        shown(ChannelOrder::Reference),
        [11.0 - blue, 100.0 - green, 200.0 - red],
    );
}
