//! Optical flow and occlusion as picture files: 16 bits, red and green the vector, blue what is hidden.
//!
//! A component `v` in pixels is stored as `⌊64 v⌋ + 32768` and read as `(value - 32768) / 64 + 1/128`: the middle of its
//! step, exact in `f32` and never half way between two pixels. Vectors beyond 512 pixels are shortened.

use std::io;
use std::path::{Path, PathBuf};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ExtendedColorType, ImageEncoder as _, ImageError};

use super::field::FlowField;
use crate::files;
use crate::frame::{self, Size};

/// Steps in a pixel.
const STEPS: f32 = 64.0;
/// Stored value of the step above 0.
const ZERO: f32 = 32768.0;

/// A flow, and which pixels of its grid are not seen where it points.
#[derive(Clone, Debug, PartialEq)]
pub struct OccludedFlow {
    /// On the grid of the frame that is warped to.
    pub flow: FlowField,
    /// One value a pixel, row by row.
    pub occluded: Vec<bool>,
}

/// Why a flow file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FlowFileError {
    /// The file cannot be decoded.
    #[error("cannot read the flow {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: ImageError,
    },
    /// The picture has another layout.
    #[error(
        "a flow has three channels of 16 bits; convert the file, or let the flow be estimated: {}",
        path.display()
    )]
    Layout {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be written.
    #[error("cannot write the flow {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

impl OccludedFlow {
    /// Reads a file.
    ///
    /// # Errors
    /// [`FlowFileError::Read`] if it is missing or no picture, [`FlowFileError::Layout`] for another kind of picture.
    pub fn read(path: &Path) -> Result<Self, FlowFileError> {
        let fail = |source| FlowFileError::Read {
            path: path.to_owned(),
            source,
        };
        let DynamicImage::ImageRgb16(picture) = frame::decode(path).map_err(fail)? else {
            return Err(FlowFileError::Layout {
                path: path.to_owned(),
            });
        };
        let (width, height) = picture.dimensions();
        let (vectors, occluded) = picture
            .into_raw()
            .as_chunks::<3>()
            .0
            .iter()
            .map(|&[x, y, hidden]| ([pixels(x), pixels(y)], hidden > u16::MAX / 2))
            .unzip();
        Ok(Self {
            flow: FlowField::new(Size { width, height }, vectors),
            occluded,
        })
    }

    /// Writes a file, atomically.
    ///
    /// # Errors
    /// [`FlowFileError::Write`] if the folder is not writable or the disk is full.
    pub fn write(&self, path: &Path) -> Result<(), FlowFileError> {
        let pixels = self.flow.values().iter().zip(&self.occluded);
        let steps = pixels.flat_map(|(&[x, y], &hidden)| {
            [stored(x), stored(y), if hidden { u16::MAX } else { 0 }]
        });
        let raw: Vec<u8> = steps.flat_map(u16::to_ne_bytes).collect();
        let Size { width, height } = self.flow.size();
        let mut bytes = Vec::new();
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
            .write_image(&raw, width, height, ExtendedColorType::Rgb16)
            .unwrap_or_else(|error| {
                unreachable!("a well-formed picture encodes to memory: {error}")
            });
        files::write_atomic(path, &bytes).map_err(|source| FlowFileError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

fn pixels(stored: u16) -> f32 {
    (f32::from(stored) - ZERO) / STEPS + 0.5 / STEPS
}

/// A component that is no number becomes the smallest: it leads out of the picture.
fn stored(pixels: f32) -> u16 {
    ((pixels * STEPS).floor() + ZERO) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_to_a_hundredth_of_a_pixel() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flow.png");
        let size = Size {
            width: 5,
            height: 4,
        };
        let flow = FlowField::from_fn(size, |x, y| [x as f32 * 1.237 - 3.0, y as f32 * -40.11]);
        let occluded: Vec<bool> = (0..20).map(|i| i % 3 == 0).collect();
        let written = OccludedFlow { flow, occluded };
        written.write(&path).unwrap();
        let read = OccludedFlow::read(&path).unwrap();
        assert_eq!(read.occluded, written.occluded);
        for (read, written) in read.flow.values().iter().zip(written.flow.values()) {
            assert!((0..2).all(|axis| (read[axis] - written[axis]).abs() <= 0.5 / STEPS));
        }
        // Once on the grid of steps, nothing changes any more.
        read.write(&path).unwrap();
        assert_eq!(OccludedFlow::read(&path).unwrap(), read);
    }

    #[test]
    fn vectors_without_end_lead_out_of_the_picture() {
        let size = Size {
            width: 2,
            height: 1,
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flow.png");
        let flow = FlowField::new(size, vec![[f32::NAN, f32::INFINITY], [-1e9, 600.0]]);
        let occluded = vec![false; 2];
        OccludedFlow { flow, occluded }.write(&path).unwrap();
        let read = OccludedFlow::read(&path).unwrap();
        assert!(read.flow.values().iter().flatten().all(|v| v.abs() > 511.0));
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flow.png");
        assert!(matches!(
            OccludedFlow::read(&path),
            Err(FlowFileError::Read { .. })
        ));
        std::fs::write(&path, "a letter").unwrap();
        assert!(matches!(
            OccludedFlow::read(&path),
            Err(FlowFileError::Read { .. })
        ));
        let size = Size {
            width: 2,
            height: 2,
        };
        let eight_bits = crate::frame::Frame::from_fn(size, |_, _| [1, 2, 3]);
        eight_bits.write_png(&path).unwrap();
        assert!(matches!(
            OccludedFlow::read(&path),
            Err(FlowFileError::Layout { .. })
        ));
    }
}
