//! Depth-Anything's published `config.json`.

use serde::Deserialize;
use serde_json::Value;

use crate::models::config::{
    ConfigError, DEPTH, WIDTH, parse, require, small_and_positive, within,
};

const NETWORK: &str = "Depth-Anything";

/// A published `config.json`; what one leaves out has the published default.
#[derive(Clone, Debug, Deserialize)]
pub struct DepthAnythingConfig {
    /// The transformer.
    pub backbone_config: BackboneConfig,
    /// Growth of each level's grid over the transformer's.
    pub reassemble_factors: Vec<f64>,
    /// Channels of each level.
    pub neck_hidden_sizes: Vec<usize>,
    /// Channels in which levels are fused.
    pub fusion_hidden_size: usize,
    /// Channels before the last layer.
    pub head_hidden_size: usize,
}

/// The part of a config that describes the transformer.
#[derive(Clone, Debug, Deserialize)]
pub struct BackboneConfig {
    /// Channels of a token.
    pub hidden_size: usize,
    /// Layers.
    #[serde(default = "twelve")]
    pub num_hidden_layers: usize,
    /// Heads of each attention.
    pub num_attention_heads: usize,
    /// Growth in the hidden layer of the feed-forward part.
    #[serde(default = "four")]
    pub mlp_ratio: usize,
    /// Added to the variances.
    #[serde(default = "layer_norm_eps")]
    pub layer_norm_eps: f64,
    /// Side of the pictures that the table of positions is for.
    pub image_size: usize,
    /// Side of the piece of picture that becomes a token.
    pub patch_size: usize,
    /// Layers, counted from 1, whose results become levels.
    pub out_indices: Vec<usize>,
}

fn twelve() -> usize {
    12
}

fn four() -> usize {
    4
}

fn layer_norm_eps() -> f64 {
    1e-6
}

impl Default for DepthAnythingConfig {
    /// V2 Small, as published.
    fn default() -> Self {
        Self {
            backbone_config: BackboneConfig {
                hidden_size: 384,
                num_hidden_layers: 12,
                num_attention_heads: 6,
                mlp_ratio: 4,
                layer_norm_eps: 1e-6,
                image_size: 518,
                patch_size: 14,
                out_indices: vec![3, 6, 9, 12],
            },
            reassemble_factors: vec![4.0, 2.0, 1.0, 0.5],
            neck_hidden_sizes: vec![48, 96, 192, 384],
            fusion_hidden_size: 64,
            head_hidden_size: 32,
        }
    }
}

