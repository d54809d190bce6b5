//! DDIM: steps along the probability flow, deterministic with η = 0.
//!
//! # Source
//! Song et al., "Denoising diffusion implicit models", equations 12 and 16, with the noise written as what is left of the
//! sample once its signal is taken away; a changed x̂₀ therefore changes the noise with it.

use super::StepCoefficients;
use crate::diffusion::noise_schedule::{NoiseSchedule, ScheduleError};
use crate::diffusion::steps::Steps;

/// Steps a stride apart; the last one arrives at the configuration's final ᾱ, in Stable Diffusion 1.5 that of timestep 0.
///
/// # Errors
/// [`ScheduleError::Steps`] for none, or for more than fit.
pub fn steps(schedule: &NoiseSchedule, n: usize) -> Result<Steps, ScheduleError> {
    Steps::leading(schedule, n, schedule.final_alpha())
}

/// The numbers of step `k`; a share `eta` (0 to 1) of the noise that DDPM would add is new.
///
/// # Panics
/// If there is no step `k`.
#[must_use]
pub fn coefficients(steps: &Steps, k: usize, eta: f64) -> StepCoefficients {
    let (alpha, next) = (steps.alpha(k), steps.alpha(k + 1));
    let variance = (1.0 - next) / (1.0 - alpha) * (1.0 - alpha / next);
    let noise = eta * variance.max(0.0).sqrt();
    let sample = ((1.0 - next - noise * noise) / (1.0 - alpha)).sqrt();
    let x0 = next.sqrt() - alpha.sqrt() * sample;
    StepCoefficients::single(steps, k, [x0, sample, noise])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::noise_schedule::SchedulerConfig;

    #[test]
    fn the_config_says_where_the_last_step_arrives() {
        let last = |set_alpha_to_one| {
            let config = SchedulerConfig {
                set_alpha_to_one,
                ..SchedulerConfig::default()
            };
            let schedule = NoiseSchedule::new(&config).unwrap();
            let next = &coefficients(&steps(&schedule, 20).unwrap(), 19, 0.0).rows[0];
            (next.x0, next.state[0])
        };
        let (x0, sample) = last(true);
        assert!((x0 - 1.0).abs() < 1e-12 && sample.abs() < 1e-12);
        // √(1 − ᾱ₀) ÷ √(1 − ᾱ₁), with ᾱ₀ = 1 − β₀.
        let want = (0.00085_f64 / (1.0 - 0.998_296_03)).sqrt();
        assert!((last(false).1 - want).abs() < 1e-4);
    }
}
