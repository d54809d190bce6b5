//! Flow at every pixel as a learned average of the nine features around it.
//!
//! Source: Teed and Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", 2020.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::{relu, softmax};

use super::{CHANNELS, STRIDE};
use crate::tensor::{Device, Tensor};

const HIDDEN: usize = 256;
/// Side of the neighbourhood.
const SIDE: usize = 3;
/// Fine pixels of a feature.
const FINE: usize = STRIDE * STRIDE;

/// Predicts the weights of the averages.
#[derive(Module, Debug)]
pub(super) struct Upsampler {
    hidden: Conv2d,
    weights: Conv2d,
}

impl Upsampler {
    pub(super) fn new(device: &Device) -> Self {
        Self {
            hidden: Conv2dConfig::new([2 + CHANNELS, HIDDEN], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device),
            weights: Conv2dConfig::new([HIDDEN, SIDE * SIDE * FINE], [1, 1]).init(device),
        }
    }

    /// `features` `[n, 128, h, w]`, `flow` `[n, 2, h, w]` in features → `[n, 2, 8h, 8w]` in pixels.
    pub(super) fn forward(&self, features: Tensor<4>, flow: Tensor<4>) -> Tensor<4> {
        let [n, _, rows, columns] = flow.dims();
        let hidden = relu(
            self.hidden
                .forward(Tensor::cat(vec![flow.clone(), features], 1)),
        );
        let weights = self.weights.forward(hidden);
        let weights = weights.reshape([n, SIDE * SIDE, FINE, rows, columns]);
        let weights = softmax(weights, 1);
        let around = (flow * STRIDE as f32).pad([(1, 1), (1, 1)], 0.0);
        let part = |neighbour: usize| -> Tensor<5> {
            let (y, x) = (neighbour / SIDE, neighbour % SIDE);
            let shifted = around.clone().narrow(2, y, rows).narrow(3, x, columns);
            shifted.unsqueeze_dim::<5>(2) * weights.clone().narrow(1, neighbour, 1)
        };
        let fine = (1..SIDE * SIDE).fold(part(0), |sum, neighbour| sum + part(neighbour));
        fine.reshape([n, 2, STRIDE, STRIDE, rows, columns])
            .permute([0, 1, 4, 2, 5, 3])
            .reshape([n, 2, rows * STRIDE, columns * STRIDE])
    }
}
