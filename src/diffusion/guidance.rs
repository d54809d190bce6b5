//! Classifier-free guidance.

use crate::tensor::Tensor;

/// Pushes the prediction away from the negative prompt: `ε⁻ + scale · (ε⁺ − ε⁻)`.
///
/// # Shapes
/// `noise` `[2n, c, h, w]`, the negative half first → `[n, c, h, w]`.
///
/// # Source
/// Ho and Salimans, "Classifier-Free Diffusion Guidance", 2022.
#[must_use]
pub fn classifier_free_guidance(noise: Tensor<4>, guidance_scale: f64) -> Tensor<4> {
    let n = noise.dims()[0] / 2;
    let negative = noise.clone().narrow(0, 0, n);
    let positive = noise.narrow(0, n, n);
    negative.clone() + (positive - negative) * guidance_scale
}
