//! The `ControlNet`'s published `config.json`.

use serde::Deserialize;

use crate::models::config::{ConfigError, WIDTH, parse, require, within};
use crate::models::unet::{UNetConfig, parse_network};

const NETWORK: &str = "ControlNet";

/// A published `controlnet/config.json`.
#[derive(Clone, Debug)]
pub struct ControlNetConfig {
    /// Sizes of the encoder copy.
    pub encoder: UNetConfig,
    /// Channels of the control image.
    pub conditioning_channels: usize,
    /// Channels of the control image's embedding, at full size, half, quarter and eighth.
    pub conditioning_embedding_out_channels: Vec<usize>,
}

#[derive(Deserialize)]
struct Conditioning {
    #[serde(default = "three")]
    conditioning_channels: usize,
    #[serde(default = "sd15_channels")]
    conditioning_embedding_out_channels: Vec<usize>,
}

fn three() -> usize {
    3
}

fn sd15_channels() -> Vec<usize> {
    vec![16, 32, 96, 256]
}

impl ControlNetConfig {
    /// Reads a `ControlNet`'s `config.json`.
    ///
    /// # Errors
    /// [`ConfigError`] if it is not readable or not of the SD 1.5 family.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        let encoder = parse_network(NETWORK, json)?;
        let own: Conditioning = parse(NETWORK, json, |raw| {
            require(NETWORK, raw, "conditioning_channels", "3")
        })?;
        if own.conditioning_embedding_out_channels.len() != 4 {
            return Err(ConfigError::Unsupported {
                network: NETWORK,
                field: "conditioning_embedding_out_channels",
                found: format!("{} entries", own.conditioning_embedding_out_channels.len()),
                wanted: "four entries, so that an eighth of the size remains",
            });
        }
        for channels in &own.conditioning_embedding_out_channels {
            let field = "conditioning_embedding_out_channels";
            within(NETWORK, field, *channels, WIDTH)?;
        }
        Ok(Self {
            encoder,
            conditioning_channels: own.conditioning_channels,
            conditioning_embedding_out_channels: own.conditioning_embedding_out_channels,
        })
    }

    /// Channels of every skip connection, in order.
    pub(super) fn skip_channels(&self) -> Vec<usize> {
        let sizes = &self.encoder;
        let mut skips = vec![sizes.block_out_channels[0]];
        for (level, &channels) in sizes.block_out_channels.iter().enumerate() {
            let downsampled = usize::from(level + 1 < sizes.levels());
            skips.extend(std::iter::repeat_n(
                channels,
                sizes.layers_per_block + downsampled,
            ));
        }
        skips
    }
}
