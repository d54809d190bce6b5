//! One synthesis from golden guides is about as good as the reference's.

use std::ops::ControlFlow;

use fresco_studio::synth::occupancy::{count, tent};
use fresco_studio::synth::record::SCALE;
use fresco_studio::synth::{Chain, Preset, Synthesiser, Synthesis};

use super::case::{Case, Step, for_each, psnr, ssim};

/// The last stored step of each pass of a case: the farthest from its key, so the hardest.
fn hardest(case: &Case) -> Vec<Step> {
    case.steps()
}

fn synthesise(case: &Case, step: &Step, preset: Preset) -> Synthesis {
    let pictures = case.pictures(step);
    let source = pictures.source();
    let start = case.start(step);
    let chain = Chain {
        source: &source,
        target: pictures.target(),
        start: Some(&start),
        seed: 1,
    };
    let go_on = || ControlFlow::Continue(());
    let mut done = Synthesiser::Cpu.synthesise(&[chain], preset, &go_on).unwrap();
    done.remove(0)
}

#[test]
fn energy_and_picture_are_as_good_as_the_references() {
    for_each(|case| {
        for step in hardest(case) {
            for preset in Preset::ALL {
                let now = std::time::Instant::now();
                let done = synthesise(case, &step, preset);
                let seconds = now.elapsed().as_secs_f64();
                let n = done.error.len() as f64;
                let mean = done.error.iter().map(|e| f64::from(*e)).sum::<f64>() / n / f64::from(SCALE);
                let size = done.picture.size();
                let occupancy = tent(&count(done.nnf.matches(), size), size);
                let at = |word: &u32| {
                    f64::from(occupancy[(word >> 16) as usize * size.width as usize + (word & 0xffff) as usize])
                };
                let occ = done.nnf.matches().iter().map(at).sum::<f64>() / n / 625.0;
                let j = mean + 3500.0 * occ;
                let j_ref = step.mean_error + 3500.0 * step.mean_occupancy;
                let reference = case.reference(&step);
                eprintln!(
                    "{} {} {} {preset:?}: {seconds:.2} s  E {:.4}  J {:.4}  occ {:+.4}  psnr {:.1} ssim {:.4}",
                    case.name, step.direction, step.frame, mean / step.mean_error, j / j_ref, occ - step.mean_occupancy,
                    psnr(&done.picture, &reference), ssim(&done.picture, &reference)
                );
            }
        }
    });
}
