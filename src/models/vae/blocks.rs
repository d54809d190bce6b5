//! Encoder and decoder of the autoencoder.

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::silu;

use super::bands::Bands;
use super::config::VaeConfig;
use crate::models::attention::{Attention, AttentionConfig};
use crate::models::resnet::{
    Downsample2D, ResnetBlock2D, ResnetConfig, Upsample2D, conv, norm_layer,
};
use crate::tensor::read::ReadError;
use crate::tensor::{Device, Tensor, group_norm};

const EPSILON: f64 = 1e-6;

/// The published encoder pads below and to the right only.
const DOWNSAMPLE_PADDING: [usize; 4] = [0, 0, 1, 1];

#[derive(Module, Debug)]
pub(super) struct Encoder {
    conv_in: Conv2d,
    down_blocks: Vec<DownBlock>,
    mid_block: MidBlock,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
}

#[derive(Module, Debug)]
pub(super) struct Decoder {
    conv_in: Conv2d,
    mid_block: MidBlock,
    up_blocks: Vec<UpBlock>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
}

#[derive(Module, Debug)]
struct DownBlock {
    resnets: Vec<ResnetBlock2D>,
    downsampler: Option<Downsample2D>,
}

#[derive(Module, Debug)]
struct UpBlock {
    resnets: Vec<ResnetBlock2D>,
    upsampler: Option<Upsample2D>,
}

#[derive(Module, Debug)]
struct MidBlock {
    resnets: Vec<ResnetBlock2D>,
    attentions: Vec<SelfAttention>,
}

/// Single-headed attention of all pixels on all pixels.
#[derive(Module, Debug)]
struct SelfAttention {
    group_norm: GroupNorm,
    attention: Attention,
}

fn resnet(config: &VaeConfig, channels: [usize; 2], device: &Device) -> ResnetBlock2D {
    let sizes = ResnetConfig {
        norm_num_groups: config.norm_num_groups,
        norm_eps: EPSILON,
        time_embed_dim: None,
    };
    ResnetBlock2D::new(channels, &sizes, device)
}

fn norm(config: &VaeConfig, channels: usize, device: &Device) -> GroupNorm {
    norm_layer(config.norm_num_groups, channels, EPSILON, device)
}

impl Encoder {
    pub(super) fn new(config: &VaeConfig, device: &Device) -> Self {
        let channels = &config.block_out_channels;
        let last = channels[channels.len() - 1];
        Self {
            conv_in: conv([config.in_channels, channels[0]], 3, device),
            down_blocks: (0..channels.len())
                .map(|level| DownBlock::new(config, level, device))
                .collect(),
            mid_block: MidBlock::new(config, last, device),
            conv_norm_out: norm(config, last, device),
            conv_out: conv([last, config.latent_channels * 2], 3, device),
        }
    }

    pub(super) fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        let mut x = self.conv_in.forward(pictures);
        for block in &self.down_blocks {
            x = block.forward(x);
        }
        self.finish(x)
    }

    /// [`Self::forward`] of one picture, band by band.
    pub(super) fn forward_in_bands(&self, picture: Tensor<4>) -> Result<Tensor<4>, ReadError> {
        let mut x = Bands::of(picture)?.convolved(&self.conv_in)?;
        for block in &self.down_blocks {
            for resnet in &block.resnets {
                x = x.resnet(resnet)?;
            }
            if let Some(downsampler) = &block.downsampler {
                x = x.downsampled(downsampler)?;
            }
        }
        Ok(self.finish(x.joined()))
    }

    fn finish(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.mid_block.forward(x);
        self.conv_out
            .forward(silu(group_norm(&self.conv_norm_out, x)))
    }
}

impl Decoder {
    pub(super) fn new(config: &VaeConfig, device: &Device) -> Self {
        let channels = &config.block_out_channels;
        let last = channels[channels.len() - 1];
        Self {
            conv_in: conv([config.latent_channels, last], 3, device),
            mid_block: MidBlock::new(config, last, device),
            up_blocks: (0..channels.len())
                .map(|block| UpBlock::new(config, block, device))
                .collect(),
            conv_norm_out: norm(config, channels[0], device),
            conv_out: conv([channels[0], config.out_channels], 3, device),
        }
    }

