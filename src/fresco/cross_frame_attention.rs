//! Efficient cross-frame attention: all frames look at one set of tokens that shows everything once.
//!
//! # Source
//! FRESCO (Yang et al., 2024), "Efficient cross-frame attention".

use burn::tensor::Int;

use crate::models::unet::hook::Attention;
use crate::tensor::{Tensor, attend};

/// Every frame's queries attend to the tokens of `token_set`, each prompt half within itself.
///
/// Frames are folded into the query axis, so that no key is copied.
///
/// # Shapes
/// `queries` `[2n, heads, tokens, d]`, `tokens` `[2n, tokens, c]`, `token_set` indices into the `n · tokens` of a half →
/// `[2n, heads, tokens, d]`.
#[must_use]
pub fn cross_frame_attention(
    attention: &Attention,
    queries: Tensor<4>,
    tokens: Tensor<3>,
    token_set: &Tensor<1, Int>,
) -> Tensor<4> {
    let [n_maps, n_heads, n_tokens, width] = queries.dims();
    let channels = tokens.dims()[2];
    let n_frames = n_maps / 2;
    let shared = tokens
        .reshape([2, n_frames * n_tokens, channels])
        .select(1, token_set.clone());
    let folded = queries
        .reshape([2, n_frames, n_heads, n_tokens, width])
        .swap_dims(1, 2)
        .reshape([2, n_heads, n_frames * n_tokens, width]);
    attend(
        folded,
        attention.keys(shared.clone()),
        attention.values(shared),
    )
    .reshape([2, n_heads, n_frames, n_tokens, width])
    .swap_dims(1, 2)
    .reshape([n_maps, n_heads, n_tokens, width])
}
