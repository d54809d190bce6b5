//! Levels of the U-Net: residual blocks with their transformers, going down, across and up.

use burn::module::Module;

use super::config::{BlockKind, UNetConfig};
use super::free_u::FreeU;
use super::hook::{AttentionSite, UNetHook, UNetPart};
use super::transformer::{Transformer2D, TransformerConfig};
use crate::models::resnet::{Downsample2D, ResnetBlock2D, ResnetConfig, Upsample2D};
use crate::tensor::{Device, Tensor};

/// What every block of one evaluation is given.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    /// Time embedding `[1, width]`.
    pub time: &'a Tensor<2>,
    /// Text embeddings `[n, tokens, width]`.
    pub text: &'a Tensor<3>,
    /// What to strengthen where the decoder takes a skip connection, and at which widths.
    pub free_u: Option<(FreeU, [usize; 2])>,
}

/// An encoder level.
#[derive(Module, Debug)]
pub struct DownBlock {
    /// Residual blocks, in order.
    pub resnets: Vec<ResnetBlock2D>,
    /// One transformer after each residual block, or none.
    pub attentions: Vec<Transformer2D>,
    downsampler: Option<Downsample2D>,
}

impl DownBlock {
    pub(super) fn new(config: &UNetConfig, level: usize, device: &Device) -> Self {
        let channels = &config.block_out_channels;
        let (before, here) = (channels[level.saturating_sub(1)], channels[level]);
        let layers = 0..config.layers_per_block;
        let resnet = |layer| {
            let from = if layer == 0 { before } else { here };
            ResnetBlock2D::new([from, here], &resnet_sizes(config), device)
        };
        Self {
            resnets: layers.clone().map(resnet).collect(),
            attentions: transformers(
                config,
                config.down_block_types[level],
                level,
                layers.len(),
                device,
            ),
            downsampler: (level + 1 < config.levels())
                .then(|| Downsample2D::new(here, [1; 4], device)),
        }
    }

    /// Appends every intermediate result to `skips`: the decoder takes them from the end.
    pub(super) fn forward(
        &self,
        mut x: Tensor<4>,
        given: Given<'_>,
        level: usize,
        skips: &mut Vec<Tensor<4>>,
        hook: &mut dyn UNetHook,
    ) -> Tensor<4> {
        for (layer, resnet) in self.resnets.iter().enumerate() {
            x = resnet.forward(x, Some(given.time));
            if let Some(attention) = self.attentions.get(layer) {
                x = attention.forward(x, given.text, site(UNetPart::Encoder, level, layer), hook);
            }
            skips.push(x.clone());
        }
        if let Some(downsampler) = &self.downsampler {
            x = downsampler.forward(x);
            skips.push(x.clone());
        }
        x
    }
}

/// The block between encoder and decoder.
#[derive(Module, Debug)]
pub struct MidBlock {
    resnets: Vec<ResnetBlock2D>,
    attentions: Vec<Transformer2D>,
}

impl MidBlock {
    pub(super) fn new(config: &UNetConfig, device: &Device) -> Self {
        let level = config.levels() - 1;
        let channels = config.block_out_channels[level];
        let resnet = |_| ResnetBlock2D::new([channels, channels], &resnet_sizes(config), device);
        Self {
            resnets: (0..2).map(resnet).collect(),
            attentions: transformers(config, BlockKind::CrossAttention, level, 1, device),
        }
    }

    pub(super) fn forward(
        &self,
        mut x: Tensor<4>,
        given: Given<'_>,
        hook: &mut dyn UNetHook,
    ) -> Tensor<4> {
        for (layer, resnet) in self.resnets.iter().enumerate() {
            x = resnet.forward(x, Some(given.time));
            if let Some(attention) = self.attentions.get(layer) {
                x = attention.forward(x, given.text, site(UNetPart::Middle, 0, layer), hook);
            }
        }
        x
    }
}

/// A decoder level.
#[derive(Module, Debug)]
pub struct UpBlock {
    resnets: Vec<ResnetBlock2D>,
    attentions: Vec<Transformer2D>,
    upsampler: Option<Upsample2D>,
}

impl UpBlock {
    /// `block` counts from coarse to fine.
    pub(super) fn new(config: &UNetConfig, block: usize, device: &Device) -> Self {
        let channels = &config.block_out_channels;
        let level = config.levels() - 1 - block;
        let coarser = channels[(level + 1).min(config.levels() - 1)];
        let (here, finer) = (channels[level], channels[level.saturating_sub(1)]);
        let layers = config.layers_per_block + 1;
        let resnet = |layer| {
            let from = if layer == 0 { coarser } else { here };
            let skip = if layer + 1 == layers { finer } else { here };
            ResnetBlock2D::new([from + skip, here], &resnet_sizes(config), device)
        };
        Self {
            resnets: (0..layers).map(resnet).collect(),
            attentions: transformers(config, config.up_block_types[block], level, layers, device),
            upsampler: (level > 0).then(|| Upsample2D::new(here, device)),
        }
    }

    /// Takes its skip connections from the end of `skips`, and the next one's size as its own target size.
    pub(super) fn forward(
        &self,
        mut x: Tensor<4>,
        given: Given<'_>,
        block: usize,
        skips: &mut Vec<Tensor<4>>,
        hook: &mut dyn UNetHook,
    ) -> Tensor<4> {
        for (layer, resnet) in self.resnets.iter().enumerate() {
            if let Some(mut skip) = skips.pop() {
                if let Some((free_u, widths)) = given.free_u {
                    (x, skip) = free_u.apply(widths, x, skip);
                }
                x = Tensor::cat(vec![x, skip], 1);
            }
            x = resnet.forward(x, Some(given.time));
            if let Some(attention) = self.attentions.get(layer) {
                x = attention.forward(x, given.text, site(UNetPart::Decoder, block, layer), hook);
            }
        }
        match (&self.upsampler, skips.last()) {
            (Some(upsampler), Some(next)) => {
                let [_, _, height, width] = next.dims();
                upsampler.forward(x, [height, width])
            }
            _ => x,
        }
    }
}

fn resnet_sizes(config: &UNetConfig) -> ResnetConfig {
    ResnetConfig {
        norm_num_groups: config.norm_num_groups,
        norm_eps: config.norm_eps,
        time_embed_dim: Some(config.time_embed_dim()),
    }
}

fn transformers(
    config: &UNetConfig,
    kind: BlockKind,
    level: usize,
    count: usize,
    device: &Device,
) -> Vec<Transformer2D> {
    if kind == BlockKind::Plain {
        return Vec::new();
    }
    let sizes = TransformerConfig {
        channels: config.block_out_channels[level],
        heads: config.heads(level),
        cross_attention_dim: config.cross_attention_dim,
        norm_num_groups: config.norm_num_groups,
    };
    (0..count)
        .map(|_| Transformer2D::new(sizes, device))
        .collect()
}

fn site(part: UNetPart, level: usize, layer: usize) -> AttentionSite {
    AttentionSite {
        part,
        level,
        layer,
        grid: [0, 0],
    }
}
