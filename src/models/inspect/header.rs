//! The list of tensors at the head of a `.safetensors` file.
//!
//! A length of eight bytes, that many bytes of JSON, then the values. Names, types, shapes and places come from outside:
//! nothing is allocated for what they claim, and the places must cover the rest of the file exactly once.
//!
//! Source: the format's description at <https://github.com/huggingface/safetensors>.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::Fault;

/// Longest list that is read. Those of whole checkpoints have about 0.3 MB, notes of LoRA training a few.
const LONGEST: u64 = 32 << 20;

/// Bytes before the list: its length.
const PREFIX: u64 = 8;

/// Key of what is no tensor.
const METADATA: &str = "__metadata__";

/// What a file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Its tensors, in the order of their values.
    pub tensors: Vec<TensorInfo>,
    /// Notes of whoever wrote it.
    pub metadata: BTreeMap<String, String>,
}

/// What a file says of a tensor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// What the format calls the type of its values.
    pub dtype: String,
    /// Lengths along its axes.
    pub shape: Vec<u64>,
    /// Where in the file its values are.
    pub place: Range<u64>,
}

impl Header {
    /// The shape of a tensor, if it is there.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[u64]> {
        let tensor = self.tensors.iter().find(|tensor| tensor.name == name)?;
        Some(&tensor.shape)
    }
}

/// Reads and checks the list of a file of `length` bytes.
///
/// # Errors
/// The first [`Fault`] found.
pub fn read_header(mut file: impl Read, length: u64) -> Result<Header, Fault> {
    if length == 0 {
        return Err(Fault::Empty);
    }
    let cut_off = |wanted| Fault::CutOff {
        wanted,
        found: length,
    };
    if length < PREFIX {
        return Err(cut_off(PREFIX));
    }
    let mut prefix = [0; PREFIX as usize];
    file.read_exact(&mut prefix)?;
    let n_bytes = u64::from_le_bytes(prefix);
    if n_bytes > LONGEST {
        return Err(Fault::HeaderTooLong(n_bytes));
    }
    if length - PREFIX < n_bytes {
        return Err(cut_off(PREFIX + n_bytes));
    }
    let mut json = vec![0; n_bytes as usize];
    file.read_exact(&mut json)?;
    let entries: Entries =
        serde_json::from_slice(&json).map_err(|error| Fault::Header(error.to_string()))?;
    check(entries, PREFIX + n_bytes, length)
}

/// Checks the entries of a file of `length` bytes whose values begin at `start`.
fn check(entries: Entries, start: u64, length: u64) -> Result<Header, Fault> {
    let n_bytes = length - start;
    let Entries {
        mut tensors,
        metadata,
    } = entries;
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(pair) = tensors.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Fault::Duplicate(pair[0].0.clone()));
    }
    tensors.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut end = 0;
    let mut last = String::new();
    let mut list = Vec::with_capacity(tensors.len());
    for (name, entry) in tensors {
        let shape = shape(&entry.shape).ok_or_else(|| Fault::Shape(name.clone()))?;
        let wanted = n_bytes_of(&name, &entry.dtype, &shape)?;
        let (from, to) = entry.data_offsets;
        let found = to.saturating_sub(from);
        if from > to || found != wanted {
            return Err(Fault::Length {
                tensor: name,
                wanted,
                found,
            });
        }
        if from < end {
            return Err(Fault::Overlap {
                tensor: name,
                other: last,
            });
        }
        if from > end {
            return Err(Fault::Gap(from - end));
        }
        end = to;
        last.clone_from(&name);
        list.push(TensorInfo {
            name,
            dtype: entry.dtype,
            shape,
            place: start + from..start + to,
        });
    }
    if end > n_bytes {
        return Err(Fault::CutOff {
            wanted: end,
            found: n_bytes,
        });
    }
    if end < n_bytes {
        return Err(Fault::Gap(n_bytes - end));
    }
    Ok(Header {
        tensors: list,
        metadata,
    })
}

fn shape(sides: &[i128]) -> Option<Vec<u64>> {
    sides.iter().map(|side| u64::try_from(*side).ok()).collect()
}

fn n_bytes_of(name: &str, dtype: &str, shape: &[u64]) -> Result<u64, Fault> {
    let size = match dtype {
        "BOOL" | "U8" | "I8" => 1,
        "F16" | "BF16" | "I16" => 2,
        "F32" | "I32" | "U32" => 4,
        "F64" | "I64" | "U64" => 8,
        _ => {
            return Err(Fault::Type {
                tensor: name.to_owned(),
                dtype: dtype.to_owned(),
            });
        }
    };
    let n_bytes = shape
        .iter()
        .try_fold(size, |product: u64, side| product.checked_mul(*side));
    n_bytes.ok_or_else(|| Fault::Shape(name.to_owned()))
}

/// The list as it stands in the file.
#[derive(Debug)]
struct Entries {
    tensors: Vec<(String, Entry)>,
    metadata: BTreeMap<String, String>,
}

/// A tensor as it stands in the file.
#[derive(Debug, serde::Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<i128>,
    data_offsets: (u64, u64),
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// Keeps every entry, where a map would keep the last of one name.
struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Entries {
            tensors: Vec::new(),
            metadata: BTreeMap::new(),
        };
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                entries.metadata = map.next_value()?;
            } else {
                entries.tensors.push((name, map.next_value()?));
            }
        }
        Ok(entries)
    }
}
