//! The U-Net's and the `ControlNet`'s published `config.json`.

use std::ops::RangeInclusive;

use serde::Deserialize;
use serde_json::Value;

use crate::models::config::{
    ConfigError, DEPTH, WIDTH, parse, require, small_and_positive, within,
};

/// Levels: each halves the size of what the next one sees.
const LEVELS: RangeInclusive<usize> = 1..=8;

/// A published `unet/config.json`, or the same fields of a `ControlNet`'s.
#[derive(Clone, Debug, Deserialize)]
pub struct UNetConfig {
    /// Channels of the latents.
    #[serde(default = "four")]
    pub in_channels: usize,
    /// Channels of the predicted noise.
    #[serde(default = "four")]
    pub out_channels: usize,
    /// Channels of each level, from fine to coarse.
    pub block_out_channels: Vec<usize>,
    /// Kind of each encoder level.
    pub down_block_types: Vec<BlockKind>,
    /// Kind of each decoder level, from coarse to fine; a `ControlNet` has none.
    #[serde(default)]
    pub up_block_types: Vec<BlockKind>,
    /// Residual blocks of an encoder level; a decoder level has one more.
    #[serde(default = "two")]
    pub layers_per_block: usize,
    /// Groups of every normalisation.
    #[serde(default = "norm_num_groups")]
    pub norm_num_groups: usize,
    /// Added to the variances of residual blocks.
    #[serde(default = "norm_eps")]
    pub norm_eps: f64,
    /// Width of the text embeddings.
    pub cross_attention_dim: usize,
    /// Number of heads, in spite of its published name, or one number a level.
    attention_head_dim: Heads,
    /// Offset in the frequencies of the time embedding.
    #[serde(default)]
    pub freq_shift: f64,
    /// Whether cosines come before sines in the time embedding.
    #[serde(default = "yes")]
    pub flip_sin_to_cos: bool,
}

/// Whether a level attends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum BlockKind {
    /// Residual blocks, each followed by a transformer.
    #[serde(rename = "CrossAttnDownBlock2D", alias = "CrossAttnUpBlock2D")]
    CrossAttention,
    /// Residual blocks alone.
    #[serde(rename = "DownBlock2D", alias = "UpBlock2D")]
    Plain,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Heads {
    Same(usize),
    EachLevel(Vec<usize>),
}

fn four() -> usize {
    4
}

fn two() -> usize {
    2
}

fn norm_num_groups() -> usize {
    32
}

fn norm_eps() -> f64 {
    1e-5
}

fn yes() -> bool {
    true
}

impl UNetConfig {
    /// Reads a U-Net's `config.json`.
    ///
    /// # Errors
    /// [`ConfigError`] if it is not readable or not of the SD 1.5 family.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        let config = parse_network("U-Net", json)?;
        if config.up_block_types.len() != config.block_out_channels.len() {
            return Err(level_mismatch(
                "U-Net",
                "up_block_types",
                config.up_block_types.len(),
            ));
        }
        Ok(config)
    }

    /// Number of levels.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.block_out_channels.len()
    }

    /// Attention heads at a level, counted from fine to coarse.
    #[must_use]
    pub fn heads(&self, level: usize) -> usize {
        match &self.attention_head_dim {
            Heads::Same(heads) => *heads,
            Heads::EachLevel(heads) => heads[level],
        }
    }

    /// Width of the time embedding.
    #[must_use]
    pub fn time_embed_dim(&self) -> usize {
        self.block_out_channels[0] * 4
    }
}

/// Reads and checks what a U-Net and a `ControlNet` have in common.
pub(in crate::models) fn parse_network(
    network: &'static str,
    json: &[u8],
) -> Result<UNetConfig, ConfigError> {
    let config: UNetConfig = parse(network, json, |raw| refuse(network, raw))?;
    let levels = config.block_out_channels.len();
    within(network, "number of levels", levels, LEVELS)?;
    if config.down_block_types.len() != levels {
        return Err(level_mismatch(
            network,
            "down_block_types",
            config.down_block_types.len(),
        ));
    }
    if let Heads::EachLevel(heads) = &config.attention_head_dim
        && heads.len() != levels
    {
        return Err(level_mismatch(network, "attention_head_dim", heads.len()));
    }
    refuse_sizes(network, &config)?;
    Ok(config)
}

fn level_mismatch(network: &'static str, field: &'static str, found: usize) -> ConfigError {
    let found = format!("{found} entries");
    ConfigError::Unsupported {
        network,
        field,
        found,
        wanted: "one entry a level",
    }
}

/// Sizes that memory would not hold, and divisions that would otherwise panic deep inside a layer.
fn refuse_sizes(network: &'static str, config: &UNetConfig) -> Result<(), ConfigError> {
    let text = config.cross_attention_dim;
    within(network, "layers_per_block", config.layers_per_block, DEPTH)?;
    within(network, "cross_attention_dim", text, WIDTH)?;
    small_and_positive(network, "norm_eps", config.norm_eps)?;
    // The time embedding is half sines and half cosines, the frequencies of which are divided by this difference.
    let half = config.block_out_channels[0] / 2;
    if !config.block_out_channels[0].is_multiple_of(2) || config.freq_shift >= half as f64 {
        return Err(ConfigError::Unsupported {
            network,
            field: "freq_shift",
            found: config.freq_shift.to_string(),
            wanted: "below half of block_out_channels[0], which must be even",
        });
    }
    for (level, &channels) in config.block_out_channels.iter().enumerate() {
        within(network, "block_out_channels", channels, WIDTH)?;
        let divides = |part: usize| part > 0 && channels.is_multiple_of(part);
        if !divides(config.norm_num_groups) || !divides(config.heads(level)) {
            return Err(ConfigError::Unsupported {
                network,
                field: "block_out_channels",
                found: channels.to_string(),
                wanted: "a multiple of norm_num_groups and of the number of heads",
            });
        }
    }
    Ok(())
}

fn refuse(network: &'static str, raw: &Value) -> Result<(), ConfigError> {
    let other = |family| Err(ConfigError::WrongFamily { family });
    if raw["addition_embed_type"] == "text_time" {
        return other("an SDXL model");
    }
    if raw["use_linear_projection"] == true || raw["cross_attention_dim"] == 1024 {
        return other("an SD 2 model");
    }
    match raw["in_channels"].as_u64() {
        Some(8) => return other("an instruction-editing model (8 input channels)"),
        Some(9) => return other("an inpainting model (9 input channels)"),
        _ => {}
    }
    if !raw["time_cond_proj_dim"].is_null() {
        return Err(ConfigError::Unsupported {
            network,
            field: "time_cond_proj_dim",
            found: raw["time_cond_proj_dim"].to_string(),
            wanted: "absent, because guidance is no input of the network here; for few steps choose a usual model with the LCM LoRA",
        });
    }
    for (field, wanted) in [
        ("in_channels", "4"),
        ("out_channels", "4"),
        ("act_fn", "silu"),
        ("transformer_layers_per_block", "1"),
        ("mid_block_type", "UNetMidBlock2DCrossAttn"),
        ("class_embed_type", "null"),
        ("resnet_time_scale_shift", "default"),
        ("center_input_sample", "false"),
        ("downsample_padding", "1"),
        ("only_cross_attention", "false"),
        ("controlnet_conditioning_channel_order", "rgb"),
        ("global_pool_conditions", "false"),
    ] {
        require(network, raw, field, wanted)?;
    }
    Ok(())
}
