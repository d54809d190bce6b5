//! A checkpoint, VAE or `ControlNet` in one `.safetensors` file, read as if it were a folder in the published layout.
//!
//! Such a file has weights alone. Configs come from a folder that the user names, else they are those of Stable
//! Diffusion 1.5; the vocabulary is CLIP's, which every model of the family shares.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::catalog::{CatalogError, read_file};
use super::checkpoint::{Weights, shapes, stored_tensors};
use super::clip::CLIP_MERGES;
use super::error::ModelError;
use super::family::{Contents, Naming};
use super::original::Network;

/// A file with the weights of one or more networks, or one part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SingleFile {
    path: PathBuf,
    configs: Option<PathBuf>,
    contents: Box<Contents>,
    /// Name of the folder that it stands for; empty for the whole.
    part: String,
}

impl fmt::Display for SingleFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl SingleFile {
    /// Looks at the names and shapes in a file; reads no values.
    ///
    /// # Errors
    /// [`ModelError::Checkpoint`] if it is no `.safetensors` file or damaged, [`ModelError::Family`] if nothing of it is
    /// of use.
    pub fn open(path: &Path, configs: Option<&Path>) -> Result<Self, ModelError> {
        let tensors = shapes(&stored_tensors(path)?);
        let contents = Contents::of(&tensors).map_err(|source| ModelError::Family {
            source,
            file: path.display().to_string(),
        })?;
        Ok(Self {
            path: path.to_owned(),
            configs: configs.map(Path::to_owned),
            contents: Box::new(contents),
            part: String::new(),
        })
    }

    /// The part that stands for a folder, such as `unet`.
    pub(super) fn part(&self, name: &str) -> Self {
        let mut part = self.clone();
        name.clone_into(&mut part.part);
        part
    }

    /// Whether the folder would hold this file.
    pub(super) fn has(&self, file: &str) -> bool {
        let held = |network| self.contents.naming(network).is_some();
        match file {
            "config.json" => self.network().is_some_and(held),
            "merges.txt" => self.part == "tokenizer",
            "scheduler_config.json" if self.predicts_velocity() => true,
            _ => self.named(file).iter().any(|path| path.is_file()),
        }
    }

    /// A small file of the folder, if it would hold it.
    pub(super) fn read(&self, file: &str) -> Result<Option<Cow<'static, [u8]>>, CatalogError> {
        for path in self.named(file) {
            if let Some(bytes) = read_file(path)? {
                return Ok(Some(bytes));
            }
        }
        let usual = match (file, self.network()) {
            ("config.json", Some(network)) => Some(usual_config(network)),
            ("merges.txt", _) if self.part == "tokenizer" => Some(CLIP_MERGES),
            ("scheduler_config.json", _) if self.predicts_velocity() => Some(VELOCITY),
            _ => None,
        };
        Ok(usual.map(Cow::Borrowed))
    }

    /// The weights of the part.
    pub(super) fn weights(&self) -> Result<Weights, ModelError> {
        let network = self.network().unwrap_or(Network::UNet);
        let naming = self
            .contents
            .require(network)
            .map_err(|source| ModelError::Family {
                source,
                file: self.path.display().to_string(),
            })?;
        let path = self.path.clone();
        Ok(match naming {
            Naming::Published => Weights::File(path),
            Naming::Original(prefix) => Weights::Original {
                path,
                network,
                prefix,
            },
        })
    }

    /// Whether this is the scheduler of a file that says so, which is all that it says of its noise schedule.
    fn predicts_velocity(&self) -> bool {
        self.part == "scheduler" && self.contents.predicts_velocity
    }

    fn network(&self) -> Option<Network> {
        let is_part = |network: &Network| network.folder() == self.part;
        Network::ALL.into_iter().find(is_part)
    }

    /// Where the user's folder may have a file: in the published layout, or beside all others.
    fn named(&self, file: &str) -> Vec<PathBuf> {
        let Some(configs) = &self.configs else {
            return Vec::new();
        };
        let flat = match self.network() {
            Some(Network::TextEncoder) => format!("clip_{file}"),
            Some(network) => format!("{}_{file}", network.folder()),
            None => file.to_owned(),
        };
        vec![configs.join(&self.part).join(file), configs.join(flat)]
    }
}

/// What a noise schedule's config holds that differs in prediction alone.
const VELOCITY: &[u8] = br#"{"prediction_type": "v_prediction"}"#;

/// The config that Stable Diffusion 1.5 was published with.
fn usual_config(network: Network) -> &'static [u8] {
    match network {
        Network::UNet => include_bytes!("../../models/sd15/unet.config.json"),
        Network::Vae => include_bytes!("../../models/sd15/vae.config.json"),
        Network::TextEncoder => include_bytes!("../../models/sd15/text_encoder.config.json"),
        Network::ControlNet => include_bytes!("../../models/controlnet-sd15/config.json"),
    }
}
