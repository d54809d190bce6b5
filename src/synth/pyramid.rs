//! The same records at several resolutions, each about half the next.
//!
//! Levels are sampled from the full size without a low-pass filter, as the reference does; averaging would change the
//! final energy by two parts in a thousand.

use super::patch::{RADIUS, SIDE};
use super::record::Record;
use crate::frame::Size;

/// Sizes from the coarsest to the finest, which is the full one.
///
/// There are as many as leave `2 × 5 + 1` pixels in the shorter side, and always one.
#[must_use]
pub fn sizes(full: Size) -> Vec<Size> {
    let shorter = full.width.min(full.height);
    let smallest = 2 * SIDE as u32 + 1;
    let n_levels = (1..32)
        .take_while(|l| shorter >> (l - 1) >= smallest)
        .count()
        .max(1);
    let halved = |times: usize| Size {
        width: full.width >> times,
        height: full.height >> times,
    };
    (0..n_levels).rev().map(halved).collect()
}

/// Records of a picture at every size of [`sizes`].
#[derive(Clone, Debug)]
pub struct Pyramid {
    /// From the coarsest to the finest.
    levels: Vec<Layer>,
}

/// Records of a picture at one size.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Width and height.
    pub size: Size,
    /// One a pixel, row by row.
    pub records: Vec<Record>,
    /// The style of each pixel, its channels 16 bits apart, so that a patch's colours add up in one word.
    pub(super) style: Vec<u64>,
}

impl Pyramid {
    /// Samples the coarser levels of a picture of `full` size.
    ///
    /// # Panics
    /// If `records` does not hold one for each pixel.
    #[must_use]
    pub fn new(full: Size, records: Vec<Record>) -> Self {
        let sizes = sizes(full);
        let (_, coarser) = sizes.split_last().unwrap_or((&full, &[]));
        let mut levels: Vec<Layer> = coarser
            .iter()
            .map(|size| Layer::new(*size, downsample(&records, full, *size)))
            .collect();
        levels.push(Layer::new(full, records));
        Self { levels }
    }

    /// Width and height of the finest level.
    #[must_use]
    pub fn size(&self) -> Size {
        self.levels[self.levels.len() - 1].size
    }

    /// From the coarsest to the finest; there is at least one.
    #[must_use]
    pub fn levels(&self) -> &[Layer] {
        &self.levels
    }
}

impl Layer {
    /// Wraps the records of a picture.
    ///
    /// # Panics
    /// If `records` does not hold one for each pixel.
    #[must_use]
    pub fn new(size: Size, records: Vec<Record>) -> Self {
        assert_eq!(records.len(), size.area(), "one record a pixel");
        let style = records.iter().map(|r| lanes([r[0], r[1], r[2]])).collect();
        Self {
            size,
            records,
            style,
        }
    }

    /// Where the centres of patches that lie inside the picture are, `[across, down]`.
    #[must_use]
    pub fn centres(&self) -> [std::ops::RangeInclusive<u32>; 2] {
        let r = RADIUS as u32;
        [self.size.width, self.size.height].map(|n| r..=n - 1 - r)
    }
}

/// A colour with its channels 16 bits apart.
pub(super) fn lanes([r, g, b]: [u8; 3]) -> u64 {
    u64::from(r) | u64::from(g) << 16 | u64::from(b) << 32
}

/// Samples a picture at `size`: bilinear at the position times the ratio of the sizes, rounded down.
///
/// Integer arithmetic, so that every device gives the same; a ratio of a power of two only picks pixels.
/// Twin: `shaders/synth/downsample.wgsl`.
#[must_use]
pub fn downsample(records: &[Record], full: Size, size: Size) -> Vec<Record> {
    let taps = |n: u32, full: u32| -> Vec<(usize, usize, u64)> {
        let tap = |i: u32| {
            let (whole, part) = (i * full / n, i * full % n);
            (
                whole as usize,
                (whole + 1).min(full - 1) as usize,
                u64::from(part),
            )
        };
        (0..n).map(tap).collect()
    };
    let (columns, rows) = (taps(size.width, full.width), taps(size.height, full.height));
    let (width, height) = (u64::from(size.width), u64::from(size.height));
    let mut out = Vec::with_capacity(size.area());
    for &(top, bottom, down) in &rows {
        let row = |y: usize| &records[y * full.width as usize..][..full.width as usize];
        let (top, bottom) = (row(top), row(bottom));
        out.extend(columns.iter().map(|&(left, right, across)| {
            std::array::from_fn(|c| {
                let mix = |row: &[Record]| {
                    u64::from(row[left][c]) * (width - across) + u64::from(row[right][c]) * across
                };
                ((mix(top) * (height - down) + mix(bottom) * down) / (width * height)) as u8
            })
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{downsample, sizes};
    use crate::frame::Size;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn levels_stop_where_two_patches_no_longer_fit() {
        assert_eq!(sizes(size(256, 256)).len(), 5);
        assert_eq!(sizes(size(512, 512)).len(), 6);
        let odd = [
            size(15, 11),
            size(31, 23),
            size(62, 47),
            size(125, 95),
            size(250, 190),
        ];
        assert_eq!(sizes(size(250, 190)), odd);
        assert_eq!(sizes(size(6, 9)), [size(6, 9)]);
    }

    #[test]
    fn halving_picks_every_other_pixel_and_other_ratios_interpolate() {
        let ramp: Vec<_> = (0..60_u8).map(|i| [i * 4; 16]).collect();
        let half = downsample(&ramp, size(10, 6), size(5, 3));
        let picked: Vec<u8> = half.iter().map(|r| r[7]).collect();
        assert_eq!(
            picked,
            [
                0, 8, 16, 24, 32, 80, 88, 96, 104, 112, 160, 168, 176, 184, 192
            ]
        );
        // Positions 0, 2.5, 5 and 7.5 of values four apart.
        let quarter = downsample(&ramp[..10], size(10, 1), size(4, 1));
        assert_eq!(
            quarter.iter().map(|r| r[0]).collect::<Vec<_>>(),
            [0, 10, 20, 30]
        );
    }
}
