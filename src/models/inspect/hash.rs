//! The SHA-256 of a file, which publishers tell.

use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::files;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// The SHA-256 of a file as lowercase hexadecimal; none if `goes_on` breaks it off.
///
/// # Errors
/// What reading gives.
pub fn sha256_of(
    path: &Path,
    goes_on: &mut dyn FnMut() -> ControlFlow<()>,
) -> io::Result<Option<String>> {
    let mut file = files::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n_bytes) => hash.update(&buffer[..n_bytes]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if goes_on().is_break() {
            return Ok(None);
        }
    }
    let hex = hash
        .finalize()
        .into_iter()
        .map(|byte| format!("{byte:02x}"));
    Ok(Some(hex.collect()))
}
