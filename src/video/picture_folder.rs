//! Pictures that somebody else made, one file a frame: which file is which frame.
//!
//! The last run of digits in a name is a number: `dog_0012_v2` is 2, `0012` is 12.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::frame::FrameIdx;

/// What is read.
const READABLE: [&str; 3] = ["png", "jpg", "jpeg"];

/// What is certainly meant as a picture and cannot be read.
const PICTURES: [&str; 11] = [
    "tif", "tiff", "bmp", "webp", "gif", "exr", "psd", "kra", "tga", "avif", "jxl",
];

/// Why a folder of pictures cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PictureFolderError {
    /// The folder cannot be listed.
    #[error("cannot read the folder {}", folder.display())]
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// There is no picture in it.
    #[error("no PNG or JPEG pictures in the folder {}", folder.display())]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// A picture that does not say which frame it is.
    #[error(
        "no frame number in the name of a picture; name it after its frame, as in 0012.png: {}",
        path.display()
    )]
    NoNumber {
        /// The picture.
        path: PathBuf,
    },
    /// A picture in a format that is not read.
    #[error("pictures of this kind cannot be read; save it as PNG or JPEG: {}", path.display())]
    Format {
        /// The picture.
        path: PathBuf,
    },
    /// Two pictures say that they are the same frame.
    #[error(
        "two pictures are frame {frame}; remove one: {} and {}",
        files[0].display(),
        files[1].display()
    )]
    SameFrame {
        /// The frame.
        frame: FrameIdx,
        /// Both pictures.
        files: [PathBuf; 2],
    },
    /// A picture is missing in the middle of a sequence.
    #[error(
        "picture {number} is missing between {} and {} in the folder {}",
        number - 1,
        following,
        folder.display()
    )]
    Gap {
        /// The first number that is missing.
        number: usize,
        /// The next number that is there.
        following: usize,
        /// The folder.
        folder: PathBuf,
    },
}

/// The pictures of a folder by the numbers in their names. Hidden files and files that are no pictures do not count.
///
/// # Errors
/// If there are none, if one has no number or a format that is not read, or if two have the same number.
pub fn numbered_pictures(folder: &Path) -> Result<BTreeMap<FrameIdx, PathBuf>, PictureFolderError> {
    let list = std::fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<Vec<PathBuf>>>()
    });
    let mut paths = list.map_err(|source| PictureFolderError::Unreadable {
        folder: folder.to_owned(),
        source,
    })?;
    // The same complaint on every system.
    paths.sort();
    let mut pictures = BTreeMap::new();
    for path in paths {
        match kind(&path) {
            Kind::Other => continue,
            Kind::UnreadablePicture => return Err(PictureFolderError::Format { path }),
            Kind::Picture => {}
        }
        let Some(frame) = number(&path).map(FrameIdx) else {
            return Err(PictureFolderError::NoNumber { path });
        };
        if let Some(first) = pictures.insert(frame, path.clone()) {
            let files = [first, path];
            return Err(PictureFolderError::SameFrame { frame, files });
        }
    }
    if pictures.is_empty() {
        let folder = folder.to_owned();
        return Err(PictureFolderError::Empty { folder });
    }
    Ok(pictures)
}

/// The pictures of a folder in the order of their numbers, which have no gaps, and the first number.
///
/// # Errors
/// As [`numbered_pictures`], and [`PictureFolderError::Gap`].
pub fn picture_sequence(folder: &Path) -> Result<(usize, Vec<PathBuf>), PictureFolderError> {
    let pictures = numbered_pictures(folder)?;
    let numbers: Vec<usize> = pictures.keys().map(|frame| frame.0).collect();
    if let Some(pair) = numbers.windows(2).find(|pair| pair[0] + 1 != pair[1]) {
        return Err(PictureFolderError::Gap {
            number: pair[0] + 1,
            following: pair[1],
            folder: folder.to_owned(),
        });
    }
    Ok((numbers[0], pictures.into_values().collect()))
}

enum Kind {
    Picture,
    UnreadablePicture,
    Other,
}

fn kind(path: &Path) -> Kind {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default();
    let extension = extension.to_string_lossy().to_ascii_lowercase();
    if name.starts_with('.') || path.is_dir() {
        Kind::Other
    } else if READABLE.contains(&&*extension) {
        Kind::Picture
    } else if PICTURES.contains(&&*extension) {
        Kind::UnreadablePicture
    } else {
        Kind::Other
    }
}

/// The last run of digits of a name without its extension.
fn number(path: &Path) -> Option<usize> {
    let stem = path.file_stem()?.to_string_lossy();
    let digit = |c: char| c.is_ascii_digit();
    let end = stem.rfind(digit)? + 1;
    let start = stem[..end].rfind(|c| !digit(c)).map_or(0, |before| {
        before + stem[before..].chars().next().map_or(1, char::len_utf8)
    });
    stem[start..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn the_last_run_of_digits_counts() {
        let of = |name: &str| number(Path::new(name));
        assert_eq!(of("0012.png"), Some(12));
        assert_eq!(of("shot3_0007.final.png"), Some(7));
        assert_eq!(of("dog_0012_v2.png"), Some(2));
        assert_eq!(of("käse7ü.png"), Some(7));
        assert_eq!(of("ü8"), Some(8));
        assert_eq!(of("key.png"), None);
        assert_eq!(of("99999999999999999999999.png"), None);
    }

    #[test]
    fn pictures_are_found_in_the_order_of_their_numbers() {
        let names = ["a9.png", "a10.JPG", "a11.jpeg", "notes.txt", ".hidden1.png"];
        let folder = folder(&names);
        std::fs::create_dir(folder.path().join("7.png")).unwrap();
        let (first, paths) = picture_sequence(folder.path()).unwrap();
        let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(
            (first, names),
            (
                9,
                vec!["a9.png".as_ref(), "a10.JPG".as_ref(), "a11.jpeg".as_ref()]
            )
        );
    }

    #[test]
    fn what_is_not_clear_is_refused() {
        let complaint = |names: &[&str]| {
            picture_sequence(folder(names).path())
                .unwrap_err()
                .to_string()
        };
        assert!(complaint(&[]).contains("no PNG or JPEG pictures"));
        assert!(complaint(&["a.txt"]).contains("no PNG or JPEG pictures"));
        assert!(complaint(&["1.png", "key.png"]).contains("no frame number"));
        assert!(complaint(&["1.png", "2.tiff"]).contains("save it as PNG or JPEG"));
        assert!(complaint(&["1.png", "01.jpg"]).contains("two pictures are frame 1"));
        assert!(
            complaint(&["1.png", "2.png", "5.png"])
                .contains("picture 3 is missing between 2 and 5")
        );
        let gone = picture_sequence(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(gone.to_string().contains("cannot read the folder"));
    }
}
