//! DDPM: ancestral sampling from the posterior of the forward process.
//!
//! # Source
//! Ho et al., "Denoising diffusion probabilistic models", equations 6 and 7.

use super::{StepCoefficients, with_x0};
use crate::diffusion::noise_schedule::{NoiseSchedule, Timesteps};

/// Below this the variance is lifted to it, as published samplers do; noise is drawn even in the last step.
const MIN_VARIANCE: f64 = 1e-20;

/// The numbers of step `k`; the last step arrives at ᾱ = 1, the clean latent.
///
/// # Panics
/// If there is no step `k`, or the timesteps are of another schedule.
#[must_use]
pub fn coefficients(schedule: &NoiseSchedule, timesteps: &Timesteps, k: usize) -> StepCoefficients {
    let alphas = schedule.alphas_cumprod();
    let alpha = alphas[timesteps.as_slice()[k]];
    let next = timesteps.arrival(k).map_or(1.0, |t| alphas[t]);
    let kept = alpha / next;
    let variance = ((1.0 - next) / (1.0 - alpha) * (1.0 - kept)).max(MIN_VARIANCE);
    let x0 = next.sqrt() * (1.0 - kept) / (1.0 - alpha);
    let sample = kept.sqrt() * (1.0 - next) / (1.0 - alpha);
    with_x0(alpha, x0, sample, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::noise_schedule::SchedulerConfig;

    #[test]
    fn twenty_steps_have_the_known_coefficients() {
        let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
        let timesteps = schedule.timesteps(20).unwrap();
        let want = [
            (951, 0.049_838, 0.758_583, 0.644_391),
            (351, 0.221_067, 0.768_857, 0.344_178),
            (51, 0.966_383, 0.033_606, 0.040_597),
            (1, 1.0, 0.0, 0.0),
        ];
        for (t, x0, sample, noise) in want {
            let k = timesteps.as_slice().iter().position(|s| *s == t).unwrap();
            let c = coefficients(&schedule, &timesteps, k);
            for (got, want) in [(c.x0, x0), (c.sample, sample), (c.noise, noise)] {
                assert!((got - want).abs() < 1e-6, "t = {t}: {got}, expected {want}");
            }
        }
    }
}
