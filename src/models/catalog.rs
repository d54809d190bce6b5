//! Where a model's files are: a folder in the published layout, the demo model inside the program, or a single file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::bundled;
use super::checkpoint::{CheckpointError, Weights, is_pickle};
use super::config::ConfigError;
use super::error::ModelError;
use super::single_file::SingleFile;
use crate::files::{self, ContentHash};

/// A model, or one of its networks: a folder, or a single file that is read as if it were one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ModelFolder {
    /// Inside the program, by its path in the demo model.
    Bundled(String),
    /// On disk.
    Disk(PathBuf),
    /// A checkpoint, VAE or `ControlNet` in one file.
    File(SingleFile),
}

impl fmt::Display for ModelFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled(path) if path.is_empty() => f.write_str("the bundled demo model"),
            Self::Bundled(path) => write!(f, "{path} of the bundled demo model"),
            Self::Disk(path) => path.display().fmt(f),
            Self::File(file) => file.fmt(f),
        }
    }
}

/// Why a model's files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// There is nothing.
    #[error("there is no model there; name a .safetensors file, or a folder that holds unet/, vae/, text_encoder/ and tokenizer/: {}", .0.display())]
    NotThere(PathBuf),
    /// A file of another format.
    #[error("a model is a .safetensors file or a folder in the diffusers layout, this is neither: {}", .0.display())]
    NotAModel(PathBuf),
    /// A file in a format that can run code.
    #[error("this format can run code; use a .safetensors file: {}", .0.display())]
    Pickle(PathBuf),
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

/// More than any config, vocabulary or merge list has.
const MOST_BYTES: u64 = 1 << 24;

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

    /// A folder or a `.safetensors` file on disk. `configs` is a folder with the configs of a single file, which has
    /// none of its own.
    ///
    /// # Errors
    /// [`ModelError`] if nothing is there, or if it is of another format, damaged or of another family.
    pub fn open(path: &Path, configs: Option<&Path>) -> Result<Self, ModelError> {
        if path.is_dir() {
            return Ok(Self::Disk(path.to_owned()));
        }
        if !path.exists() {
            return Err(CatalogError::NotThere(path.to_owned()).into());
        }
        if !path.is_file() {
            return Err(CatalogError::NotAModel(path.to_owned()).into());
        }
        if is_pickle(path) {
            return Err(CatalogError::Pickle(path.to_owned()).into());
        }
        match SingleFile::open(path, configs) {
            Ok(file) => Ok(Self::File(file)),
            Err(ModelError::Checkpoint(CheckpointError::NotSafetensors(path))) => {
                Err(CatalogError::NotAModel(path).into())
            }
            Err(error) => Err(error),
        }
    }

    /// The folder of one network, such as `unet`.
    #[must_use]
    pub fn part(&self, name: &str) -> Self {
        match self {
            Self::Bundled(path) if path.is_empty() => Self::Bundled(name.to_owned()),
            Self::Bundled(path) => Self::Bundled(format!("{path}/{name}")),
            Self::Disk(path) => Self::Disk(path.join(name)),
            Self::File(file) => Self::File(file.part(name)),
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
            Self::File(single) => single.has(file),
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
            Self::Disk(path) => read_file(path.join(file))?.ok_or_else(missing),
            Self::File(single) => single.read(file)?.ok_or_else(missing),
        }
    }

    /// The config of a network's folder.
    ///
    /// # Errors
    /// As [`Self::read`], and [`ModelError::Config`] if `parse` refuses it.
    pub fn config<C>(
        &self,
        parse: impl Fn(&[u8]) -> Result<C, ConfigError>,
    ) -> Result<C, ModelError> {
        parse(&self.read("config.json")?).map_err(|source| ModelError::Config {
            folder: self.to_string(),
            source,
        })
    }

    /// The weights of a network's folder.
    ///
    /// # Errors
    /// [`CatalogError::OnlyPickle`] or [`CatalogError::Missing`]; [`ModelError::Family`] for a single file without this
    /// network.
    pub fn weights(&self) -> Result<Weights, ModelError> {
        let found = WEIGHTS.into_iter().find(|file| self.has(file));
        match (self, found) {
            (Self::File(single), _) => single.weights(),
            (Self::Disk(path), Some(file)) => Ok(Weights::File(path.join(file))),
            (Self::Bundled(path), Some(file)) => Ok(Weights::Embedded {
                name: format!("{path}/{file}"),
                bytes: embedded(path, file).unwrap_or_default(),
            }),
            (_, None) => Err(self.lacking_weights().into()),
        }
    }

    fn lacking_weights(&self) -> CatalogError {
        let folder = self.clone();
        match PICKLES.into_iter().find(|file| self.has(file)) {
            Some(file) => CatalogError::OnlyPickle { file, folder },
            None => CatalogError::Missing {
                file: WEIGHTS[0],
                folder,
            },
        }
    }

    /// Identity of a network by the content of its config and weights. A file that holds several networks is read once
    /// for all that share `hashes`.
    ///
    /// # Errors
    /// As [`Self::read`] and [`Self::weights`].
    pub fn content_hash(&self, hashes: &mut FileHashes) -> Result<ContentHash, ModelError> {
        let config = ContentHash::of_bytes(&self.read("config.json")?);
        let weights = match self.weights()? {
            Weights::Embedded { bytes, .. } => ContentHash::of_bytes(bytes),
            Weights::File(path) | Weights::Pickle(path) | Weights::Original { path, .. } => {
                hashes.of(&path)?
            }
        };
        Ok(ContentHash::of_value(&[config, weights]))
    }
}

/// Hashes of large files, each read once.
#[derive(Debug, Default)]
pub struct FileHashes(BTreeMap<PathBuf, ContentHash>);

impl FileHashes {
    /// Hash of a file's content.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn of(&mut self, path: &Path) -> Result<ContentHash, CatalogError> {
        if let Some(hash) = self.0.get(path) {
            return Ok(hash.clone());
        }
        let hash = ContentHash::of_file(path).map_err(|source| CatalogError::Read {
            path: path.to_owned(),
            source,
        })?;
        self.0.insert(path.to_owned(), hash.clone());
        Ok(hash)
    }
}

/// A small file of a folder, whole, if it is there.
pub(super) fn read_file(path: PathBuf) -> Result<Option<Cow<'static, [u8]>>, CatalogError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        files::open(&path)?
            .take(MOST_BYTES + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => Ok(Some(Cow::Owned(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CatalogError::Read { path, source }),
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
            let hash = model.part(network).content_hash(&mut FileHashes::default());
            assert!(hash.is_ok(), "{network}");
        }
        assert!(model.part("tokenizer").has("vocab.json"));
    }

    #[test]
    fn pickles_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pytorch_model.bin"), b"x").unwrap();
        let open = |name: &str| ModelFolder::open(&folder.path().join(name), None);
        let weights = open("").unwrap().weights();
        assert!(matches!(
            weights,
            Err(ModelError::Catalog(CatalogError::OnlyPickle { .. }))
        ));
        let file = open("pytorch_model.bin");
        assert!(matches!(
            file,
            Err(ModelError::Catalog(CatalogError::Pickle(_)))
        ));
        let nothing = open("x");
        assert!(matches!(
            nothing,
            Err(ModelError::Catalog(CatalogError::NotThere(_)))
        ));
    }
}
