//! What can be wrong with a file of weights.

use std::io;

/// What is wrong with a file of weights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing is in it.
    #[error("the file is empty")]
    Empty,
    /// It ends before what it announces.
    #[error("the file is cut off: {found} of {wanted} bytes are there")]
    CutOff {
        /// Bytes that it announces.
        wanted: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The list of tensors is longer than any real one.
    #[error("its list of tensors claims {0} bytes")]
    HeaderTooLong(u64),
    /// The list of tensors is none.
    #[error("its list of tensors cannot be read: {0}")]
    Header(String),
    /// Two tensors have one name.
    #[error("two tensors are called {0}")]
    Duplicate(String),
    /// A tensor of a type that is not read.
    #[error("{tensor} is of the type {dtype}, which is not read")]
    Type {
        /// Its name.
        tensor: String,
        /// What the file calls the type.
        dtype: String,
    },
    /// A negative length, or more values than a file can hold.
    #[error("the shape of {0} is impossible")]
    Shape(String),
    /// Type and shape want another number of bytes than the file gives the tensor.
    #[error("{tensor} has {found} bytes, but its type and shape want {wanted}")]
    Length {
        /// Its name.
        tensor: String,
        /// Bytes by type and shape.
        wanted: u64,
        /// Bytes by its place in the file.
        found: u64,
    },
    /// Tensors share bytes.
    #[error("{tensor} overlaps with {other}")]
    Overlap {
        /// The later one.
        tensor: String,
        /// The one that it reaches into.
        other: String,
    },
    /// Bytes that belong to no tensor.
    #[error("{0} bytes belong to no tensor")]
    Gap(u64),
    /// Neither of the containers that PyTorch writes.
    #[error("it is none of the files that PyTorch writes")]
    NoContainer,
    /// The list of entries of a zip archive is none.
    #[error("its list of entries cannot be read")]
    Entries,
    /// A zip archive that is larger unpacked than packed.
    #[error("its entry {0} is compressed, which PyTorch never does")]
    Compressed(String),
    /// Entries that together are larger than the file.
    #[error("its entries claim more bytes than the file has, {0}")]
    Claims(u64),
    /// The description of the tensors is longer than any real one.
    #[error("the description of its tensors is longer than {0} bytes")]
    PickleTooLong(u64),
    /// The description of the tensors is none.
    #[error("the description of its tensors cannot be read")]
    Pickle,
    /// A value that is no number.
    #[error("{0} holds values that are no finite numbers")]
    NotFinite(String),
    /// The file cannot be read to its end.
    #[error("it cannot be read: {0}")]
    Read(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Read(error.to_string())
    }
}
