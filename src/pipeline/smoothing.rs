//! Background smoothing of the pictures that latents stand for.

use super::conditions::{Coding, decoded, encoded};
use super::error::Error;
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
/// # Errors
/// As [`decoded`] and [`encoded`].
///
/// # Source
/// FRESCO's reference implementation.
pub fn smooth_background(
    x0: &Tensor<4>,
    fusion: &BackgroundFusion,
    (vae, coding): (&AutoencoderKL, Coding),
    noise: Tensor<4>,
) -> Result<Tensor<4>, Error> {
    let pictures = fusion.fuse(decoded(x0, vae, coding)?);
    let posterior = encoded(pictures, vae, coding)?;
    Ok(posterior.sample(noise) * vae.scaling_factor())
}
