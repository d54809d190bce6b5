//! How far features drift from their flow-warped neighbours, and the gradient of that drift.
//!
//! Warping is linear in the features, so each difference `(Z_next − warp(Z)) · visible` is a row of a sparse matrix that
//! is fixed for a whole batch; the loss is an L1 norm of its product.
//!
//! # Source
//! FRESCO (Yang et al., 2024), "FRESCO-aware feature optimization", temporal consistency loss; both directions and the
//! last frame against the first, as in the reference implementation; see [`wrap`](super::wrap) for those that are
//! unrelated.

use crate::flow::FlowRing;
use crate::tensor::read::{ReadError, host_values};
use crate::tensor::{RowDifferences, Tap, Tensor};

/// A token and the four that its counterpart lies between.
type Row = [Tap; 5];

/// The differences of a batch between neighbours, at one size.
#[derive(Clone, Debug)]
pub struct TemporalDrift {
    differences: RowDifferences,
    n_frames: usize,
}

impl TemporalDrift {
    /// Lists the taps of all warps of `ring`, flow in pixels of its own grid.
    ///
    /// # Errors
    /// [`ReadError`] if the flow holds a value that is no place.
    pub fn new(ring: &FlowRing) -> Result<Self, ReadError> {
        let [n_frames, _, height, width] = ring.forward.dims();
        let n_tokens = height * width;
        let forward = host_values(ring.forward.clone())?;
        let backward = host_values(ring.backward.clone())?;
        let forward_occlusion = host_values(ring.forward_occlusion.clone())?;
        let backward_occlusion = host_values(ring.backward_occlusion.clone())?;
        let mut rows = Vec::with_capacity(2 * n_frames * n_tokens);
        for pair in 0..n_frames {
            let (here, next) = (pair, (pair + 1) % n_frames);
            let directions = [
                (next, here, &backward, &backward_occlusion),
                (here, next, &forward, &forward_occlusion),
            ];
            for (frame, other, flow, occlusion) in directions {
                let warped = Warped {
                    grid: [height, width],
                    frame,
                    other,
                    flow: &flow[pair * 2 * n_tokens..][..2 * n_tokens],
                    occlusion: &occlusion[pair * n_tokens..][..n_tokens],
                };
                rows.extend((0..n_tokens).map(|token| warped.row(token)));
            }
        }
        let device = ring.forward.device();
        Ok(Self {
            differences: RowDifferences::new(&rows, n_frames * n_tokens, &device),
            n_frames,
        })
    }

    /// `weight` times the mean drift, and its gradient.
    ///
    /// Occluded tokens count as zero, not as absent.
    ///
    /// # Shapes
    /// `features` `[2n, tokens, c]` → loss `[1]` and gradient `[2n, tokens, c]`.
    #[must_use]
    pub fn loss(&self, features: &Tensor<3>, weight: f64) -> (Tensor<1>, Tensor<3>) {
        let shape = features.dims();
        let [n_maps, n_tokens, channels] = shape;
        let halves = n_maps / self.n_frames;
        let rows = [halves, self.n_frames * n_tokens, channels];
        let (total, gradient) = self.differences.l1(&features.clone().reshape(rows));
        let factor = weight / shape.iter().product::<usize>() as f64;
        (total * factor, gradient.reshape(shape) * factor)
    }
}

/// One frame of a pair, against the other as flow brings it here.
struct Warped<'a> {
    grid: [usize; 2],
    frame: usize,
    other: usize,
    flow: &'a [f32],
    occlusion: &'a [f32],
}

impl Warped<'_> {
    fn row(&self, token: usize) -> Row {
        let [height, width] = self.grid;
        let n_tokens = height * width;
        let visible = 1.0 - self.occlusion[token];
        let x = (token % width) as f32 + self.flow[token];
        let y = (token / width) as f32 + self.flow[n_tokens + token];
        let (left, top) = (x.floor(), y.floor());
        let (right_share, bottom_share) = (x - left, y - top);
        // Taps outside contribute nothing.
        let tap = |x: f32, y: f32, share: f32| {
            let is_inside = x >= 0.0 && x < width as f32 && y >= 0.0 && y < height as f32;
            let (column, weight) = if is_inside {
                (y as usize * width + x as usize, -share * visible)
            } else {
                (0, 0.0)
            };
            Tap {
                column: self.other * n_tokens + column,
                weight,
            }
        };
        [
            Tap {
                column: self.frame * n_tokens + token,
                weight: visible,
            },
            tap(left, top, (1.0 - right_share) * (1.0 - bottom_share)),
            tap(left + 1.0, top, right_share * (1.0 - bottom_share)),
            tap(left, top + 1.0, (1.0 - right_share) * bottom_share),
            tap(left + 1.0, top + 1.0, right_share * bottom_share),
        ]
    }
}
