//! From the control image to the resolution of the latents.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::silu;

use super::config::ControlNetConfig;
use crate::models::resnet::{conv, strided_conv};
use crate::tensor::{Device, Tensor};

/// Convolutions with `SiLU` that shrink the control image by eight.
#[derive(Module, Debug)]
pub(super) struct ConditioningEmbedding {
    conv_in: Conv2d,
    blocks: Vec<Conv2d>,
    conv_out: Conv2d,
}

impl ConditioningEmbedding {
    pub(super) fn new(config: &ControlNetConfig, device: &Device) -> Self {
        let channels = &config.conditioning_embedding_out_channels;
        let blocks = channels.windows(2).flat_map(|pair| {
            let (here, next) = (pair[0], pair[1]);
            [
                conv([here, here], 3, device),
                strided_conv([here, next], [1; 4], device),
            ]
        });
        let last = channels[channels.len() - 1];
        Self {
            conv_in: conv([config.conditioning_channels, channels[0]], 3, device),
            blocks: blocks.collect(),
            conv_out: conv([last, config.encoder.block_out_channels[0]], 3, device),
        }
    }

    pub(super) fn forward(&self, control: Tensor<4>) -> Tensor<4> {
        let mut x = silu(self.conv_in.forward(control));
        for block in &self.blocks {
            x = silu(block.forward(x));
        }
        self.conv_out.forward(x)
    }
}
