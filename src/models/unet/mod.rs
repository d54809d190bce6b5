//! `UNet2DConditionModel`: predicts the noise in latents, given a timestep and a text.
//!
//! It knows neither video nor FRESCO: a [`UNetHook`] may step in at two places, and [`NoHook`] gives
//! plain Stable Diffusion.
//!
//! Source: Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", 2022; the
//! published `config.json` names every size.

mod blocks;
mod config;
mod encoder;
mod free_u;
pub mod hook;
mod time_embedding;
mod transformer;

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::silu;

use super::controlnet::ControlResiduals;
use super::keymap::KeyMap;
use super::resnet::{conv, norm_layer};
use crate::tensor::{Device, Tensor, group_norm};
pub use blocks::DownBlock;
use blocks::{Given, UpBlock};
pub(super) use config::parse_network;
pub use config::{BlockKind, UNetConfig};
pub use encoder::{Encoded, Encoder};
use free_u::stage_widths;
pub use free_u::{FreeU, scale_low_frequencies};
pub use hook::{AttentionSite, NoHook, UNetHook, UNetPart};
pub use transformer::Transformer2D;

/// Names in a published `diffusion_pytorch_model.safetensors`.
pub const KEYS: KeyMap = KeyMap {
    rules: ENCODER_RULES,
    ignored: &[],
};

/// What U-Net and `ControlNet` files call their common half.
pub(super) const ENCODER_RULES: &[(&str, &str)] = &[
    (
        r"^(conv_in|time_embedding|down_blocks|mid_block)\.",
        "encoder.$1.",
    ),
    (r"\.ff\.net\.0\.proj\.", ".ff.proj."),
    (r"\.ff\.net\.2\.", ".ff.out."),
    (r"\.to_out\.0\.", ".to_out."),
    (r"\.(down|up)samplers\.0\.", ".${1}sampler."),
];

/// The noise predictor.
#[derive(Module, Debug)]
pub struct UNet2DConditionModel {
    /// Everything before the decoder.
    pub encoder: Encoder,
    up_blocks: Vec<UpBlock>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    /// What to strengthen in the decoder, if anything; not a part of the weights.
    #[module(skip)]
    pub free_u: Option<FreeU>,
    #[module(skip)]
    free_u_widths: [usize; 2],
}

impl UNet2DConditionModel {
    /// An uninitialised network of the given sizes.
    #[must_use]
    pub fn new(config: &UNetConfig, device: &Device) -> Self {
        let channels = config.block_out_channels[0];
        Self {
            encoder: Encoder::new(config, device),
            up_blocks: (0..config.levels())
                .map(|block| UpBlock::new(config, block, device))
                .collect(),
            conv_norm_out: norm_layer(config.norm_num_groups, channels, config.norm_eps, device),
            conv_out: conv([channels, config.out_channels], 3, device),
            free_u: None,
            free_u_widths: stage_widths(config),
        }
    }

    /// Predicts the noise in `latents`, all at one `timestep`. Everything is of the weights' type.
    ///
    /// # Shapes
    /// `latents` `[n, 4, h, w]`, any `h` and `w`; `text` `[n, tokens, width]` → `[n, 4, h, w]`.
    #[must_use]
    pub fn forward(
        &self,
        latents: Tensor<4>,
        timestep: usize,
        text: &Tensor<3>,
        control: Option<ControlResiduals>,
        hook: &mut dyn UNetHook,
    ) -> Tensor<4> {
        let mut encoded = self.encoder.forward(latents, timestep, text, None, hook);
        if let Some(control) = control {
            encoded = control.add_to(encoded);
        }
        self.decode(encoded, text, hook)
    }

    fn decode(&self, encoded: Encoded, text: &Tensor<3>, hook: &mut dyn UNetHook) -> Tensor<4> {
        let Encoded {
            mut skips,
            middle,
            time,
        } = encoded;
        let given = Given {
            time: &time,
            text,
            free_u: self.free_u.map(|free_u| (free_u, self.free_u_widths)),
        };
        let mut x = middle;
        for (level, block) in self.up_blocks.iter().enumerate() {
            x = hook.decoder_input(level, x);
            x = block.forward(x, given, level, &mut skips, hook);
        }
        self.conv_out
            .forward(silu(group_norm(&self.conv_norm_out, x)))
    }
}
