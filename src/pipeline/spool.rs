//! What a pass painted, put aside until both passes of a segment can be blended.
//!
//! A nameless file, so that memory does not grow with the length of a segment and a killed run leaves nothing behind.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::files;
use crate::frame::{Frame, Size};

/// Pictures and patch errors of one pass, by the order in which they were painted.
#[derive(Debug)]
pub struct Spool {
    file: File,
    folder: PathBuf,
    size: Size,
}

impl Spool {
    /// Opens an empty one on the disk of `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder is not writable.
    pub fn new(folder: &Path, size: Size) -> Result<Self, Error> {
        let file = files::nameless(folder).map_err(io_error("write in", folder))?;
        Ok(Self {
            file,
            folder: folder.to_owned(),
            size,
        })
    }

    /// Puts the next picture aside.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk is full.
    ///
    /// # Panics
    /// If the picture has another size.
    pub fn push(&mut self, picture: &Frame, error: &[u32]) -> Result<(), Error> {
        assert_eq!(picture.size(), self.size, "one size");
        assert_eq!(error.len(), self.size.area(), "one error a pixel");
        let mut bytes = picture.pixels().to_vec();
        bytes.extend(error.iter().flat_map(|error| error.to_le_bytes()));
        let mut write = || {
            self.file.seek(SeekFrom::End(0))?;
            self.file.write_all(&bytes)
        };
        write().map_err(io_error("write in", &self.folder))
    }

    /// Reads the picture that was painted as number `index`, and its errors.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk fails.
    pub fn read(&mut self, index: usize) -> Result<(Frame, Vec<u32>), Error> {
        let n_picture = self.size.area() * 3;
        let mut bytes = vec![0; n_picture + self.size.area() * 4];
        let start = (index * bytes.len()) as u64;
        let mut read = || {
            self.file.seek(SeekFrom::Start(start))?;
            self.file.read_exact(&mut bytes)
        };
        read().map_err(io_error("read in", &self.folder))?;
        let error = bytes.split_off(n_picture);
        let error = error.as_chunks::<4>().0.iter();
        let error = error.map(|bytes| u32::from_le_bytes(*bytes)).collect();
        Ok((Frame::new(self.size, bytes), error))
    }
}

fn io_error<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
    move |source| Error::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_back_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        let size = Size {
            width: 3,
            height: 2,
        };
        let mut spool = Spool::new(folder.path(), size).unwrap();
        let picture = |i: u32| Frame::from_fn(size, |x, y| [x as u8, y as u8, i as u8]);
        let error = |i: u32| (0..6).map(|p| p * 1_000_000 + i).collect::<Vec<u32>>();
        for i in 0..4 {
            spool.push(&picture(i), &error(i)).unwrap();
        }
        for i in [3, 0, 2, 1] {
            assert_eq!(spool.read(i as usize).unwrap(), (picture(i), error(i)));
        }
        spool.push(&picture(4), &error(4)).unwrap();
        assert_eq!(spool.read(4).unwrap(), (picture(4), error(4)));
        assert!(spool.read(5).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
