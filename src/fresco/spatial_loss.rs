//! How far the likenesses between tokens of a map are from those of the input frame, and the gradient of that.
//!
//! # Source
//! FRESCO (Yang et al., 2024), "FRESCO-aware feature optimization", spatial consistency loss; the L1 norm instead of the
//! paper's squared one, as in the reference implementation.

use crate::tensor::{GramTarget, Tensor, gram_difference};

/// A token shorter than this has no direction.
const SHORTEST: f32 = 1e-12;

/// What the likenesses of a level's features shall be: those of the input frames' features.
///
/// # Shapes
/// `features` `[2n, tokens, c]`.
#[must_use]
pub fn spatial_target(features: Tensor<3>) -> GramTarget {
    let lengths = lengths(&features);
    GramTarget::of_vectors(features / lengths)
}

/// `weight` times the mean difference of likenesses, and its gradient.
///
/// # Shapes
/// `features` `[2n, tokens, c]`, `f32` → loss `[1]` and gradient `[2n, tokens, c]`.
#[must_use]
pub fn spatial_loss(
    features: &Tensor<3>,
    target: &GramTarget,
    weight: f64,
) -> (Tensor<1>, Tensor<3>) {
    let [n_maps, n_tokens, _] = features.dims();
    let lengths = lengths(features);
    let directions = features.clone() / lengths.clone();
    let (total, by_direction) = gram_difference(&directions, target);
    let factor = weight / (n_maps * n_tokens * n_tokens) as f64;
    // Only what turns a token changes its direction.
    let along = (by_direction.clone() * directions.clone()).sum_dim(2);
    let gradient = (by_direction - directions * along) * (lengths.recip() * factor);
    (total * factor, gradient)
}

fn lengths(features: &Tensor<3>) -> Tensor<3> {
    features
        .clone()
        .square()
        .sum_dim(2)
        .sqrt()
        .clamp_min(SHORTEST)
}
