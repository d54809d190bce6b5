//! The transformer on features of convolutions, and its results as maps again.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::gelu;

use super::config::VitConfig;
use crate::models::resnet::{conv, strided_conv};
use crate::models::tokens::to_map;
use crate::models::vit::{Mlp, attend_in_heads};
use crate::tensor::{Device, Tensor};

const NORM_EPSILON: f64 = 1e-6;
/// Growth in the hidden layer of the feed-forward part.
const EXPANSION: usize = 4;

/// Attention, then the feed-forward part.
#[derive(Module, Debug)]
pub(super) struct Block {
    norm1: LayerNorm,
    qkv: Linear,
    proj: Linear,
    norm2: LayerNorm,
    mlp: Mlp,
    heads: usize,
}

impl Block {
    pub(super) fn new(config: &VitConfig, device: &Device) -> Self {
        let width = config.embed_dim;
        let norm = || {
            LayerNormConfig::new(width)
                .with_epsilon(NORM_EPSILON)
                .init(device)
        };
        Self {
            norm1: norm(),
            qkv: LinearConfig::new(width, 3 * width).init(device),
            proj: LinearConfig::new(width, width).init(device),
            norm2: norm(),
            mlp: Mlp::new([width, width * EXPANSION], device),
            heads: config.heads,
        }
    }

    /// `[n, tokens, c]` → the same shape.
    pub(super) fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let width = tokens.dims()[2];
        let projected = self.qkv.forward(self.norm1.forward(tokens.clone()));
        let part = |i| projected.clone().narrow(2, i * width, width);
        let attended = attend_in_heads([0, 1, 2].map(part), self.heads);
        let tokens = tokens + self.proj.forward(attended);
        let fed = self.mlp.forward(self.norm2.forward(tokens.clone()));
        tokens + fed
    }
}

/// Tokens as a map, each having read the class token, at the transformer's size or half of it.
#[derive(Module, Debug)]
pub(super) struct Readout {
    mix: Linear,
    project: Conv2d,
    halve: Option<Conv2d>,
}

impl Readout {
    pub(super) fn new(width: usize, halves: bool, device: &Device) -> Self {
        Self {
            mix: LinearConfig::new(2 * width, width).init(device),
            project: conv([width, width], 1, device),
            halve: halves.then(|| strided_conv([width, width], [1; 4], device)),
        }
    }

    /// `[n, 1 + h·w, c]`, class token first → `[n, c, h, w]` or half as large.
    pub(super) fn forward(&self, tokens: Tensor<3>, grid: [usize; 2]) -> Tensor<4> {
        let area = grid[0] * grid[1];
        let class = tokens.clone().narrow(1, 0, 1).repeat_dim(1, area);
        let tokens = Tensor::cat(vec![tokens.narrow(1, 1, area), class], 2);
        let map = to_map(gelu(self.mix.forward(tokens)), grid);
        let map = self.project.forward(map);
        match &self.halve {
            Some(conv) => conv.forward(map),
            None => map,
        }
    }
}
