//! Video-to-video starts from the noised source.

use half::f16;

use crate::tensor::Tensor;

/// Latents `x0` carried forward to the level `alpha` = ᾱ by `noise`: `√ᾱ x0 + √(1−ᾱ) z`.
///
/// # Shapes
/// Both `[n, c, h, w]`, or `noise` `[1, c, h, w]` for all.
///
/// # Source
/// Meng et al., "SDEdit: Guided Image Synthesis and Editing with Stochastic Differential Equations", 2022.
#[must_use]
pub fn noised(x0: Tensor<4>, noise: Tensor<4>, alpha: f64) -> Tensor<4> {
    noised_in(NoisingPrecision::Single, x0, noise, alpha)
}

/// In which precision latents are noised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoisingPrecision {
    /// That of the latents.
    Single,
    /// The two factors, and ᾱ before them, are rounded to half precision, as a program does that keeps all it has in it.
    Half,
}

/// [`noised`], in the precision of one's choice.
#[must_use]
pub fn noised_in(
    precision: NoisingPrecision,
    x0: Tensor<4>,
    noise: Tensor<4>,
    alpha: f64,
) -> Tensor<4> {
    let (signal, spread) = match precision {
        NoisingPrecision::Single => (alpha.sqrt(), (1.0 - alpha).sqrt()),
        NoisingPrecision::Half => {
            let half = |value: f64| f64::from(f16::from_f64(value));
            let alpha = half(alpha);
            (half(alpha.sqrt()), half(half(1.0 - alpha).sqrt()))
        }
    };
    x0 * signal + noise * spread
}
