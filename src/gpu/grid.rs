//! Pictures in device memory: one word a pixel, layer by layer, row by row.

use crate::frame::{Frame, Size};

crate::gpu::params! {
    /// Size of the pictures that a kernel works on; mirrors `Grid` of `shaders/shared/grid.wgsl`.
    pub struct Grid {
        /// Pixels in a row.
        pub width: u32,
        /// Rows.
        pub height: u32,
    }
}

impl From<Size> for Grid {
    fn from(size: Size) -> Self {
        Self {
            width: size.width,
            height: size.height,
        }
    }
}

/// The workgroups of 8 × 8 that cover each of so many layers.
#[must_use]
pub fn tiles(size: Size, n_layers: u32) -> [u32; 3] {
    [size.width.div_ceil(8), size.height.div_ceil(8), n_layers]
}

/// One word a pixel, red lowest, as `shaders/shared/colour.wgsl` reads them.
#[must_use]
pub fn packed(picture: &Frame) -> Vec<u32> {
    let pixels = picture.pixels().as_chunks::<3>().0.iter();
    pixels
        .map(|[r, g, b]| u32::from_le_bytes([*r, *g, *b, 0]))
        .collect()
}

/// The picture of such words.
///
/// # Panics
/// If there is not one word for each pixel of `size`.
#[must_use]
pub fn unpacked(size: Size, words: &[u32]) -> Frame {
    let bytes = words.iter().flat_map(|word| {
        let [r, g, b, _] = word.to_le_bytes();
        [r, g, b]
    });
    Frame::new(size, bytes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shaders_know_the_same_grid() {
        crate::gpu::assert_mirrored::<Grid>("synth/edge");
    }

    #[test]
    fn pictures_survive_packing() {
        let size = Size {
            width: 3,
            height: 2,
        };
        let picture = Frame::from_fn(size, |x, y| [x as u8, y as u8 + 250, 255 - x as u8]);
        assert_eq!(unpacked(size, &packed(&picture)), picture);
    }
}
