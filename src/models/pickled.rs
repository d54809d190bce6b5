//! Tensors of a PyTorch file, by the names that the network itself gives them.
//!
//! Training code saves a network under an entry beside the state of training, and what spreads a network over several
//! devices puts a word of its own before every name. Both are taken off here, so that the names of a helper network
//! are the same however it was saved. None of the helper networks has a part that is called like these.

use std::collections::BTreeMap;
use std::path::Path;

use burn::store::{ModuleStore as _, PytorchStore};

use super::checkpoint::{CheckpointError, StoredTensor, has_extension, inspected};
use super::inspect;

/// Endings of PyTorch's own files.
pub(super) const ENDINGS: [&str; 4] = ["pth", "pt", "ckpt", "bin"];

/// Entries that hold a network, in the order of preference.
const ENTRIES: [&str; 2] = ["state_dict.", "model."];

/// What comes before every name of a network that was spread over devices.
const SPREAD: &str = "module.";

/// Whether a file is called like a pickle: `.pth`, `.pt`, `.ckpt` or `.bin`.
#[must_use]
pub fn is_pickle(path: &Path) -> bool {
    ENDINGS.iter().any(|ending| has_extension(path, ending))
}

/// All tensors of a pickle; their values are read when they are asked for. The reader knows tensors and refuses
/// everything else, so no code of the file runs.
///
/// # Errors
/// [`CheckpointError`]: not readable, or damaged.
pub fn pickled_tensors(path: &Path) -> Result<BTreeMap<String, StoredTensor>, CheckpointError> {
    inspected(path, inspect::pickle_of)?;
    let mut store = PytorchStore::from_file(path);
    let reason = match store.get_all_tensors() {
        Ok(tensors) if !tensors.is_empty() => return Ok(unwrapped(tensors.clone())),
        Ok(_) => "there is no tensor in the file".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(CheckpointError::Damaged {
        file: path.display().to_string(),
        reason,
    })
}

fn unwrapped(mut tensors: BTreeMap<String, StoredTensor>) -> BTreeMap<String, StoredTensor> {
    while let Some(prefix) = wrapping(&tensors) {
        let strip = |(name, mut tensor): (String, StoredTensor)| {
            name.strip_prefix(prefix)?.clone_into(&mut tensor.name);
            Some((tensor.name.clone(), tensor))
        };
        tensors = tensors.into_iter().filter_map(strip).collect();
    }
    tensors
}

/// What the names of the network begin with, beside its own.
fn wrapping(tensors: &BTreeMap<String, StoredTensor>) -> Option<&'static str> {
    let begins = |prefix: &&str| tensors.keys().any(|name| name.starts_with(*prefix));
    let is_spread = || !tensors.is_empty() && tensors.keys().all(|name| name.starts_with(SPREAD));
    let entry = ENTRIES.into_iter().find(begins);
    entry.or_else(|| is_spread().then_some(SPREAD))
}
