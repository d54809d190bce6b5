//! Background smoothing of the pictures that latents stand for.

use super::conditions::{decoded, encoded};
use crate::fresco::BackgroundFusion;
use crate::models::vae::AutoencoderKL;
use crate::tensor::Tensor;

/// Clean latents whose pictures took over the background of the frame before: decoded, fused, and encoded again.
///
/// All of every picture passes through the autoencoder, not only what was fused; so it is in the reference.
///
/// # Shapes
/// `x0` `[n, 4, h, w]`, scaled; `noise` of the posterior alike → the same.
///
/// # Source
/// FRESCO's reference implementation.
#[must_use]
pub fn smooth_background(
    x0: &Tensor<4>,
    fusion: &BackgroundFusion,
    vae: &AutoencoderKL,
    noise: Tensor<4>,
) -> Tensor<4> {
    encoded(fusion.fuse(decoded(x0, vae)), noise, vae)
}
