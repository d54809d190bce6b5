//! The autoencoder's published `config.json`.

use serde::Deserialize;
use serde_json::Value;

use crate::models::config::{ConfigError, DEPTH, WIDTH, parse, require, within};

const NETWORK: &str = "VAE";

/// A published `vae/config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct VaeConfig {
    /// Channels of pictures.
    #[serde(default = "three")]
    pub in_channels: usize,
    /// Channels of decoded pictures.
    #[serde(default = "three")]
    pub out_channels: usize,
    /// Channels of latents.
    #[serde(default = "four")]
    pub latent_channels: usize,
    /// Channels of each level, from fine to coarse.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks of an encoder level; a decoder level has one more.
    pub layers_per_block: usize,
    /// Groups of every normalisation.
    #[serde(default = "norm_num_groups")]
    pub norm_num_groups: usize,
    /// Factor between what the decoder reads and what the U-Net sees.
    #[serde(default = "sd15_scaling")]
    pub scaling_factor: f64,
    /// Whether a 1×1 convolution follows the encoder.
    #[serde(default = "yes")]
    pub use_quant_conv: bool,
    /// Whether a 1×1 convolution precedes the decoder.
    #[serde(default = "yes")]
    pub use_post_quant_conv: bool,
}

fn three() -> usize {
    3
}

fn four() -> usize {
    4
}

fn norm_num_groups() -> usize {
    32
}

fn sd15_scaling() -> f64 {
    0.18215
}

fn yes() -> bool {
    true
}

impl VaeConfig {
    /// Reads a `vae/config.json`.
    ///
    /// # Errors
    /// [`ConfigError`] if it is not readable or not of the SD 1.5 family.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        let config: Self = parse(NETWORK, json, refuse)?;
        let groups = config.norm_num_groups;
        let divides = |&channels: &usize| groups > 0 && channels.is_multiple_of(groups);
        if config.block_out_channels.len() != 4 || !config.block_out_channels.iter().all(divides) {
            return Err(ConfigError::Unsupported {
                network: NETWORK,
                field: "block_out_channels",
                found: format!("{:?}", config.block_out_channels),
                wanted: "four multiples of norm_num_groups, so that latents are an eighth of the picture",
            });
        }
        for channels in &config.block_out_channels {
            within(NETWORK, "block_out_channels", *channels, WIDTH)?;
        }
        within(NETWORK, "layers_per_block", config.layers_per_block, DEPTH)?;
        if config.scaling_factor <= 0.0 {
            return Err(ConfigError::Unsupported {
                network: NETWORK,
                field: "scaling_factor",
                found: config.scaling_factor.to_string(),
                wanted: "above 0",
            });
        }
        Ok(config)
    }
}

fn refuse(raw: &Value) -> Result<(), ConfigError> {
    if raw["latent_channels"]
        .as_u64()
        .is_some_and(|channels| channels > 4)
    {
        return Err(ConfigError::WrongFamily {
            family: "the VAE of a newer family (more than 4 latent channels)",
        });
    }
    require(NETWORK, raw, "in_channels", "3")?;
    require(NETWORK, raw, "out_channels", "3")?;
    require(NETWORK, raw, "latent_channels", "4")?;
    require(NETWORK, raw, "act_fn", "silu")?;
    require(NETWORK, raw, "mid_block_add_attention", "true")?;
    require(NETWORK, raw, "shift_factor", "null")
}
