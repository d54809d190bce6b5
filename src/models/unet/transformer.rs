//! The transformer after a residual block: self-attention, attention to the text, feed-forward.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::gelu;

use super::hook::{AttentionSite, UNetHook};
use crate::models::attention::{Attention, AttentionConfig};
use crate::models::resnet::{conv, norm_layer};
use crate::tensor::{Device, Tensor, group_norm};

/// A transformer block over the pixels of a feature map.
#[derive(Module, Debug)]
pub struct Transformer2D {
    norm: GroupNorm,
    proj_in: Conv2d,
    transformer_blocks: Vec<TransformerBlock>,
    proj_out: Conv2d,
}

/// One block of [`Transformer2D`], on tokens.
#[derive(Module, Debug)]
pub struct TransformerBlock {
    norm1: LayerNorm,
    attn1: Attention,
    norm2: LayerNorm,
    attn2: Attention,
    norm3: LayerNorm,
    ff: FeedForward,
}

#[derive(Module, Debug)]
struct FeedForward {
    proj: Linear,
    out: Linear,
}

/// Sizes of a [`Transformer2D`].
#[derive(Clone, Copy, Debug)]
pub(super) struct TransformerConfig {
    pub channels: usize,
    pub heads: usize,
    pub cross_attention_dim: usize,
    pub norm_num_groups: usize,
}

impl Transformer2D {
    pub(super) fn new(config: TransformerConfig, device: &Device) -> Self {
        let TransformerConfig {
            channels,
            norm_num_groups,
            ..
        } = config;
        Self {
            norm: norm_layer(norm_num_groups, channels, 1e-6, device),
            proj_in: conv([channels, channels], 1, device),
            transformer_blocks: vec![TransformerBlock::new(config, device)],
            proj_out: conv([channels, channels], 1, device),
        }
    }

    /// # Shapes
    /// `x` `[n, c, h, w]`, `text` `[n, tokens, width]` → `[n, c, h, w]`. `site.grid` is filled in here.
    pub fn forward(
        &self,
        x: Tensor<4>,
        text: &Tensor<3>,
        site: AttentionSite,
        hook: &mut dyn UNetHook,
    ) -> Tensor<4> {
        let [n, channels, height, width] = x.dims();
        let site = AttentionSite {
            grid: [height, width],
            ..site
        };
        let hidden = self.proj_in.forward(group_norm(&self.norm, x.clone()));
        let mut tokens = hidden
            .reshape([n, channels, height * width])
            .swap_dims(1, 2);
        for block in &self.transformer_blocks {
            tokens = block.forward(tokens, text, site, hook);
        }
        let hidden = tokens.swap_dims(1, 2).reshape([n, channels, height, width]);
        self.proj_out.forward(hidden) + x
    }
}

impl TransformerBlock {
    fn new(config: TransformerConfig, device: &Device) -> Self {
        let TransformerConfig {
            channels,
            heads,
            cross_attention_dim,
            ..
        } = config;
        let norm = || LayerNormConfig::new(channels).init(device);
        let attention = |context_dim| {
            let sizes = AttentionConfig {
                query_dim: channels,
                context_dim,
                heads,
                qkv_bias: false,
            };
            Attention::new(sizes, device)
        };
        Self {
            norm1: norm(),
            attn1: attention(channels),
            norm2: norm(),
            attn2: attention(cross_attention_dim),
            norm3: norm(),
            ff: FeedForward {
                proj: LinearConfig::new(channels, channels * 8).init(device),
                out: LinearConfig::new(channels * 4, channels).init(device),
            },
        }
    }

    fn forward(
        &self,
        tokens: Tensor<3>,
        text: &Tensor<3>,
        site: AttentionSite,
        hook: &mut dyn UNetHook,
    ) -> Tensor<3> {
        let normed = self.norm1.forward(tokens.clone());
        let tokens = hook.self_attention(site, &self.attn1, normed) + tokens;
        let normed = self.norm2.forward(tokens.clone());
        let tokens = self.attn2.forward(normed, text.clone()) + tokens;
        self.ff.forward(self.norm3.forward(tokens.clone())) + tokens
    }
}

impl FeedForward {
    /// GEGLU: half of the projection gates the other half.
    fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let [hidden, gate] = halves(self.proj.forward(tokens));
        self.out.forward(hidden * gelu(gate))
    }
}

fn halves(x: Tensor<3>) -> [Tensor<3>; 2] {
    let width = x.dims()[2];
    [
        x.clone().narrow(2, 0, width / 2),
        x.narrow(2, width / 2, width / 2),
    ]
}
