//! Push-pull filling: holes take the colours around them, the farther in the smoother.
//!
//! *Push* halves the picture again and again, averaging known pixels only; *pull* goes back up and paints each hole
//! with the smooth enlargement of the level above. Both are local, unlike the marching inpainting of the reference,
//! and as good against known truth.
//!
//! # Source
//! S. J. Gortler, R. Grzeszczuk, R. Szeliski, M. F. Cohen, "The Lumigraph", SIGGRAPH 1996.

use rayon::prelude::*;

use super::super::Mask;
use crate::frame::{Frame, Size, bilinear};

/// Three values and how well they are known, from 0 to 1.
pub(super) type Known = [f32; 4];

/// Repaints the pixels under `occluded` from the others; a picture without others is returned as it is.
///
/// Twin: `shaders/synth/push.wgsl` and `shaders/synth/pull.wgsl`.
///
/// # Panics
/// If the sizes differ.
#[must_use]
pub fn fill(picture: &Frame, occluded: &Mask) -> Frame {
    let size = picture.size();
    assert_eq!(size, occluded.size(), "picture and mask");
    if occluded.count() == 0 {
        return picture.clone();
    }
    let pixels = picture.pixels().as_chunks::<3>().0.iter();
    let known = pixels.zip(occluded.values()).map(|(colour, hidden)| {
        let [r, g, b] = colour.map(f32::from);
        [r, g, b, if *hidden { 0.0 } else { 1.0 }]
    });
    let filled = fill_known(size, known.collect());
    let bytes = |value: &Known| [value[0], value[1], value[2]].map(|v| (v + 0.5) as u8);
    let pixels: Vec<[u8; 3]> = filled.par_iter().map(bytes).collect();
    Frame::new(size, pixels.into_flattened())
}

/// As [`fill`], on any three values a pixel.
pub(super) fn fill_known(size: Size, values: Vec<Known>) -> Vec<Known> {
    let half = halved(size);
    if half == size {
        return values;
    }
    let above = push(size, &values);
    let above = fill_known(half, above);
    pull(size, values, half, &above)
}

/// Size of the level above: half, rounded up.
pub(super) fn halved(size: Size) -> Size {
    Size {
        width: size.width.div_ceil(2),
        height: size.height.div_ceil(2),
    }
}

/// The level above: each pixel is the mean of its known children, and known as much as all of them together.
fn push(size: Size, values: &[Known]) -> Vec<Known> {
    let (half, width) = (halved(size), size.width as usize);
    let pixels = (0..half.area()).into_par_iter();
    let mean = |i: usize| {
        let (x, y) = (i as u32 % half.width * 2, i as u32 / half.width * 2);
        let mut sum = [0.0; 4];
        for (x, y) in [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)] {
            if x < size.width && y < size.height {
                let value = values[y as usize * width + x as usize];
                for channel in 0..3 {
                    sum[channel] += value[3] * value[channel];
                }
                sum[3] += value[3];
            }
        }
        let [a, b, c, weight] = sum;
        if weight > 0.0 {
            [a / weight, b / weight, c / weight, weight.min(1.0)]
        } else {
            [0.0; 4]
        }
    };
    pixels.map(mean).collect()
}

/// The level with what it does not know taken from the level above, bilinear between pixel centres.
fn pull(size: Size, values: Vec<Known>, half: Size, above: &[Known]) -> Vec<Known> {
    let width = size.width as usize;
    let pixels = values.into_par_iter().enumerate();
    let painted = |(i, value): (usize, Known)| {
        let missing = 1.0 - value[3];
        if missing <= 0.0 {
            return value;
        }
        let up = enlarged(half, above, (i % width) as u32, (i / width) as u32);
        // Nothing is known anywhere.
        if up[3] <= 0.0 {
            return value;
        }
        let mixed = [0, 1, 2].map(|c| value[3] * value[c] + missing * up[c]);
        [mixed[0], mixed[1], mixed[2], 1.0]
    };
    pixels.map(painted).collect()
}

/// The level above at the centre of pixel `(x, y)` of this level.
fn enlarged(half: Size, above: &[Known], x: u32, y: u32) -> Known {
    let centre = |i: u32| (i as f32 - 0.5) * 0.5;
    bilinear(half, above, centre(x), centre(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 13,
        height: 9,
    };

    fn hole() -> Mask {
        let inside = |i: usize| (3..9).contains(&(i % 13)) && (2..7).contains(&(i / 13));
        Mask::new(SIZE, (0..SIZE.area()).map(inside).collect())
    }

    #[test]
    fn known_pixels_stay_and_a_flat_picture_is_filled_flat() {
        let picture = Frame::from_fn(SIZE, |x, y| [x as u8 * 9, y as u8 * 20, 5]);
        let filled = fill(&picture, &hole());
        let pairs = picture.pixels().chunks(3).zip(filled.pixels().chunks(3));
        for ((old, new), hidden) in pairs.zip(hole().values()) {
            assert!(*hidden || old == new);
            assert_eq!(new[2], 5);
        }
    }

    #[test]
    fn what_the_hole_held_does_not_matter() {
        let with = |inside: [u8; 3]| {
            let colour = |x: u32, y: u32| {
                let i = (y * 13 + x) as usize;
                if hole().values()[i] {
                    inside
                } else {
                    [40, x as u8, 200]
                }
            };
            fill(&Frame::from_fn(SIZE, colour), &hole())
        };
        assert_eq!(with([0; 3]), with([255; 3]));
    }

    #[test]
    fn a_hole_in_a_ramp_stays_between_its_borders() {
        let picture = Frame::from_fn(SIZE, |x, _| [x as u8 * 10, 0, 0]);
        let filled = fill(&picture, &hole());
        let row: Vec<u8> = (0..13).map(|x| filled.at(x, 4)[0]).collect();
        assert!(row.is_sorted(), "{row:?}");
        assert!(row[5] > 20 && row[5] < 90, "{row:?}");
    }

    #[test]
    fn without_any_known_pixel_the_picture_stays() {
        let picture = Frame::from_fn(SIZE, |x, y| [x as u8, y as u8, 3]);
        let all = Mask::new(SIZE, vec![true; SIZE.area()]);
        assert_eq!(fill(&picture, &all), picture);
    }
}
