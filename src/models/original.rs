//! Names that the original code gave its tensors, as published single files have them, to the names of the diffusers
//! layout, which every [`KeyMap`] starts from.
//!
//! Stable Diffusion 1.5 always has two residual blocks a level and four levels, so the numbers of the original's flat
//! lists have one meaning each.
//!
//! Source: the published key lists of both layouts; `models/*/` and the tests hold them.

use super::keymap::{KeyMap, Renamer};

/// A network that a single file may hold beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum Network {
    /// The noise predictor.
    UNet,
    /// The autoencoder.
    Vae,
    /// CLIP's text model.
    TextEncoder,
    /// A control network.
    ControlNet,
}

impl Network {
    /// What the names of this network begin with in a file that holds several.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::UNet => "model.diffusion_model.",
            Self::Vae => "first_stage_model.",
            Self::TextEncoder => "cond_stage_model.transformer.",
            Self::ControlNet => "control_model.",
        }
    }

    /// The name of its folder in the diffusers layout.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::UNet => "unet",
            Self::Vae => "vae",
            Self::TextEncoder => "text_encoder",
            Self::ControlNet => "controlnet",
        }
    }

    pub(super) const ALL: [Self; 4] = [Self::UNet, Self::Vae, Self::TextEncoder, Self::ControlNet];

    fn keys(self) -> KeyMap {
        match self {
            Self::UNet | Self::ControlNet => UNET,
            Self::Vae => VAE,
            Self::TextEncoder => TEXT_ENCODER,
        }
    }
}

/// From the names in one file to the published names of one network of it.
pub(super) struct OriginalNames {
    prefix: &'static str,
    renamer: Renamer,
}

impl OriginalNames {
    /// `prefix` is [`Network::prefix`], or nothing in a file that holds the network alone.
    pub(super) fn new(network: Network, prefix: &'static str) -> Self {
        Self {
            prefix,
            renamer: Renamer::new(&network.keys()),
        }
    }

    /// The published name of a tensor, or nothing if it is no weight of this network.
    pub(super) fn published(&self, name: &str) -> Option<String> {
        self.renamer.path(name.strip_prefix(self.prefix)?)
    }
}

/// Whether a name of a whole checkpoint belongs to no network, and is no leftover of training either: EMA copies, the
/// noise schedule, parts of CLIP that the text model does not use.
pub(super) fn is_unclaimed(name: &str) -> bool {
    const LEFTOVERS: &[&str] = &[
        "model_ema.",
        "cond_stage_model.",
        "alphas_cumprod",
        "betas",
        "embedding_manager.",
        "log_one_minus_",
        "logvar",
        "lvlb_weights",
        "posterior_",
        "sqrt_",
        "state_dict",
    ];
    let known = Network::ALL.map(Network::prefix);
    let mut known = known.iter().chain(LEFTOVERS);
    !known.any(|known| name.starts_with(known))
}

const UNET: KeyMap = KeyMap {
    rules: &[
        (r"^time_embed\.0\.", "time_embedding.linear_1."),
        (r"^time_embed\.2\.", "time_embedding.linear_2."),
        (r"^out\.0\.", "conv_norm_out."),
        (r"^out\.2\.", "conv_out."),
        (r"^middle_block\.0\.", "mid_block.resnets.0."),
        (r"^middle_block\.1\.", "mid_block.attentions.0."),
        (r"^middle_block\.2\.", "mid_block.resnets.1."),
        // The flat lists, first to level and place …
        (r"^input_blocks\.0\.0\.", "conv_in."),
        (r"^input_blocks\.1\.", "down_blocks.0.0."),
        (r"^input_blocks\.2\.", "down_blocks.0.1."),
        (r"^input_blocks\.3\.", "down_blocks.0.2."),
        (r"^input_blocks\.4\.", "down_blocks.1.0."),
        (r"^input_blocks\.5\.", "down_blocks.1.1."),
        (r"^input_blocks\.6\.", "down_blocks.1.2."),
        (r"^input_blocks\.7\.", "down_blocks.2.0."),
        (r"^input_blocks\.8\.", "down_blocks.2.1."),
        (r"^input_blocks\.9\.", "down_blocks.2.2."),
        (r"^input_blocks\.10\.", "down_blocks.3.0."),
        (r"^input_blocks\.11\.", "down_blocks.3.1."),
        (r"^output_blocks\.0\.", "up_blocks.0.0."),
        (r"^output_blocks\.1\.", "up_blocks.0.1."),
        (r"^output_blocks\.2\.", "up_blocks.0.2."),
        (r"^output_blocks\.3\.", "up_blocks.1.0."),
        (r"^output_blocks\.4\.", "up_blocks.1.1."),
        (r"^output_blocks\.5\.", "up_blocks.1.2."),
        (r"^output_blocks\.6\.", "up_blocks.2.0."),
        (r"^output_blocks\.7\.", "up_blocks.2.1."),
        (r"^output_blocks\.8\.", "up_blocks.2.2."),
        (r"^output_blocks\.9\.", "up_blocks.3.0."),
        (r"^output_blocks\.10\.", "up_blocks.3.1."),
        (r"^output_blocks\.11\.", "up_blocks.3.2."),
        // … then to what stands there.
        (r"^(down_blocks\.\d)\.2\.0\.op\.", "$1.downsamplers.0.conv."),
        (r"^(up_blocks\.\d)\.2\.\d\.conv\.", "$1.upsamplers.0.conv."),
        (r"^((?:down|up)_blocks\.\d)\.(\d)\.0\.", "$1.resnets.$2."),
        (r"^((?:down|up)_blocks\.\d)\.(\d)\.1\.", "$1.attentions.$2."),
        (r"\.in_layers\.0\.", ".norm1."),
        (r"\.in_layers\.2\.", ".conv1."),
        (r"\.emb_layers\.1\.", ".time_emb_proj."),
        (r"\.out_layers\.0\.", ".norm2."),
        (r"\.out_layers\.3\.", ".conv2."),
        (r"\.skip_connection\.", ".conv_shortcut."),
        // What a ControlNet has besides.
        (r"^zero_convs\.(\d+)\.0\.", "controlnet_down_blocks.$1."),
        (r"^middle_block_out\.0\.", "controlnet_mid_block."),
        (
            r"^input_hint_block\.0\.",
            "controlnet_cond_embedding.conv_in.",
        ),
        (
            r"^input_hint_block\.2\.",
            "controlnet_cond_embedding.blocks.0.",
        ),
        (
            r"^input_hint_block\.4\.",
            "controlnet_cond_embedding.blocks.1.",
        ),
        (
            r"^input_hint_block\.6\.",
            "controlnet_cond_embedding.blocks.2.",
        ),
        (
            r"^input_hint_block\.8\.",
            "controlnet_cond_embedding.blocks.3.",
        ),
        (
            r"^input_hint_block\.10\.",
            "controlnet_cond_embedding.blocks.4.",
        ),
        (
            r"^input_hint_block\.12\.",
            "controlnet_cond_embedding.blocks.5.",
        ),
        (
            r"^input_hint_block\.14\.",
            "controlnet_cond_embedding.conv_out.",
        ),
    ],
    ignored: &[],
};

