//! LCM: each step jumps to the clean latent and noises it again, for networks distilled to make that jump.
//!
//! # Source
//! Luo et al., "Latent Consistency Models", algorithm 3, with the boundary condition of Song et al., "Consistency models".

use super::StepCoefficients;
use crate::diffusion::noise_schedule::{NoiseSchedule, ScheduleError};
use crate::diffusion::steps::Steps;

/// Steps that the distilled network was trained to skip among.
pub const TRAINED_STEPS: usize = 50;

/// Timesteps are multiplied by this before they are compared with [`DATA_DEVIATION`].
const TIMESTEP_SCALE: f64 = 10.0;

/// Standard deviation that the boundary condition takes latents to have.
const DATA_DEVIATION: f64 = 0.5;

/// Every so manieth of the 50 steps of training, from the last timestep on.
///
/// # Errors
/// [`ScheduleError::Steps`] for none, or for more than 50.
pub fn steps(schedule: &NoiseSchedule, n: usize) -> Result<Steps, ScheduleError> {
    let trained = schedule.alphas_cumprod().len();
    let stride = (trained / TRAINED_STEPS).max(1);
    let most = TRAINED_STEPS.min(trained);
    if n == 0 || n > most {
        return Err(ScheduleError::Steps {
            steps: n,
            trained,
            most,
        });
    }
    let skipped = |k: usize| (k as f64 * (most as f64 / n as f64)) as usize;
    let timesteps = (0..n).map(|k| ((most - skipped(k)) * stride - 1) as f64);
    Ok(Steps::at(schedule, timesteps.collect()))
}

/// The numbers of step `k`; the last one adds no noise.
///
/// # Panics
/// If there is no step `k`.
#[must_use]
pub fn coefficients(steps: &Steps, k: usize) -> StepCoefficients {
    let next = steps.alpha(k + 1);
    let scaled = steps.timesteps()[k] * TIMESTEP_SCALE;
    let spread = scaled.hypot(DATA_DEVIATION);
    let jump = scaled / spread;
    let skip = (DATA_DEVIATION / spread).powi(2);
    let signal = next.sqrt();
    let noise = (1.0 - next).sqrt();
    StepCoefficients::single(steps, k, [signal * jump, signal * skip, noise])
}
