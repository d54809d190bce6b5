//! What the fixtures of FRESCO have in common: frames, flow and paths.

use std::collections::BTreeMap;
use std::path::Path;

use fresco_studio::diffusion::noise_schedule::{NoiseSchedule, SchedulerConfig};
use fresco_studio::flow::FlowRing;
use fresco_studio::fresco::paths::Paths;
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::HostTensor;
use super::upload;

pub type Golden = BTreeMap<String, HostTensor>;

/// `images` `[n, h, w, 3]` of bytes → `[n, 3, h, w]` in `[-1, 1]`.
pub fn pictures(golden: &Golden, device: &Device) -> Tensor<4> {
    let images: Tensor<4> = upload(&golden["images"], device);
    images.permute([0, 3, 1, 2]) / 127.5 - 1.0
}

/// Flow and occlusion of the whole ring, if it is there.
pub fn ring_if_any(golden: &Golden, device: &Device) -> Option<FlowRing> {
    let names = ["fwd_flows", "bwd_flows", "fwd_occs", "bwd_occs"];
    let is_whole = names.iter().all(|name| golden.contains_key(*name));
    is_whole.then(|| ring_named(golden, names, device))
}

/// Flow and occlusion of the whole ring.
pub fn ring(golden: &Golden, device: &Device) -> FlowRing {
    ring_if_any(golden, device).expect("flow and occlusion in both directions")
}

/// Forward and backward flow, forward and backward occlusion, under these names.
pub fn ring_named(golden: &Golden, names: [&str; 4], device: &Device) -> FlowRing {
    let [forward, backward] = [names[0], names[1]].map(|name| upload(&golden[name], device));
    let [forward_occlusion, backward_occlusion] =
        [names[2], names[3]].map(|name| upload(&golden[name], device));
    FlowRing {
        forward,
        backward,
        forward_occlusion,
        backward_occlusion,
    }
}

/// Paths from `[n, 1, tokens]` permutations and `[tokens, 1, n, n]` visibility.
pub fn paths(mapping: &HostTensor, visible: &HostTensor) -> Paths {
    let (n, n_tokens) = (mapping.shape[0], mapping.shape[2]);
    let sees = |path: usize, a: usize, b: usize| visible.values[(path * n + a) * n + b] > 0.5;
    Paths {
        tokens: mapping
            .values
            .chunks(n_tokens)
            .map(|frame| frame.iter().map(|&token| token as usize).collect())
            .collect(),
        broken: (0..n - 1)
            .map(|a| (0..n_tokens).map(|path| !sees(path, a, a + 1)).collect())
            .collect(),
    }
}

/// The noise schedule of a folder of weights, the usual one where it says nothing.
pub fn noise_schedule(weights: &Path) -> NoiseSchedule {
    let file = std::fs::read(weights.join("scheduler/scheduler_config.json"));
    let config = file.map_or_else(
        |_| SchedulerConfig::default(),
        |json| SchedulerConfig::from_json(&json).unwrap(),
    );
    NoiseSchedule::new(&config).unwrap()
}

/// Positions of a mask that are on.
pub fn positions(mask: &HostTensor) -> Vec<usize> {
    let on = mask.values.iter().enumerate().filter(|(_, v)| **v > 0.5);
    on.map(|(position, _)| position).collect()
}

/// Mean absolute difference.
pub fn mean_error(got: &[f32], want: &HostTensor) -> f32 {
    assert_eq!(got.len(), want.values.len(), "number of values");
    let sum: f64 = got
        .iter()
        .zip(&want.values)
        .map(|(g, w)| f64::from((g - w).abs()))
        .sum();
    (sum / got.len() as f64) as f32
}