const VAE: KeyMap = KeyMap {
    rules: &[
        (r"^encoder\.down\.", "encoder.down_blocks."),
        // The original counts the decoder's levels from fine to coarse.
        (r"^decoder\.up\.0\.", "decoder.up_blocks.3."),
        (r"^decoder\.up\.1\.", "decoder.up_blocks.2."),
        (r"^decoder\.up\.2\.", "decoder.up_blocks.1."),
        (r"^decoder\.up\.3\.", "decoder.up_blocks.0."),
        (r"\.block\.(\d)\.", ".resnets.$1."),
        (r"\.downsample\.conv\.", ".downsamplers.0.conv."),
        (r"\.upsample\.conv\.", ".upsamplers.0.conv."),
        (r"\.mid\.block_1\.", ".mid_block.resnets.0."),
        (r"\.mid\.block_2\.", ".mid_block.resnets.1."),
        (
            r"\.mid\.attn_1\.norm\.",
            ".mid_block.attentions.0.group_norm.",
        ),
        (
            r"\.mid\.attn_1\.(q|k|v)\.",
            ".mid_block.attentions.0.to_$1.",
        ),
        (
            r"\.mid\.attn_1\.proj_out\.",
            ".mid_block.attentions.0.to_out.0.",
        ),
        (r"\.mid\.attn_1\.", ".mid_block.attentions.0."),
        (r"\.nin_shortcut\.", ".conv_shortcut."),
        (r"\.norm_out\.", ".conv_norm_out."),
    ],
    // Training state of a file that holds the network alone.
    ignored: &[r"^loss\.", r"^model_ema\."],
};

const TEXT_ENCODER: KeyMap = KeyMap {
    rules: &[],
    // Halves and ends of CLIP that Stable Diffusion does not use.
    ignored: &[
        r"^vision_model\.",
        r"^(text|visual)_projection\.",
        r"^logit_scale$",
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    fn published(network: Network, name: &str) -> Option<String> {
        OriginalNames::new(network, network.prefix()).published(name)
    }

    #[test]
    fn flat_lists_become_levels() {
        for (network, original, diffusers) in [
            (
                Network::UNet,
                "model.diffusion_model.input_blocks.6.0.op.weight",
                "down_blocks.1.downsamplers.0.conv.weight",
            ),
            (
                Network::UNet,
                "model.diffusion_model.output_blocks.2.1.conv.bias",
                "up_blocks.0.upsamplers.0.conv.bias",
            ),
            (
                Network::UNet,
                "model.diffusion_model.output_blocks.8.2.conv.bias",
                "up_blocks.2.upsamplers.0.conv.bias",
            ),
            (
                Network::UNet,
                "model.diffusion_model.input_blocks.11.0.out_layers.3.bias",
                "down_blocks.3.resnets.1.conv2.bias",
            ),
            (
                Network::ControlNet,
                "control_model.middle_block_out.0.bias",
                "controlnet_mid_block.bias",
            ),
            (
                Network::Vae,
                "first_stage_model.decoder.up.3.block.2.conv1.bias",
                "decoder.up_blocks.0.resnets.2.conv1.bias",
            ),
        ] {
            assert_eq!(published(network, original).as_deref(), Some(diffusers));
        }
    }

    #[test]
    fn what_belongs_elsewhere_has_no_name() {
        assert_eq!(published(Network::UNet, "betas"), None);
        assert_eq!(published(Network::Vae, "model_ema.decay"), None);
        let loss = OriginalNames::new(Network::Vae, "").published("loss.logvar");
        assert_eq!(loss, None);
        assert!(!is_unclaimed("model_ema.diffusion_modelout0bias"));
        assert!(!is_unclaimed("first_stage_model.quant_conv.bias"));
        assert!(is_unclaimed("hypernetwork.0.weight"));
    }
}
