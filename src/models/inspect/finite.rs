//! Values that are no finite numbers, found while they are loaded: a network would spread them over every picture.

use std::sync::{Arc, OnceLock};

use burn::store::bridge;
use burn::store::burn_pack::{Error as PackError, Tensor as PackTensor};
use burn::tensor::{DType, TensorData};
use rayon::prelude::*;

use super::Fault;

/// Bytes that a thread looks at before it is asked whether one was found.
const BLOCK: usize = 1 << 16;

/// Watches tensors while they are loaded.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<OnceLock<String>>);

impl Watch {
    /// The same tensor, whose values are looked at when they are asked for. It keeps its name in messages, whatever it
    /// is called later.
    #[must_use]
    pub fn over(&self, tensor: PackTensor) -> PackTensor {
        if !tensor.dtype.is_float() {
            return tensor;
        }
        let (name, dtype, shape) = (tensor.name.clone(), tensor.dtype, tensor.shape.clone());
        let spoilt = Arc::clone(&self.0);
        bridge::deferred(name.clone(), dtype, shape, tensor.param_id, move || {
            let data = bridge::to_data(&tensor)?;
            if is_finite(&data) {
                return Ok(data);
            }
            let _ = spoilt.set(name.clone());
            Err(PackError::ValidationError(
                Fault::NotFinite(name.clone()).to_string(),
            ))
        })
    }

    /// What was found, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.0.get().cloned().map(Fault::NotFinite)
    }
}

fn is_finite(data: &TensorData) -> bool {
    let bytes: &[u8] = data.bytes();
    match data.dtype() {
        DType::F64 => none(bytes, |value: [u8; 8]| {
            !f64::from_le_bytes(value).is_finite()
        }),
        DType::F32 => none(bytes, |value: [u8; 4]| {
            !f32::from_le_bytes(value).is_finite()
        }),
        DType::F16 => none(bytes, |value: [u8; 2]| {
            !half::f16::from_le_bytes(value).is_finite()
        }),
        DType::BF16 => none(bytes, |value: [u8; 2]| {
            !half::bf16::from_le_bytes(value).is_finite()
        }),
        _ => true,
    }
}

/// Whether no value is `bad`. Whole blocks are looked at without a branch, which the compiler makes wide.
fn none<const N: usize>(bytes: &[u8], bad: impl Fn([u8; N]) -> bool + Sync) -> bool {
    let (values, _) = bytes.as_chunks::<N>();
    let blocks = values.par_chunks(BLOCK / N);
    !blocks.any(|block| block.iter().fold(false, |found, value| found | bad(*value)))
}
