//! `ControlNetModel`: a copy of the U-Net's encoder that steers it by a control image.
//!
//! Source: Zhang et al., "Adding Conditional Control to Text-to-Image Diffusion Models", 2023.

mod config;
mod embedding;

use burn::module::Module;
use burn::nn::conv::Conv2d;

use super::keymap::KeyMap;
use super::resnet::conv;
use super::unet::{ENCODER_RULES, Encoded, Encoder, NoHook};
use crate::tensor::{Device, Tensor};
pub use config::ControlNetConfig;
use embedding::ConditioningEmbedding;

/// Names in a published `diffusion_pytorch_model.safetensors`.
pub const KEYS: KeyMap = KeyMap {
    rules: ENCODER_RULES,
    ignored: &[],
};

/// Encoder copy, embedding of the control image, and the convolutions that training starts at zero.
#[derive(Module, Debug)]
pub struct ControlNetModel {
    encoder: Encoder,
    controlnet_cond_embedding: ConditioningEmbedding,
    controlnet_down_blocks: Vec<Conv2d>,
    controlnet_mid_block: Conv2d,
}

/// What a `ControlNet` adds to the U-Net: one tensor for each skip connection, and one for the middle.
#[derive(Clone, Debug)]
pub struct ControlResiduals {
    /// In the order of the skip connections, fine to coarse.
    pub down: Vec<Tensor<4>>,
    /// For the output of the middle block.
    pub middle: Tensor<4>,
}

impl ControlNetModel {
    /// An uninitialised network of the given sizes.
    #[must_use]
    pub fn new(config: &ControlNetConfig, device: &Device) -> Self {
        let sizes = &config.encoder;
        let zero_conv = |channels: usize| conv([channels, channels], 1, device);
        let channels = &sizes.block_out_channels;
        let last = channels[sizes.levels() - 1];
        Self {
            encoder: Encoder::new(sizes, device),
            controlnet_cond_embedding: ConditioningEmbedding::new(config, device),
            controlnet_down_blocks: config.skip_channels().into_iter().map(zero_conv).collect(),
            controlnet_mid_block: zero_conv(last),
        }
    }

    /// Embeds control images, once for all steps.
    ///
    /// # Shapes
    /// `[n, 3, height, width]` in `[0, 1]` → `[n, c₀, height/8, width/8]`.
    #[must_use]
    pub fn embed(&self, control: Tensor<4>) -> Tensor<4> {
        self.controlnet_cond_embedding.forward(control)
    }

    /// # Shapes
    /// `latents` `[n, 4, h, w]`, `text` `[n, tokens, width]`, `embedded` `[n, c₀, h, w]` from [`Self::embed`].
    #[must_use]
    pub fn forward(
        &self,
        latents: Tensor<4>,
        timestep: usize,
        text: &Tensor<3>,
        embedded: Tensor<4>,
    ) -> ControlResiduals {
        let Encoded { skips, middle, .. } =
            self.encoder
                .forward(latents, timestep, text, Some(embedded), &mut NoHook);
        let convs = self.controlnet_down_blocks.iter();
        ControlResiduals {
            down: convs
                .zip(skips)
                .map(|(conv, skip)| conv.forward(skip))
                .collect(),
            middle: self.controlnet_mid_block.forward(middle),
        }
    }
}

impl ControlResiduals {
    /// All residuals multiplied by `conditioning_scale`.
    #[must_use]
    pub fn scaled(self, conditioning_scale: f32) -> Self {
        Self {
            down: self
                .down
                .into_iter()
                .map(|t| t * conditioning_scale)
                .collect(),
            middle: self.middle * conditioning_scale,
        }
    }

    /// The sum of two `ControlNets`' residuals.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            down: self
                .down
                .into_iter()
                .zip(other.down)
                .map(|(a, b)| a + b)
                .collect(),
            middle: self.middle + other.middle,
        }
    }

    pub(super) fn add_to(self, encoded: Encoded) -> Encoded {
        let skips = encoded
            .skips
            .into_iter()
            .zip(self.down)
            .map(|(skip, add)| skip + add);
        Encoded {
            skips: skips.collect(),
            middle: encoded.middle + self.middle,
            ..encoded
        }
    }
}
