//! The half that U-Net and `ControlNet` share: from noisy latents to the middle block.

use burn::module::Module;
use burn::nn::conv::Conv2d;

use super::blocks::{DownBlock, Given, MidBlock};
use super::config::UNetConfig;
use super::hook::UNetHook;
use super::time_embedding::{TimestepEmbedding, Waves, timestep_waves};
use crate::models::resnet::conv;
use crate::tensor::{Device, Tensor};

/// Input convolution, time embedding, down blocks and middle block.
#[derive(Module, Debug)]
pub struct Encoder {
    /// 3×3 convolution from the latents.
    pub conv_in: Conv2d,
    time_embedding: TimestepEmbedding,
    /// Levels, from fine to coarse.
    pub down_blocks: Vec<DownBlock>,
    mid_block: MidBlock,
    #[module(skip)]
    waves: Waves,
}

/// What the encoder hands on.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// Every intermediate result, fine to coarse: the decoder's skip connections.
    pub skips: Vec<Tensor<4>>,
    /// Output of the middle block.
    pub middle: Tensor<4>,
    /// Time embedding `[1, width]`.
    pub time: Tensor<2>,
}

impl Encoder {
    pub(in crate::models) fn new(config: &UNetConfig, device: &Device) -> Self {
        let channels = config.block_out_channels[0];
        Self {
            conv_in: conv([config.in_channels, channels], 3, device),
            time_embedding: TimestepEmbedding::new(config, device),
            down_blocks: (0..config.levels())
                .map(|level| DownBlock::new(config, level, device))
                .collect(),
            mid_block: MidBlock::new(config, device),
            waves: Waves {
                channels,
                freq_shift: config.freq_shift,
                flip_sin_to_cos: config.flip_sin_to_cos,
            },
        }
    }

    /// Evaluates the encoder in the type of its weights.
    ///
    /// # Shapes
    /// `latents` `[n, c, h, w]`, `text` `[n, tokens, width]`; `condition` `[n or 1, c₀, h, w]` joins after the input
    /// convolution (a `ControlNet`'s embedded control image).
    pub fn forward(
        &self,
        latents: Tensor<4>,
        timestep: usize,
        text: &Tensor<3>,
        condition: Option<Tensor<4>>,
        hook: &mut dyn UNetHook,
    ) -> Encoded {
        let waves = timestep_waves(timestep, &self.waves, &latents.device());
        let time = self.time_embedding.forward(waves.cast(latents.dtype()));
        let given = Given {
            time: &time,
            text,
            free_u: None,
        };
        let mut x = self.conv_in.forward(latents);
        if let Some(condition) = condition {
            x = x + condition;
        }
        let mut skips = vec![x.clone()];
        for (level, block) in self.down_blocks.iter().enumerate() {
            x = block.forward(x, given, level, &mut skips, hook);
        }
        let middle = self.mid_block.forward(x, given, hook);
        Encoded {
            skips,
            middle,
            time,
        }
    }
}
