//! Low-rank deltas that are merged into a network's weights as these are loaded: `W' = W + strength · α/rank · up · down`.
//!
//! The sum is taken in `f32` on the processor before the weight is narrowed, so a merged model differs from a trained one
//! by one rounding. Nothing remains of the deltas at run time; another set of LoRAs is another load.
//!
//! Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021. Convolutions are flattened over the
//! kernel, as `LoCon` and LCM-LoRA have them.

mod error;
mod find;
mod keys;
mod notes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::store::{bridge, burn_pack};
use burn::tensor::{DType, TensorData};

use super::catalog::read_file;
use super::checkpoint::{
    CheckpointError, StoredTensor, TensorList, inspected, shapes, stored_tensors,
};
use super::family::{FamilyError, family_of_text_width};
use super::inspect::{Watch, header_of};
use crate::tensor::{Device, Tensor};
pub use error::LoraError;
pub use find::{FOLDER, find};
pub use keys::{LayerKey, Target};
use keys::{Meaning, Role};
use notes::Notes;

/// The deltas of one file.
#[derive(Clone, Debug)]
pub struct Lora {
    file: String,
    layers: BTreeMap<LayerKey, LowRank>,
    /// Over their values.
    watch: Watch,
}

/// The delta of one layer: `scale · up · down`, where `down` is `[rank, in…]` and `up` `[out, rank…]`.
#[derive(Clone, Debug)]
struct LowRank {
    down: StoredTensor,
    up: StoredTensor,
    scale: f32,
}

/// What a file says of one layer so far.
#[derive(Default)]
struct Parts {
    down: Option<StoredTensor>,
    up: Option<StoredTensor>,
    alpha: Option<StoredTensor>,
}

impl Lora {
    /// Reads the layers of a file, but for the values of the deltas.
    ///
    /// # Errors
    /// [`LoraError`]: not readable, not a LoRA, or for another family.
    pub fn read(path: &Path) -> Result<Self, LoraError> {
        let file = path.display().to_string();
        let tensors = stored_tensors(path)?;
        match kind(&shapes(&tensors)) {
            Some(Kind::Usable) => {}
            Some(Kind::Unsupported(kind)) => return Err(LoraError::Unsupported { kind, file }),
            Some(Kind::OtherFamily(family)) => {
                let role = "LoRA";
                let source = FamilyError::Wrong { family, role };
                return Err(LoraError::Family { source, file });
            }
            None => {
                let source = FamilyError::OtherRole {
                    found: "no LoRA",
                    advice: "its tensors have other names; choose another file",
                };
                return Err(LoraError::Family { source, file });
            }
        }
        let notes = notes_of(path)?;
        let watch = Watch::default();
        let whole = |(key, parts): (LayerKey, Parts)| {
            let layer = parts.whole(key.target, &notes);
            let layer = layer.map_err(|reason| LoraError::Malformed {
                reason,
                layer: key.path.clone(),
                file: file.clone(),
            })?;
            Ok::<_, LoraError>((key, layer))
        };
        let parts = parts_of(tensors, &watch, &file)?;
        let layers = parts.into_iter().map(whole).collect::<Result<_, _>>()?;
        Ok(Self {
            file,
            layers,
            watch,
        })
    }

    /// What was found wrong with its values since they were first asked for, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<CheckpointError> {
        let file = self.file.clone();
        let fault = self.watch.fault();
        fault.map(|fault| CheckpointError::Faulty { file, fault })
    }

    /// Compares with the weights of the U-Net and of the text encoder, by published names: which layers are in neither.
    ///
    /// # Errors
    /// [`LoraError::Misshapen`] and [`LoraError::NothingFits`].
    pub fn unmatched(
        &self,
        unet: &TensorList,
        text_encoder: &TensorList,
    ) -> Result<Vec<String>, LoraError> {
        let mut unmatched: BTreeMap<&LayerKey, &LowRank> = self.layers.iter().collect();
        for (target, tensors) in [(Target::UNet, unet), (Target::TextEncoder, text_encoder)] {
            for (name, expected) in tensors {
                let key = LayerKey::of_weight(target, name);
                let layer = key.and_then(|key| Some((unmatched.remove(&key)?, key)));
                let Some((layer, key)) = layer else {
                    continue;
                };
                if !layer.fits(expected) {
                    return Err(LoraError::Misshapen {
                        layer: key.path,
                        expected: expected.clone(),
                        found: layer.shape(),
                        file: self.file.clone(),
                    });
                }
            }
        }
        let names: Vec<String> = unmatched.keys().map(|key| key.path.clone()).collect();
        if names.len() == self.layers.len() {
            return Err(LoraError::NothingFits {
                n_layers: names.len(),
                example: names.into_iter().next().unwrap_or_default(),
                file: self.file.clone(),
            });
        }
        Ok(names)
    }

    /// How many layers it changes.
    #[must_use]
    pub fn n_layers(&self) -> usize {
        self.layers.len()
    }

    /// The file, for messages.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }
}

