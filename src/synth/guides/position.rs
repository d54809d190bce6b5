//! The positional guide: where in the keyframe a pixel comes from.

use rayon::prelude::*;

use super::super::Mask;
use super::fill::{Known, fill_known};
use crate::flow::field::FlowField;
use crate::frame::{Frame, Size, bilinear};

/// Where in the keyframe each pixel of the current frame lies, by the flow accumulated since.
///
/// One map gives the [guide picture](PositionMap::guide) and the field from which a search may start.
#[derive(Clone, Debug, PartialEq)]
pub struct PositionMap {
    size: Size,
    values: Vec<[f32; 2]>,
}

impl PositionMap {
    /// The keyframe's own map: each pixel lies where it is.
    #[must_use]
    pub fn identity(size: Size) -> Self {
        let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        let values = pixels.map(|(x, y)| [x as f32, y as f32]).collect();
        Self { size, values }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// `[x, y]` in pixels of the keyframe, row by row.
    #[must_use]
    pub fn values(&self) -> &[[f32; 2]] {
        &self.values
    }

    /// The map one step on: sampled (bilinear, the border repeated) along the flow, and filled where that is occluded.
    ///
    /// # Panics
    /// If the sizes differ.
    #[must_use]
    pub fn advanced(&self, cur_from_prev: &FlowField, occluded: &Mask) -> Self {
        assert_eq!(self.size, cur_from_prev.size(), "map and flow");
        assert_eq!(self.size, occluded.size(), "map and mask");
        let width = self.size.width as usize;
        let steps = cur_from_prev.values().par_iter().zip(occluded.values());
        let moved = steps.enumerate().map(|(i, (vector, hidden))| {
            let (x, y) = (
                (i % width) as f32 + vector[0],
                (i / width) as f32 + vector[1],
            );
            let [x, y] = bilinear(self.size, &self.values, x, y);
            [x, y, 0.0, if *hidden { 0.0 } else { 1.0 }]
        });
        let filled: Vec<Known> = fill_known(self.size, moved.collect());
        Self {
            size: self.size,
            values: filled.par_iter().map(|v| [v[0], v[1]]).collect(),
        }
    }

    /// The ramps of the keyframe as seen from here: red is the row, green the column, blue is 0.
    #[must_use]
    pub fn guide(&self) -> Frame {
        let (columns, rows) = (levels(self.size.width), levels(self.size.height));
        let level = |levels: &[u8], at: f32| {
            let low = at as usize;
            let [a, b] = [low, low + 1].map(|i| f32::from(levels[i.min(levels.len() - 1)]));
            (a + at.fract() * (b - a) + 0.5) as u8
        };
        let colour = |at: &[f32; 2]| [level(&rows, at[1]), level(&columns, at[0]), 0];
        let pixels: Vec<[u8; 3]> = self.values.par_iter().map(colour).collect();
        Frame::new(self.size, pixels.into_flattened())
    }
}

/// The positional guide of a keyframe: red grows with the row, green with the column, blue is 0.
#[must_use]
pub fn ramp(size: Size) -> Frame {
    let (columns, rows) = (levels(size.width), levels(size.height));
    Frame::from_fn(size, |x, y| [rows[y as usize], columns[x as usize], 0])
}

/// From 0 to 255 over `length` pixels, truncated, in the reference's order of operations: some are one less than exact.
fn levels(length: u32) -> Vec<u8> {
    let last = length.saturating_sub(1);
    let level = |i: u32| {
        if i == last {
            255
        } else {
            (f64::from(i) * (1.0 / f64::from(last)) * 255.0) as u8
        }
    };
    (0..length).map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 60,
        height: 7,
    };

    #[test]
    fn the_identity_shows_the_ramp() {
        assert_eq!(PositionMap::identity(SIZE).guide(), ramp(SIZE));
        assert_eq!(ramp(SIZE).at(0, 0), [0, 0, 0]);
        assert_eq!(ramp(SIZE).at(59, 6), [255, 255, 0]);
    }

    #[test]
    fn steps_add_up() {
        let flow = FlowField::constant(SIZE, [1.25, 0.0]);
        let none = Mask::none(SIZE);
        let two_on = (0..2).fold(PositionMap::identity(SIZE), |map, _| {
            map.advanced(&flow, &none)
        });
        let at = two_on.values()[3 * 60 + 10];
        assert!(
            (at[0] - 12.5).abs() < 1e-4 && (at[1] - 3.0).abs() < 1e-4,
            "{at:?}"
        );
    }

    #[test]
    fn maps_stay_inside_the_keyframe_whatever_the_flow() {
        for vector in [[1e9, -1e9], [f32::NAN, 0.0], [f32::INFINITY, 3.0]] {
            let flow = FlowField::constant(SIZE, vector);
            let map = PositionMap::identity(SIZE).advanced(&flow, &Mask::none(SIZE));
            let inside = |v: &[f32; 2]| (0.0..60.0).contains(&v[0]) && (0.0..7.0).contains(&v[1]);
            assert!(map.values().iter().all(inside), "{vector:?}");
            assert_eq!(map.guide().size(), SIZE);
        }
    }
}
