//! Weights from `.safetensors` into a module, or a complete list of what does not fit. Networks that are published as a
//! pickle alone can ask for that; the reader builds tensors from it and runs nothing.
//!
//! The names and shapes of file and module are compared before a single value is read, so that a wrong file is
//! refused at once and with everything that is wrong with it. Values are then read one tensor at a time, and brought to
//! the type and the layout of the module.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::{ModuleSnapshot as _, bridge};
use burn::tensor::{FloatDType, TensorData};

use super::inspect::{self, Fault};
use super::keymap::{KeyMap, Renamer};
pub use super::mismatch::{Mismatch, TensorList, tensors_of};
use super::original::{Network, OriginalNames, is_unclaimed};
pub use super::pickled::{is_pickle, pickled_tensors};
pub use super::tensor_file::StoredTensor;
use super::tensor_file::{tensors_of_bytes, tensors_of_file};
use super::to_module::ToModule;
use crate::files;

/// Where a network's weights are.
#[derive(Clone, Debug)]
pub enum Weights {
    /// A `.safetensors` file, with the names of the diffusers layout.
    File(PathBuf),
    /// A PyTorch file of a network that is published in no other way.
    Pickle(PathBuf),
    /// A `.safetensors` file with the names of the original code, which may hold other networks too.
    Original {
        /// The file.
        path: PathBuf,
        /// Which of its networks.
        network: Network,
        /// What the names of this network begin with.
        prefix: &'static str,
    },
    /// The bytes of one, in this program.
    Embedded {
        /// What to call it in messages.
        name: String,
        /// The whole file.
        bytes: &'static [u8],
    },
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Pickle(path) | Self::Original { path, .. } => {
                path.display().fmt(f)
            }
            Self::Embedded { name, .. } => write!(f, "{name} (bundled)"),
        }
    }
}

/// Why weights could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A format that can run code, or one we do not read.
    #[error("weights must be a .safetensors file, because other formats can run code; convert {}", .0.display())]
    NotSafetensors(PathBuf),
    /// The file is not there or cannot be opened.
    #[error("cannot open the weights {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What the file says of itself cannot be true, or a value in it is no number.
    #[error("the weights are damaged ({fault}); download them again: {file}")]
    Faulty {
        /// The file.
        file: String,
        /// What is wrong.
        fault: Fault,
    },
    /// The file is damaged or cut off.
    #[error("the weights are damaged ({reason}); download them again: {file}")]
    Damaged {
        /// The file.
        file: String,
        /// What the reader said.
        reason: String,
    },
    /// Two names in it mean one tensor, so that nobody can tell which of the two is right.
    #[error(
        "the weights name one tensor twice, {first} and {second}, as merged files sometimes do; choose another file: {file}"
    )]
    Collision {
        /// A name.
        first: String,
        /// Another name for the same.
        second: String,
        /// The file.
        file: String,
    },
    /// The file belongs to another network.
    #[error("the weights do not fit the network's config.json, tensors: {mismatch}; file: {file}")]
    Mismatch {
        /// The file.
        file: String,
        /// Everything that does not fit.
        mismatch: Box<Mismatch>,
    },
}

/// What a file holds of one network, by published names, and what nobody claims.
struct Stored {
    tensors: BTreeMap<String, StoredTensor>,
    unclaimed: Vec<String>,
}

/// Compares `module` with `weights` by names and shapes; reads no values, so it takes no time.
///
/// # Errors
/// [`CheckpointError`], as [`load`] would give.
pub fn check<M: Module>(
    module: &M,
    weights: &Weights,
    keys: &KeyMap,
) -> Result<Mismatch, CheckpointError> {
    fits(module, &open(weights)?, &weights.to_string(), keys)
}

/// Names and shapes of a network in a file, by the names of the diffusers layout; reads no values.
///
/// # Errors
/// [`CheckpointError`]: not a `.safetensors` file, not readable, or damaged.
pub fn published_tensors(weights: &Weights) -> Result<TensorList, CheckpointError> {
    Ok(shapes(&open(weights)?.tensors))
}

/// All tensors of a `.safetensors` file by their own names; their values are read when they are asked for.
///
/// # Errors
/// [`CheckpointError`]: not a `.safetensors` file, not readable, or damaged.
pub fn stored_tensors(path: &Path) -> Result<BTreeMap<String, StoredTensor>, CheckpointError> {
    if !has_extension(path, "safetensors") {
        return Err(CheckpointError::NotSafetensors(path.to_owned()));
    }
    inspected(path, tensors_of_file)
}

/// Names and shapes of tensors.
#[must_use]
pub fn shapes(tensors: &BTreeMap<String, StoredTensor>) -> TensorList {
    let shape = |(name, tensor): (&String, &StoredTensor)| (name.clone(), tensor.shape.to_vec());
    tensors.iter().map(shape).collect()
}

/// Fills `module` from `weights`, every float as `dtype`. Also gives the file's names that nobody wanted.
///
/// # Errors
/// [`CheckpointError`]: not a `.safetensors` file, not readable, damaged, or made for another network.
pub fn load<M: Module>(
    module: M,
    weights: &Weights,
    keys: &KeyMap,
    dtype: FloatDType,
) -> Result<(M, Vec<String>), CheckpointError> {
    load_edited(module, weights, keys, dtype, &|tensor| tensor)
}