/// The parts of every layer; no part may be there twice.
fn parts_of(
    tensors: BTreeMap<String, StoredTensor>,
    watch: &Watch,
    file: &str,
) -> Result<BTreeMap<LayerKey, Parts>, LoraError> {
    let mut parts: BTreeMap<LayerKey, Parts> = BTreeMap::new();
    for (name, tensor) in tensors {
        let Meaning::Part(key, role) = keys::read(&name) else {
            tracing::warn!(%name, %file, "a tensor that no LoRA has");
            continue;
        };
        let layer = parts.entry(key).or_default();
        let part = match role {
            Role::Down => &mut layer.down,
            Role::Up => &mut layer.up,
            Role::Alpha => &mut layer.alpha,
        };
        if let Some(first) = part.replace(watch.over(tensor)) {
            return Err(LoraError::Collision {
                first: first.name,
                second: name,
                file: file.to_owned(),
            });
        }
    }
    Ok(parts)
}

/// What is noted of the scales, in the file's list or beside it.
fn notes_of(path: &Path) -> Result<Notes, LoraError> {
    let header = inspected(path, header_of)?;
    let config = config_beside(path);
    let beside = config.clone().map(read_file).transpose()?.flatten();
    Notes::read(&header.metadata, beside.as_deref()).map_err(|reason| LoraError::Notes {
        reason,
        file: match config {
            Some(config) if !header.metadata.contains_key(notes::KEY) => config,
            _ => path.to_owned(),
        }
        .display()
        .to_string(),
    })
}

/// The config that PEFT writes beside the weights, if these are called as PEFT calls them and it is there.
#[must_use]
pub fn config_beside(path: &Path) -> Option<PathBuf> {
    let is_peft = path.file_name()? == "adapter_model.safetensors";
    let config = path.with_file_name("adapter_config.json");
    (is_peft && config.is_file()).then_some(config)
}

impl Parts {
    /// The delta, or what it lacks.
    fn whole(self, target: Target, notes: &Notes) -> Result<LowRank, &'static str> {
        let (Some(down), Some(up)) = (self.down, self.up) else {
            return Err("one half is missing");
        };
        let (down_shape, up_shape) = (down.shape.to_vec(), up.shape.to_vec());
        let rank = match (&down_shape[..], &up_shape[..]) {
            ([rank, _, ..], [_, up_rank, kernel @ ..])
                if rank == up_rank && *rank > 0 && kernel.iter().all(|side| *side == 1) =>
            {
                *rank
            }
            _ => return Err("the halves do not fit each other"),
        };
        if !(down.dtype.is_float() && up.dtype.is_float()) {
            return Err("a half is no float");
        }
        let scale = if let Some(alpha) = self.alpha {
            scalar(&alpha).ok_or("alpha is no number")? / rank as f32
        } else {
            let module = keys::module_of(&down.name).unwrap_or_default();
            notes.scale(target, module, rank)?
        };
        Ok(LowRank { down, up, scale })
    }
}

impl LowRank {
    /// Shape of the weight that the delta is for.
    fn shape(&self) -> Vec<usize> {
        let mut shape = self.down.shape.to_vec();
        shape[0] = self.up.shape[0];
        shape
    }

    /// Whether the delta is for a weight of this shape: the same, but for 1×1 kernels, which are spelt out or not.
    fn fits(&self, weight: &[usize]) -> bool {
        let bare = |shape: &[usize]| {
            let end = if shape.len() == 4 && shape[2..] == [1, 1] {
                2
            } else {
                shape.len()
            };
            shape[..end].to_vec()
        };
        bare(&self.shape()) == bare(weight)
    }

