//! Why a model could not be made ready.

use super::catalog::CatalogError;
use super::checkpoint::CheckpointError;
use super::clip::TokenizerError;
use super::config::ConfigError;
use super::family::FamilyError;
use super::lora::LoraError;

/// Why a model could not be made ready, and where.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Its files are not there.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Its config cannot be used.
    #[error("cannot use the model {folder}")]
    Config {
        /// The network's folder.
        folder: String,
        /// What is wrong.
        source: ConfigError,
    },
    /// It is of another family or purpose.
    #[error("cannot use {file}")]
    Family {
        /// What it is.
        source: FamilyError,
        /// The file.
        file: String,
    },
    /// A LoRA cannot be used.
    #[error(transparent)]
    Lora(#[from] LoraError),
    /// Its weights cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Its tokenizer cannot be used.
    #[error("cannot use the tokenizer {folder}")]
    Tokenizer {
        /// The tokenizer's folder.
        folder: String,
        /// What is wrong.
        source: TokenizerError,
    },
}
