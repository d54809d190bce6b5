//! Every pixel becomes the average of what the patches over it say; pixels that no longer change have settled.

use rayon::prelude::*;

use super::nnf::split;
use super::patch::{RADIUS, SIDE};
use super::pyramid::Layer;
use crate::frame::Size;

/// Pixels that one task votes on.
const PIXELS_A_TASK: usize = 1024;

/// The colour of each of `pixels`: the mean, rounded down, of the source colours that the patches covering it put there.
///
/// Patches whose centre is outside the frame do not exist. Twin: `shaders/synth/vote_settle.wgsl`.
#[must_use]
pub fn vote(source: &Layer, matches: &[u32], size: Size, pixels: &[u32]) -> Vec<[u8; 3]> {
    let mut colours = vec![[0; 3]; pixels.len()];
    let chunks = colours
        .par_chunks_mut(PIXELS_A_TASK)
        .zip(pixels.par_chunks(PIXELS_A_TASK));
    chunks.for_each(|(colours, pixels)| {
        for (colour, pixel) in colours.iter_mut().zip(pixels) {
            *colour = colour_of(source, matches, size, *pixel);
        }
    });
    colours
}

fn colour_of(source: &Layer, matches: &[u32], size: Size, pixel: u32) -> [u8; 3] {
    let (width, height) = (size.width as usize, size.height as usize);
    let (x, y) = (pixel as usize % width, pixel as usize / width);
    let stride = source.size.width as usize;
    let covering = |i: usize, n: usize| i.saturating_sub(RADIUS)..(i + RADIUS + 1).min(n);
    let (columns, rows) = (covering(x, width), covering(y, height));
    let mut sum = 0_u64;
    for cy in rows.clone() {
        for (cx, word) in columns.clone().zip(&matches[cy * width..][columns.clone()]) {
            let [u, v] = split(*word);
            sum += source.style[(v as usize + y - cy) * stride + u as usize + x - cx];
        }
    }
    let n = (columns.len() * rows.len()) as u64;
    // Most patches are whole, and a constant divides faster.
    let mean = |lane: u64| {
        if n == (SIDE * SIDE) as u64 {
            lane / 25
        } else {
            lane / n
        }
    };
    [0, 16, 32].map(|shift| mean(sum >> shift & 0xffff) as u8)
}

/// Marks what is within a patch's radius of a marked pixel.
///
/// Twin: `shaders/synth/dilate.wgsl`.
#[must_use]
pub fn dilate(marks: &[u8], size: Size) -> Vec<u8> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut wide = marks.to_vec();
    for (wide, row) in wide.chunks_mut(width).zip(marks.chunks(width)) {
        for d in 1..=RADIUS.min(width - 1) {
            for (w, m) in wide[d..].iter_mut().zip(row) {
                *w |= m;
            }
            for (w, m) in wide.iter_mut().zip(&row[d..]) {
                *w |= m;
            }
        }
    }
    let mut out = wide.clone();
    for d in 1..=RADIUS.min(height - 1) {
        for (o, w) in out[d * width..].iter_mut().zip(&wide) {
            *o |= w;
        }
        for (o, w) in out.iter_mut().zip(&wide[d * width..]) {
            *o |= w;
        }
    }
    out
}

/// Whether a colour differs by at least `threshold` in some channel.
#[must_use]
pub fn unsettled(before: [u8; 3], after: [u8; 3], threshold: u8) -> bool {
    (0..3).any(|c| before[c].abs_diff(after[c]) >= threshold)
}

#[cfg(test)]
mod tests {
    use super::dilate;
    use crate::frame::Size;

    #[test]
    fn a_mark_grows_by_two_pixels_and_stays_inside() {
        let size = Size {
            width: 9,
            height: 7,
        };
        for (x, y) in [(4, 3), (0, 0), (8, 6), (1, 5)] {
            let mut marks = vec![0; size.area()];
            marks[y * 9 + x] = 1;
            let near = |i: usize| (i % 9).abs_diff(x) <= 2 && (i / 9).abs_diff(y) <= 2;
            let want: Vec<u8> = (0..63).map(|i| u8::from(near(i))).collect();
            assert_eq!(dilate(&marks, size), want, "{x}, {y}");
        }
    }
}
