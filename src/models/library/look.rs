//! What a file of weights is, by the names and shapes of its tensors: values are not read.

use std::path::Path;

use super::manifest::Role;
use crate::models::checkpoint::{TensorList, is_pickle};
use crate::models::family::{Contents, FamilyError};
use crate::models::inspect::{self, Header, TensorInfo};
use crate::models::lora::{self, Kind};
use crate::models::original::Network;

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nature {
    /// What it is for, if its names tell.
    pub role: Option<Role>,
    /// Why it cannot be used, if it cannot.
    pub trouble: Option<String>,
}

/// What is said of a model of another family.
pub const NOT_SD15: &str = "not SD 1.5";

/// What is said of formats that can run code.
const CAN_RUN_CODE: &str = "This format can run code. Use a .safetensors file.";

/// Whether a file may be one of weights, by its name.
pub(super) fn is_weights(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    ["safetensors", "ckpt", "pth", "pt", "bin"].contains(&extension.to_lowercase().as_str())
}

/// Looks at a file of weights.
pub(super) fn look(path: &Path, role: Option<Role>) -> Nature {
    let is_safe = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
    if !is_safe {
        let is_helper = role == Some(Role::Helper) && is_pickle(path);
        let trouble = if is_helper {
            trouble(inspect::pickle_of(path))
        } else {
            Some(CAN_RUN_CODE.to_owned())
        };
        return Nature { role, trouble };
    }
    match inspect::header_of(path) {
        Ok(Ok(header)) => nature(&header),
        other => Nature {
            role: None,
            trouble: trouble(other),
        },
    }
}

/// Why a file cannot be used, if it cannot.
fn trouble<T>(found: std::io::Result<Result<T, inspect::Fault>>) -> Option<String> {
    match found {
        Ok(Ok(_)) => None,
        Ok(Err(fault)) => Some(format!("damaged: {fault}")),
        Err(error) => Some(format!("cannot be read: {error}")),
    }
}

/// What a list of tensors belongs to.
fn nature(header: &Header) -> Nature {
    let side = |side: &u64| usize::try_from(*side).unwrap_or(usize::MAX);
    let shape = |info: &TensorInfo| (info.name.clone(), info.shape.iter().map(side).collect());
    let tensors: TensorList = header.tensors.iter().map(shape).collect();
    if let Some(kind) = lora::kind(&tensors) {
        let trouble = match kind {
            Kind::Usable => None,
            Kind::OtherFamily(_) => Some(NOT_SD15.to_owned()),
            Kind::Unsupported(kind) => Some(format!(
                "this is {kind}, and only LoRA and LoCon are supported"
            )),
        };
        return Nature {
            role: Some(Role::Lora),
            trouble,
        };
    }
    let (role, trouble) = match Contents::of(&tensors) {
        Ok(contents) => (role(&contents), None),
        Err(FamilyError::Unknown) => (None, None),
        Err(FamilyError::Wrong {
            role: "ControlNet", ..
        }) => (Some(Role::ControlNet), Some(NOT_SD15.to_owned())),
        Err(FamilyError::Wrong { family, .. }) => {
            let is_vae = family.contains("VAE");
            let role = if is_vae { Role::Vae } else { Role::Checkpoint };
            (Some(role), Some(NOT_SD15.to_owned()))
        }
        Err(other) => (None, Some(other.to_string())),
    };
    Nature { role, trouble }
}

/// What a file with these networks is for.
fn role(contents: &Contents) -> Option<Role> {
    let roles = [
        (Network::ControlNet, Role::ControlNet),
        (Network::UNet, Role::Checkpoint),
        (Network::Vae, Role::Vae),
    ];
    let holds = |(network, _): &(Network, Role)| contents.naming(*network).is_some();
    roles.into_iter().find(holds).map(|(_, role)| role)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(tensors: &[(&str, &[u64])]) -> Header {
        let info = |(name, shape): &(&str, &[u64])| TensorInfo {
            name: (*name).to_owned(),
            shape: shape.to_vec(),
            ..TensorInfo::default()
        };
        Header {
            tensors: tensors.iter().map(info).collect(),
            ..Header::default()
        }
    }

    #[test]
    fn names_tell_what_a_file_is() {
        let role = |name: &str| nature(&header(&[(name, &[1])])).role;
        assert_eq!(
            role("model.diffusion_model.output_blocks.0.0.in_layers.0.bias"),
            Some(Role::Checkpoint)
        );
        assert_eq!(
            role("control_model.input_hint_block.0.bias"),
            Some(Role::ControlNet)
        );
        assert_eq!(
            role("controlnet_cond_embedding.conv_in.bias"),
            Some(Role::ControlNet)
        );
        assert_eq!(role("lora_unet_mid_block.lora_up.weight"), Some(Role::Lora));
        assert_eq!(role("decoder.up.0.block.0.norm1.bias"), Some(Role::Vae));
        assert_eq!(role("unet.mid_block.lora_A.weight"), Some(Role::Lora));
        assert_eq!(role("something.else"), None);
    }

    #[test]
    fn loras_of_every_layout_are_known_and_those_that_cannot_be_used_are_told() {
        let layer = "down_blocks.0.attentions.0.proj_in";
        let lora = |names: &[&str]| {
            let named: Vec<String> = names.iter().map(|end| format!("{layer}{end}")).collect();
            let tensors: Vec<(&str, &[u64])> = named.iter().map(|it| (&**it, &[1][..])).collect();
            let found = nature(&header(&tensors));
            assert_eq!(found.role, Some(Role::Lora), "{names:?}");
            found.trouble.unwrap_or_default()
        };
        for names in [
            [".lora_A.default.weight", ".lora_B.default.weight"],
            [
                ".lora_linear_layer.down.weight",
                ".lora_linear_layer.up.weight",
            ],
            [
                ".processor.to_q_lora.down.weight",
                ".processor.to_q_lora.up.weight",
            ],
        ] {
            assert_eq!(lora(&names), "");
        }
        for (names, kind) in [
            ([".hada_w1_b", ".hada_w2_a"], "a LoHa"),
            ([".lora_A.weight", ".lora_magnitude_vector"], "a DoRA"),
            ([".lora_down.weight", ".dora_scale"], "a DoRA"),
            ([".lokr_w1", ".alpha"], "a LoKr"),
        ] {
            assert!(lora(&names).contains(kind), "{names:?}");
        }
        let other = "diffusion_model.blocks.0.q.lora_A.weight";
        let found = nature(&header(&[(other, &[4, 4])]));
        assert_eq!(found.trouble.as_deref(), Some(NOT_SD15));
    }

    #[test]
    fn other_families_are_told_apart() {
        let name = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight";
        let trouble = |width| nature(&header(&[(name, &[320, width])])).trouble;
        assert_eq!(trouble(768), None);
        assert_eq!(trouble(1024).as_deref(), Some(NOT_SD15));
        assert_eq!(trouble(2048).as_deref(), Some(NOT_SD15));
        let lora = "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_up.weight";
        let found = nature(&header(&[(lora, &[8, 8])]));
        assert_eq!(found.role, Some(Role::Lora));
        assert_eq!(found.trouble.as_deref(), Some(NOT_SD15));
        let adapter = nature(&header(&[("adapter.body.0.in_conv.bias", &[8])]));
        assert!(
            adapter
                .trouble
                .is_some_and(|trouble| trouble.contains("T2I-Adapter"))
        );
    }
}
