//! Whether a file is the network that the catalogue has it as: a whole file of another network is of no use either.
//!
//! Names and shapes are compared with those of the network that would be filled from it; no value is read.

use std::path::Path;

use burn::module::Module;

use super::helpers::Helper;
use super::look;
use super::manifest::{Entry, Role};
use crate::models::KeyMap;
use crate::models::catalog::ModelFolder;
use crate::models::checkpoint::{self, CheckpointError};
use crate::models::clip::{self, ClipTextModel, TextEncoderConfig};
use crate::models::config::ConfigError;
use crate::models::controlnet::{self, ControlNetConfig, ControlNetModel};
use crate::models::depth_anything::DepthAnything;
use crate::models::egnet::EgNet;
use crate::models::error::ModelError;
use crate::models::gmflow::GmFlow;
use crate::models::hed::Hed;
use crate::models::lora::Lora;
use crate::models::midas::Midas;
use crate::models::original::Network;
use crate::models::tiny_vae::TinyDecoder;
use crate::models::u2net::U2Net;
use crate::models::unet::{self, UNet2DConditionModel, UNetConfig};
use crate::models::vae::{self, AutoencoderKL, VaeConfig};
use crate::tensor::Device;

/// Why a file cannot be used as a model of the catalogue, if it cannot: it is damaged, or another network.
#[must_use]
pub fn misfit(entry: &Entry, path: &Path) -> Option<String> {
    let nature = look::look(path, Some(entry.role));
    if nature.trouble.is_some() {
        return nature.trouble;
    }
    if let Some(role) = nature.role.filter(|role| *role != entry.role) {
        return Some(format!("another network: {role} instead of {}", entry.role));
    }
    let checked = match Helper::of(entry) {
        Some(helper) => check_helper(helper, path),
        None => check_model(entry.role, path),
    };
    checked.err().map(|error| match error {
        ModelError::Checkpoint(CheckpointError::Mismatch { mismatch, .. }) => {
            format!("another network: of its tensors, {mismatch}")
        }
        ModelError::Family { source, .. } => source.to_string(),
        other => other.to_string(),
    })
}

fn check_helper(helper: Helper, path: &Path) -> Result<(), ModelError> {
    match helper {
        Helper::GmFlow => GmFlow::check(path)?,
        Helper::Hed => Hed::check(path)?,
        Helper::U2Net => U2Net::check(path)?,
        Helper::EgNet => EgNet::check(path)?,
        Helper::DepthAnything => DepthAnything::check(path)?,
        Helper::Midas => Midas::check(path)?,
        Helper::TinyVae => TinyDecoder::check(path)?,
    }
    Ok(())
}

fn check_model(role: Role, path: &Path) -> Result<(), ModelError> {
    let (wanted, more): (Network, &[Network]) = match role {
        Role::Checkpoint => (Network::UNet, &[Network::Vae, Network::TextEncoder]),
        Role::Vae => (Network::Vae, &[]),
        Role::ControlNet => (Network::ControlNet, &[]),
        Role::Lora => return Ok(Lora::read(path).map(drop)?),
        Role::Helper => return Ok(()),
    };
    let whole = ModelFolder::open(path, None)?;
    check_part(&whole, wanted)?;
    for network in more {
        if whole.part(network.folder()).has("config.json") {
            check_part(&whole, *network)?;
        }
    }
    Ok(())
}

/// Compares a network of a single file with what its config says.
fn check_part(whole: &ModelFolder, network: Network) -> Result<(), ModelError> {
    let part = whole.part(network.folder());
    match network {
        Network::UNet => check_built(
            &part,
            UNetConfig::from_json,
            UNet2DConditionModel::new,
            &unet::KEYS,
        ),
        Network::Vae => check_built(&part, VaeConfig::from_json, AutoencoderKL::new, &vae::KEYS),
        Network::TextEncoder => check_built(
            &part,
            TextEncoderConfig::from_json,
            ClipTextModel::new,
            &clip::KEYS,
        ),
        Network::ControlNet => check_built(
            &part,
            ControlNetConfig::from_json,
            ControlNetModel::new,
            &controlnet::KEYS,
        ),
    }
}

fn check_built<C, M: Module>(
    part: &ModelFolder,
    parse: impl Fn(&[u8]) -> Result<C, ConfigError>,
    build: impl Fn(&C, &Device) -> M,
    keys: &KeyMap,
) -> Result<(), ModelError> {
    let weights = part.weights()?;
    let config = parse(&part.read("config.json")?).map_err(|source| ModelError::Config {
        folder: part.to_string(),
        source,
    })?;
    checkpoint::check(&build(&config, &Device::flex()), &weights, keys)?;
    Ok(())
}
