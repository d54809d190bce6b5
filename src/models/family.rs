//! What a weights file holds, by the names and shapes of its tensors alone: which networks, under which names, and
//! whether they are of the SD 1.5 family.
//!
//! Source: the published key lists, and the names that set other families apart.

use super::checkpoint::TensorList;
use super::lora;
use super::original::Network;

/// Why a file is of no use here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FamilyError {
    /// Of another model family.
    #[error("this is {family}; FRESCO needs the SD 1.5 family, choose another {role}")]
    Wrong {
        /// The family, with its article.
        family: &'static str,
        /// What to choose in its place.
        role: &'static str,
    },
    /// Something else than a model, which has a place of its own, or none.
    #[error("this is {found}, {advice}")]
    OtherRole {
        /// What it is, with its article.
        found: &'static str,
        /// What to do with it.
        advice: &'static str,
    },
    /// No network that is known.
    #[error("no network of the SD 1.5 family is recognised; choose another file")]
    Unknown,
    /// The wanted network is not among those in the file.
    #[error("there is no {wanted}; {advice}")]
    Lacks {
        /// What was looked for.
        wanted: &'static str,
        /// What to do.
        advice: &'static str,
    },
}

/// How a file names the tensors of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Naming {
    /// As diffusers publishes them.
    Published,
    /// As the original code does, after a prefix.
    Original(&'static str),
}

/// Which networks a file holds, and how it names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Contents {
    networks: Vec<(Network, Naming)>,
    /// Whether it says that its U-Net predicts the velocity and not the noise.
    pub predicts_velocity: bool,
}

impl Contents {
    /// Looks at the names and shapes of a file.
    ///
    /// # Errors
    /// [`FamilyError`] for a file of another family or purpose.
    pub fn of(tensors: &TensorList) -> Result<Self, FamilyError> {
        let names = Names(tensors);
        if names.any(lora::is_part) {
            return Err(FamilyError::OtherRole {
                found: "a LoRA",
                advice: "which is added to a model; name it with --lora",
            });
        }
        names.refuse_other_families()?;
        names.refuse_other_roles()?;
        let networks = Network::ALL
            .into_iter()
            .filter_map(|network| Some((network, names.naming(network)?)));
        let contents = Self {
            networks: networks.collect(),
            predicts_velocity: names.begins("v_pred"),
        };
        if contents.networks.is_empty() {
            return Err(FamilyError::Unknown);
        }
        Ok(contents)
    }

    /// How a network is named, if the file holds it.
    #[must_use]
    pub fn naming(&self, network: Network) -> Option<Naming> {
        let found = self.networks.iter().find(|(held, _)| *held == network);
        found.map(|(_, naming)| *naming)
    }

    /// How a network is named.
    ///
    /// # Errors
    /// [`FamilyError::Lacks`] if the file does not hold it.
    pub fn require(&self, network: Network) -> Result<Naming, FamilyError> {
        let (wanted, advice) = match network {
            Network::UNet => (
                "U-Net in this file",
                "choose a whole checkpoint for --model",
            ),
            Network::Vae => (
                "VAE in this file",
                "name one with --vae, such as sd-vae-ft-mse",
            ),
            Network::TextEncoder => (
                "text encoder in this file",
                "choose a whole checkpoint for --model",
            ),
            Network::ControlNet => (
                "ControlNet in this file",
                "choose a ControlNet for --controlnet",
            ),
        };
        self.naming(network)
            .ok_or(FamilyError::Lacks { wanted, advice })
    }
}

/// The family of a network or LoRA whose attention to the text looks at tokens of this width, if it is another one.
pub(super) fn family_of_text_width(width: usize) -> Option<&'static str> {
    match width {
        1024 => Some("an SD 2 model"),
        1280 => Some("the refiner of SDXL"),
        2048 => Some("an SDXL model"),
        _ => None,
    }
}

struct Names<'a>(&'a TensorList);

