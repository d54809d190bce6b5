//! Exact attention in bounded memory.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{DType, TensorData};

use super::Tensor;
use super::cpu_attention::{self, Sizes};

/// Most bytes that the scores of one piece may take, should the backend store them.
const SCORE_BYTES: usize = 512 << 20;

/// `softmax(q kᵀ / √d) v`: our own kernel where the tensors are on the processor, else Burn's, with the queries cut
/// into pieces so that it never stores more than half a gibibyte of scores at once.
///
/// # Shapes
/// `q` `[batch, heads, queries, d]`, `k` and `v` `[batch, heads, keys, d]` → `[batch, heads, queries, d]`.
#[must_use]
pub fn attend(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    on_processor(&q, &k, &v).unwrap_or_else(|| in_pieces(q, k, v))
}

/// Nothing if the tensors are elsewhere, tracked, or in half precision.
fn on_processor(q: &Tensor<4>, k: &Tensor<4>, v: &Tensor<4>) -> Option<Tensor<4>> {
    let host = |tensor: &Tensor<4>| -> Option<FlexTensor> {
        let tensor = tensor.clone().try_into_primitive::<Flex>().ok()?;
        (tensor.dtype() == DType::F32).then(|| tensor.to_contiguous())
    };
    let [batch, n_heads, queries, width] = q.dims();
    let sizes = Sizes {
        heads: batch * n_heads,
        queries,
        keys: k.dims()[2],
        width,
    };
    let out = {
        let (q, k, v) = (host(q)?, host(k)?, host(v)?);
        cpu_attention::attend(q.storage(), k.storage(), v.storage(), sizes)
    };
    Some(Tensor::from_data(
        TensorData::new(out, [batch, n_heads, queries, width]),
        &q.device(),
    ))
}

fn in_pieces(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    let [batch, heads, queries, _] = q.dims();
    let bytes_per_query = (batch * heads * k.dims()[2] * size_of::<f32>()).max(1);
    let piece = (SCORE_BYTES / bytes_per_query).max(1);
    let [q, k, v] = [q, k, v].map(channels_side_by_side);
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

/// The same values with the channels of a token next to each other in memory, `[batch, heads, tokens, d]`: Burn 0.22's
/// kernels for graphics cards take that for granted, and read other values where tokens are a transposed map. Costs a
/// copy only there: heads that were cut out of wider tokens lie like this already.
fn channels_side_by_side(tensor: Tensor<4>) -> Tensor<4> {
    let [batch, heads, tokens, width] = tensor.dims();
    let merged = tensor
        .swap_dims(1, 2)
        .reshape([batch, tokens, heads * width]);
    merged
        .reshape([batch, tokens, heads, width])
        .swap_dims(1, 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution};

    #[test]
    fn kernel_and_pieces_agree() {
        let device = Device::flex();
        device.seed(1);
        let random =
            |tokens| Tensor::<4>::random([64, 8, tokens, 8], Distribution::Default, &device);
        // 64 · 8 · 300 · 4 bytes a query: 873 queries fit a piece.
        let (q, k, v) = (random(900), random(300), random(300));
        let own = on_processor(&q, &k, &v).expect("tensors are on the processor");
        let difference: f32 = (own - in_pieces(q, k, v)).abs().max().into_scalar();
        assert!(difference < 1e-5, "{difference}");
    }
}
