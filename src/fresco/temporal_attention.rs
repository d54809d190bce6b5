//! Temporal-guided attention: each token attends along its own path through the frames.
//!
//! # Source
//! FRESCO (Yang et al., 2024), "FRESCO-guided attention"; Cong et al., "FLATTEN", 2024.

use burn::tensor::activation::softmax;
use burn::tensor::{Int, TensorData};

use super::SCORE_SCALE;
use super::paths::Paths;
use crate::tensor::{Device, Tensor};

/// Added to a score that must not count: its exponential is zero in every float type that networks use.
const HIDDEN: f32 = -30_000.0;

/// [`Paths`] as index lists on the device.
#[derive(Clone, Debug)]
pub struct PathTensors {
    /// Path-major `[paths · frames]`: the token, numbered through the batch.
    gather: Tensor<1, Int>,
    /// Frame-major `[frames · tokens]`: the place in `gather` that holds this token.
    scatter: Tensor<1, Int>,
    /// `[paths, frames, frames]`: 0 where frames see each other, else [`HIDDEN`].
    bias: Tensor<3>,
}

impl PathTensors {
    /// Uploads paths.
    #[must_use]
    pub fn new(paths: &Paths, device: &Device) -> Self {
        let (n_frames, n_tokens) = (paths.n_frames(), paths.n_tokens());
        let frames = 0..n_frames;
        let mut gather = Vec::with_capacity(n_frames * n_tokens);
        let mut bias = Vec::with_capacity(n_tokens * n_frames * n_frames);
        for path in 0..n_tokens {
            for a in frames.clone() {
                gather.push((a * n_tokens + paths.tokens[a][path]) as i32);
                let score = |b| {
                    if paths.is_visible(path, a, b) {
                        0.0
                    } else {
                        HIDDEN
                    }
                };
                bias.extend(frames.clone().map(score));
            }
        }
        let places = paths.inverse().into_iter().enumerate();
        let scatter: Vec<i32> = places
            .flat_map(|(frame, path_of)| {
                path_of
                    .into_iter()
                    .map(move |path| (path * n_frames + frame) as i32)
            })
            .collect();
        let upload = |indices: Vec<i32>| {
            let n = indices.len();
            Tensor::<1, Int>::from_data(TensorData::new(indices, [n]), device)
        };
        Self {
            gather: upload(gather),
            scatter: upload(scatter),
            bias: Tensor::from_data(
                TensorData::new(bias, [n_tokens, n_frames, n_frames]),
                device,
            ),
        }
    }
}

/// Attention of length `n` along each path, over `attended`, what the stages before gave.
///
/// # Shapes
/// `queries`, `keys` (each token's own) and `attended` `[2n, heads, tokens, d]` → `[2n, heads, tokens, d]`.
#[must_use]
pub fn temporal_guided_attention(
    queries: Tensor<4>,
    keys: Tensor<4>,
    attended: Tensor<4>,
    paths: &PathTensors,
) -> Tensor<4> {
    let [n_maps, n_heads, n_tokens, width] = queries.dims();
    let n_frames = n_maps / 2;
    let along_paths = |x: Tensor<4>| {
        x.reshape([2, n_frames, n_heads, n_tokens, width])
            .swap_dims(1, 2)
            .reshape([2 * n_heads, n_frames * n_tokens, width])
            .select(1, paths.gather.clone())
            .reshape([2 * n_heads, n_tokens, n_frames, width])
    };
    let q = along_paths(queries) * (SCORE_SCALE / (width as f32).sqrt());
    let k = along_paths(keys);
    let bias = paths.bias.clone().unsqueeze::<4>().cast(q.dtype());
    let weights = softmax(q.matmul(k.swap_dims(2, 3)) + bias, 3);
    weights
        .matmul(along_paths(attended))
        .reshape([2 * n_heads, n_tokens * n_frames, width])
        .select(1, paths.scatter.clone())
        .reshape([2, n_heads, n_frames, n_tokens, width])
        .swap_dims(1, 2)
        .reshape([n_maps, n_heads, n_tokens, width])
}
