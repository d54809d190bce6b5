//! What a file of weights is, by the names and shapes of its tensors: values are not read.

use std::path::Path;

use super::manifest::Role;
use crate::models::checkpoint::is_pickle;
use crate::models::inspect::{self, Header};

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nature {
    /// What it is for, if its names tell.
    pub role: Option<Role>,
    /// Why it cannot be used, if it cannot.
    pub trouble: Option<String>,
}

/// Length of the text embeddings that networks of the SD 1.5 family attend to.
const SD15_CONTEXT: u64 = 768;

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
    let names = || header.tensors.iter().map(|tensor| tensor.name.as_str());
    let any = |part: &str| names().any(|name| name.contains(part));
    let starts = |start: &str| names().any(|name| name.starts_with(start));
    let is_lora = any(".lora_") || any(".lora.") || starts("lora_");
    let role = if is_lora {
        Some(Role::Lora)
    } else if starts("control_model.") || any("controlnet_cond_embedding.") {
        Some(Role::ControlNet)
    } else if starts("model.diffusion_model.") {
        Some(Role::Checkpoint)
    } else if starts("encoder.conv_in.") && starts("decoder.conv_in.") {
        Some(Role::Vae)
    } else {
        None
    };
    let context = header.tensors.iter().find_map(|tensor| {
        let is_it = tensor.name.ends_with("attn2.to_k.weight");
        tensor.shape.get(1).filter(|_| is_it).copied()
    });
    let is_other = starts("conditioner.") || context.is_some_and(|length| length != SD15_CONTEXT);
    Nature {
        role,
        trouble: is_other.then(|| "not SD 1.5".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::inspect::TensorInfo;

    fn header(tensors: &[(&str, &[u64])]) -> Header {
        let info = |(name, shape): &(&str, &[u64])| TensorInfo {
            name: (*name).to_owned(),
            shape: shape.to_vec(),
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
            role("model.diffusion_model.out.2.bias"),
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
        assert_eq!(role("lora_unet_mid_block.alpha"), Some(Role::Lora));
        assert_eq!(role("unet.mid_block.lora_A.weight"), Some(Role::Lora));
        assert_eq!(role("something.else"), None);
    }

    #[test]
    fn other_families_are_told_apart() {
        let name = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight";
        let trouble = |width| nature(&header(&[(name, &[320, width])])).trouble;
        assert_eq!(trouble(768), None);
        assert_eq!(trouble(1024).as_deref(), Some("not SD 1.5"));
        assert_eq!(trouble(2048).as_deref(), Some("not SD 1.5"));
    }
}
