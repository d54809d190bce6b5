//! [`gram_difference`](super::gram_difference) on the processor, in one pass over pieces that stay in the cache.
//!
//! A block of likenesses is computed, compared, replaced by signs, and multiplied with the vectors; nothing of the size of
//! a whole likeness matrix is ever written. Both products read their right side from panels of a few columns, which lie
//! in memory as they are read.
#![allow(
    clippy::inline_always,
    reason = "vector instructions exist only in what is inlined into pulp's dispatch"
)]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Rows of a tile: with two vectors a row, its sums fill the registers of every processor with vector instructions.
const ROWS: usize = 6;
/// Rows that share one pass over the columns.
const BLOCK: usize = 8 * ROWS;
/// Columns of a panel: two of the widest vectors.
const PANEL: usize = 32;
/// Columns whose signs are kept at a time.
const CHUNK: usize = 16 * PANEL;

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
    let mut gradient = vec![0.0; u.len()];
    let items = gradient
        .par_chunks_exact_mut(map)
        .zip(u.par_chunks_exact(map));
    let total: f64 = items
        .enumerate()
        .map(|(item, (gradient, u))| {
            let packed = match wanted {
                Wanted::Vectors(v) => Packed::stacked(u, &v[item * map..][..map], tokens, width),
                Wanted::Matrix(matrix) => {
                    let size = tokens * tokens;
                    Packed::plain(u, &matrix[item * size..][..size], tokens, width)
                }
            };
            let blocks = gradient.par_chunks_mut(BLOCK * width).enumerate();
            blocks
                .map_init(Scratch::default, |scratch, (block, out)| {
                    arch.dispatch(Block {
                        packed: &packed,
                        first: block * BLOCK,
                        scratch,
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
    depth: usize,
    /// Panels `[depth, PANEL]` of tokens.
    columns: Vec<f32>,
    /// Panels `[tokens, PANEL]` of channels.
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
            depth: width,
            columns: columns([(u, 1.0)], tokens, width),
            rows: rows(u, tokens, width),
            matrix: Some(matrix),
            tokens,
            width,
        }
    }

    /// `u uᵀ − v vᵀ` is one product of vectors twice as long: `[u v] [u −v]ᵀ`.
    fn stacked(u: &[f32], v: &[f32], tokens: usize, width: usize) -> Self {
        let pairs = u.chunks_exact(width).zip(v.chunks_exact(width));
        Self {
            queries: pairs
                .flat_map(|(u, v)| u.iter().chain(v))
                .copied()
                .collect(),
            depth: 2 * width,
            columns: columns([(u, 1.0), (v, -1.0)], tokens, width),
            rows: rows(u, tokens, width),
            matrix: None,
            tokens,
            width,
        }
    }
}

fn columns<const N: usize>(parts: [(&[f32], f32); N], tokens: usize, width: usize) -> Vec<f32> {
    let depth = N * width;
    let mut columns = vec![0.0; tokens.next_multiple_of(PANEL) * depth];
    for (part, (vectors, factor)) in parts.into_iter().enumerate() {
        for (token, vector) in vectors.chunks_exact(width).enumerate() {
            let panel = &mut columns[token / PANEL * PANEL * depth..][..PANEL * depth];
            let lines = panel.chunks_exact_mut(PANEL).skip(part * width);
            for (line, value) in lines.zip(vector) {
                line[token % PANEL] = factor * value;
            }
        }
    }
    columns
}

fn rows(vectors: &[f32], tokens: usize, width: usize) -> Vec<f32> {
    let mut rows = vec![0.0; width.next_multiple_of(PANEL) * tokens];
    for (panel, rows) in rows.chunks_exact_mut(PANEL * tokens).enumerate() {
        let channels = panel * PANEL..width.min((panel + 1) * PANEL);
        for (line, vector) in rows
            .chunks_exact_mut(PANEL)
            .zip(vectors.chunks_exact(width))
        {
            line[..channels.len()].copy_from_slice(&vector[channels.clone()]);
        }
    }
    rows
}

/// What a thread writes on.
#[derive(Default)]
struct Scratch {
    /// Signs of differences `[BLOCK, CHUNK]`.
    signs: Vec<f32>,
    /// Sums of vectors `[BLOCK, padded width]`.
    sums: Vec<f32>,
}

/// A few rows of one map.
struct Block<'a> {
    packed: &'a Packed<'a>,
    first: usize,
    scratch: &'a mut Scratch,
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
            scratch: Scratch { signs, sums },
            out,
        } = self;
        let &Packed { tokens, width, .. } = packed;
        let n_rows = out.len() / width;
        let padded = width.next_multiple_of(PANEL);
        signs.resize(BLOCK * CHUNK, 0.0);
        sums.clear();
        sums.resize(BLOCK * padded, 0.0);
        let mut total = 0.0;
        for chunk in (0..tokens).step_by(CHUNK) {
            for top in (0..n_rows).step_by(ROWS) {
                let part = Part {
                    packed,
                    rows: [first + top, (first + n_rows).min(first + top + ROWS)],
                    chunk,
                };
                total += f64::from(part.compare(simd, &mut signs[top * CHUNK..]));
            }
            for channels in 0..padded / PANEL {
                let panel = &packed.rows[channels * PANEL * tokens..][..PANEL * tokens];
                let end = tokens.min(chunk + CHUNK);
                let panel = &panel[chunk * PANEL..end * PANEL];
                for top in (0..n_rows).step_by(ROWS) {
                    let line = top * padded + channels * PANEL;
                    add_product(
                        simd,
                        [&signs[top * CHUNK..], panel],
                        &mut sums[line..],
                        padded,
                    );
                }
            }
        }
        for (out, sums) in out.chunks_exact_mut(width).zip(sums.chunks_exact(padded)) {
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = 2.0 * sum;
            }
        }
        total
    }
}

