//! How far the likenesses of tokens are from given ones: `Σ |u uᵀ − target|` and its gradient, in bounded memory.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{DType, TensorData};

use super::Tensor;
use super::cpu_gram::{self, Wanted};

/// Most bytes of likenesses that are kept; more are computed from the vectors each time.
const KEPT_BYTES: usize = 256 << 20;
/// Most bytes that a piece of likenesses may take while it is compared.
const PIECE_BYTES: usize = 128 << 20;

/// Likenesses of all pairs of tokens of a map.
#[derive(Clone, Debug)]
pub enum GramTarget {
    /// Vectors whose products they are: `[batch, tokens, c]`.
    Vectors(Tensor<3>),
    /// The products themselves: `[batch, tokens, tokens]`, symmetric.
    Matrix(Tensor<3>),
}

impl GramTarget {
    /// The likenesses of `vectors` `[batch, tokens, c]`: a third less work later where they are few enough to keep.
    #[must_use]
    pub fn of_vectors(vectors: Tensor<3>) -> Self {
        let [batch, n_tokens, _] = vectors.dims();
        if batch * n_tokens * n_tokens * size_of::<f32>() <= KEPT_BYTES {
            Self::Matrix(vectors.clone().matmul(vectors.swap_dims(1, 2)))
        } else {
            Self::Vectors(vectors)
        }
    }

    fn rows(&self, first: usize, n: usize) -> Tensor<3> {
        match self {
            Self::Vectors(v) => v
                .clone()
                .narrow(1, first, n)
                .matmul(v.clone().swap_dims(1, 2)),
            Self::Matrix(matrix) => matrix.clone().narrow(1, first, n),
        }
    }
}

/// `Σ |u uᵀ − target|` over everything, and its gradient `2 sign(u uᵀ − target) u`, with `sign(0) = 0`.
///
/// # Shapes
/// `u` `[batch, tokens, c]`, `f32` → `[1]` and `[batch, tokens, c]`.
#[must_use]
pub fn gram_difference(u: &Tensor<3>, target: &GramTarget) -> (Tensor<1>, Tensor<3>) {
    on_processor(u, target).unwrap_or_else(|| in_pieces(u, target))
}

/// Nothing if the tensors are elsewhere, tracked, or in half precision.
fn on_processor(u: &Tensor<3>, target: &GramTarget) -> Option<(Tensor<1>, Tensor<3>)> {
    let host = |tensor: &Tensor<3>| -> Option<FlexTensor> {
        let tensor = tensor.clone().try_into_primitive::<Flex>().ok()?;
        (tensor.dtype() == DType::F32).then(|| tensor.to_contiguous())
    };
    let shape = u.dims();
    let [_, tokens, width] = shape;
    let (total, gradient) = match target {
        GramTarget::Vectors(v) => {
            let (u, v) = (host(u)?, host(v)?);
            cpu_gram::difference(u.storage(), Wanted::Vectors(v.storage()), tokens, width)
        }
        GramTarget::Matrix(matrix) => {
            let (u, matrix) = (host(u)?, host(matrix)?);
            cpu_gram::difference(u.storage(), Wanted::Matrix(matrix.storage()), tokens, width)
        }
    };
    let device = u.device();
    Some((
        Tensor::from_data(TensorData::new(vec![total], [1]), &device),
        Tensor::from_data(TensorData::new(gradient, shape), &device),
    ))
}

fn in_pieces(u: &Tensor<3>, target: &GramTarget) -> (Tensor<1>, Tensor<3>) {
    let [batch, n_tokens, _] = u.dims();
    let piece = (PIECE_BYTES / (batch * n_tokens * size_of::<f32>()).max(1)).max(1);
    let mut total = Tensor::zeros([1], &u.device());
    let mut gradient = Vec::new();
    for first in (0..n_tokens).step_by(piece) {
        let n = piece.min(n_tokens - first);
        let alike = u
            .clone()
            .narrow(1, first, n)
            .matmul(u.clone().swap_dims(1, 2));
        let difference = alike - target.rows(first, n);
        // Summed row by row: one sum over millions of values loses digits, and software drivers end such loops early.
        let rows = difference.clone().abs().sum_dim(2);
        total = total + rows.sum();
        gradient.push(difference.sign().matmul(u.clone()) * 2.0);
    }
    (total, Tensor::cat(gradient, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution};

    #[test]
    fn kernel_and_pieces_agree_for_both_targets() {
        let device = Device::flex();
        device.seed(2);
        for shape in [[2, 1, 3], [3, 50, 20], [1, 131, 64]] {
            let random = || Tensor::<3>::random(shape, Distribution::Normal(0.0, 1.0), &device);
            let (u, v) = (random(), random());
            let matrix = GramTarget::of_vectors(v.clone());
            assert!(matches!(matrix, GramTarget::Matrix(_)));
            let (want, want_gradient) = in_pieces(&u, &matrix);
            let want: f32 = want.into_scalar();
            for target in [matrix, GramTarget::Vectors(v)] {
                let (got, gradient) = on_processor(&u, &target).expect("on the processor");
                let got: f32 = got.into_scalar();
                assert!((got - want).abs() < 1e-5 * want, "{shape:?} {got} {want}");
                let difference: f32 = (gradient - want_gradient.clone()).abs().max().into_scalar();
                assert!(difference < 1e-3, "{shape:?} {difference}");
            }
        }
    }
}
