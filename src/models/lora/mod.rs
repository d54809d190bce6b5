//! Low-rank deltas that are merged into a network's weights as these are loaded: `W' = W + strength · α/rank · up · down`.
//!
//! The sum is taken in `f32` on the processor before the weight is narrowed, so a merged model differs from a trained one
//! by one rounding. Nothing remains of the deltas at run time; another set of LoRAs is another load.
//!
//! Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021. Convolutions are flattened over the
//! kernel, as `LoCon` and LCM-LoRA have them.

mod find;
mod keys;

use std::collections::BTreeMap;
use std::path::Path;

use burn::store::{bridge, burn_pack};
use burn::tensor::{DType, TensorData};

use super::checkpoint::{CheckpointError, StoredTensor, TensorList, shapes, stored_tensors};
use super::family::{FamilyError, family_of_text_width};
use super::inspect::Watch;
use crate::tensor::{Device, Tensor};
pub use find::{FOLDER, find};
pub use keys::{LayerKey, Target};
use keys::{Meaning, Role};

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
        if let Some(family) = other_family(&shapes(&tensors)) {
            let role = "LoRA";
            let source = FamilyError::Wrong { family, role };
            return Err(LoraError::Family { source, file });
        }
        let watch = Watch::default();
        let mut parts: BTreeMap<LayerKey, Parts> = BTreeMap::new();
        for (name, tensor) in tensors {
            match keys::read(&name) {
                Meaning::Part(key, role) => {
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
                            file,
                        });
                    }
                }
                Meaning::Unsupported(kind) => return Err(LoraError::Unsupported { kind, file }),
                Meaning::OtherFamily(_) | Meaning::Unknown => {
                    tracing::warn!(%name, %file, "a tensor that no LoRA has");
                }
            }
        }
        if parts.is_empty() {
            let source = FamilyError::OtherRole {
                found: "no LoRA",
                advice: "its tensors have other names; choose another file",
            };
            return Err(LoraError::Family { source, file });
        }
        let whole = |(key, parts): (LayerKey, Parts)| {
            let layer = parts.whole().map_err(|reason| LoraError::Malformed {
                reason,
                layer: key.path.clone(),
                file: file.clone(),
            })?;
            Ok::<_, LoraError>((key, layer))
        };
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

impl Parts {
    /// The delta, or what it lacks.
    fn whole(self) -> Result<LowRank, &'static str> {
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
        let alpha = match self.alpha {
            Some(alpha) => scalar(&alpha).ok_or("alpha is no number")?,
            None => rank as f32,
        };
        Ok(LowRank {
            down,
            up,
            scale: alpha / rank as f32,
        })
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

/// The family that a LoRA is for, if it is another one: it has the same names in places, but texts of another width.
pub(super) fn other_family(tensors: &TensorList) -> Option<&'static str> {
    let of = |(name, shape): (&String, &Vec<usize>)| match keys::read(name) {
        Meaning::OtherFamily(family) => Some(family),
        Meaning::Part(key, Role::Down)
            if key.target == Target::UNet && key.path.ends_with("attn2_to_k") =>
        {
            family_of_text_width(*shape.get(1)?)
        }
        _ => None,
    };
    tensors.iter().find_map(of)
}
