//! Weights from `.safetensors` into a module, or a complete list of what does not fit. Networks that are published as a
//! pickle alone can ask for that by name; the reader builds tensors from it and runs nothing.
//!
//! The names and shapes of file and module are compared before a single value is read, so that a wrong file is
//! refused at once and with everything that is wrong with it. Values are memory-mapped, widened or narrowed to
//! the wanted type, and linear layers are transposed to Burn's layout.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleVisitor, Param};
use burn::store::{
    FloatCastAdapter, ModuleAdapter as _, ModuleSnapshot as _, ModuleStore, PyTorchToBurnAdapter,
    PytorchStore, SafetensorsStore,
};
use burn::tensor::{FloatDType, Tensor};

use super::inspect::{self, Fault};
use super::keymap::{KeyMap, Renamer};
use super::library;

/// Where a network's weights are.
#[derive(Clone, Debug)]
pub enum Weights {
    /// A `.safetensors` file.
    File(PathBuf),
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
            Self::File(path) => path.display().fmt(f),
            Self::Embedded { name, .. } => write!(f, "{name} (bundled)"),
        }
    }
}

/// Tensor names and shapes, as a published file lists them.
pub type TensorList = BTreeMap<String, Vec<usize>>;

/// What is wrong between a module and a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// The module's names that the file lacks.
    pub missing: Vec<String>,
    /// Name, the module's shape, the file's shape.
    pub misshapen: Vec<(String, Vec<usize>, Vec<usize>)>,
    /// The file's names that the module lacks, as the file spells them.
    pub unknown: Vec<String>,
}

impl Mismatch {
    /// Compares a module's tensors with a file's.
    pub fn between<M: Module>(module: &M, file: &TensorList, keys: &KeyMap) -> Self {
        let renamer = Renamer::new(keys);
        let mut unclaimed = tensors_of(module);
        let mut mismatch = Self::default();
        for (name, found) in file {
            let Some(path) = renamer.path(name) else {
                continue;
            };
            match unclaimed.remove(&path) {
                None => mismatch.unknown.push(name.clone()),
                Some(expected) if expected != *found => {
                    mismatch
                        .misshapen
                        .push((name.clone(), expected, found.clone()));
                }
                Some(_) => {}
            }
        }
        mismatch.missing = unclaimed.into_keys().collect();
        mismatch
    }

    /// Whether the module can be filled; unknown tensors do no harm.
    #[must_use]
    pub fn is_loadable(&self) -> bool {
        self.missing.is_empty() && self.misshapen.is_empty()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.missing.is_empty() {
            parts.push(format!(
                "{} missing ({})",
                self.missing.len(),
                sample(&self.missing)
            ));
        }
        if !self.misshapen.is_empty() {
            let describe = |(name, expected, found): &(String, Vec<usize>, Vec<usize>)| {
                format!("{name} is {found:?}, not {expected:?}")
            };
            let all: Vec<String> = self.misshapen.iter().map(describe).collect();
            parts.push(format!("{} of another shape ({})", all.len(), sample(&all)));
        }
        if !self.unknown.is_empty() {
            parts.push(format!(
                "{} not known ({})",
                self.unknown.len(),
                sample(&self.unknown)
            ));
        }
        f.write_str(&parts.join("; "))
    }
}

fn sample(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN {
        format!("{shown}, …")
    } else {
        shown
    }
}

/// Why weights could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A format that can run code, or one we do not read.
    #[error("weights must be a .safetensors file, because other formats can run code; convert {}", .0.display())]
    NotSafetensors(PathBuf),
    /// Not a pickle where one was asked for.
    #[error("the weights must be a .safetensors, .pth or .pt file: {}", .0.display())]
    NotPickle(PathBuf),
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
    /// The file belongs to another network.
    #[error("the weights do not fit the network's config.json, tensors: {mismatch}; file: {file}")]
    Mismatch {
        /// The file.
        file: String,
        /// Everything that does not fit.
        mismatch: Mismatch,
    },
}

/// Names and shapes of every parameter of `module`, spelt as PyTorch would: `weight` and `bias` for norms, linear
/// weights as `[out, in]`. Initialises nothing, so a full-size network costs no memory.
pub fn tensors_of<M: Module>(module: &M) -> TensorList {
    let mut list = Lister::default();
    module.visit(&mut list);
    list.tensors
}

#[derive(Default)]
struct Lister {
    path: Vec<String>,
    containers: Vec<String>,
    tensors: TensorList,
}

impl ModuleVisitor for Lister {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.push(name.to_owned());
        self.containers.push(container_type.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
        self.containers.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let mut shape = param.lazy_shape().to_vec();
        let mut path = self.path.clone();
        if let (Some(field), Some(container)) = (path.last_mut(), self.containers.last()) {
            match (container.as_str(), field.as_str()) {
                ("Struct:Linear", "weight") => shape.reverse(),
                (_, "gamma") => "weight".clone_into(field),
                (_, "beta") => "bias".clone_into(field),
                _ => {}
            }
        }
        self.tensors.insert(path.join("."), shape);
    }
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
    fits(module, &mut open(weights)?, &weights.to_string(), keys)
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
    fill(
        module,
        &mut open(weights)?,
        &weights.to_string(),
        keys,
        dtype,
    )
}

