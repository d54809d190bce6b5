//! Exact attention in bounded memory.

use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;

use super::Tensor;

/// Most bytes that the scores of one piece may take, should the backend store them.
const SCORE_BYTES: usize = 512 << 20;

/// `softmax(q kᵀ / √d) v`, with the queries cut into pieces so that no backend stores more than
/// half a gibibyte of scores at once.
///
/// # Shapes
/// `q` `[batch, heads, queries, d]`, `k` and `v` `[batch, heads, keys, d]` →
/// `[batch, heads, queries, d]`.
pub fn attend(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    let [batch, heads, queries, _] = q.dims();
    let keys = k.dims()[2];
    let bytes_per_query = (batch * heads * keys * size_of::<f32>()).max(1);
    let piece = (SCORE_BYTES / bytes_per_query).max(1);
    let run = |q: Tensor<4>, k: Tensor<4>, v: Tensor<4>| {
        attention(q, k, v, None, None, AttentionModuleOptions::default())
    };
    if queries <= piece {
        return run(q, k, v);
    }
    let pieces = q.split(piece, 2);
    Tensor::cat(
        pieces
            .into_iter()
            .map(|q| run(q, k.clone(), v.clone()))
            .collect(),
        2,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution, activation::softmax};

    #[test]
    fn pieces_equal_the_whole() {
        let device = Device::flex();
        device.seed(1);
        let random =
            |tokens| Tensor::<4>::random([16, 8, tokens, 8], Distribution::Default, &device);
        // 16 · 8 · 1100 · 4 bytes a query: 953 queries fit a piece.
        let (q, k, v) = (random(1000), random(1100), random(1100));
        let scores = q.clone().matmul(k.clone().swap_dims(2, 3)) / 8.0_f32.sqrt();
        let expected = softmax(scores, 3).matmul(v.clone());
        let difference: f32 = (attend(q, k, v) - expected).abs().max().into_scalar();
        assert!(difference < 1e-5, "{difference}");
    }
}
