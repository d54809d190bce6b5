//! Video-to-video starts from the noised source.

use super::noise_schedule::NoiseSchedule;
use crate::tensor::Tensor;

/// Latents `x0` carried forward to timestep `t` by `noise`: `√ᾱ x0 + √(1−ᾱ) z`.
///
/// # Shapes
/// Both `[n, c, h, w]`, or `noise` `[1, c, h, w]` for all.
///
/// # Source
/// Meng et al., "SDEdit: Guided Image Synthesis and Editing with Stochastic Differential Equations", 2022.
#[must_use]
pub fn noised(x0: Tensor<4>, noise: Tensor<4>, schedule: &NoiseSchedule, t: usize) -> Tensor<4> {
    let (signal, spread) = schedule.noising(t);
    x0 * signal + noise * spread
}
