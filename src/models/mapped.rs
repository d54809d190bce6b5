//! Ranges of a file as memory, for as long as somebody looks at them.
//!
//! The values of one tensor are mapped at a time, and not the whole file at once. Pages of a mapping that were looked
//! at count as memory of the process, so that a whole file would become the second copy that mapping is to avoid. A file
//! that nobody maps can be replaced and deleted on every system. And what cannot be ruled out, that somebody cuts the
//! file off in this very moment, is ruled out for all moments but this one.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use memmap2::{Mmap, MmapOptions};

/// A file whose ranges are mapped when they are asked for.
pub(super) struct MappedFile(Mutex<File>);

impl MappedFile {
    pub(super) fn new(file: File) -> Self {
        Self(Mutex::new(file))
    }

    /// The bytes at a place, which stay mapped until the last copy of what is returned is dropped. Where the file
    /// system maps nothing, as some of networks and of virtual machines do, they are read.
    ///
    /// # Errors
    /// What the system says; `UnexpectedEof` if the file has become too short for the place.
    pub(super) fn range(&self, place: &Range<u64>) -> io::Result<Bytes> {
        let file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if file.metadata()?.len() < place.end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::try_from(place.end - place.start)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        // Some systems refuse to map nothing.
        if length == 0 {
            return Ok(Bytes::new());
        }
        match mapping(&file, place.start, length) {
            Ok(mapping) => Ok(Bytes::from_owner(mapping)),
            Err(reason) => {
                tracing::debug!(%reason, "a file cannot be mapped and is read");
                read(&file, place.start, length).map(Bytes::from)
            }
        }
    }
}

#[expect(
    unsafe_code,
    reason = "no system keeps other programs from a file that is mapped, so mapping is unsafe wherever it is offered"
)]
fn mapping(file: &File, start: u64, length: usize) -> io::Result<Mmap> {
    let mut options = MmapOptions::new();
    options.offset(start).len(length);
    // SAFETY: the mapping is read only, lies inside the file as its length was just now, and unmaps itself when the last
    // view of it is dropped. What it presumes, and nobody can check, is that no program changes or cuts the file until
    // then. Values that are changed meanwhile are taken as they come: every bit pattern of a number is valid, and
    // nothing that bounds an access is taken from here. A file that is cut meanwhile, or a disk that fails, ends this
    // process with a signal on Unix and an exception on Windows, which refuses to cut a mapped file. This program itself
    // never writes into a file of weights: it writes beside and renames, which leaves a mapped file as it was.
    unsafe { options.map(file) }
}

fn read(mut file: &File, start: u64, length: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::with_capacity(length);
    // Not more than was asked for, and an error if the file has become shorter.
    if file.take(length as u64).read_to_end(&mut bytes)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_what_is_in_the_file() {
        let content: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
        let temporary = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(temporary.path(), &content).unwrap();
        let file = MappedFile::new(File::open(temporary.path()).unwrap());
        let n = content.len();
        for place in [0..n, 0..1, 4095..4097, 4097..70_001, n - 1..n, 7..7, n..n] {
            let bytes = file.range(&(place.start as u64..place.end as u64)).unwrap();
            assert_eq!(bytes, content[place.clone()], "{place:?}");
            let opened = File::open(temporary.path()).unwrap();
            let read = read(&opened, place.start as u64, place.len()).unwrap();
            assert_eq!(read, content[place.clone()], "{place:?}");
        }
    }

    #[test]
    fn a_place_behind_the_end_is_an_error() {
        let temporary = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(temporary.path(), [0; 10]).unwrap();
        let file = MappedFile::new(File::open(temporary.path()).unwrap());
        for place in [0..11, 10..11, 20..20] {
            let error = file.range(&place).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{place:?}");
        }
    }

    /// A file system of the kernel that has files of bytes and maps none of them.
    #[test]
    fn what_cannot_be_mapped_is_read() {
        let path = "/sys/kernel/notes";
        let Ok(content) = std::fs::read(path) else {
            eprintln!("skipped: no {path} here");
            return;
        };
        let opened = File::open(path).unwrap();
        if content.len() < 8 || mapping(&opened, 0, content.len()).is_ok() {
            eprintln!("skipped: {path} can be mapped here");
            return;
        }
        let bytes = MappedFile::new(opened).range(&(3..8)).unwrap();
        assert_eq!(bytes, content[3..8]);
    }
}
