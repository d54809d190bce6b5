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

/// Rows that share one pass over the columns: their sums stay in registers.
const ROWS: usize = 6;
/// The widest vector; lines are padded to whole ones.
const LANES: usize = 16;

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
    /// `[depth, padded tokens]`.
    columns: Vec<f32>,
    /// `[tokens, padded width]`.
    rows: Vec<f32>,
    /// `[tokens, tokens]`, if it is not in the products already.
    matrix: Option<&'a [f32]>,
    tokens: usize,
    width: usize,
}

impl<'a> Packed<'a> {
    fn plain(u: &[f32], matrix: &'a [f32], tokens: usize, width: usize) -> Self {
        Self {
            queries: u.to_vec(),
            columns: columns([(u, 1.0)], tokens, width),
            rows: padded_rows(u, width),
            matrix: Some(matrix),
            tokens,
            width,
        }
    }

    /// `u uᵀ − v vᵀ` is one product of vectors twice as long: `[u v] [u −v]ᵀ`.
    fn stacked(u: &[f32], v: &[f32], tokens: usize, width: usize) -> Self {
        let pairs = u.chunks_exact(width).zip(v.chunks_exact(width));
        Self {
            queries: pairs.flat_map(|(u, v)| [u, v].concat()).collect(),
            columns: columns([(u, 1.0), (v, -1.0)], tokens, width),
            rows: padded_rows(u, width),
            matrix: None,
            tokens,
            width,
        }
    }
}

fn columns<const N: usize>(parts: [(&[f32], f32); N], tokens: usize, width: usize) -> Vec<f32> {
    let padded = tokens.next_multiple_of(LANES);
    let mut columns = vec![0.0; N * width * padded];
    for ((vectors, factor), columns) in parts.iter().zip(columns.chunks_mut(width * padded)) {
        for (token, vector) in vectors.chunks_exact(width).enumerate() {
            for (channel, &value) in vector.iter().enumerate() {
                columns[channel * padded + token] = factor * value;
            }
        }
    }
    columns
}

fn padded_rows(vectors: &[f32], width: usize) -> Vec<f32> {
    let padded = width.next_multiple_of(LANES);
    let mut rows = vec![0.0; vectors.len() / width * padded];
    for (row, vector) in rows
        .chunks_exact_mut(padded)
        .zip(vectors.chunks_exact(width))
    {
        row[..width].copy_from_slice(vector);
    }
    rows
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
        signs.resize(ROWS * packed.tokens.next_multiple_of(LANES), 0.0);
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
    let depth = packed.queries.len() / packed.tokens;
    let queries = &packed.queries[first * depth..][..n_rows * depth];
    let query: [&[f32]; ROWS] =
        std::array::from_fn(|row| &queries[row.min(n_rows - 1) * depth..][..depth]);
    let (columns, _) = S::as_simd_f32s(&packed.columns);
    let (signs, _) = S::as_mut_simd_f32s(signs);
    let n_columns = columns.len() / depth;
    let [zero, one, minus_one] = [0.0, 1.0, -1.0].map(|v| simd.splat_f32s(v));
    let mut total = zero;
    for column in 0..n_columns {
        let mut sums = [zero; ROWS];
        for channel in 0..depth {
            let vector = columns[channel * n_columns + column];
            for (sum, query) in sums.iter_mut().zip(query) {
                *sum = simd.mul_add_e_f32s(simd.splat_f32s(query[channel]), vector, *sum);
            }
        }
        for (row, sum) in sums.into_iter().enumerate() {
            let mut difference = sum;
            if let Some(matrix) = packed.matrix {
                let line = (first + row.min(n_rows - 1)) * packed.tokens;
                let from = (column * S::F32_LANES).min(packed.tokens);
                let to = (from + S::F32_LANES).min(packed.tokens);
                let wanted = simd.partial_load_f32s(&matrix[line + from..line + to]);
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
    simd.reduce_sum_f32s(total)
}

/// Twice the sums of the vectors, each with its sign.
#[inline(always)]
fn weigh<S: Simd>(simd: S, packed: &Packed<'_>, signs: &[f32], out: &mut [f32]) {
    let &Packed { tokens, width, .. } = packed;
    let n_columns = tokens.next_multiple_of(LANES);
    let (rows, _) = S::as_simd_f32s(&packed.rows);
    let parts = rows.len() / tokens;
    let line: [&[f32]; ROWS] = std::array::from_fn(|row| &signs[row * n_columns..][..tokens]);
    for part in 0..parts {
        let first = part * S::F32_LANES;
        if first >= width {
            break;
        }
        let mut sums = [simd.splat_f32s(0.0); ROWS];
        for token in 0..tokens {
            let vector = rows[token * parts + part];
            for (sum, line) in sums.iter_mut().zip(line) {
                *sum = simd.mul_add_e_f32s(simd.splat_f32s(line[token]), vector, *sum);
            }
        }
        let end = width.min(first + S::F32_LANES);
        for (row, sum) in out.chunks_exact_mut(width).zip(sums) {
            simd.partial_store_f32s(&mut row[first..end], simd.add_f32s(sum, sum));
        }
    }
}