    pub(super) fn forward(&self, latents: Tensor<4>) -> Tensor<4> {
        let mut x = self.mid_block.forward(self.conv_in.forward(latents));
        for block in &self.up_blocks {
            x = block.forward(x);
        }
        self.conv_out
            .forward(silu(group_norm(&self.conv_norm_out, x)))
    }

    /// [`Self::forward`] of one picture, band by band.
    pub(super) fn forward_in_bands(&self, latents: Tensor<4>) -> Result<Tensor<4>, ReadError> {
        let x = self.mid_block.forward(self.conv_in.forward(latents));
        let mut x = Bands::of(x)?;
        for block in &self.up_blocks {
            for resnet in &block.resnets {
                x = x.resnet(resnet)?;
            }
            if let Some(upsampler) = &block.upsampler {
                x = x.upsampled(upsampler)?;
            }
        }
        let picture = x.normed_and_convolved(&self.conv_norm_out, &self.conv_out)?;
        Ok(picture.joined())
    }
}

impl DownBlock {
    fn new(config: &VaeConfig, level: usize, device: &Device) -> Self {
        let channels = &config.block_out_channels;
        let (before, here) = (channels[level.saturating_sub(1)], channels[level]);
        let block = |layer| {
            resnet(
                config,
                [if layer == 0 { before } else { here }, here],
                device,
            )
        };
        Self {
            resnets: (0..config.layers_per_block).map(block).collect(),
            downsampler: (level + 1 < channels.len())
                .then(|| Downsample2D::new(here, DOWNSAMPLE_PADDING, device)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self
            .resnets
            .iter()
            .fold(x, |x, resnet| resnet.forward(x, None));
        match &self.downsampler {
            Some(downsampler) => downsampler.forward(x),
            None => x,
        }
    }
}

impl UpBlock {
    /// `block` counts from coarse to fine.
    fn new(config: &VaeConfig, block: usize, device: &Device) -> Self {
        let channels = &config.block_out_channels;
        let level = channels.len() - 1 - block;
        let (coarser, here) = (
            channels[(level + 1).min(channels.len() - 1)],
            channels[level],
        );
        let layer = |layer| {
            resnet(
                config,
                [if layer == 0 { coarser } else { here }, here],
                device,
            )
        };
        Self {
            resnets: (0..=config.layers_per_block).map(layer).collect(),
            upsampler: (level > 0).then(|| Upsample2D::new(here, device)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self
            .resnets
            .iter()
            .fold(x, |x, resnet| resnet.forward(x, None));
        match &self.upsampler {
            Some(upsampler) => {
                let [_, _, height, width] = x.dims();
                upsampler.forward(x, [height * 2, width * 2])
            }
            None => x,
        }
    }
}

impl MidBlock {
    fn new(config: &VaeConfig, channels: usize, device: &Device) -> Self {
        Self {
            resnets: (0..2)
                .map(|_| resnet(config, [channels, channels], device))
                .collect(),
            attentions: vec![SelfAttention::new(config, channels, device)],
        }
    }

    fn forward(&self, mut x: Tensor<4>) -> Tensor<4> {
        for (layer, resnet) in self.resnets.iter().enumerate() {
            x = resnet.forward(x, None);
            if let Some(attention) = self.attentions.get(layer) {
                x = attention.forward(x);
            }
        }
        x
    }
}

impl SelfAttention {
    fn new(config: &VaeConfig, channels: usize, device: &Device) -> Self {
        let sizes = AttentionConfig {
            query_dim: channels,
            context_dim: channels,
            heads: 1,
            qkv_bias: true,
        };
        Self {
            group_norm: norm(config, channels, device),
            attention: Attention::new(sizes, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, channels, height, width] = x.dims();
        let normed = group_norm(&self.group_norm, x.clone());
        let tokens = normed
            .reshape([n, channels, height * width])
            .swap_dims(1, 2);
        let attended = self.attention.forward(tokens.clone(), tokens);
        attended
            .swap_dims(1, 2)
            .reshape([n, channels, height, width])
            + x
    }
}
