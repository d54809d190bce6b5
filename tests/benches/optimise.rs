//! Feature optimisation of the finest decoder level of SD 1.5 at 512×512, eight frames: seconds and peak memory of both
//! losses under Adam, and of the same loss in `PyTorch` in the same run, where a Python that has it is named:
//! `cargo bench --bench optimise -- ITERATIONS [PYTHON]`.
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::process::Command;
use std::time::Instant;

use burn::tensor::Distribution;
use fresco_studio::flow::FlowRing;
use fresco_studio::fresco::optimize::{Objective, OptimizerConfig, minimize};
use fresco_studio::fresco::spatial_loss::spatial_target;
use fresco_studio::fresco::temporal_loss::TemporalDrift;
use fresco_studio::tensor::{Device, Tensor};

const FRAMES: usize = 8;
const CHANNELS: usize = 640;
const SIDE: usize = 64;

fn main() {
    // Cargo itself adds `--bench`.
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let iterations = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(20);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    ours(iterations, threads);
    let Some(python) = arguments.next() else {
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/benches/optimise.py");
    let numbers = [threads, iterations].map(|number| number.to_string());
    let status = Command::new(&python).arg(script).args(numbers).status();
    match status {
        Ok(status) => println!("{python} ended with {status}"),
        Err(error) => println!("skipped: cannot run {python}: {error}"),
    }
}

fn ours(iterations: usize, threads: usize) {
    let device = Device::flex();
    device.seed(0);
    let features = |seed| {
        device.seed(seed);
        let shape = [2 * FRAMES, SIDE * SIDE, CHANNELS];
        Tensor::<3>::random(shape, Distribution::Normal(0.0, 1.0), &device)
    };
    let flow = || {
        let shape = [FRAMES, 2, SIDE, SIDE];
        Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.5), &device)
    };
    let occlusion = || {
        let shape = [FRAMES, SIDE, SIDE];
        Tensor::<3>::random(shape, Distribution::Bernoulli(0.1), &device)
    };
    let ring = FlowRing {
        forward: flow(),
        backward: flow(),
        forward_occlusion: occlusion(),
        backward_occlusion: occlusion(),
    };
    let Ok(drift) = TemporalDrift::new(&ring) else {
        unreachable!("random flow is finite");
    };
    let target = spatial_target(features(1));
    let objective = Objective {
        spatial: Some(&target),
        temporal: Some(&drift),
    };
    let config = OptimizerConfig {
        iterations,
        ..OptimizerConfig::REFERENCE
    };
    let start = features(2);
    let (began, processor) = (Instant::now(), processor_secs());
    let optimised = minimize(start, objective, &config, &mut |_, _| {});
    assert!(optimised.sum().into_scalar::<f32>().is_finite());
    println!(
        "ours, {threads} threads, {iterations} iterations: {:.1} s ({:.1} s of processor), peak memory {}",
        began.elapsed().as_secs_f64(),
        processor_secs() - processor,
        peak_memory(),
    );
}

/// Seconds that this process has run on all processors, where the system tells: clock ticks are hundredths.
fn processor_secs() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// Peak resident memory of this process, where the system tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |value| value.trim().to_owned())
}
