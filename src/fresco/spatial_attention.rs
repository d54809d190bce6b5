//! Spatial-guided attention: queries are averaged the way the input frame resembles itself.
//!
//! # Source
//! FRESCO (Yang et al., 2024), "FRESCO-guided attention".

use super::SCORE_SCALE;
use crate::models::unet::hook::Attention;
use crate::tensor::{Tensor, attend};

/// Replaces each query by the average of its frame's queries, weighted by how alike the tokens of the *input* frame are.
///
/// # Shapes
/// `queries` `[n, heads, tokens, d]`, `recorded` `[n, tokens, c]`: what entered the same layer for the input frames →
/// `[n, heads, tokens, d]`.
#[must_use]
pub fn spatial_guided_queries(
    attention: &Attention,
    queries: Tensor<4>,
    recorded: Tensor<3>,
) -> Tensor<4> {
    let recorded = recorded.cast(queries.dtype());
    let asking = attention.queries(recorded.clone()) * SCORE_SCALE;
    attend(asking, attention.keys(recorded), queries)
}
