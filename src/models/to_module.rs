//! Values of a file in the layout and the type of a module's parameter, in one pass over them.
//!
//! PyTorch stores a linear layer as `[out, in]` and Burn as `[in, out]`; files are mostly in half precision, and the
//! processor computes in full. What comes out never lies in the file: values that are right already are copied out of
//! it, because a network outlives what others do to its file.

use burn::store::{ModuleAdapter, ModuleContext, PyTorchToBurnAdapter, bridge};
use burn::tensor::{AllocationProperty, DType, TensorData};
use half::slice::HalfFloatSliceExt as _;
use half::{bf16, f16};
use rayon::prelude::*;

use super::tensor_file::StoredTensor;

/// What Burn calls a linear layer in the way to a parameter.
const LINEAR: &str = "Struct:Linear";

/// Values that a thread converts at once.
const CHUNK: usize = 1 << 16;

/// Columns of a matrix that a thread turns at once: each is a row that it writes to.
const COLUMNS: usize = 32;

/// Changes tensors as they are loaded; every float becomes this type.
#[derive(Clone, Debug)]
pub(super) struct ToModule(pub DType);

impl ModuleAdapter for ToModule {
    fn adapt(&self, tensor: StoredTensor, context: ModuleContext<'_>) -> StoredTensor {
        let is_float = tensor.dtype.is_float();
        let is_matrix = tensor.shape.len() == 2;
        let is_turned = is_float && is_matrix && context.module_type() == Some(LINEAR);
        let tensor = if is_turned {
            tensor
        } else {
            PyTorchToBurnAdapter.adapt(tensor, context)
        };
        let dtype = if is_float { self.0 } else { tensor.dtype };
        let mut shape = tensor.shape.to_vec();
        if is_turned {
            shape.reverse();
        }
        let name = tensor.name.clone();
        bridge::map_data(tensor, name, dtype, shape.into(), move |data| {
            converted(data, dtype, is_turned)
        })
    }

    fn get_alternative_param_name(&self, name: &str, container: &str) -> Option<String> {
        PyTorchToBurnAdapter.get_alternative_param_name(name, container)
    }

    fn clone_box(&self) -> Box<dyn ModuleAdapter> {
        Box::new(self.clone())
    }
}

/// The same values as `dtype`, a matrix turned if it has to be, in memory of their own.
fn converted(data: TensorData, dtype: DType, is_turned: bool) -> TensorData {
    if data.dtype() == dtype && !is_turned {
        return owned(data);
    }
    let sides = data.shape().to_vec();
    let (columns, shape) = match sides[..] {
        [rows, columns] if is_turned => (Some(columns), vec![columns, rows]),
        _ => (None, sides),
    };
    if dtype == DType::F16 {
        let halves = if let Ok(values) = data.as_slice::<f16>() {
            arranged(values, columns, |from, to: &mut [f16]| {
                to.copy_from_slice(from);
            })
        } else if let Ok(values) = data.as_slice::<f32>() {
            arranged(values, columns, |from, to: &mut [f16]| {
                to.convert_from_f32_slice(from);
            })
        } else {
            return converted(data.convert_dtype(DType::F32), dtype, is_turned);
        };
        return TensorData::new(halves, shape);
    }
    let floats = if let Ok(values) = data.as_slice::<f16>() {
        arranged(values, columns, |from, to: &mut [f32]| {
            from.convert_to_f32_slice(to);
        })
    } else if let Ok(values) = data.as_slice::<bf16>() {
        arranged(values, columns, |from, to: &mut [f32]| {
            from.convert_to_f32_slice(to);
        })
    } else if let Ok(values) = data.as_slice::<f32>() {
        arranged(values, columns, |from, to: &mut [f32]| {
            to.copy_from_slice(from);
        })
    } else {
        return converted(data.convert_dtype(DType::F32), dtype, is_turned);
    };
    TensorData::new(floats, shape).convert_dtype(dtype)
}

/// The same values in memory of their own, which most of those have that were computed on the way.
fn owned(data: TensorData) -> TensorData {
    if data.bytes().property() == AllocationProperty::Native {
        return data;
    }
    let copy = arranged(data.as_bytes(), None, |from, to: &mut [u8]| {
        to.copy_from_slice(from);
    });
    TensorData::from_bytes_vec(copy, data.shape().clone(), data.dtype())
}

/// Values through `convert`, piece by piece; a matrix of so many `columns` is turned on the way.
fn arranged<S: Sync, T: Copy + Default + Send>(
    values: &[S],
    columns: Option<usize>,
    convert: impl Fn(&[S], &mut [T]) + Sync,
) -> Vec<T> {
    let mut out = vec![T::default(); values.len()];
    let Some(columns) = columns.filter(|_| !values.is_empty()) else {
        let pieces = out.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK));
        pieces.for_each(|(out, values)| convert(values, out));
        return out;
    };
    let rows = values.len() / columns;
    let blocks = out.par_chunks_mut(COLUMNS * rows).enumerate();
    blocks.for_each(|(block, out)| {
        let first = block * COLUMNS;
        let n = out.len() / rows;
        let mut piece = [T::default(); COLUMNS];
        for (i, row) in values.chunks_exact(columns).enumerate() {
            convert(&row[first..first + n], &mut piece[..n]);
            for (j, value) in piece[..n].iter().enumerate() {
                out[j * rows + i] = *value;
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers, which all types hold.
    fn matrix(rows: usize, columns: usize) -> TensorData {
        let values: Vec<f32> = (0..rows * columns).map(|i| (i % 251) as f32).collect();
        TensorData::new(values, [rows, columns])
    }

    #[test]
    fn all_types_are_turned_and_converted() {
        let (rows, columns) = (37, 2 * COLUMNS + 5);
        for from in [DType::F32, DType::F16, DType::BF16, DType::F64] {
            for to in [DType::F32, DType::F16] {
                let stored = matrix(rows, columns).convert_dtype(from);
                let same = converted(stored.clone(), to, false);
                assert_eq!(
                    same,
                    matrix(rows, columns).convert_dtype(to),
                    "{from:?} {to:?}"
                );
                let turned = converted(stored, to, true);
                assert_eq!(turned.shape().to_vec(), [columns, rows]);
                let values = turned.convert_dtype(DType::F32);
                let values = values.as_slice::<f32>().unwrap();
                let is_at = |i: usize| values[i] as usize == (i % rows * columns + i / rows) % 251;
                assert!((0..rows * columns).all(is_at), "{from:?} {to:?}");
            }
        }
    }

    #[test]
    fn an_empty_matrix_stays_empty() {
        let empty = TensorData::new(Vec::<f32>::new(), [3, 0]);
        assert_eq!(converted(empty, DType::F16, true).shape().to_vec(), [0, 3]);
    }
}
