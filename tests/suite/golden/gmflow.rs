//! `GMFlow` in both directions, with its intermediate results, and the occlusion that follows from the flow.

use std::collections::BTreeMap;

use burn::tensor::activation::softmax;
use fresco_studio::flow::occlusion::consistency;
use fresco_studio::models::gmflow::{GmFlow, KEYS, with_positions};
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::{self, Fixture, HostTensor};
use super::{load_file, upload, values};

/// Share of a mask's pixels, as a threshold may fall between two results.
const MASKS_MAY_DIFFER: f32 = 1e-3;

type Golden = BTreeMap<String, HostTensor>;

#[test]
fn gmflow_matches_the_reference() {
    fixture::for_each("gmflow", |fixture| check(fixture, &Device::flex()));
}

pub fn check(fixture: &Fixture, device: &Device) {
    let network = load_file(GmFlow::new(device), &fixture.folder("weights"), &KEYS);
    let mut cases = 0;
    for entry in std::fs::read_dir(&fixture.path).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".safetensors") {
            continue;
        }
        let golden = fixture.tensors(&name);
        if golden.contains_key("img0") && golden.contains_key("img1") {
            eprintln!("  {name}");
            check_case(fixture, &network, &golden, device);
            cases += 1;
        }
    }
    assert!(cases > 0, "{}: no pictures", fixture.name);
}

fn check_case(fixture: &Fixture, network: &GmFlow, golden: &Golden, device: &Device) {
    let pictures = ["img0", "img1"].map(|name| upload::<4>(&golden[name], device));
    let n = pictures[0].dims()[0];
    let compare = |name: &str, got: Vec<f32>| {
        if let Some(want) = golden.get(name) {
            fixture.assert_close(name, &got, want);
        }
    };
    if golden.contains_key("backbone") {
        check_transformer(network, &pictures, &compare);
    }
    let [first, second] = pictures.clone();
    let estimate = network.estimate(first.clone(), second.clone());
    let features = estimate.features;
    compare("match_peak", match_peak(features.clone()));
    compare("transformer.0", values(features.narrow(0, 0, n)));
    compare("flow_matched", values(estimate.matched));
    compare("flow_propagated", values(estimate.propagated));
    let flow = network.forward(first, second);
    let flows = [flow.clone().narrow(0, 0, n), flow.narrow(0, n, n)];
    compare("fwd_flow", values(flows[0].clone()));
    compare("bwd_flow", values(flows[1].clone()));
    let [forward, backward] = &flows;
    let occlusion = consistency(forward, backward);
    for (name, got) in [
        ("fwd_occ", occlusion.forward),
        ("bwd_occ", occlusion.backward),
    ] {
        if let Some(want) = golden.get(name) {
            let pairs = values(got).into_iter().zip(&want.values);
            let differing = pairs
                .filter(|(got, want)| (got - **want).abs() > 0.5)
                .count();
            let share = differing as f32 / want.values.len() as f32;
            eprintln!("  {name}: {differing} pixels differ");
            assert!(
                share <= MASKS_MAY_DIFFER,
                "{}: {name}, {differing} pixels",
                fixture.name
            );
        }
    }
}

/// Features before the transformer, and tokens after its blocks of either kind.
fn check_transformer(
    network: &GmFlow,
    pictures: &[Tensor<4>; 2],
    compare: &impl Fn(&str, Vec<f32>),
) {
    let features = network.features(Tensor::cat(pictures.to_vec(), 0));
    compare("backbone", values(features.clone()));
    let [_, _, rows, columns] = features.dims();
    let mut tokens = with_positions(features).flatten(2, 3).swap_dims(1, 2);
    for (number, block) in network.transformer.layers.iter().enumerate() {
        tokens = block.forward(tokens, [rows, columns], number % 2 == 1);
        compare(&format!("layer{number}"), values(tokens.clone()));
    }
}

/// Largest weight that any counterpart has, for each feature of all frames.
fn match_peak(features: Tensor<4>) -> Vec<f32> {
    let channels = features.dims()[1];
    let tokens: Tensor<3> = features.flatten(2, 3).swap_dims(1, 2);
    let partners = Tensor::cat(tokens.clone().chunk(2, 0).into_iter().rev().collect(), 0);
    let scores = tokens.matmul(partners.swap_dims(1, 2)) / (channels as f32).sqrt();
    values(softmax(scores, 2).max_dim(2))
}

#[test]
fn any_size_has_a_flow_of_its_size() {
    let device = Device::flex();
    let network = GmFlow::new(&device);
    for [height, width] in [[16, 16], [40, 33], [1, 50]] {
        let frames = Tensor::<4>::ones([1, 3, height, width], &device);
        let flow = network.forward(frames.clone(), frames);
        assert_eq!(flow.dims(), [2, 2, height, width]);
    }
}
