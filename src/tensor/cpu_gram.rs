//! [`gram_difference`](super::gram_difference) on the processor, in one pass over a buffer that stays in the cache.
//!
//! A few rows of likenesses at a time are computed, compared, replaced by signs, and multiplied with the vectors; nothing
//! of the size of a whole likeness matrix is ever written.
#![allow(
    clippy::inline_always,
    reason = "vector instructions exist only in what is inlined into pulp's dispatch"
)]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Rows that share one pass over a panel: with two vectors each, their sums stay in registers.
const ROWS: usize = 6;
/// Columns of a panel: two of the widest vectors.
const PANEL: usize = 32;

/// What likenesses are compared with, item after item.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// Products of these vectors `[batch, tokens, width]`.
    Vectors(&'a [f32]),
    /// `[batch, tokens, tokens]`.
    Matrix(&'a [f32]),
}

/// `Σ |u uᵀ − wanted|` and `2 sign(u uᵀ − wanted) u` of row-major `u` `[batch, tokens, width]`.
pub(super) fn difference(
    u: &[f32],
    wanted: Wanted<'_>,
    tokens: usize,
    width: usize,
) -> (f32, Vec<f32>) {
    let map = tokens * width;
    let arch = Arch::new();
    let packed: Vec<Packed<'_>> = u
        .par_chunks_exact(map)
        .enumerate()
        .map(|(item, u)| match wanted {
            Wanted::Vectors(v) => Packed::stacked(u, &v[item * map..][..map], tokens, width),
            Wanted::Matrix(matrix) => {
                let size = tokens * tokens;
                Packed::plain(u, &matrix[item * size..][..size], tokens, width)
            }
        })
        .collect();
    let mut gradient = vec![0.0; u.len()];
    let items = gradient.par_chunks_exact_mut(map).zip(&packed);
    let total: f64 = items
        .map(|(gradient, packed)| {
            let blocks = gradient.par_chunks_mut(ROWS * width).enumerate();
            blocks
                .map_init(Vec::new, |signs, (block, out)| {
                    let first = block * ROWS;
                    arch.dispatch(Block {
                        packed,
                        first,
                        signs,
                        out,
                    })
                })
                .sum::<f64>()
        })
        .sum();
    (total as f32, gradient)
}

/// Vectors of one map in the orders in which they are read.
struct Packed<'a> {
    /// `[tokens, depth]`.
    queries: Vec<f32>,
    /// The vectors as columns.
    columns: Panels,
    /// The vectors as rows.
    rows: Panels,
    /// `[tokens, tokens]`, if it is not in the products already.
    matrix: Option<&'a [f32]>,
    tokens: usize,
    width: usize,
}

impl<'a> Packed<'a> {
    fn plain(u: &[f32], matrix: &'a [f32], tokens: usize, width: usize) -> Self {
        Self {
            queries: u.to_vec(),
            columns: Panels::new(width, tokens, |channel, token| u[token * width + channel]),
            rows: Panels::new(tokens, width, |token, channel| u[token * width + channel]),
            matrix: Some(matrix),
            tokens,
            width,
        }
    }

    /// `u uᵀ − v vᵀ` is one product of vectors twice as long: `[u v] [u −v]ᵀ`.
    fn stacked(u: &[f32], v: &[f32], tokens: usize, width: usize) -> Self {
        let pairs = u.chunks_exact(width).zip(v.chunks_exact(width));
        let column = |channel: usize, token: usize| match channel.checked_sub(width) {
            None => u[token * width + channel],
            Some(channel) => -v[token * width + channel],
        };
        Self {
            queries: pairs.flat_map(|(u, v)| [u, v].concat()).collect(),
            columns: Panels::new(2 * width, tokens, column),
            rows: Panels::new(tokens, width, |token, channel| u[token * width + channel]),
            matrix: None,
            tokens,
            width,
        }
    }
}

/// A matrix as panels of a few columns each, one after the other, so that a pass over a panel reads memory in order.
struct Panels {
    depth: usize,
    /// `[panels, depth, PANEL]`, zero beyond the last column.
    values: Vec<f32>,
}

impl Panels {
    fn new(depth: usize, n_columns: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let mut values = vec![0.0; n_columns.next_multiple_of(PANEL) * depth];
        for (panel, values) in values.chunks_exact_mut(PANEL * depth).enumerate() {
            let first = panel * PANEL;
            let n = PANEL.min(n_columns - first);
            for (row, values) in values.chunks_exact_mut(PANEL).enumerate() {
                for (column, out) in values[..n].iter_mut().enumerate() {
                    *out = value(row, first + column);
                }
            }
        }
        Self { depth, values }
    }

    fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(PANEL * self.depth)
    }
}

