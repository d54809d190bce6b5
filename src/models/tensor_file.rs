//! Tensors of a `.safetensors` file: its list is read and checked once, and the values of a tensor are read when they are
//! asked for, straight into the memory that the network then keeps.
//!
//! The file is read and not mapped: pages of a mapping would count as a second copy until the system drops them, and a
//! file that is cut off while it is mapped ends the process.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use burn::store::{bridge, burn_pack};
use burn::tensor::{BoolStore, DType, TensorData};

use super::inspect::{Fault, TensorInfo, read_header};

/// A tensor of a file: its name and shape, and values that are read when they are asked for.
pub type StoredTensor = burn_pack::Tensor;

/// What the values are read from.
enum Source {
    File(Mutex<File>),
    Memory(&'static [u8]),
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
    Ok(stored(header.tensors, Source::File(Mutex::new(file))))
}

/// All tensors of a file in this program by name.
pub(super) fn tensors_of_bytes(
    bytes: &'static [u8],
) -> Result<BTreeMap<String, StoredTensor>, Fault> {
    let header = read_header(bytes, bytes.len() as u64)?;
    stored(header.tensors, Source::Memory(bytes))
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
        let read = move || {
            let bytes = source.read(place.start, place.end - place.start);
            let bytes = bytes.map_err(|error| burn_pack::Error::IoError(error.to_string()))?;
            Ok(TensorData::from_bytes_vec(bytes, declared.clone(), dtype))
        };
        let name = info.name;
        let tensor = bridge::deferred(name.clone(), dtype, shape.into(), None, read);
        Ok((name, tensor))
    };
    tensors.into_iter().map(tensor).collect()
}

impl Source {
    fn read(&self, start: u64, length: u64) -> io::Result<Vec<u8>> {
        let too_large = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let length = usize::try_from(length).map_err(too_large)?;
        match self {
            Self::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(start))?;
                let mut bytes = Vec::with_capacity(length);
                // Not more than the list was checked for, and an error if the file has become shorter.
                let read = (&mut *file).take(length as u64).read_to_end(&mut bytes)?;
                if read < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(bytes)
            }
            Self::Memory(file) => {
                let start = usize::try_from(start).map_err(too_large)?;
                let part = file.get(start..).and_then(|rest| rest.get(..length));
                Ok(part.ok_or(io::ErrorKind::UnexpectedEof)?.to_vec())
            }
        }
    }
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
        ];
        safetensors::serialize(tensors, None).unwrap()
    }

    #[test]
    fn values_are_what_the_published_reader_finds() {
        let bytes: &'static [u8] = file().leak();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        std::fs::write(&path, bytes).unwrap();
        let wanted = safetensors::SafeTensors::deserialize(bytes).unwrap();
        let of_file = tensors_of_file(&path).unwrap().unwrap();
        for tensors in [of_file, tensors_of_bytes(bytes).unwrap()] {
            assert_eq!(tensors.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
            for (name, tensor) in tensors {
                let data = bridge::to_data(&tensor).unwrap();
                let want = wanted.tensor(&name).unwrap();
                assert_eq!(data.as_bytes(), want.data(), "{name}");
                assert_eq!(tensor.shape.to_vec(), want.shape(), "{name}");
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
