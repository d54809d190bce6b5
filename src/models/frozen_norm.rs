//! Batch normalisation where nothing is trained any more.

use burn::module::{Module, Param};
use burn::nn::Initializer;

use crate::tensor::{Device, Tensor};

const NORM_EPSILON: f64 = 1e-5;

/// Batch normalisation by the statistics of training, which makes it a scale and a shift.
#[derive(Module, Debug)]
pub(super) struct FrozenNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    running_mean: Param<Tensor<1>>,
    running_var: Param<Tensor<1>>,
}

impl FrozenNorm {
    pub(super) fn new(channels: usize, device: &Device) -> Self {
        let fill = |value: Initializer| value.init([channels], device);
        Self {
            weight: fill(Initializer::Ones),
            bias: fill(Initializer::Zeros),
            running_mean: fill(Initializer::Zeros),
            running_var: fill(Initializer::Ones),
        }
    }

    /// `[n, channels, h, w]` → the same shape.
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let scale = self.weight.val() / (self.running_var.val() + NORM_EPSILON).sqrt();
        let shift = self.bias.val() - self.running_mean.val() * scale.clone();
        let channels = x.dims()[1];
        let spread = |values: Tensor<1>| values.reshape([1, channels, 1, 1]);
        x * spread(scale) + spread(shift)
    }
}
