//! `DINOv2`: a vision transformer whose layers scale what they add.
//!
//! Source: Oquab et al., "DINOv2: Learning Robust Visual Features without Supervision", 2023.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig};

use super::config::BackboneConfig;
use crate::models::vit::{Mlp, Positions, attend_in_heads};
use crate::tensor::{Device, Resampling, Tensor};

/// The transformer.
#[derive(Module, Debug)]
pub(super) struct Backbone {
    projection: Conv2d,
    positions: Positions,
    layers: Vec<Block>,
    layernorm: LayerNorm,
    #[module(skip)]
    out_indices: Vec<usize>,
}

impl Backbone {
    pub(super) fn new(config: &BackboneConfig, device: &Device) -> Self {
        let (width, patch) = (config.hidden_size, config.patch_size);
        let side = config.image_size / patch;
        Self {
            projection: Conv2dConfig::new([3, width], [patch; 2])
                .with_stride([patch; 2])
                .init(device),
            positions: Positions::new([side, width], Resampling::CubicByEdges, device),
            layers: (0..config.num_hidden_layers)
                .map(|_| Block::new(config, device))
                .collect(),
            layernorm: norm(config, device),
            out_indices: config.out_indices.clone(),
        }
    }

    /// Pieces of a picture as placed tokens, a class token before them: `[n, 3, h, w]` → `[n, 1 + tokens, c]`.
    pub(super) fn embed(&self, pictures: Tensor<4>) -> Tensor<3> {
        self.positions.place(self.projection.forward(pictures))
    }

    /// Normalised results of the wanted layers, each `[n, 1 + tokens, c]`.
    pub(super) fn forward(&self, pictures: Tensor<4>) -> Vec<Tensor<3>> {
        let mut tokens = self.embed(pictures);
        let mut out = Vec::new();
        for (i, layer) in self.layers.iter().enumerate() {
            tokens = layer.forward(tokens);
            if self.out_indices.contains(&(i + 1)) {
                out.push(self.layernorm.forward(tokens.clone()));
            }
        }
        out
    }
}

/// Attention, then the feed-forward part, each added in shares that differ by channel.
#[derive(Module, Debug)]
struct Block {
    norm1: LayerNorm,
    attention: SelfAttention,
    layer_scale1: Param<Tensor<1>>,
    norm2: LayerNorm,
    mlp: Mlp,
    layer_scale2: Param<Tensor<1>>,
}

impl Block {
    fn new(config: &BackboneConfig, device: &Device) -> Self {
        let width = config.hidden_size;
        let scale = || Initializer::Ones.init([width], device);
        Self {
            norm1: norm(config, device),
            attention: SelfAttention::new(config, device),
            layer_scale1: scale(),
            norm2: norm(config, device),
            mlp: Mlp::new([width, width * config.mlp_ratio], device),
            layer_scale2: scale(),
        }
    }

    fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let scale = |scale: &Param<Tensor<1>>| scale.val().unsqueeze::<3>();
        let attended = self.attention.forward(self.norm1.forward(tokens.clone()));
        let tokens = tokens + attended * scale(&self.layer_scale1);
        let fed = self.mlp.forward(self.norm2.forward(tokens.clone()));
        tokens + fed * scale(&self.layer_scale2)
    }
}

#[derive(Module, Debug)]
struct SelfAttention {
    query: Linear,
    key: Linear,
    value: Linear,
    dense: Linear,
    heads: usize,
}

impl SelfAttention {
    fn new(config: &BackboneConfig, device: &Device) -> Self {
        let project = || LinearConfig::new(config.hidden_size, config.hidden_size).init(device);
        Self {
            query: project(),
            key: project(),
            value: project(),
            dense: project(),
            heads: config.num_attention_heads,
        }
    }

    fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let project = |linear: &Linear| linear.forward(tokens.clone());
        let projected = [&self.query, &self.key, &self.value].map(project);
        self.dense.forward(attend_in_heads(projected, self.heads))
    }
}

fn norm(config: &BackboneConfig, device: &Device) -> LayerNorm {
    LayerNormConfig::new(config.hidden_size)
        .with_epsilon(config.layer_norm_eps)
        .init(device)
}
