//! Patches of 5×5 records: their weighted squared difference, which is the energy that synthesis lowers.

use super::pyramid::Layer;
use super::record::{Record, WEIGHTS};
use crate::frame::Size;

/// Pixels from the centre of a patch to its border.
pub const RADIUS: usize = 2;
/// Pixels along a side of a patch.
pub const SIDE: usize = 2 * RADIUS + 1;

/// Bytes in a row of a patch.
const ROW: usize = SIDE * size_of::<Record>();

/// The frame being painted: records with a border of [`RADIUS`] repeated pixels, so that no patch leaves it.
#[derive(Clone, Debug)]
pub struct Canvas {
    size: Size,
    /// Of `(width + 4) × (height + 4)` pixels.
    records: Vec<Record>,
}

impl Canvas {
    /// Adds the border to a picture's records.
    #[must_use]
    pub fn new(layer: &Layer) -> Self {
        let (width, height) = (layer.size.width as usize, layer.size.height as usize);
        let inside = |i: usize, n: usize| i.saturating_sub(RADIUS).min(n - 1);
        let mut records = Vec::with_capacity((width + 2 * RADIUS) * (height + 2 * RADIUS));
        for y in 0..height + 2 * RADIUS {
            let row = &layer.records[inside(y, height) * width..][..width];
            records.extend((0..width + 2 * RADIUS).map(|x| row[inside(x, width)]));
        }
        Self {
            size: layer.size,
            records,
        }
    }

    /// Width and height without the border.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The colour at a pixel.
    #[must_use]
    pub fn style(&self, pixel: u32) -> [u8; 3] {
        let (x, y) = self.place(pixel);
        let [r, g, b, ..] = self.records[(y + RADIUS) * self.stride() + x + RADIUS];
        [r, g, b]
    }

    /// Paints a pixel, and its copies in the border.
    pub fn paint(&mut self, pixel: u32, colour: [u8; 3]) {
        let (x, y) = self.place(pixel);
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let copies = |i: usize, n: usize| {
            let first = if i == 0 { 0 } else { i + RADIUS };
            let last = if i == n - 1 {
                i + 2 * RADIUS
            } else {
                i + RADIUS
            };
            first..=last
        };
        let stride = self.stride();
        for y in copies(y, height) {
            for x in copies(x, width) {
                self.records[y * stride + x][..3].copy_from_slice(&colour);
            }
        }
    }

    #[inline]
    fn place(&self, pixel: u32) -> (usize, usize) {
        let width = self.size.width;
        ((pixel % width) as usize, (pixel / width) as usize)
    }

    #[inline]
    fn stride(&self) -> usize {
        self.size.width as usize + 2 * RADIUS
    }
}

/// The patch around one pixel of the canvas, to compare with many patches of the keyframe.
#[derive(Clone, Debug)]
pub struct Patch {
    rows: [[i16; ROW]; SIDE],
}

const fn row_of_weights() -> [i16; ROW] {
    let mut row = [0; ROW];
    let mut i = 0;
    while i < ROW {
        row[i] = WEIGHTS[i % WEIGHTS.len()];
        i += 1;
    }
    row
}

const ROW_OF_WEIGHTS: [i16; ROW] = row_of_weights();

#[allow(
    clippy::inline_always,
    reason = "vector instructions exist only in what is inlined into pulp's dispatch"
)]
impl Patch {
    /// Widens the patch around the pixel at `(x, y)`.
    #[must_use]
    #[inline(always)]
    pub fn at(canvas: &Canvas, x: u32, y: u32) -> Self {
        let stride = canvas.stride();
        let first = y as usize * stride + x as usize;
        let mut rows = [[0; ROW]; SIDE];
        for (dy, wide) in rows.iter_mut().enumerate() {
            let row = canvas.records[first + dy * stride..][..SIDE].as_flattened();
            for (wide, byte) in wide.iter_mut().zip(row) {
                *wide = i16::from(*byte);
            }
        }
        Self { rows }
    }

    /// The energy of matching this patch to the one around `(x, y)`, or any number of at least `limit` if it reaches
    /// that.
    #[must_use]
    #[inline(always)]
    pub fn error(&self, source: &Layer, x: u32, y: u32, limit: u32) -> u32 {
        let width = source.size.width as usize;
        let first = (y as usize - RADIUS) * width + x as usize - RADIUS;
        let mut sum = 0_u32;
        for (dy, row) in self.rows.iter().enumerate() {
            let other = source.records[first + dy * width..][..SIDE].as_flattened();
            let Some(other) = other.first_chunk::<ROW>() else {
                return u32::MAX;
            };
            sum = sum.wrapping_add(difference(row, other));
            if sum >= limit {
                break;
            }
        }
        sum
    }
}

#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "vector instructions exist only in what is inlined into pulp's dispatch"
)]
fn difference(row: &[i16; ROW], other: &[u8; ROW]) -> u32 {
    let mut sum = 0_i32;
    for i in 0..ROW {
        let d = row[i].wrapping_sub(i16::from(other[i]));
        // At most 255 × 60, which fits; the product of both fits 32 bits.
        let weighted = d.wrapping_mul(ROW_OF_WEIGHTS[i]);
        sum = sum.wrapping_add(i32::from(d).wrapping_mul(i32::from(weighted)));
    }
    sum as u32
}
