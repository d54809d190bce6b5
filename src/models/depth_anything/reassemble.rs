//! Tokens of the transformer as maps of different sizes.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::nn::conv::Conv2d;
use burn::tensor::module::{conv_transpose2d, conv2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};

use crate::models::resnet::conv;
use crate::models::tokens::to_map;
use crate::tensor::{Device, Tensor};

/// One level: a projection, and a learnt change of size.
#[derive(Module, Debug)]
pub(super) struct Reassemble {
    projection: Conv2d,
    resize: Option<Resize>,
}

impl Reassemble {
    /// From tokens of `width` channels to a map of `channels`, `factor` times as large.
    pub(super) fn new([width, channels]: [usize; 2], factor: f64, device: &Device) -> Self {
        let change = if factor > 1.0 {
            Some(Change::Enlarge(factor as usize))
        } else if factor < 1.0 {
            Some(Change::Shrink((1.0 / factor) as usize))
        } else {
            None
        };
        Self {
            projection: conv([width, channels], 1, device),
            resize: change.map(|change| Resize::new(channels, change, device)),
        }
    }

    /// `[n, 1 + h·w, width]`, class token first → `[n, channels, h', w']`.
    pub(super) fn forward(&self, tokens: Tensor<3>, grid: [usize; 2]) -> Tensor<4> {
        let patches = tokens.narrow(1, 1, grid[0] * grid[1]);
        let map = self.projection.forward(to_map(patches, grid));
        match &self.resize {
            Some(resize) => resize.forward(map),
            None => map,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Enlarge(usize),
    Shrink(usize),
}

/// A convolution, or a transposed one: both have one name in the published file.
#[derive(Module, Debug)]
struct Resize {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    change: Change,
}

impl Resize {
    fn new(channels: usize, change: Change, device: &Device) -> Self {
        let kernel = match change {
            Change::Enlarge(factor) => factor,
            Change::Shrink(_) => 3,
        };
        Self {
            weight: Initializer::Zeros.init([channels, channels, kernel, kernel], device),
            bias: Initializer::Zeros.init([channels], device),
            change,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.val(), Some(self.bias.val()));
        match self.change {
            Change::Enlarge(factor) => {
                let options = ConvTransposeOptions::new([factor; 2], [0; 2], [0; 2], [1; 2], 1);
                conv_transpose2d(x, weight, bias, options)
            }
            Change::Shrink(factor) => {
                let options = ConvOptions::new([factor; 2], [1; 2], [1; 2], 1);
                conv2d(x, weight, bias, options)
            }
        }
    }
}
