//! What can be wrong with a LoRA.

use crate::models::catalog::CatalogError;
use crate::models::checkpoint::CheckpointError;
use crate::models::family::FamilyError;

/// Why a LoRA cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoraError {
    /// It is not there.
    #[error(
        "there is no LoRA \"{name}\"; name a .safetensors file, or one in the folder \"loras\" of the models folder"
    )]
    NotFound {
        /// As it was named.
        name: String,
    },
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] CheckpointError),
    /// For another family of models.
    #[error("cannot use the LoRA {file}")]
    Family {
        /// What it is for.
        source: FamilyError,
        /// The file.
        file: String,
    },
    /// It changes weights in another way.
    #[error("this is {kind}, and only LoRA and LoCon are supported; choose another file: {file}")]
    Unsupported {
        /// What it is, with its article.
        kind: &'static str,
        /// The file.
        file: String,
    },
    /// What is noted of its scales cannot be.
    #[error(
        "what is noted of the LoRA's scales cannot be used ({reason}); download it again: {file}"
    )]
    Notes {
        /// What is wrong.
        reason: &'static str,
        /// The file that the notes are in.
        file: String,
    },
    /// The config beside it cannot be read.
    #[error(transparent)]
    Config(#[from] CatalogError),
    /// A layer is not whole.
    #[error("the LoRA is damaged ({reason} in {layer}); download it again: {file}")]
    Malformed {
        /// What is wrong.
        reason: &'static str,
        /// The layer.
        layer: String,
        /// The file.
        file: String,
    },
    /// Two names in it mean one part of a layer: it holds several deltas in different layouts.
    #[error(
        "the LoRA names one part of a layer twice, {first} and {second}; choose a file with a single LoRA: {file}"
    )]
    Collision {
        /// A name.
        first: String,
        /// Another name for the same.
        second: String,
        /// The file.
        file: String,
    },
    /// A layer has another size in the model.
    #[error(
        "the LoRA is for another model ({layer} is {found:?}, not {expected:?}); choose one for the SD 1.5 family: {file}"
    )]
    Misshapen {
        /// The layer.
        layer: String,
        /// Shape of its weight in the model.
        expected: Vec<usize>,
        /// Shape that the LoRA has for it.
        found: Vec<usize>,
        /// The file.
        file: String,
    },
    /// No layer of it is in the model.
    #[error(
        "none of the LoRA's {n_layers} layers is in the model ({example}, …); choose one for the SD 1.5 family: {file}"
    )]
    NothingFits {
        /// How many it has.
        n_layers: usize,
        /// One of them.
        example: String,
        /// The file.
        file: String,
    },
}
