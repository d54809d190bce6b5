//! What an error is about, where people can be offered more than words: a model to download, another to choose, a size
//! to try. Made from the error itself, so that nobody has to search its text.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::job::ControlKind;
use crate::models::catalog::CatalogError;
use crate::models::checkpoint::CheckpointError;
use crate::models::family::FamilyError;
use crate::models::lora::LoraError;
use crate::models::{ConfigError, ModelError};

/// What an error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A model of another family than SD 1.5.
    OtherFamily {
        /// Its file, or its folder.
        file: PathBuf,
        /// What it is, with its article.
        family: &'static str,
    },
    /// A model in a format that can run code.
    CanRunCode {
        /// Its file, or the folder that holds nothing else.
        file: PathBuf,
    },
    /// A file that is damaged.
    Damaged {
        /// The file.
        file: PathBuf,
    },
    /// A file of a model's folder is not there.
    Incomplete {
        /// The file that was looked for.
        file: &'static str,
        /// Where.
        folder: PathBuf,
    },
    /// There is nothing where a model should be.
    NotThere {
        /// Where it should be.
        file: PathBuf,
    },
    /// Control is wanted, and there is no network for it.
    NoControlNet {
        /// The control.
        control: ControlKind,
        /// The model of the catalogue that would serve it.
        get: &'static str,
        /// A control that could be used as it is.
        instead: Option<ControlKind>,
    },
    /// Control images are wanted, and the weights of the network that draws them are not there.
    NoAnnotator {
        /// The control.
        control: &'static str,
        /// The model of the catalogue that would draw them.
        get: &'static str,
    },
    /// There is no memory for the smallest batch.
    NoRoom {
        /// The working size.
        short_side: u32,
        /// The working size to try, if there is a smaller one.
        smaller: Option<u32>,
    },
}

/// Folders of the published layout, which belong to the folder that holds them.
const PARTS: [&str; 5] = ["unet", "vae", "text_encoder", "tokenizer", "controlnet"];

impl Error {
    /// What it is about, where that is known.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Model(error) => of_model(error),
            Self::NoControlNet {
                control,
                get,
                instead,
            } => Some(Trouble::NoControlNet {
                control: *control,
                get,
                instead: *instead,
            }),
            Self::NoAnnotatorWeights { control, .. } => Some(Trouble::NoAnnotator {
                control,
                get: match *control {
                    "depth" => "depth-anything",
                    _ => "hed",
                },
            }),
            Self::NoRoom {
                short_side,
                smaller,
                ..
            } => Some(Trouble::NoRoom {
                short_side: *short_side,
                smaller: *smaller,
            }),
            _ => None,
        }
    }
}

fn of_model(error: &ModelError) -> Option<Trouble> {
    match error {
        ModelError::Catalog(error) => of_catalogue(error),
        ModelError::Checkpoint(error) | ModelError::Lora(LoraError::File(error)) => {
            of_weights(error)
        }
        ModelError::Family { source, file }
        | ModelError::Lora(LoraError::Family { source, file }) => of_family(source, file),
        ModelError::Lora(LoraError::Malformed { file, .. }) => {
            Some(Trouble::Damaged { file: file.into() })
        }
        ModelError::Config {
            folder,
            source: ConfigError::WrongFamily { family },
        } => Some(Trouble::OtherFamily {
            file: model_of(Path::new(folder)),
            family,
        }),
        _ => None,
    }
}

fn of_catalogue(error: &CatalogError) -> Option<Trouble> {
    match error {
        CatalogError::NotThere(file) => Some(Trouble::NotThere { file: file.clone() }),
        CatalogError::Pickle(file) => Some(Trouble::CanRunCode { file: file.clone() }),
        CatalogError::OnlyPickle { folder, .. } => Some(Trouble::CanRunCode {
            file: model_of(Path::new(&folder.to_string())),
        }),
        CatalogError::Missing { file, folder } => Some(Trouble::Incomplete {
            file,
            folder: folder.to_string().into(),
        }),
        CatalogError::NotAModel(_) | CatalogError::Read { .. } => None,
    }
}

fn of_weights(error: &CheckpointError) -> Option<Trouble> {
    match error {
        CheckpointError::NotSafetensors(file) => Some(Trouble::CanRunCode { file: file.clone() }),
        CheckpointError::Faulty { file, .. } | CheckpointError::Damaged { file, .. } => {
            Some(Trouble::Damaged { file: file.into() })
        }
        _ => None,
    }
}

fn of_family(error: &FamilyError, file: &str) -> Option<Trouble> {
    match error {
        FamilyError::Wrong { family, .. } => Some(Trouble::OtherFamily {
            file: file.into(),
            family,
        }),
        _ => None,
    }
}

/// The folder of the model that a network's folder belongs to.
fn model_of(folder: &Path) -> PathBuf {
    let is_part = PARTS.iter().any(|part| folder.ends_with(part));
    let model = folder.parent().filter(|_| is_part);
    model.unwrap_or(folder).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_known_by_its_model() {
        for (folder, model) in [("a/sdxl/unet", "a/sdxl"), ("a/net", "a/net")] {
            assert_eq!(model_of(Path::new(folder)), Path::new(model));
        }
    }
}
