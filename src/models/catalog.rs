//! Where a model's files are: a folder in the published layout, or the demo model inside the program.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::bundled;
use super::checkpoint::Weights;
use crate::files::ContentHash;

/// A model's folder, or the folder of one of its networks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ModelFolder {
    /// Inside the program, by its path in the demo model.
    Bundled(String),
    /// On disk.
    Disk(PathBuf),
}

impl fmt::Display for ModelFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled(path) if path.is_empty() => f.write_str("the bundled demo model"),
            Self::Bundled(path) => write!(f, "{path} of the bundled demo model"),
            Self::Disk(path) => path.display().fmt(f),
        }
    }
}

/// Why a model's files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// There is no such folder.
    #[error("there is no model folder {}; name one that holds unet/, vae/, text_encoder/ and tokenizer/", .0.display())]
    NoFolder(PathBuf),
    /// A file instead of a folder.
    #[error("models are read from folders in the diffusers layout so far, this is a file: {}", .0.display())]
    NotAFolder(PathBuf),
    /// A file of the published layout is not there.
    #[error("{file} is missing in {folder}; download the model's folder again")]
    Missing {
        /// What was looked for.
        file: &'static str,
        /// Where.
        folder: ModelFolder,
    },
    /// Only weights that can run code are there.
    #[error(
        "{folder} holds weights only as {file}, which can run code; convert them to .safetensors"
    )]
    OnlyPickle {
        /// The file found.
        file: &'static str,
        /// Where.
        folder: ModelFolder,
    },
    /// The file is there and cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Names under which weights are published, in the order of preference.
const WEIGHTS: [&str; 4] = [
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.fp16.safetensors",
    "model.safetensors",
    "model.fp16.safetensors",
];

const PICKLES: [&str; 4] = [
    "diffusion_pytorch_model.bin",
    "diffusion_pytorch_model.fp16.bin",
    "pytorch_model.bin",
    "pytorch_model.fp16.bin",
];

impl ModelFolder {
    /// The demo model.
    #[must_use]
    pub fn bundled() -> Self {
        Self::Bundled(String::new())
    }

    /// A folder on disk.
    ///
    /// # Errors
    /// [`CatalogError::NoFolder`] if nothing is there, [`CatalogError::NotAFolder`] for a file.
    pub fn at(path: &Path) -> Result<Self, CatalogError> {
        if path.is_dir() {
            Ok(Self::Disk(path.to_owned()))
        } else if path.exists() {
            Err(CatalogError::NotAFolder(path.to_owned()))
        } else {
            Err(CatalogError::NoFolder(path.to_owned()))
        }
    }

    /// The folder of one network, such as `unet`.
    #[must_use]
    pub fn part(&self, name: &str) -> Self {
        match self {
            Self::Bundled(path) if path.is_empty() => Self::Bundled(name.to_owned()),
            Self::Bundled(path) => Self::Bundled(format!("{path}/{name}")),
            Self::Disk(path) => Self::Disk(path.join(name)),
        }
    }

    /// The folder itself if it holds a network, else its part `name`: a VAE is published both ways.
    #[must_use]
    pub fn network(self, name: &str) -> Self {
        if self.has("config.json") {
            self
        } else {
            self.part(name)
        }
    }

    /// Whether a file is there.
    #[must_use]
    pub fn has(&self, file: &str) -> bool {
        match self {
            Self::Bundled(path) => embedded(path, file).is_some(),
            Self::Disk(path) => path.join(file).is_file(),
        }
    }

    /// A small file, whole.
    ///
    /// # Errors
    /// [`CatalogError::Missing`] or [`CatalogError::Read`].
    pub fn read(&self, file: &'static str) -> Result<Cow<'static, [u8]>, CatalogError> {
        let missing = || CatalogError::Missing {
            file,
            folder: self.clone(),
        };
        match self {
            Self::Bundled(path) => embedded(path, file).map(Cow::Borrowed).ok_or_else(missing),
            Self::Disk(path) => match std::fs::read(path.join(file)) {
                Ok(bytes) => Ok(Cow::Owned(bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing()),
                Err(source) => Err(CatalogError::Read {
                    path: path.join(file),
                    source,
                }),
            },
        }
    }

    /// The weights of a network's folder.
    ///
    /// # Errors
    /// [`CatalogError::OnlyPickle`] or [`CatalogError::Missing`].
    pub fn weights(&self) -> Result<Weights, CatalogError> {
        let folder = || self.clone();
        if let Some(file) = WEIGHTS.into_iter().find(|file| self.has(file)) {
            return Ok(match self {
                Self::Disk(path) => Weights::File(path.join(file)),
                Self::Bundled(path) => Weights::Embedded {
                    name: format!("{path}/{file}"),
                    bytes: embedded(path, file).unwrap_or_default(),
                },
            });
        }
        match PICKLES.into_iter().find(|file| self.has(file)) {
            Some(file) => Err(CatalogError::OnlyPickle {
                file,
                folder: folder(),
            }),
            None => Err(CatalogError::Missing {
                file: WEIGHTS[0],
                folder: folder(),
            }),
        }
    }

    /// Identity of a network by the content of its config and weights.
    ///
    /// # Errors
    /// As [`Self::read`] and [`Self::weights`].
    pub fn content_hash(&self) -> Result<ContentHash, CatalogError> {
        let config = ContentHash::of_bytes(&self.read("config.json")?);
        let weights = match self.weights()? {
            Weights::Embedded { bytes, .. } => ContentHash::of_bytes(bytes),
            Weights::File(path) => {
                ContentHash::of_file(&path).map_err(|source| CatalogError::Read {
                    path: path.clone(),
                    source,
                })?
            }
        };
        Ok(ContentHash::of_value(&[config, weights]))
    }
}

fn embedded(folder: &str, file: &str) -> Option<&'static [u8]> {
    let path = format!("{folder}/{file}");
    bundled::FILES
        .iter()
        .find(|(name, _)| *name == path)
        .map(|(_, bytes)| *bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_model_is_whole() {
        let model = ModelFolder::bundled();
        for network in ["unet", "vae", "controlnet", "text_encoder"] {
            assert!(model.part(network).content_hash().is_ok(), "{network}");
        }
        assert!(model.part("tokenizer").has("vocab.json"));
    }

    #[test]
    fn pickles_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pytorch_model.bin"), b"x").unwrap();
        let model = ModelFolder::at(folder.path()).unwrap();
        assert!(matches!(
            model.weights(),
            Err(CatalogError::OnlyPickle { .. })
        ));
        let file = ModelFolder::at(&folder.path().join("pytorch_model.bin"));
        assert!(matches!(file, Err(CatalogError::NotAFolder(_))));
        let nothing = ModelFolder::at(&folder.path().join("x"));
        assert!(matches!(nothing, Err(CatalogError::NoFolder(_))));
    }
}