/// Like [`load`], with every tensor changed on its way, one at a time: `edit` is given it by its published name and in
/// its published shape.
///
/// # Errors
/// As [`load`].
pub fn load_edited<M: Module>(
    module: M,
    weights: &Weights,
    keys: &KeyMap,
    dtype: FloatDType,
    edit: &dyn Fn(StoredTensor) -> StoredTensor,
) -> Result<(M, Vec<String>), CheckpointError> {
    let mut stored = open(weights)?;
    let edited = stored
        .tensors
        .into_iter()
        .map(|(name, tensor)| (name, edit(tensor)));
    stored.tensors = edited.collect();
    fill(module, stored, &weights.to_string(), keys, dtype)
}

fn fill<M: Module>(
    mut module: M,
    stored: Stored,
    file: &str,
    keys: &KeyMap,
    dtype: FloatDType,
) -> Result<(M, Vec<String>), CheckpointError> {
    let renamer = Renamer::new(keys);
    let mismatch = fits(&module, &stored, file, keys)?;
    let wanted = tensors_of(&module);
    let watch = inspect::Watch::default();
    let renamed = stored.tensors.into_values().filter_map(|tensor| {
        let mut tensor = watch.over(tensor);
        tensor.name = renamer.path(&tensor.name)?;
        Some(match wanted.get(&tensor.name) {
            Some(shape) => reshaped(tensor, shape),
            None => tensor,
        })
    });
    let adapter = Box::new(ToModule(dtype.into()));
    let result = module.apply(renamed.collect(), None, Some(adapter), false);
    if let Some(fault) = watch.fault() {
        let file = file.to_owned();
        return Err(CheckpointError::Faulty { file, fault });
    }
    match result.errors.first() {
        Some(error) => Err(CheckpointError::Damaged {
            file: file.to_owned(),
            reason: error.to_string(),
        }),
        None => Ok((module, [mismatch.unknown, stored.unclaimed].concat())),
    }
}

/// A tensor in the shape that the module has for the same weights.
fn reshaped(tensor: StoredTensor, shape: &[usize]) -> StoredTensor {
    if tensor.shape.to_vec() == shape {
        return tensor;
    }
    let (name, dtype, shape) = (tensor.name.clone(), tensor.dtype, shape.to_vec());
    let wanted = shape.clone();
    let reshape =
        move |data: TensorData| TensorData::from_bytes(data.into_bytes(), wanted.clone(), dtype);
    bridge::map_data(tensor, name, dtype, shape.into(), reshape)
}

/// What harmlessly differs between module and file.
fn fits<M: Module>(
    module: &M,
    stored: &Stored,
    file: &str,
    keys: &KeyMap,
) -> Result<Mismatch, CheckpointError> {
    let mut mismatch = Mismatch::between(module, &shapes(&stored.tensors), keys);
    if let Some([first, second]) = mismatch.doubled.pop() {
        let file = file.to_owned();
        return Err(CheckpointError::Collision {
            first,
            second,
            file,
        });
    }
    if mismatch.is_loadable() {
        Ok(mismatch)
    } else {
        Err(CheckpointError::Mismatch {
            file: file.to_owned(),
            mismatch: Box::new(mismatch),
        })
    }
}

fn open(weights: &Weights) -> Result<Stored, CheckpointError> {
    let mut stored = Stored {
        tensors: BTreeMap::new(),
        unclaimed: Vec::new(),
    };
    match weights {
        Weights::Embedded { bytes, .. } => {
            let tensors = tensors_of_bytes(bytes).map_err(|fault| CheckpointError::Faulty {
                file: weights.to_string(),
                fault,
            });
            stored.tensors = tensors?;
        }
        Weights::File(path) => stored.tensors = stored_tensors(path)?,
        Weights::Pickle(path) => stored.tensors = pickled_tensors(path)?,
        Weights::Original {
            path,
            network,
            prefix,
        } => {
            let names = OriginalNames::new(*network, prefix);
            // The U-Net speaks for the whole checkpoint.
            let speaks = *network == Network::UNet && !prefix.is_empty();
            let mut origins = BTreeMap::new();
            for (name, mut tensor) in stored_tensors(path)? {
                if let Some(published) = names.published(&name) {
                    if let Some(first) = origins.insert(published.clone(), name.clone()) {
                        return Err(CheckpointError::Collision {
                            first,
                            second: name,
                            file: weights.to_string(),
                        });
                    }
                    tensor.name.clone_from(&published);
                    stored.tensors.insert(published, tensor);
                } else if speaks && is_unclaimed(&name) {
                    stored.unclaimed.push(name);
                }
            }
        }
    }
    Ok(stored)
}

/// Refuses what is not there or damaged before a reader takes it in.
pub(super) fn inspected<T>(
    path: &Path,
    inspect: impl Fn(&Path) -> std::io::Result<Result<T, Fault>>,
) -> Result<T, CheckpointError> {
    let found = files::require_file(path).and_then(|()| inspect(path));
    let found = found.map_err(|source| CheckpointError::Open {
        path: path.to_owned(),
        source,
    })?;
    found.map_err(|fault| CheckpointError::Faulty {
        file: path.display().to_string(),
        fault,
    })
}

pub(super) fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}
