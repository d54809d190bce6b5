//! How much each place of the keyframe is used, so that no place is used too much.
//!
//! The reference counts, for each source pixel, the patches that cover it (Ω), and sums that over a patch for each
//! candidate. With `C` the number of target pixels matched to each patch centre, that sum is `C` filtered with a tent
//! nine wide, so one number per centre answers for a candidate, and one change of `C` records a new match.

#![allow(
    clippy::inline_always,
    reason = "vector instructions exist only in what is inlined into pulp's dispatch"
)]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::nnf::split;
use crate::frame::Size;

/// The tent along one axis: how many shifts of a patch make it cover another's pixel.
const TENT: [u32; 9] = [1, 2, 3, 4, 5, 4, 3, 2, 1];
/// How far the tent reaches to either side.
const REACH: usize = 4;

/// Pixels that one task filters.
const PIXELS_A_TASK: usize = 1 << 14;

/// Sums are cut here, so that they fit 32 bits when weighted.
pub const MOST: u32 = 1 << 23;

/// How many target pixels are matched to each source pixel.
///
/// Twin: `shaders/synth/count.wgsl`.
#[must_use]
pub fn count(matches: &[u32], source: Size) -> Vec<u32> {
    let mut counts = vec![0; source.area()];
    for word in matches {
        let [x, y] = split(*word);
        counts[y as usize * source.width as usize + x as usize] += 1;
    }
    counts
}

/// The patch-summed occupancy of each source centre: `counts` filtered with the tent along both axes, cut at [`MOST`].
///
/// Twin: `shaders/synth/tent.wgsl`.
#[must_use]
pub fn tent(counts: &[u32], source: Size) -> Vec<u32> {
    let mut out = vec![0; counts.len()];
    tent_into(counts, source, &mut out);
    out
}

/// [`tent`] into memory that is already there.
pub(super) fn tent_into(counts: &[u32], source: Size, out: &mut [u32]) {
    let arch = Arch::new();
    let width = source.width as usize;
    let rows = out.par_chunks_mut(width).enumerate();
    rows.with_min_len(1 + PIXELS_A_TASK / width).for_each_init(
        || vec![0; width + 2 * REACH],
        |column, (y, out)| {
            arch.dispatch(Row {
                counts,
                y,
                column,
                out,
            });
        },
    );
}

/// One row of occupancies.
struct Row<'a> {
    counts: &'a [u32],
    y: usize,
    /// The sums down the columns, with [`REACH`] zeros on either side.
    column: &'a mut [u32],
    out: &'a mut [u32],
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            counts,
            y,
            column,
            out,
        } = self;
        let width = out.len();
        let rows = counts.len() / width;
        let sums = &mut column[REACH..REACH + width];
        sums.fill(0);
        for (dy, weight) in TENT.into_iter().enumerate() {
            // A row above the first wraps around to a huge number.
            let y = (y + dy).wrapping_sub(REACH);
            if y < rows {
                for (sum, n) in sums.iter_mut().zip(&counts[y * width..][..width]) {
                    *sum = (*sum).wrapping_add((*n).wrapping_mul(weight));
                }
            }
        }
        let taps: [&[u32]; 9] = std::array::from_fn(|dx| &column[dx..dx + width]);
        for (x, out) in out.iter_mut().enumerate() {
            let mut sum = 0_u32;
            for (tap, weight) in taps.iter().zip(TENT) {
                sum = sum.wrapping_add(tap[x].wrapping_mul(weight));
            }
            *out = sum.min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::nnf::join;
    use super::super::random::pcg3d;
    use super::{count, tent};
    use crate::frame::Size;

    #[test]
    fn the_tent_over_counts_is_the_patch_sum_over_coverage() {
        let size = Size {
            width: 16,
            height: 13,
        };
        let draw = |i| {
            let [x, y, _] = pcg3d([i, 0, 0]);
            join(2 + x % 5, 2 + y % 9)
        };
        let matches: Vec<u32> = (0..size.area() as u32).map(draw).collect();
        let patch = || (0..25).map(|o| (o % 5, o / 5));
        let mut coverage = vec![0; size.area()];
        for word in &matches {
            let [x, y] = super::split(*word);
            for (dx, dy) in patch() {
                coverage[((y + dy - 2) * 16 + x + dx - 2) as usize] += 1;
            }
        }
        let occupancy = tent(&count(&matches, size), size);
        for y in 2..11 {
            for x in 2..14 {
                let sum: u32 = patch()
                    .map(|(dx, dy)| coverage[((y + dy - 2) * 16 + x + dx - 2) as usize])
                    .sum();
                assert_eq!(occupancy[(y * 16 + x) as usize], sum, "at {x}, {y}");
            }
        }
    }
}
