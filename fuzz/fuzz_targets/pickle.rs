//! PyTorch files: what passes the check goes to the reader, which must not fail otherwise than with an error.
#![no_main]

use std::io::{Cursor, Write as _};

use fresco_studio_fuzz::inspect::check_pickle;
use libfuzzer_sys::fuzz_target;
use pytorch_reader::PytorchReader;

fuzz_target!(|bytes: &[u8]| {
    if check_pickle(Cursor::new(bytes), bytes.len() as u64).is_err() {
        return;
    }
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    let Ok(reader) = PytorchReader::new(file.path()) else {
        return;
    };
    for tensor in reader.tensors().values() {
        // As in the program, no tensor of another size than a network's own is read.
        if tensor.byte_len() < 1 << 20 {
            let _ = tensor.read();
        }
    }
});