/// Whether a file is called like a pickle: `.pth` or `.pt`.
#[must_use]
pub fn is_pickle(path: &Path) -> bool {
    has_extension(path, "pth") || has_extension(path, "pt")
}

/// Like [`load`], from the pickle of a network that is published in no other way. `entry` is where in it the tensors
/// are, if not at the top. The reader knows tensors and refuses everything else, so no code of the file runs.
///
/// # Errors
/// [`CheckpointError`]: not a `.pth` or `.pt` file, not readable, damaged, or made for another network.
pub fn load_pickle<M: Module>(
    module: M,
    path: &Path,
    entry: Option<&str>,
    keys: &KeyMap,
    dtype: FloatDType,
) -> Result<(M, Vec<String>), CheckpointError> {
    if !is_pickle(path) {
        return Err(CheckpointError::NotPickle(path.to_owned()));
    }
    inspected(path, inspect::pickle_of)?;
    inspected(path, is_as_published)?;
    let store = PytorchStore::from_file(path);
    let mut store = match entry {
        Some(entry) => store.with_top_level_key(entry),
        None => store,
    };
    fill(module, &mut store, &path.display().to_string(), keys, dtype)
}

fn fill<M: Module, S: ModuleStore>(
    mut module: M,
    store: &mut S,
    file: &str,
    keys: &KeyMap,
    dtype: FloatDType,
) -> Result<(M, Vec<String>), CheckpointError> {
    let damaged = |reason: String| CheckpointError::Damaged {
        file: file.to_owned(),
        reason,
    };
    let renamer = Renamer::new(keys);
    let mismatch = fits(&module, store, file, keys)?;
    let tensors = store
        .get_all_tensors()
        .map_err(|error| damaged(error.to_string()))?;
    let watch = inspect::Watch::default();
    let renamed = tensors.values().filter_map(|tensor| {
        let mut tensor = watch.over(tensor.clone());
        tensor.name = renamer.path(&tensor.name)?;
        Some(tensor)
    });
    let adapter = PyTorchToBurnAdapter.chain(FloatCastAdapter::to(dtype.into()));
    let result = module.apply(renamed.collect(), None, Some(Box::new(adapter)), false);
    if let Some(fault) = watch.fault() {
        let file = file.to_owned();
        return Err(CheckpointError::Faulty { file, fault });
    }
    match result.errors.first() {
        Some(error) => Err(damaged(error.to_string())),
        None => Ok((module, mismatch.unknown)),
    }
}

/// What harmlessly differs between module and file.
fn fits<M: Module, S: ModuleStore>(
    module: &M,
    store: &mut S,
    file: &str,
    keys: &KeyMap,
) -> Result<Mismatch, CheckpointError> {
    let tensors = store
        .get_all_tensors()
        .map_err(|error| CheckpointError::Damaged {
            file: file.to_owned(),
            reason: error.to_string(),
        })?;
    let found = tensors
        .iter()
        .map(|(name, tensor)| (name.clone(), tensor.shape.to_vec()));
    let mismatch = Mismatch::between(module, &found.collect(), keys);
    if mismatch.is_loadable() {
        Ok(mismatch)
    } else {
        Err(CheckpointError::Mismatch {
            file: file.to_owned(),
            mismatch,
        })
    }
}

fn open(weights: &Weights) -> Result<SafetensorsStore, CheckpointError> {
    match weights {
        Weights::Embedded { bytes, .. } => Ok(SafetensorsStore::from_bytes(Some(bytes.to_vec()))),
        Weights::File(path) if has_extension(path, "safetensors") => {
            inspected(path, inspect::header_of)?;
            Ok(SafetensorsStore::from_file(path))
        }
        Weights::File(path) => Err(CheckpointError::NotSafetensors(path.clone())),
    }
}

/// Refuses what is not there or damaged before a reader takes it in.
fn inspected<T>(
    path: &Path,
    inspect: impl Fn(&Path) -> std::io::Result<Result<T, Fault>>,
) -> Result<T, CheckpointError> {
    let found = inspect(path).map_err(|source| CheckpointError::Open {
        path: path.to_owned(),
        source,
    })?;
    found.map_err(|fault| CheckpointError::Faulty {
        file: path.display().to_string(),
        fault,
    })
}

/// A helper network's file must be the one that is published under its name, where its hash is known.
fn is_as_published(path: &Path) -> std::io::Result<Result<(), Fault>> {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(expected) = name.and_then(library::known_sha256) else {
        return Ok(Ok(()));
    };
    let found = inspect::sha256_of(path, &mut || ControlFlow::Continue(()))?;
    let found = found.unwrap_or_default();
    Ok(if found == expected {
        Ok(())
    } else {
        let expected = expected.to_owned();
        Err(Fault::Hash { expected, found })
    })
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}
