//! One synthesis from golden guides is about as good as the reference's.

use std::ops::ControlFlow;

use fresco_studio::synth::occupancy::{count, tent};
use fresco_studio::synth::record::SCALE;
use fresco_studio::synth::{Chain, Nnf, Preset, Synthesis, Synthesiser};
use serde_json::Value;

use super::case::{Case, Step, for_each, psnr, ssim};

/// Everything that is measured of one synthesis.
struct Quality {
    error_ratio: f64,
    energy_ratio: f64,
    more_occupancy: f64,
    psnr: f64,
    ssim: f64,
}

#[test]
fn the_default_preset_is_close_to_the_reference() {
    for_each(|case| {
        for step in &case.steps() {
            let quality = measure(case, step, Preset::Default, 1.035);
            let floor = noise_floor(case, step);
            let (psnr, ssim) = (floor["psnr"].as_f64(), floor["ssim"].as_f64());
            assert!(quality.psnr >= psnr.unwrap() - 6.0, "{} dB", quality.psnr);
            assert!(quality.ssim >= ssim.unwrap() - 0.005, "{}", quality.ssim);
        }
    });
}

#[test]
fn the_best_preset_is_closer() {
    for_each(|case| {
        for step in case.steps().iter().take(1) {
            measure(case, step, Preset::Best, 1.02);
        }
    });
}

/// Synthesises, says what came out, and checks what every preset in the table of the specification must keep.
fn measure(case: &Case, step: &Step, preset: Preset, most_error: f64) -> Quality {
    let done = synthesise(case, step, preset);
    let mean_error = mean(done.error.iter().map(|e| f64::from(*e))) / f64::from(SCALE);
    let occupancy = mean_occupancy(&done.nnf);
    let energy = |error: f64, occupancy: f64| error + 3500.0 * occupancy;
    let reference = case.reference(step);
    let quality = Quality {
        error_ratio: mean_error / step.mean_error,
        energy_ratio: energy(mean_error, occupancy) / energy(step.mean_error, step.mean_occupancy),
        more_occupancy: occupancy - step.mean_occupancy,
        psnr: psnr(&done.picture, &reference),
        ssim: ssim(&done.picture, &reference),
    };
    eprintln!(
        "  {} {} {preset:?}: error × {:.4}, energy × {:.4}, occupancy {:+.4}, {:.1} dB, SSIM {:.4}",
        step.direction,
        step.frame,
        quality.error_ratio,
        quality.energy_ratio,
        quality.more_occupancy,
        quality.psnr,
        quality.ssim
    );
    assert!(
        quality.error_ratio <= most_error,
        "error × {}",
        quality.error_ratio
    );
    assert!(
        quality.energy_ratio <= 1.03,
        "energy × {}",
        quality.energy_ratio
    );
    assert!(
        quality.more_occupancy <= 0.03,
        "occupancy {:+}",
        quality.more_occupancy
    );
    quality
}

fn synthesise(case: &Case, step: &Step, preset: Preset) -> Synthesis {
    let pictures = case.pictures(step);
    let source = pictures.source();
    let start = case.start(step);
    let chain = Chain {
        source: &source,
        target: pictures.target(),
        start: Some(start.values()),
        seed: 1,
    };
    let go_on = || ControlFlow::Continue(());
    let mut done = Synthesiser::Cpu
        .synthesise(&[chain], preset, &go_on)
        .unwrap();
    done.remove(0)
}

/// The reference against itself with another seed, for the pass and frame of a step.
fn noise_floor<'a>(case: &'a Case, step: &Step) -> &'a Value {
    let frames = case.metrics["noise_floor_chain_seed2"][&step.direction]
        .as_array()
        .unwrap();
    frames.iter().find(|f| f["frame"] == step.frame).unwrap()
}

/// In units where an evenly used keyframe has 1.
fn mean_occupancy(nnf: &Nnf) -> f64 {
    let size = nnf.size();
    let occupancy = tent(&count(nnf.matches(), size), size);
    let place = |word: &u32| (word >> 16) as usize * size.width as usize + (word & 0xffff) as usize;
    mean(
        nnf.matches()
            .iter()
            .map(|word| f64::from(occupancy[place(word)])),
    ) / 625.0
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}