impl DepthAnythingConfig {
    /// Reads a `config.json` of the transformers layout.
    ///
    /// # Errors
    /// [`ConfigError`] if it is not readable, contradicts itself, or asks for what the published networks do not have.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        let config: Self = parse(NETWORK, json, refuse)?;
        config.check_sizes()?;
        config.check()?;
        Ok(config)
    }

    /// Sizes that memory would not hold.
    fn check_sizes(&self) -> Result<(), ConfigError> {
        let backbone = &self.backbone_config;
        for (field, found, range) in [
            ("hidden_size", backbone.hidden_size, WIDTH),
            ("num_hidden_layers", backbone.num_hidden_layers, DEPTH),
            ("mlp_ratio", backbone.mlp_ratio, 1..=16),
            ("image_size", backbone.image_size, 1..=1 << 13),
            ("fusion_hidden_size", self.fusion_hidden_size, 2..=1 << 14),
            ("head_hidden_size", self.head_hidden_size, WIDTH),
        ] {
            within(NETWORK, field, found, range)?;
        }
        for channels in &self.neck_hidden_sizes {
            within(NETWORK, "neck_hidden_sizes", *channels, WIDTH)?;
        }
        small_and_positive(NETWORK, "layer_norm_eps", backbone.layer_norm_eps)
    }

    /// Sizes that cannot be built or run.
    fn check(&self) -> Result<(), ConfigError> {
        let backbone = &self.backbone_config;
        let (layers, heads) = (backbone.num_hidden_layers, backbone.num_attention_heads);
        let (width, patch) = (backbone.hidden_size, backbone.patch_size);
        let n_levels = backbone.out_indices.len();
        let rises = backbone.out_indices.is_sorted_by(|a, b| a < b);
        let in_range = |&layer: &usize| (1..=layers).contains(&layer);
        let factor = |&factor: &f64| {
            let whole = if factor < 1.0 { 1.0 / factor } else { factor };
            (1.0..=64.0).contains(&whole) && whole.fract() == 0.0
        };
        let sizes = [self.neck_hidden_sizes.len(), self.reassemble_factors.len()];
        let rules: [(&'static str, bool, String, &'static str); 5] = [
            (
                "num_attention_heads",
                heads > 0 && width.is_multiple_of(heads),
                heads.to_string(),
                "a divisor of hidden_size",
            ),
            (
                "patch_size",
                patch > 0 && backbone.image_size.is_multiple_of(patch),
                patch.to_string(),
                "a divisor of image_size",
            ),
            (
                "out_indices",
                n_levels > 0 && rises && backbone.out_indices.iter().all(in_range),
                format!("{:?}", backbone.out_indices),
                "numbers of layers in rising order",
            ),
            (
                "neck_hidden_sizes",
                sizes == [n_levels; 2],
                format!("{:?}", self.neck_hidden_sizes),
                "one size and one reassemble factor for each of out_indices",
            ),
            (
                "reassemble_factors",
                self.reassemble_factors.iter().all(factor),
                format!("{:?}", self.reassemble_factors),
                "whole numbers or fractions of one",
            ),
        ];
        match rules.into_iter().find(|(_, holds, ..)| !holds) {
            None => Ok(()),
            Some((field, _, found, wanted)) => Err(ConfigError::Unsupported {
                network: NETWORK,
                field,
                found,
                wanted,
            }),
        }
    }
}

/// Values of the raw config that would need another network.
fn refuse(config: &Value) -> Result<(), ConfigError> {
    require(NETWORK, config, "model_type", "depth_anything")?;
    require(NETWORK, config, "depth_estimation_type", "relative")?;
    let backbone = &config["backbone_config"];
    require(NETWORK, backbone, "model_type", "dinov2")?;
    require(NETWORK, backbone, "hidden_act", "gelu")?;
    require(NETWORK, backbone, "use_swiglu_ffn", "false")?;
    require(NETWORK, backbone, "apply_layernorm", "true")?;
    require(NETWORK, backbone, "reshape_hidden_states", "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the hub's file holds, and one more field.
    fn published(more: &str) -> String {
        let backbone = r#""model_type":"dinov2","hidden_size":384,"image_size":518,"num_attention_heads":6,
            "out_indices":[3,6,9,12],"patch_size":14,"reshape_hidden_states":false"#;
        format!(
            r#"{{"model_type":"depth_anything","backbone_config":{{{backbone}{more}}},"fusion_hidden_size":64,
            "head_hidden_size":32,"neck_hidden_sizes":[48,96,192,384],"reassemble_factors":[4,2,1,0.5]}}"#
        )
    }

    #[test]
    fn the_published_config_is_the_default() {
        let read = DepthAnythingConfig::from_json(published("").as_bytes()).unwrap();
        let default = DepthAnythingConfig::default();
        assert_eq!(format!("{read:?}"), format!("{default:?}"));
    }

    #[test]
    fn what_cannot_run_is_refused_by_its_field() {
        for (more, field) in [
            (r#","hidden_act":"silu""#, "hidden_act"),
            (r#","use_swiglu_ffn":true"#, "use_swiglu_ffn"),
            (r#","num_hidden_layers":11"#, "out_indices"),
        ] {
            let error = DepthAnythingConfig::from_json(published(more).as_bytes()).unwrap_err();
            assert!(
                matches!(error, ConfigError::Unsupported { field: found, .. } if found == field),
                "{error}"
            );
        }
        let broken = published("").replace("0.5]", "0.3]");
        assert!(DepthAnythingConfig::from_json(broken.as_bytes()).is_err());
        assert!(DepthAnythingConfig::from_json(b"{}").is_err());
    }
}
