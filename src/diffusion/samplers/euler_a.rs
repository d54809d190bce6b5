//! Euler, ancestral: a straight step to less noise than wanted, and new noise up to what is wanted.
//!
//! # Source
//! Katherine Crowson's k-diffusion, `sample_euler_ancestral`, at the scale of forward noising.

use super::StepCoefficients;
use crate::diffusion::noise_schedule::{NoiseSchedule, ScheduleError};
use crate::diffusion::steps::Steps;

/// Steps from the last timestep to the first.
///
/// # Errors
/// [`ScheduleError::Steps`] for none, or for more than there are timesteps.
pub fn steps(schedule: &NoiseSchedule, n: usize) -> Result<Steps, ScheduleError> {
    Steps::ends_included(schedule, n)
}

/// The numbers of step `k`.
///
/// # Panics
/// If there is no step `k`.
#[must_use]
pub fn coefficients(steps: &Steps, k: usize) -> StepCoefficients {
    let (sigma, next) = (steps.sigma(k), steps.sigma(k + 1));
    let (signal, next_signal) = (steps.alpha(k).sqrt(), steps.alpha(k + 1).sqrt());
    let up = next / sigma * (sigma * sigma - next * next).sqrt();
    let down = next * next / sigma;
    let kept = down / sigma;
    let sample = next_signal / signal * kept;
    StepCoefficients::single(
        steps,
        k,
        [next_signal * (1.0 - kept), sample, next_signal * up],
    )
}