/// A tile's rows in one chunk of columns.
struct Part<'a> {
    packed: &'a Packed<'a>,
    /// The first, and the first after the last.
    rows: [usize; 2],
    chunk: usize,
}

/// Two vectors of each row of a tile.
type Tile<S> = [[<S as Simd>::f32s; 2]; ROWS];

impl Part<'_> {
    /// Writes signs of differences, `[ROWS, CHUNK]`; rows beyond the last repeat it. Returns the sum of the differences.
    #[inline(always)]
    fn compare<S: Simd>(&self, simd: S, signs: &mut [f32]) -> f32 {
        let &Packed { tokens, depth, .. } = self.packed;
        let [first, end] = self.rows;
        let row = |row: usize| (first + row).min(end - 1);
        let queries: [&[f32]; ROWS] =
            std::array::from_fn(|r| &self.packed.queries[row(r) * depth..][..depth]);
        let zero = simd.splat_f32s(0.0);
        let mut total = zero;
        let last = tokens.min(self.chunk + CHUNK).next_multiple_of(PANEL);
        for column in (self.chunk..last).step_by(PANEL) {
            let panel = &self.packed.columns[column * depth..][..PANEL * depth];
            for part in (0..PANEL).step_by(2 * S::F32_LANES) {
                let mut tile = [[zero; 2]; ROWS];
                multiply(simd, queries, panel, part, &mut tile);
                for (r, pair) in tile.into_iter().enumerate() {
                    for (half, sum) in pair.into_iter().enumerate() {
                        let from = column + part + half * S::F32_LANES;
                        let difference = simd.sub_f32s(sum, self.wanted(simd, row(r), from));
                        if first + r < end {
                            total = simd.add_f32s(total, simd.abs_f32s(difference));
                        }
                        let at = r * CHUNK + from - self.chunk;
                        let signs = &mut signs[at..at + S::F32_LANES];
                        simd.partial_store_f32s(signs, sign(simd, difference));
                    }
                }
            }
        }
        simd.reduce_sum_f32s(total)
    }

    /// What is to be taken off a row's products from column `from` on.
    #[inline(always)]
    fn wanted<S: Simd>(&self, simd: S, row: usize, from: usize) -> S::f32s {
        let tokens = self.packed.tokens;
        match self.packed.matrix {
            Some(matrix) => {
                let line = &matrix[row * tokens..][..tokens];
                let from = from.min(tokens);
                simd.partial_load_f32s(&line[from..tokens.min(from + S::F32_LANES)])
            }
            None => simd.splat_f32s(0.0),
        }
    }
}

#[inline(always)]
fn sign<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let [zero, one, minus_one] = [0.0, 1.0, -1.0].map(|v| simd.splat_f32s(v));
    let negative = simd.select_f32s(simd.less_than_f32s(x, zero), minus_one, zero);
    simd.select_f32s(simd.less_than_f32s(zero, x), one, negative)
}

/// Adds to `tile` the products of `lines` with two vectors of a panel's columns, from column `part` on.
#[inline(always)]
fn multiply<S: Simd>(
    simd: S,
    lines: [&[f32]; ROWS],
    panel: &[f32],
    part: usize,
    tile: &mut Tile<S>,
) {
    let depth = panel.len() / PANEL;
    let lines = lines.map(|line| &line[..depth]);
    let mut sums = *tile;
    for (k, line) in panel.chunks_exact(PANEL).enumerate() {
        let (vectors, _) = S::as_simd_f32s(&line[part..part + 2 * S::F32_LANES]);
        let (left, right) = (vectors[0], vectors[1]);
        for (sums, line) in sums.iter_mut().zip(lines) {
            let factor = simd.splat_f32s(line[k]);
            sums[0] = simd.mul_add_e_f32s(factor, left, sums[0]);
            sums[1] = simd.mul_add_e_f32s(factor, right, sums[1]);
        }
    }
    *tile = sums;
}

/// Adds signs × panel to sums, lines of `padded`.
#[inline(always)]
fn add_product<S: Simd>(simd: S, [signs, panel]: [&[f32]; 2], sums: &mut [f32], padded: usize) {
    let lines: [&[f32]; ROWS] = std::array::from_fn(|r| &signs[r * CHUNK..][..CHUNK]);
    for part in (0..PANEL).step_by(2 * S::F32_LANES) {
        let at = |r: usize, half: usize| r * padded + part + half * S::F32_LANES;
        let mut tile: Tile<S> = std::array::from_fn(|r| {
            [0, 1].map(|half| simd.partial_load_f32s(&sums[at(r, half)..][..S::F32_LANES]))
        });
        multiply(simd, lines, panel, part, &mut tile);
        for (r, pair) in tile.into_iter().enumerate() {
            for (half, sum) in pair.into_iter().enumerate() {
                simd.partial_store_f32s(&mut sums[at(r, half)..][..S::F32_LANES], sum);
            }
        }
    }
}
