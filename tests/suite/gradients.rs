//! Closed-form gradients against central differences.

use burn::tensor::{Distribution, TensorData};
use fresco_studio::flow::FlowRing;
use fresco_studio::fresco::optimize::{Objective, OptimizerConfig, loss_and_gradient};
use fresco_studio::fresco::spatial_loss::spatial_target;
use fresco_studio::fresco::temporal_loss::TemporalDrift;
use fresco_studio::tensor::{Device, GramTarget, Tensor};

const FRAMES: usize = 3;
const GRID: [usize; 2] = [3, 4];
const CHANNELS: usize = 5;
const SHAPE: [usize; 3] = [2 * FRAMES, GRID[0] * GRID[1], CHANNELS];

fn random<const D: usize>(shape: [usize; D], spread: f64, device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, spread), device)
}

fn ring(device: &Device) -> FlowRing {
    let [height, width] = GRID;
    let flow = || random([FRAMES, 2, height, width], 1.5, device);
    let (forward, backward) = (flow(), flow());
    let occlusion = || {
        let shape = [FRAMES, height, width];
        Tensor::<3>::random(shape, Distribution::Bernoulli(0.3), device)
    };
    FlowRing {
        forward,
        backward,
        forward_occlusion: occlusion(),
        backward_occlusion: occlusion(),
    }
}

/// Central differences at every element; an L1 loss is linear between its kinks, so a small share of elements, those
/// next to a kink, may differ.
fn check(name: &str, objective: Objective<'_>, device: &Device) {
    let config = OptimizerConfig::REFERENCE;
    let loss = |values: Vec<f32>| -> f64 {
        let at = Tensor::<3>::from_data(TensorData::new(values, SHAPE), device);
        let (loss, _) = loss_and_gradient(&at, objective, &config).unwrap();
        f64::from(loss.into_scalar::<f32>())
    };
    let start = random(SHAPE, 1.0, device);
    let (_, gradient) = loss_and_gradient(&start, objective, &config).unwrap();
    let gradient: Vec<f32> = gradient.into_data().try_to_vec().unwrap();
    let start: Vec<f32> = start.into_data().try_to_vec().unwrap();
    let scale = gradient.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
    assert!(scale > 0.0, "{name}: the gradient vanishes everywhere");
    let step = 2e-3_f32;
    let moved = |i: usize, by: f32| {
        let mut values = start.clone();
        values[i] += by;
        loss(values)
    };
    let is_off = |i: &usize| {
        let difference = (moved(*i, step) - moved(*i, -step)) / f64::from(2.0 * step);
        (difference as f32 - gradient[*i]).abs() > 0.02 * scale
    };
    let off = (0..start.len()).filter(is_off).count();
    let share = off as f64 / start.len() as f64;
    eprintln!(
        "{name}: {off} of {} elements lie next to a kink",
        start.len()
    );
    assert!(share < 0.05, "{name}: {share} of the gradient is off");
}

#[test]
fn gradients_equal_central_differences() {
    let device = Device::flex();
    device.seed(11);
    let drift = TemporalDrift::new(&ring(&device)).unwrap();
    let features = random(SHAPE, 1.0, &device);
    let matrix = spatial_target(features.clone());
    let vectors = {
        let lengths = features.clone().square().sum_dim(2).sqrt();
        GramTarget::Vectors(features / lengths)
    };
    let objective = |spatial, temporal| Objective { spatial, temporal };
    check("temporal", objective(None, Some(&drift)), &device);
    check("spatial", objective(Some(&matrix), None), &device);
    check(
        "spatial, from vectors",
        objective(Some(&vectors), None),
        &device,
    );
    check("both", objective(Some(&matrix), Some(&drift)), &device);
}
