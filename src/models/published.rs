//! Weights of helper networks in either of their forms: as published, which often means a pickle, or converted.

use std::io;
use std::path::Path;

use burn::module::Module;
use sha2::{Digest as _, Sha256};

use super::checkpoint::{self, CheckpointError, TensorList, Weights};
use super::keymap::KeyMap;
use crate::files;
use crate::tensor::FloatDType;

/// Fills `module` from a `.safetensors` file or from a pickle, in `f32`. Also gives the file's names that nobody wanted.
pub(super) fn load<M: Module>(
    module: M,
    path: &Path,
    keys: &KeyMap,
) -> Result<(M, Vec<String>), CheckpointError> {
    checkpoint::load(module, &weights(path), keys, FloatDType::F32)
}

/// Compares `module` with a file by names and shapes, as [`load`] would; reads no values.
pub(super) fn check<M: Module>(
    module: &M,
    path: &Path,
    keys: &KeyMap,
) -> Result<(), CheckpointError> {
    checkpoint::check(module, &weights(path), keys).map(drop)
}

/// The weights in a file, by the form that its name tells.
fn weights(path: &Path) -> Weights {
    if checkpoint::is_pickle(path) {
        Weights::Pickle(path.to_owned())
    } else {
        Weights::File(path.to_owned())
    }
}

/// Names and shapes of the tensors in a file that is not damaged; nothing of another, which loading refuses with a reason.
pub(super) fn shapes(path: &Path) -> TensorList {
    checkpoint::published_tensors(&weights(path)).unwrap_or_default()
}

/// Refuses a file that is not, byte for byte, the published one.
pub(super) fn require_sha256(path: &Path, wanted: &str) -> Result<(), CheckpointError> {
    let read = || -> io::Result<String> {
        let mut hasher = Sha256::new();
        io::copy(&mut files::open(path)?, &mut hasher)?;
        Ok(format!("{:x}", hasher.finalize()))
    };
    let found = read().map_err(|source| CheckpointError::Open {
        path: path.to_owned(),
        source,
    })?;
    if found == wanted {
        return Ok(());
    }
    Err(CheckpointError::Damaged {
        file: path.display().to_string(),
        reason: format!("their SHA-256 is {found} and not the published one's, {wanted}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_published_bytes_pass() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"abc").unwrap();
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(require_sha256(file.path(), of_abc).is_ok());
        std::fs::write(file.path(), b"abd").unwrap();
        let refused = require_sha256(file.path(), of_abc).unwrap_err();
        assert!(refused.to_string().contains(of_abc), "{refused}");
    }
}
