//! DDIM with η = 0: deterministic steps along the probability flow.
//!
//! # Source
//! Song et al., "Denoising diffusion implicit models", equation 12, with the noise written as what is left of the sample
//! once its signal is taken away; a changed x̂₀ therefore changes the noise with it.

use super::{StepCoefficients, with_x0};
use crate::diffusion::noise_schedule::{NoiseSchedule, Timesteps};

/// The numbers of step `k`; the last step arrives at the configuration's final ᾱ, in Stable Diffusion 1.5 that of timestep 0.
///
/// # Panics
/// If there is no step `k`, or the timesteps are of another schedule.
#[must_use]
pub fn coefficients(schedule: &NoiseSchedule, timesteps: &Timesteps, k: usize) -> StepCoefficients {
    let alphas = schedule.alphas_cumprod();
    let alpha = alphas[timesteps.as_slice()[k]];
    let next = timesteps
        .arrival(k)
        .map_or_else(|| schedule.final_alpha(), |t| alphas[t]);
    let sample = ((1.0 - next) / (1.0 - alpha)).sqrt();
    with_x0(alpha, next.sqrt() - alpha.sqrt() * sample, sample, 0.0)
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
            coefficients(&schedule, &schedule.timesteps(20).unwrap(), 19)
        };
        assert!((last(true).x0 - 1.0).abs() < 1e-12 && last(true).sample.abs() < 1e-12);
        // √(1 − ᾱ₀) ÷ √(1 − ᾱ₁), with ᾱ₀ = 1 − β₀.
        let want = (0.00085_f64 / (1.0 - 0.998_296_03)).sqrt();
        assert!((last(false).sample - want).abs() < 1e-4);
    }
}
