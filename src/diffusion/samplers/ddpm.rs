//! DDPM: ancestral sampling from the posterior of the forward process.
//!
//! # Source
//! Ho et al., "Denoising diffusion probabilistic models", equations 6 and 7.

use super::StepCoefficients;
use crate::diffusion::noise_schedule::{NoiseSchedule, ScheduleError};
use crate::diffusion::steps::Steps;

/// Below this the variance is lifted to it, as published samplers do; noise is drawn even in the last step.
const MIN_VARIANCE: f64 = 1e-20;

/// Steps a stride apart; the last one arrives at the clean latent.
///
/// # Errors
/// [`ScheduleError::Steps`] for none, or for more than fit.
pub fn steps(schedule: &NoiseSchedule, n: usize) -> Result<Steps, ScheduleError> {
    Steps::leading(schedule, n, 1.0)
}

/// The numbers of step `k`.
///
/// # Panics
/// If there is no step `k`.
#[must_use]
pub fn coefficients(steps: &Steps, k: usize) -> StepCoefficients {
    let (alpha, next) = (steps.alpha(k), steps.alpha(k + 1));
    let kept = alpha / next;
    let variance = ((1.0 - next) / (1.0 - alpha) * (1.0 - kept)).max(MIN_VARIANCE);
    let x0 = next.sqrt() * (1.0 - kept) / (1.0 - alpha);
    let sample = kept.sqrt() * (1.0 - next) / (1.0 - alpha);
    StepCoefficients::single(steps, k, [x0, sample, variance.sqrt()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::noise_schedule::SchedulerConfig;

    #[test]
    fn twenty_steps_have_the_known_coefficients() {
        let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
        let steps = steps(&schedule, 20).unwrap();
        let want = [
            (951, 0.049_838, 0.758_583, 0.644_391),
            (351, 0.221_067, 0.768_857, 0.344_178),
            (51, 0.966_383, 0.033_606, 0.040_597),
            (1, 1.0, 0.0, 0.0),
        ];
        for (t, x0, sample, noise) in want {
            let k = (0..20).find(|k| steps.timestep(*k) == t).unwrap();
            let next = &coefficients(&steps, k).rows[0];
            for (got, want) in [(next.x0, x0), (next.state[0], sample), (next.noise, noise)] {
                assert!((got - want).abs() < 1e-6, "t = {t}: {got}, expected {want}");
            }
        }
    }
}
