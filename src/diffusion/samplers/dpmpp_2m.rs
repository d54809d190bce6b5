//! DPM-Solver++ (2M): the change of x̂₀ since the step before says where it is going.
//!
//! # Source
//! Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models", algorithm 2 (midpoint).

use super::{Row, StepCoefficients};
use crate::diffusion::noise_schedule::{NoiseSchedule, ScheduleError};
use crate::diffusion::steps::Steps;

/// What is remembered: x̂₀ of the step before.
pub const MEMORY: usize = 1;

/// Steps with Karras spacing.
///
/// # Errors
/// [`ScheduleError::Steps`] for none, or for more than there are timesteps.
pub fn steps(schedule: &NoiseSchedule, n: usize) -> Result<Steps, ScheduleError> {
    Steps::karras(schedule, n)
}

/// The numbers of step `k` of a run that began with step `first`. The first and the last step are of first order: the one
/// has nothing to look back at, the other arrives where there is no noise.
///
/// # Panics
/// If there is no step `k`.
#[must_use]
pub fn coefficients(steps: &Steps, first: usize, k: usize) -> StepCoefficients {
    let next = steps.alpha(k + 1);
    // e^−h, with h the step in half the logarithm of the signal-to-noise ratio.
    let shrunk = steps.sigma(k + 1) / steps.sigma(k);
    let sample = ((1.0 - next) / (1.0 - steps.alpha(k))).sqrt();
    let gain = next.sqrt() * (1.0 - shrunk);
    let mut row = Row {
        x0: gain,
        noise: 0.0,
        state: vec![sample, 0.0],
    };
    if k > first && k + 1 < steps.len() {
        let h = steps.lambda(k + 1) - steps.lambda(k);
        let before = steps.lambda(k) - steps.lambda(k - 1);
        let slope = gain * h / (2.0 * before);
        row.x0 += slope;
        row.state[1] -= slope;
    }
    StepCoefficients::new(steps, k, vec![row, Row::of_x0(MEMORY)])
}