/// Products of a few rows with the two vectors of a panel's columns from vector `first` on.
#[inline(always)]
fn product<S: Simd>(
    simd: S,
    rows: &[&[f32]; ROWS],
    panel: &[f32],
    first: usize,
) -> [[S::f32s; 2]; ROWS] {
    let vectors = PANEL / S::F32_LANES;
    let (panel, _) = S::as_simd_f32s(panel);
    let depth = panel.len() / vectors;
    let rows: [&[f32]; ROWS] = std::array::from_fn(|row| &rows[row][..depth]);
    let zero = simd.splat_f32s(0.0);
    let mut sums = [[zero; 2]; ROWS];
    for (k, line) in panel.chunks_exact(vectors).enumerate() {
        let pair = [line[first], line[first + 1]];
        for (sums, row) in sums.iter_mut().zip(rows) {
            let value = simd.splat_f32s(row[k]);
            sums[0] = simd.mul_add_e_f32s(value, pair[0], sums[0]);
            sums[1] = simd.mul_add_e_f32s(value, pair[1], sums[1]);
        }
    }
    sums
}

/// A few rows of one map.
struct Block<'a> {
    packed: &'a Packed<'a>,
    first: usize,
    signs: &'a mut Vec<f32>,
    out: &'a mut [f32],
}

impl WithSimd for Block<'_> {
    /// Sum of the absolute differences.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let Self {
            packed,
            first,
            signs,
            out,
        } = self;
        let n_rows = out.len() / packed.width;
        signs.resize(ROWS * packed.tokens.next_multiple_of(PANEL), 0.0);
        let total = compare(simd, packed, first, n_rows, signs);
        weigh(simd, packed, signs, out);
        f64::from(total)
    }
}

/// Signs of the differences `[ROWS, padded tokens]`; rows beyond the last repeat it. Returns the sum of the differences.
#[inline(always)]
fn compare<S: Simd>(
    simd: S,
    packed: &Packed<'_>,
    first: usize,
    n_rows: usize,
    signs: &mut [f32],
) -> f32 {
    let &Packed { tokens, .. } = packed;
    let depth = packed.columns.depth;
    let queries = &packed.queries[first * depth..][..n_rows * depth];
    let query: [&[f32]; ROWS] =
        std::array::from_fn(|row| &queries[row.min(n_rows - 1) * depth..][..depth]);
    let (signs, _) = S::as_mut_simd_f32s(signs);
    let n_columns = signs.len() / ROWS;
    let [zero, one, minus_one] = [0.0, 1.0, -1.0].map(|v| simd.splat_f32s(v));
    let mut total = zero;
    let vectors = PANEL / S::F32_LANES;
    for (number, panel) in packed.columns.iter().enumerate() {
        for pair in (0..vectors).step_by(2) {
            let sums = product(simd, &query, panel, pair);
            for (row, sums) in sums.into_iter().enumerate() {
                for (vector, sum) in sums.into_iter().enumerate() {
                    let column = number * vectors + pair + vector;
                    let mut difference = sum;
                    if let Some(matrix) = packed.matrix {
                        let line = (first + row.min(n_rows - 1)) * tokens;
                        let (whole, rest) = S::as_simd_f32s(&matrix[line..line + tokens]);
                        let wanted = match whole.get(column) {
                            Some(wanted) => *wanted,
                            None if column == whole.len() => simd.partial_load_f32s(rest),
                            None => zero,
                        };
                        difference = simd.sub_f32s(sum, wanted);
                    }
                    if row < n_rows {
                        total = simd.add_f32s(total, simd.abs_f32s(difference));
                    }
                    let negative = simd.less_than_f32s(difference, zero);
                    let positive = simd.less_than_f32s(zero, difference);
                    let sign = simd.select_f32s(negative, minus_one, zero);
                    signs[row * n_columns + column] = simd.select_f32s(positive, one, sign);
                }
            }
        }
    }
    simd.reduce_sum_f32s(total)
}

/// Twice the sums of the vectors, each with its sign.
#[inline(always)]
fn weigh<S: Simd>(simd: S, packed: &Packed<'_>, signs: &[f32], out: &mut [f32]) {
    let &Packed { tokens, width, .. } = packed;
    let n_columns = tokens.next_multiple_of(PANEL);
    let line: [&[f32]; ROWS] = std::array::from_fn(|row| &signs[row * n_columns..][..tokens]);
    let vectors = PANEL / S::F32_LANES;
    for (number, panel) in packed.rows.iter().enumerate() {
        for pair in (0..vectors).step_by(2) {
            if number * PANEL + pair * S::F32_LANES >= width {
                break;
            }
            let sums = product(simd, &line, panel, pair);
            for (row, sums) in out.chunks_exact_mut(width).zip(sums) {
                for (vector, sum) in sums.into_iter().enumerate() {
                    let first = (number * PANEL + (pair + vector) * S::F32_LANES).min(width);
                    let end = width.min(first + S::F32_LANES);
                    simd.partial_store_f32s(&mut row[first..end], simd.add_f32s(sum, sum));
                }
            }
        }
    }
}
