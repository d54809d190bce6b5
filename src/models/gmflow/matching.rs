//! Flow from the expected position of each feature's counterpart, and its spreading to places that found none.
//!
//! Both are attention whose values have two channels, so no matrix of all positions times all positions is stored.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::TensorData;

use super::{CHANNELS, to_map, to_tokens};
use crate::tensor::{Device, Tensor, attend};

/// Expected coordinate of the counterpart under a softmax of all similarities, less the own coordinate.
///
/// `features` `[2n, 128, h, w]` of the first frames and then of the second → `[2n, 2, h, w]`, x then y.
pub(super) fn match_globally(features: Tensor<4>) -> Tensor<4> {
    let [frames, _, rows, columns] = features.dims();
    let grid = (0..rows).flat_map(|y| (0..columns).flat_map(move |x| [x as f32, y as f32]));
    let data = TensorData::new(grid.collect::<Vec<f32>>(), [1, rows * columns, 2]);
    let own = Tensor::<3>::from_data(data, &features.device()).repeat_dim(0, frames);
    let tokens = to_tokens(features);
    let partners = Tensor::cat(tokens.clone().chunk(2, 0).into_iter().rev().collect(), 0);
    let expected = average(tokens, partners, own.clone());
    to_map(expected - own, [rows, columns])
}

/// Averages `[n, p, 2]` at `keys` by their likeness to `queries`, `[n, p, 128]` both.
fn average(queries: Tensor<3>, keys: Tensor<3>, pairs: Tensor<3>) -> Tensor<3> {
    // Attention has as many channels in its values as in its keys; zeros fill them up.
    let values = pairs.pad([(0, CHANNELS - 2)], 0.0);
    let [q, k, v] = [queries, keys, values].map(|tokens| tokens.unsqueeze_dim::<4>(1));
    attend(q, k, v).squeeze_dim::<3>(1).narrow(2, 0, 2)
}

/// Lets every place take over the flow of places that look alike.
#[derive(Module, Debug)]
pub struct FlowPropagation {
    q_proj: Linear,
    k_proj: Linear,
}

impl FlowPropagation {
    pub(super) fn new(device: &Device) -> Self {
        let project = || LinearConfig::new(CHANNELS, CHANNELS).init(device);
        Self {
            q_proj: project(),
            k_proj: project(),
        }
    }

    /// `features` `[n, 128, h, w]`, `flow` `[n, 2, h, w]` → `[n, 2, h, w]`.
    pub(super) fn forward(&self, features: Tensor<4>, flow: Tensor<4>) -> Tensor<4> {
        let [_, _, rows, columns] = features.dims();
        let queries = self.q_proj.forward(to_tokens(features));
        // The published weights were trained with keys made from the queries.
        let keys = self.k_proj.forward(queries.clone());
        to_map(average(queries, keys, to_tokens(flow)), [rows, columns])
    }
}
