//! A look at a file of weights before any reader takes it in: its structure is checked in bounded memory, so that a
//! damaged or hostile file is a typed error and never a crash, and its values are checked while they are loaded.

mod fault;
mod finite;
mod hash;
mod header;
mod pickle;

use std::io::{self, BufReader};
use std::path::Path;

use crate::files;
pub use fault::Fault;
pub use finite::Watch;
pub use hash::sha256_of;
pub use header::{Header, TensorInfo, read_header};
pub use pickle::check_pickle;

/// The list of tensors of a `.safetensors` file, after everything about it was checked.
///
/// # Errors
/// What opening gives, or the [`Fault`].
pub fn header_of(path: &Path) -> io::Result<Result<Header, Fault>> {
    let file = files::open(path)?;
    let length = file.metadata()?.len();
    Ok(read_header(BufReader::new(file), length))
}

/// Checks the structure of a PyTorch file.
///
/// # Errors
/// What opening gives, or the [`Fault`].
pub fn pickle_of(path: &Path) -> io::Result<Result<(), Fault>> {
    let file = files::open(path)?;
    let length = file.metadata()?.len();
    Ok(check_pickle(BufReader::new(file), length))
}
