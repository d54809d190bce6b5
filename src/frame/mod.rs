//! The nouns that every module shares: a picture, its size and its place in the video.

mod lab;
mod resize;
mod sample;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use lab::lab;
pub use resize::{WorkingSize, resize, working_size};
pub use sample::bilinear;

/// Position of a frame in presentation order, counted from 0 in the source video.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct FrameIdx(pub usize);

impl fmt::Display for FrameIdx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// Number of pixels.
    #[must_use]
    pub fn area(self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Both sides times `scale`, rounded, and at least one pixel each.
    #[must_use]
    pub fn scaled(self, scale: f64) -> Self {
        let side = |length: u32| (f64::from(length) * scale).round().max(1.0) as u32;
        Self {
            width: side(self.width),
            height: side(self.height),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.width, self.height)
    }
}

/// An RGB picture, 8 bits a channel, full range, rows from top to bottom without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    size: Size,
    pixels: Vec<u8>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({})", self.size)
    }
}

/// Why a picture could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The file is not a picture that can be decoded.
    #[error("cannot read the picture {}", path.display())]
    Read {
        /// The picture file.
        path: PathBuf,
        /// What the decoder said.
        source: image::ImageError,
    },
    /// The file could not be written.
    #[error("cannot write the picture {}", path.display())]
    Write {
        /// The picture file.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
}

/// Decodes a picture file of any kind that is supported; its content says which, not its name.
pub(crate) fn decode(path: &Path) -> Result<image::DynamicImage, image::ImageError> {
    let reader = image::ImageReader::open(path)?.with_guessed_format()?;
    reader.decode()
}

impl Frame {
    /// Wraps interleaved RGB bytes.
    ///
    /// # Panics
    /// If `pixels` does not hold exactly three bytes for each pixel of `size`.
    #[must_use]
    pub fn new(size: Size, pixels: Vec<u8>) -> Self {
        assert_eq!(pixels.len(), size.area() * 3, "three bytes a pixel");
        Self { size, pixels }
    }

    /// Builds a picture from a function of `(x, y)`.
    #[must_use]
    pub fn from_fn(size: Size, colour: impl Fn(u32, u32) -> [u8; 3]) -> Self {
        let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        Self::new(size, pixels.flat_map(|(x, y)| colour(x, y)).collect())
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Interleaved RGB bytes, row by row.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The colour at `(x, y)`.
    ///
    /// # Panics
    /// If the position is outside the picture.
    #[must_use]
    pub fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let start = (y as usize * self.size.width as usize + x as usize) * 3;
        [
            self.pixels[start],
            self.pixels[start + 1],
            self.pixels[start + 2],
        ]
    }

    /// Reads a picture file; an alpha channel is dropped.
    ///
    /// # Errors
    /// [`FrameError::Read`] if it is missing, damaged or of an unknown format.
    pub fn read(path: &Path) -> Result<Self, FrameError> {
        let fail = |source| FrameError::Read {
            path: path.to_owned(),
            source,
        };
        Ok(Self::from_image(decode(path).map_err(fail)?))
    }

    fn from_image(image: image::DynamicImage) -> Self {
        let picture = image.into_rgb8();
        let size = Size {
            width: picture.width(),
            height: picture.height(),
        };
        Self::new(size, picture.into_raw())
    }

    /// Compresses the picture with some loss, for what is only looked at.
    ///
    /// # Errors
    /// If a side is longer than a JPEG can hold.
    pub fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>, image::ImageError> {
        let mut bytes = Vec::new();
        let Size { width, height } = self.size;
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality).encode(
            &self.pixels,
            width,
            height,
            image::ExtendedColorType::Rgb8,
        )?;
        Ok(bytes)
    }

    /// The picture that [`Self::to_jpeg`] compressed.
    ///
    /// # Errors
    /// If the bytes are not a JPEG.
    pub fn from_jpeg(bytes: &[u8]) -> Result<Self, image::ImageError> {
        let image = image::load_from_memory_with_format(bytes, image::ImageFormat::Jpeg)?;
        Ok(Self::from_image(image))
    }

    /// Writes a lossless PNG, atomically.
    ///
    /// # Errors
    /// [`FrameError::Write`] if the folder is not writable or the disk is full; an existing file is then unchanged.
    pub fn write_png(&self, path: &Path) -> Result<(), FrameError> {
        crate::files::write_atomic(path, &self.png_bytes()).map_err(|source| FrameError::Write {
            path: path.to_owned(),
            source,
        })
    }

    fn png_bytes(&self) -> Vec<u8> {
        use image::codecs::png::{CompressionType, FilterType, PngEncoder};
        use image::{ExtendedColorType, ImageEncoder as _};
        let mut bytes = Vec::new();
        let encoder =
            PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
        let Size { width, height } = self.size;
        encoder
            .write_image(&self.pixels, width, height, ExtendedColorType::Rgb8)
            .unwrap_or_else(|error| {
                unreachable!("a well-formed picture encodes to memory: {error}")
            });
        bytes
    }
}
