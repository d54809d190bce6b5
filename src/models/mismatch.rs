//! How a module's tensors and a file's differ, by names and shapes.

use std::collections::BTreeMap;
use std::fmt;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::keymap::{KeyMap, Renamer};

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
    /// Pairs of the file's names that mean one tensor of the module.
    pub doubled: Vec<[String; 2]>,
}

impl Mismatch {
    /// Compares a module's tensors with a file's.
    pub fn between<M: Module>(module: &M, file: &TensorList, keys: &KeyMap) -> Self {
        let renamer = Renamer::new(keys);
        let mut unclaimed = tensors_of(module);
        let mut claimed: BTreeMap<String, &String> = BTreeMap::new();
        let mut mismatch = Self::default();
        for (name, found) in file {
            let Some(path) = renamer.path(name) else {
                continue;
            };
            let Some(expected) = unclaimed.remove(&path) else {
                match claimed.get(&path) {
                    Some(&first) => mismatch.doubled.push([first.clone(), name.clone()]),
                    None => mismatch.unknown.push(name.clone()),
                }
                continue;
            };
            claimed.insert(path, name);
            if !are_same_weights(&expected, found) {
                let misshapen = (name.clone(), expected, found.clone());
                mismatch.misshapen.push(misshapen);
            }
        }
        mismatch.missing = unclaimed.into_keys().collect();
        mismatch
    }

    /// Whether the module can be filled; unknown tensors do no harm.
    #[must_use]
    pub fn is_loadable(&self) -> bool {
        self.missing.is_empty() && self.misshapen.is_empty() && self.doubled.is_empty()
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
        if let Some([first, second]) = self.doubled.first() {
            let n = self.doubled.len();
            parts.push(format!("{n} given twice ({first} and {second})"));
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

/// Whether two shapes hold the same weights: a 1×1 convolution and a linear layer differ in their spelling alone.
pub(super) fn are_same_weights(a: &[usize], b: &[usize]) -> bool {
    let bare = |shape: &[usize]| match shape {
        [out, fan_in, 1, 1] | [out, fan_in] => Some((*out, *fan_in)),
        _ => None,
    };
    a == b || bare(a).is_some_and(|bare_a| bare(b) == Some(bare_a))
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
