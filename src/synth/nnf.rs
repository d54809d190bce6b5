//! The nearest-neighbour field: for each pixel of the frame, which patch of the keyframe resembles the patch around it.

use std::ops::RangeInclusive;

use super::pyramid::Layer;
use super::random::{pcg3d, within};
use crate::frame::Size;

/// A position in the keyframe in one word: across in the low half, down in the high half.
#[must_use]
#[inline]
pub fn join(x: u32, y: u32) -> u32 {
    x | y << 16
}

/// The position in a word of [`join`], `[across, down]`.
#[must_use]
#[inline]
pub fn split(word: u32) -> [u32; 2] {
    [word & 0xffff, word >> 16]
}

/// For each pixel of the frame, the centre of its patch in the keyframe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nnf {
    size: Size,
    matches: Vec<u32>,
}

impl Nnf {
    /// Wraps one word of [`join`] a pixel, row by row.
    ///
    /// # Panics
    /// If `matches` does not hold exactly one for each pixel of `size`.
    #[must_use]
    pub fn new(size: Size, matches: Vec<u32>) -> Self {
        assert_eq!(matches.len(), size.area(), "one match a pixel");
        Self { size, matches }
    }

    /// A field of random matches.
    ///
    /// Twin: `shaders/synth/init_nnf.wgsl`.
    #[must_use]
    pub fn random(size: Size, source: &Layer, level: u32, seed: u32) -> Self {
        let [across, down] = source.centres();
        let draw = |pixel: u32| {
            let [x, y, _] = pcg3d([pixel, moment(level, u32::from(u16::MAX)), seed]);
            join(within(x, &across), within(y, &down))
        };
        Self::new(size, (0..size.area() as u32).map(draw).collect())
    }

    /// The field that follows a map of positions in the keyframe, given at `full` size.
    ///
    /// # Panics
    /// If `positions` does not hold exactly one for each pixel of `full`.
    #[must_use]
    pub fn from_positions(size: Size, source: &Layer, positions: &[[f32; 2]], full: Size) -> Self {
        assert_eq!(positions.len(), full.area(), "one position a pixel");
        let [across, down] = source.centres();
        let ratio = |n: u32, full: u32| n as f32 / full as f32;
        let (by_x, by_y) = (
            ratio(size.width, full.width),
            ratio(size.height, full.height),
        );
        // A position that is not a number becomes 0, which is as good as any.
        let to = |v: f32, range: &RangeInclusive<u32>| {
            (v.round() as u32).clamp(*range.start(), *range.end())
        };
        let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        let matches = pixels.map(|(x, y)| {
            let (x, y) = (x * full.width / size.width, y * full.height / size.height);
            let [u, v] = positions[y as usize * full.width as usize + x as usize];
            join(to(u * by_x, &across), to(v * by_y, &down))
        });
        Self::new(size, matches.collect())
    }

    /// The field of the next finer level: each match doubled, neighbours side by side.
    ///
    /// Matches keep five pixels from the border, as in the reference. Twin: `shaders/synth/upsample_nnf.wgsl`.
    #[must_use]
    pub fn upsampled(&self, size: Size, source: Size) -> Self {
        let margin = |n: u32| 5..=n.max(11) - 6;
        let (across, down) = (margin(source.width), margin(source.height));
        let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        let matches = pixels.map(|(x, y)| {
            let [u, v] = self.at(
                (x / 2).min(self.size.width - 1),
                (y / 2).min(self.size.height - 1),
            );
            join(
                (2 * u + x % 2).clamp(*across.start(), *across.end()),
                (2 * v + y % 2).clamp(*down.start(), *down.end()),
            )
        });
        Self::new(size, matches.collect())
    }

    /// Width and height of the frame.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// One word of [`join`] a pixel, row by row.
    #[must_use]
    pub fn matches(&self) -> &[u32] {
        &self.matches
    }

    /// One word of [`join`] a pixel, row by row.
    #[must_use]
    pub fn into_matches(self) -> Vec<u32> {
        self.matches
    }

    /// The match of the pixel at `(x, y)`, `[across, down]`.
    ///
    /// # Panics
    /// If the position is outside the frame.
    #[must_use]
    pub fn at(&self, x: u32, y: u32) -> [u32; 2] {
        assert!(x < self.size.width, "inside the row");
        split(self.matches[y as usize * self.size.width as usize + x as usize])
    }
}

/// The second word that [`pcg3d`] hashes: which iteration of which level.
#[must_use]
#[inline]
pub fn moment(level: u32, iteration: u32) -> u32 {
    level << 16 | iteration
}
