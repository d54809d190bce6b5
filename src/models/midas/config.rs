//! Sizes of MiDaS; it is published without a `config.json`.

use serde::Deserialize;

/// Sizes of the network.
#[derive(Clone, Debug, Deserialize)]
pub struct MidasConfig {
    /// The convolutions before the transformer.
    pub resnetv2: ResNetConfig,
    /// The transformer.
    pub vit: VitConfig,
    /// Channels in which levels are fused.
    pub features: usize,
}

/// Sizes of the convolutions.
#[derive(Clone, Debug, Deserialize)]
pub struct ResNetConfig {
    /// Blocks of each stage, three stages.
    pub layers: Vec<usize>,
    /// Channels of each stage.
    pub channels: Vec<usize>,
    /// Channels of the first convolution.
    pub stem: usize,
    /// Groups of every normalisation.
    pub group_norm_groups: usize,
    /// Added to the variances of filters.
    pub std_conv_eps: f64,
}

/// Sizes of the transformer.
#[derive(Clone, Debug, Deserialize)]
pub struct VitConfig {
    /// Channels of a token.
    pub embed_dim: usize,
    /// Layers.
    pub depth: usize,
    /// Heads of each attention.
    pub heads: usize,
    /// Side of the pictures that the table of positions is for.
    pub image_size: usize,
    /// Layers, counted from 0, whose results become levels.
    pub hooks: [usize; 2],
}

impl Default for MidasConfig {
    /// DPT-hybrid, as published.
    fn default() -> Self {
        Self {
            resnetv2: ResNetConfig {
                layers: vec![3, 4, 9],
                channels: vec![256, 512, 1024],
                stem: 64,
                group_norm_groups: 32,
                std_conv_eps: 1e-8,
            },
            vit: VitConfig {
                embed_dim: 768,
                depth: 12,
                heads: 12,
                image_size: 384,
                hooks: [8, 11],
            },
            features: 256,
        }
    }
}
