//! The model manager: downloads from a server that misbehaves, models of other programs, the command line, and files
//! that were made to do harm.

mod cli;
mod collisions;
mod downloads;
mod failures;
mod hostile;
mod hostile_lora;
mod mapped;
mod other_networks;
mod scan;
mod server;
mod worker;

use std::path::Path;

use fresco_studio::models::checkpoint::TensorList;

use crate::single_files::hollow;

/// A file of weights with one tensor of so many values, none of which is zero.
fn weights(name: &str, n_values: usize) -> Vec<u8> {
    let n_bytes = 4 * n_values;
    let values: Vec<u8> = (0..n_values)
        .flat_map(|i| (1.0 + i as f32).to_le_bytes())
        .collect();
    let header = format!(
        "{{\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{n_values}],\"data_offsets\":[0,{n_bytes}]}}}}"
    );
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &values].concat()
}

/// Names and shapes of a published file, as `models/` lists them.
fn published(keys: &str) -> TensorList {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let text = std::fs::read_to_string(models.join(keys)).unwrap();
    text.lines().map(crate::keymaps::tensor).collect()
}

/// A file with these names and shapes, and zeros.
fn bytes_of(tensors: &TensorList) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    hollow(file.path(), tensors);
    std::fs::read(file.path()).unwrap()
}

/// The file of the small decoder, as large networks are too large to be served.
fn small_decoder() -> Vec<u8> {
    bytes_of(&published("taesd/diffusers.keys.txt"))
}

/// Writes a file and the folders above it.
fn put(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}