    /// Adds the delta, times `strength`, to the values of a weight.
    fn add_to(&self, weight: &mut [f32], strength: f32) -> Result<(), burn_pack::Error> {
        let rank = self.down.shape[0];
        let device = Device::flex();
        let matrix = |tensor: &StoredTensor, shape: [usize; 2]| {
            let values = values(tensor)?;
            let data = TensorData::new(values, shape);
            Ok::<_, burn_pack::Error>(Tensor::<2>::from_data(data, &device))
        };
        let n_in = self.down.shape.iter().skip(1).product();
        let down = matrix(&self.down, [rank, n_in])?;
        let up = matrix(&self.up, [self.up.shape[0], rank])?;
        let delta = up.matmul(down).into_data();
        let delta = delta.as_slice::<f32>().map_err(invalid)?;
        let factor = strength * self.scale;
        for (weight, delta) in weight.iter_mut().zip(delta) {
            *weight += factor * delta;
        }
        Ok(())
    }
}

/// Adds the deltas of LoRAs, each with its strength, to a weight of a network; its values are still read only when they
/// are asked for, and are then `f32`.
#[must_use]
pub fn merge(loras: &[(Lora, f32)], target: Target, weight: StoredTensor) -> StoredTensor {
    let Some(key) = LayerKey::of_weight(target, &weight.name) else {
        return weight;
    };
    let deltas: Vec<(LowRank, f32)> = loras
        .iter()
        .filter_map(|(lora, strength)| Some((lora.layers.get(&key)?.clone(), *strength)))
        .filter(|(delta, _)| delta.fits(&weight.shape.to_vec()))
        .collect();
    if deltas.is_empty() {
        return weight;
    }
    let (name, shape) = (weight.name.clone(), weight.shape.clone());
    let declared = shape.clone();
    bridge::deferred(name, DType::F32, shape, None, move || {
        let mut merged = values(&weight)?;
        for (delta, strength) in &deltas {
            delta.add_to(&mut merged, *strength)?;
        }
        Ok(TensorData::new(merged, declared.clone()))
    })
}

fn values(tensor: &StoredTensor) -> Result<Vec<f32>, burn_pack::Error> {
    let data = bridge::to_data(tensor)?;
    data.try_into_vec_as().map_err(invalid)
}

fn invalid(error: impl std::fmt::Display) -> burn_pack::Error {
    burn_pack::Error::ValidationError(error.to_string())
}

/// The only value of a tensor, if it is finite.
fn scalar(tensor: &StoredTensor) -> Option<f32> {
    let is_one = tensor.shape.iter().product::<usize>() == 1;
    let value = values(tensor).ok().filter(|_| is_one)?;
    value.first().copied().filter(|value| value.is_finite())
}

/// What a file of low-rank deltas is, by its names and shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One that can be used.
    Usable,
    /// It changes weights in another way, which this is, with its article.
    Unsupported(&'static str),
    /// It is for another family, with its article.
    OtherFamily(&'static str),
}

/// Whether a tensor's name is of a delta, of any kind, and not of a network.
pub(super) fn is_part(name: &str) -> bool {
    keys::read(name) != Meaning::Unknown
}

/// What a list of tensors is; nothing if no name in it is of a delta. One for another family has the same names in
/// places, but texts of another width.
pub(super) fn kind(tensors: &TensorList) -> Option<Kind> {
    let (mut has_part, mut is_foreign, mut unsupported) = (false, false, None);
    for (name, shape) in tensors {
        let family = match keys::read(name) {
            Meaning::OtherFamily(family) => Some(family),
            Meaning::Part(key, role) => {
                has_part = true;
                let is_of_text = role == Role::Down
                    && key.target == Target::UNet
                    && key.path.ends_with("attn2_to_k");
                let width = shape.get(1).filter(|_| is_of_text);
                width.and_then(|width| family_of_text_width(*width))
            }
            Meaning::Unsupported(kind) => {
                unsupported = unsupported.or(Some(kind));
                None
            }
            Meaning::OtherNetwork => {
                is_foreign = true;
                None
            }
            Meaning::Unknown => None,
        };
        if let Some(family) = family {
            return Some(Kind::OtherFamily(family));
        }
    }
    match unsupported {
        Some(kind) => Some(Kind::Unsupported(kind)),
        None if has_part => Some(Kind::Usable),
        None => is_foreign.then_some(Kind::OtherFamily("a model of another family")),
    }
}