impl Names<'_> {
    fn any(&self, test: impl Fn(&str) -> bool) -> bool {
        self.0.keys().any(|name| test(name))
    }

    fn begins(&self, start: &str) -> bool {
        let next = self.0.range(start.to_owned()..).next();
        next.is_some_and(|(name, _)| name.starts_with(start))
    }

    /// Channels that a layer takes, where its weight is there.
    fn channels_in(&self, weight: &str) -> Option<usize> {
        self.0.get(weight)?.get(1).copied()
    }

    fn naming(&self, network: Network) -> Option<Naming> {
        let prefix = network.prefix();
        // A first tensor of each: as diffusers names it, and as the original does.
        let (published, original) = match network {
            Network::UNet => (
                self.begins("up_blocks.") && self.begins("conv_in."),
                "output_blocks.0.",
            ),
            Network::Vae => (self.begins("decoder.up_blocks."), "decoder.up.0."),
            Network::TextEncoder => (
                self.begins("text_model.encoder.layers.") || self.begins("encoder.layers."),
                "",
            ),
            Network::ControlNet => (
                self.begins("controlnet_cond_embedding."),
                "input_hint_block.0.",
            ),
        };
        if self.begins(&format!("{prefix}{original}")) {
            Some(Naming::Original(prefix))
        } else if published {
            Some(Naming::Published)
        } else if !original.is_empty() && self.begins(original) {
            Some(Naming::Original(""))
        } else {
            None
        }
    }

    fn refuse_other_families(&self) -> Result<(), FamilyError> {
        let is_control = self.any(|name| {
            name.contains("input_hint_block.") || name.starts_with("controlnet_cond_embedding.")
        });
        let role = if is_control { "ControlNet" } else { "model" };
        let wrong = |family| Err(FamilyError::Wrong { family, role });
        if self.begins("conditioner.embedders.")
            || self.any(|name| name.contains("label_emb.") || name.starts_with("add_embedding."))
        {
            return wrong("an SDXL model");
        }
        if self.any(|name| {
            name.contains("double_blocks.") || name.contains("single_transformer_blocks.")
        }) {
            return wrong("a Flux model");
        }
        if self.any(|name| name.contains("joint_blocks.") || name.contains(".add_k_proj.")) {
            return wrong("an SD 3 model");
        }
        if self.begins("cond_stage_model.model.") {
            return wrong("an SD 2 model");
        }
        for (name, shape) in self.0 {
            if name.ends_with("attn2.to_k.weight")
                && let Some(family) = shape.get(1).and_then(|width| family_of_text_width(*width))
            {
                return wrong(family);
            }
        }
        self.refuse_other_sizes(role)
    }

    fn refuse_other_sizes(&self, role: &'static str) -> Result<(), FamilyError> {
        let wrong = |family| Err(FamilyError::Wrong { family, role });
        let first = [
            "model.diffusion_model.input_blocks.0.0.weight",
            "input_blocks.0.0.weight",
            "conv_in.weight",
        ];
        match first.into_iter().find_map(|name| self.channels_in(name)) {
            Some(5) => return wrong("a depth-guided SD 2 model (5 input channels)"),
            Some(7) => return wrong("an upscaling model (7 input channels)"),
            Some(8) => return wrong("an instruction-editing model (8 input channels)"),
            Some(9) => return wrong("an inpainting model (9 input channels)"),
            _ => {}
        }
        let latents = [
            "first_stage_model.decoder.conv_in.weight",
            "decoder.conv_in.weight",
        ];
        match latents.into_iter().find_map(|name| self.channels_in(name)) {
            Some(5..) => wrong("the VAE of a newer family (more than 4 latent channels)"),
            _ => Ok(()),
        }
    }

    fn refuse_other_roles(&self) -> Result<(), FamilyError> {
        let other = |found, advice| Err(FamilyError::OtherRole { found, advice });
        if self.begins("ztsnr") {
            return other(
                "a model with a schedule of zero terminal SNR",
                "which is not supported; choose another model",
            );
        }
        if self.any(|name| name.ends_with("time_embed.cond_proj.weight")) {
            return other(
                "a model that is told the guidance",
                "which is not supported; for few steps choose a usual model with the LCM LoRA",
            );
        }
        if self.begins("difference") {
            return other(
                "a difference ControlNet",
                "which needs the model it was made from; choose a whole one",
            );
        }
        if self.begins("lora_controlnet") {
            return other(
                "a Control-LoRA",
                "which is not supported; choose a ControlNet",
            );
        }
        if self.begins("ip_adapter") || self.begins("image_proj") {
            return other("an IP-Adapter", "which is not supported");
        }
        if self.begins("emb_params") || self.begins("string_to_param") {
            return other("a textual inversion embedding", "which is not supported");
        }
        if self.begins("adapter.") {
            return other(
                "a T2I-Adapter",
                "which is not supported; choose a ControlNet",
            );
        }
        Ok(())
    }
}
