//! Between maps, as convolutions see them, and rows of tokens, as attention does.

use crate::tensor::Tensor;

/// Feature maps as rows of tokens: `[n, c, h, w]` → `[n, h·w, c]`.
pub(super) fn to_tokens(features: Tensor<4>) -> Tensor<3> {
    features.flatten(2, 3).swap_dims(1, 2)
}

/// The inverse of [`to_tokens`].
pub(super) fn to_map(tokens: Tensor<3>, [rows, columns]: [usize; 2]) -> Tensor<4> {
    let [n, _, channels] = tokens.dims();
    tokens.swap_dims(1, 2).reshape([n, channels, rows, columns])
}
