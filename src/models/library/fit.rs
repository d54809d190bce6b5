//! Whether a file is the network that the catalogue has it as: a whole file of another network is of no use either.
//!
//! Names and shapes are compared with those of the network that would be filled from it; no value is read.

use std::path::Path;

use super::helpers::Helper;
use super::look;
use super::manifest::{Entry, Role};
use crate::models::catalog::ModelFolder;
use crate::models::checkpoint::CheckpointError;
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
    wanted.check(&whole.part(wanted.folder()))?;
    for network in more {
        let part = whole.part(network.folder());
        if part.has("config.json") {
            network.check(&part)?;
        }
    }
    Ok(())
}
