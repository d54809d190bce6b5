//! The text encoder's published `config.json`.

use serde::Deserialize;

use crate::models::config::{ConfigError, DEPTH, WIDTH, parse, small_and_positive, within};

const NETWORK: &str = "text encoder";

/// A published `text_encoder/config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct TextEncoderConfig {
    /// Number of tokens that the tokenizer knows.
    pub vocab_size: usize,
    /// Width of an embedding.
    pub hidden_size: usize,
    /// Width between the two layers of the feed-forward part.
    pub intermediate_size: usize,
    /// Transformer layers.
    pub num_hidden_layers: usize,
    /// Heads of each attention.
    pub num_attention_heads: usize,
    /// Tokens in a chunk, start and end included.
    pub max_position_embeddings: usize,
    /// Added to the variances.
    #[serde(default = "layer_norm_eps")]
    pub layer_norm_eps: f64,
    /// Activation of the feed-forward part.
    #[serde(default)]
    pub hidden_act: HiddenAct,
}

/// Activation of the feed-forward part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenAct {
    /// `x · sigmoid(1.702 x)`, which the original CLIP used.
    #[default]
    QuickGelu,
    /// The exact Gaussian error linear unit.
    Gelu,
}

fn layer_norm_eps() -> f64 {
    1e-5
}

impl TextEncoderConfig {
    /// Reads a `text_encoder/config.json`.
    ///
    /// # Errors
    /// [`ConfigError`] if it is not readable or its sizes do not divide.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        let config: Self = parse(NETWORK, json, |_| Ok(()))?;
        let heads = config.num_attention_heads;
        for (field, found, range) in [
            ("vocab_size", config.vocab_size, 1..=1 << 20),
            ("hidden_size", config.hidden_size, WIDTH),
            ("intermediate_size", config.intermediate_size, 1..=1 << 16),
            ("num_hidden_layers", config.num_hidden_layers, DEPTH),
            // A start, an end, and a token between them.
            (
                "max_position_embeddings",
                config.max_position_embeddings,
                3..=1 << 12,
            ),
        ] {
            within(NETWORK, field, found, range)?;
        }
        small_and_positive(NETWORK, "layer_norm_eps", config.layer_norm_eps)?;
        if heads == 0 || !config.hidden_size.is_multiple_of(heads) {
            return Err(ConfigError::Unsupported {
                network: NETWORK,
                field: "num_attention_heads",
                found: heads.to_string(),
                wanted: "a divisor of hidden_size",
            });
        }
        Ok(config)
    }
}
