//! Tensors of a `.safetensors` file: its list is read and checked once, and the values of a tensor are mapped when they
//! are asked for, so that what a network needs of them is made straight from the file.
//!
//! Nothing is kept mapped: see [`MappedFile`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use burn::store::{bridge, burn_pack};
use burn::tensor::{AllocationProperty, BoolStore, Bytes, DType, TensorData};

use super::inspect::{Fault, TensorInfo, read_header};
use super::mapped::MappedFile;

/// A tensor of a file: its name and shape, and values that are looked up when they are asked for. They may then lie in
/// the file itself, so whoever keeps them keeps a copy.
pub type StoredTensor = burn_pack::Tensor;

/// Where the values are.
enum Source {
    File(MappedFile),
    Memory(bytes::Bytes),
}

/// All tensors of a file by name, after everything that it says of them was checked.
///
/// # Errors
/// What opening gives, or the [`Fault`].
pub(super) fn tensors_of_file(
    path: &Path,
) -> io::Result<Result<BTreeMap<String, StoredTensor>, Fault>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let header = match read_header(BufReader::new(&file), length) {
        Ok(header) => header,
        Err(fault) => return Ok(Err(fault)),
    };
    Ok(stored(header.tensors, Source::File(MappedFile::new(file))))
}

/// All tensors of a file in this program by name.
pub(super) fn tensors_of_bytes(
    bytes: &'static [u8],
) -> Result<BTreeMap<String, StoredTensor>, Fault> {
    let header = read_header(bytes, bytes.len() as u64)?;
    let source = Source::Memory(bytes::Bytes::from_static(bytes));
    stored(header.tensors, source)
}

fn stored(
    tensors: Vec<TensorInfo>,
    source: Source,
) -> Result<BTreeMap<String, StoredTensor>, Fault> {
    let source = Arc::new(source);
    let tensor = |info: TensorInfo| {
        let dtype = dtype(&info)?;
        let side = |side: &u64| usize::try_from(*side);
        let shape: Result<Vec<usize>, _> = info.shape.iter().map(side).collect();
        let shape = shape.map_err(|_| Fault::Shape(info.name.clone()))?;
        let (source, place, declared) = (Arc::clone(&source), info.place, shape.clone());
        let values = move || {
            let values = source.values(&place, dtype);
            let values = values.map_err(|error| burn_pack::Error::IoError(error.to_string()))?;
            Ok(TensorData::from_bytes(values, declared.clone(), dtype))
        };
        let name = info.name;
        let tensor = bridge::deferred(name.clone(), dtype, shape.into(), None, values);
        Ok((name, tensor))
    };
    tensors.into_iter().map(tensor).collect()
}

impl Source {
    /// The bytes of values, where they lie if they can be looked at there, else a copy of them: files may begin a value
    /// at any byte, processors and Burn want it at a multiple of its size.
    fn values(&self, place: &Range<u64>, dtype: DType) -> io::Result<Bytes> {
        let bytes = match self {
            Self::File(file) => file.range(place)?,
            Self::Memory(file) => part(file, place).ok_or(io::ErrorKind::UnexpectedEof)?,
        };
        if bytes.as_ptr().addr().is_multiple_of(dtype.size()) {
            Ok(Bytes::from_shared(bytes, AllocationProperty::Other))
        } else {
            Ok(Bytes::from_bytes_vec(bytes.to_vec()))
        }
    }
}

fn part(file: &bytes::Bytes, place: &Range<u64>) -> Option<bytes::Bytes> {
    let [start, end] = [place.start, place.end].map(usize::try_from);
    let place = start.ok()?..end.ok()?;
    file.get(place.clone())?;
    Some(file.slice(place))
}

fn dtype(info: &TensorInfo) -> Result<DType, Fault> {
    Ok(match info.dtype.as_str() {
        "F64" => DType::F64,
        "F32" => DType::F32,
        "F16" => DType::F16,
        "BF16" => DType::BF16,
        "I64" => DType::I64,
        "I32" => DType::I32,
        "I16" => DType::I16,
        "I8" => DType::I8,
        "U64" => DType::U64,
        "U32" => DType::U32,
        "U8" => DType::U8,
        "BOOL" => DType::Bool(BoolStore::Native),
        _ => {
            return Err(Fault::Type {
                tensor: info.name.clone(),
                dtype: info.dtype.clone(),
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::{Dtype, tensor::TensorView};

    fn file() -> Vec<u8> {
        let bytes: Vec<u8> = (0..48).collect();
        let view = |dtype, shape: &[usize], bytes| TensorView::new(dtype, shape.to_vec(), bytes);
        let tensors = [
            ("b", view(Dtype::F32, &[2, 3], &bytes[..24]).unwrap()),
            ("a", view(Dtype::F16, &[4], &bytes[24..32]).unwrap()),
            ("c", view(Dtype::I64, &[], &bytes[32..40]).unwrap()),
            ("d", view(Dtype::F32, &[0, 3], &[]).unwrap()),
        ];
        safetensors::serialize(tensors, None).unwrap()
    }

    /// A file whose list takes `room` bytes more than it needs, and whose values begin wherever the one before ends.
    fn crooked(room: usize) -> Vec<u8> {
        let tensors = [
            ("a", "U8", "3", 3),
            ("b", "F32", "2,3", 24),
            ("c", "F16", "3", 6),
            ("d", "F64", "0", 0),
            ("e", "BF16", "1", 2),
            ("f", "I64", "", 8),
        ];
        let mut end = 0;
        let entries = tensors.map(|(name, dtype, shape, length)| {
            let start = end;
            end += length;
            format!(
                r#""{name}":{{"dtype":"{dtype}","shape":[{shape}],"data_offsets":[{start},{end}]}}"#
            )
        });
        let header = format!("{{{}}}{}", entries.join(","), " ".repeat(room));
        let values: Vec<u8> = (0..end).map(|i| (7 * i) as u8).collect();
        let length = (header.len() as u64).to_le_bytes();
        [&length[..], header.as_bytes(), &values].concat()
    }

    #[test]
    fn values_are_what_the_published_reader_finds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let files = std::iter::once(file()).chain((0..8).map(crooked));
        for bytes in files {
            let bytes: &'static [u8] = bytes.leak();
            std::fs::write(&path, bytes).unwrap();
            let wanted = safetensors::SafeTensors::deserialize(bytes).unwrap();
            let of_file = tensors_of_file(&path).unwrap().unwrap();
            for tensors in [of_file, tensors_of_bytes(bytes).unwrap()] {
                let mut names = wanted.names();
                names.sort_unstable();
                assert_eq!(tensors.keys().collect::<Vec<_>>(), names);
                for (name, tensor) in tensors {
                    let data = bridge::to_data(&tensor).unwrap();
                    let want = wanted.tensor(&name).unwrap();
                    assert_eq!(data.as_bytes(), want.data(), "{name}");
                    assert_eq!(tensor.shape.to_vec(), want.shape(), "{name}");
                    let place = data.as_bytes().as_ptr().addr();
                    assert!(place.is_multiple_of(data.dtype().size()), "{name}");
                }
            }
        }
    }

    #[test]
    fn a_file_that_was_cut_off_since_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        std::fs::write(&path, file()).unwrap();
        let tensors = tensors_of_file(&path).unwrap().unwrap();
        let open = File::options().write(true).open(&path).unwrap();
        open.set_len(file().len() as u64 - 1).unwrap();
        assert!(
            tensors
                .values()
                .any(|tensor| bridge::to_data(tensor).is_err())
        );
    }
}
