//! Attention on the processor, several times faster than exponentiating stored scores one by one.
//!
//! A few queries at a time are scored against all keys into a buffer that stays in the cache, turned
//! into weights, and multiplied with the values. [`pulp`] finds the widest vectors that the processor
//! has.
#![allow(
    clippy::inline_always,
    reason = "vector instructions exist only in what is inlined into pulp's dispatch"
)]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Queries that share one pass over the keys: their sums stay in registers.
const QUERIES: usize = 6;
/// The widest vector; rows are padded to whole ones.
const LANES: usize = 16;

/// Sizes of one attention.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Batches times heads.
    pub heads: usize,
    /// Queries a head.
    pub queries: usize,
    /// Keys a head.
    pub keys: usize,
    /// Channels a head.
    pub width: usize,
}

/// `softmax(q kᵀ / √d) v` of row-major `[heads, tokens, width]` slices.
pub(super) fn attend(q: &[f32], k: &[f32], v: &[f32], sizes: Sizes) -> Vec<f32> {
    let Sizes {
        heads,
        queries,
        keys,
        width,
    } = sizes;
    let arch = Arch::new();
    let pack = |head: usize| {
        let rows = head * keys * width..(head + 1) * keys * width;
        Packed::new(&k[rows.clone()], &v[rows], keys, width)
    };
    let packed: Vec<Packed> = (0..heads).into_par_iter().map(pack).collect();
    let mut out = vec![0.0; heads * queries * width];
    let blocks = out
        .par_chunks_exact_mut(queries * width)
        .zip(q.par_chunks_exact(queries * width));
    blocks.zip(&packed).for_each(|((out, q), packed)| {
        let blocks = out
            .par_chunks_mut(QUERIES * width)
            .zip(q.par_chunks(QUERIES * width));
        blocks.for_each_init(Vec::new, |scores, (out, q)| {
            arch.dispatch(Block {
                q,
                packed,
                scores,
                out,
            });
        });
    });
    out
}

/// Keys as columns and values as rows, both padded with zeros to whole vectors.
struct Packed {
    /// `[width, padded keys]`.
    keys: Vec<f32>,
    /// `[keys, padded width]`.
    values: Vec<f32>,
    n_keys: usize,
    width: usize,
}

impl Packed {
    fn new(k: &[f32], v: &[f32], n_keys: usize, width: usize) -> Self {
        let columns = n_keys.next_multiple_of(LANES);
        let padded = width.next_multiple_of(LANES);
        let mut keys = vec![0.0; width * columns];
        let mut values = vec![0.0; n_keys * padded];
        for (key, (k, v)) in k.chunks_exact(width).zip(v.chunks_exact(width)).enumerate() {
            for (channel, &value) in k.iter().enumerate() {
                keys[channel * columns + key] = value;
            }
            values[key * padded..][..width].copy_from_slice(v);
        }
        Self {
            keys,
            values,
            n_keys,
            width,
        }
    }
}

/// A few queries of one head, from scores to output.
struct Block<'a> {
    q: &'a [f32],
    packed: &'a Packed,
    scores: &'a mut Vec<f32>,
    out: &'a mut [f32],
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            q,
            packed,
            scores,
            out,
        } = self;
        let columns = packed.n_keys.next_multiple_of(LANES);
        scores.clear();
        scores.resize(QUERIES * columns, 0.0);
        score(simd, q, packed, scores);
        let mut totals = [1.0; QUERIES];
        for (total, row) in totals.iter_mut().zip(scores.chunks_exact_mut(columns)) {
            row[packed.n_keys..].fill(f32::NEG_INFINITY);
            *total = exponentiate(simd, row);
        }
        weigh_values(simd, packed, scores, totals, out);
    }
}

/// Scaled products of queries and keys: `[QUERIES, padded keys]`; rows without a query repeat the last.
#[inline(always)]
fn score<S: Simd>(simd: S, q: &[f32], packed: &Packed, scores: &mut [f32]) {
    let width = packed.width;
    let last = q.len() / width - 1;
    let scale = 1.0 / (width as f32).sqrt();
    let (keys, _) = S::as_simd_f32s(&packed.keys);
    let (scores, _) = S::as_mut_simd_f32s(scores);
    let columns = keys.len() / width;
    for column in 0..columns {
        let mut sums = [simd.splat_f32s(0.0); QUERIES];
        for channel in 0..width {
            let key = keys[channel * columns + column];
            for (row, sum) in sums.iter_mut().enumerate() {
                let query = simd.splat_f32s(q[row.min(last) * width + channel]);
                *sum = simd.mul_add_e_f32s(query, key, *sum);
            }
        }
        for (row, sum) in sums.into_iter().enumerate() {
            scores[row * columns + column] = simd.mul_f32s(sum, simd.splat_f32s(scale));
        }
    }
}

/// Replaces scores by `exp(score − largest)` and returns their sum.
#[inline(always)]
fn exponentiate<S: Simd>(simd: S, scores: &mut [f32]) -> f32 {
    let (scores, _) = S::as_mut_simd_f32s(scores);
    let mut largest = simd.splat_f32s(f32::NEG_INFINITY);
    for score in scores.iter() {
        largest = simd.max_f32s(largest, *score);
    }
    let largest = simd.splat_f32s(simd.reduce_max_f32s(largest));
    let mut sum = simd.splat_f32s(0.0);
    for score in scores.iter_mut() {
        *score = exp_of_negative(simd, simd.sub_f32s(*score, largest));
        sum = simd.add_f32s(sum, *score);
    }
    simd.reduce_sum_f32s(sum)
}

/// Weighted sums of the values, divided by the totals of the weights.
#[inline(always)]
fn weigh_values<S: Simd>(
    simd: S,
    packed: &Packed,
    weights: &[f32],
    totals: [f32; QUERIES],
    out: &mut [f32],
) {
    let &Packed { n_keys, width, .. } = packed;
    let columns = n_keys.next_multiple_of(LANES);
    let (values, _) = S::as_simd_f32s(&packed.values);
    let parts = values.len() / n_keys;
    for part in 0..parts {
        let mut sums = [simd.splat_f32s(0.0); QUERIES];
        for key in 0..n_keys {
            let value = values[key * parts + part];
            for (row, sum) in sums.iter_mut().enumerate() {
                let weight = simd.splat_f32s(weights[row * columns + key]);
                *sum = simd.mul_add_e_f32s(weight, value, *sum);
            }
        }
        let first = part * S::F32_LANES;
        let rows = out.chunks_exact_mut(width).zip(sums).zip(totals);
        for ((row, sum), total) in rows.filter(|_| first < width) {
            let end = width.min(first + S::F32_LANES);
            simd.partial_store_f32s(
                &mut row[first..end],
                simd.mul_f32s(sum, simd.splat_f32s(1.0 / total)),
            );
        }
    }
}

/// `eˣ` for `x ≤ 0`, to a few units in the last place.
///
/// `x = n ln 2 + r` with `|r| ≤ ln 2 / 2`; a Taylor polynomial gives `eʳ`, and `2ⁿ` is put together from its bits.
#[inline(always)]
fn exp_of_negative<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // Adding and subtracting this rounds to an integer, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const TAYLOR: [f32; 6] = [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let x = simd.max_f32s(x, simd.splat_f32s(-87.0));
    let round = simd.splat_f32s(ROUND);
    let shifted = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), round);
    let n = simd.sub_f32s(shifted, round);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN_2_HIGH), x);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN_2_LOW), r);
    let mut poly = simd.splat_f32s(1.0 / 720.0);
    for coefficient in TAYLOR {
        poly = simd.mul_add_e_f32s(poly, r, simd.splat_f32s(coefficient));
    }
    let exponent = simd.add_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(127));
    let power = simd.wrapping_dyn_shl_u32s(exponent, simd.splat_u32s(23));
    simd.mul_f32s(poly, simd.transmute_f32s_u32s(power))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Exponentials<'a>(&'a mut [f32]);

    impl WithSimd for Exponentials<'_> {
        type Output = ();

        fn with_simd<S: Simd>(self, simd: S) {
            let (values, _) = S::as_mut_simd_f32s(self.0);
            for x in values {
                *x = exp_of_negative(simd, *x);
            }
        }
    }

    #[test]
    fn exponentials_are_accurate() {
        let mut xs: Vec<f32> = (0..864_000_u32).map(|i| -(i as f32) * 1e-4).collect();
        xs.extend([f32::NEG_INFINITY; LANES]);
        let mut exponentials = xs.clone();
        Arch::new().dispatch(Exponentials(&mut exponentials));
        for (x, got) in xs.into_iter().zip(exponentials) {
            let want = f64::from(x.max(-87.0)).exp();
            let error = (f64::from(got) - want).abs() / want;
            assert!(error < 3e-7, "exp({x}) = {got}, not {want}");
        }
    }

    fn naive(q: &[f32], k: &[f32], v: &[f32], sizes: Sizes) -> Vec<f64> {
        let Sizes {
            heads,
            queries,
            keys,
            width,
        } = sizes;
        let mut out = Vec::new();
        for head in 0..heads {
            for query in 0..queries {
                let q = &q[(head * queries + query) * width..][..width];
                let row =
                    |x: &[f32], key: usize| x[(head * keys + key) * width..][..width].to_vec();
                let dot = |key: usize| -> f64 {
                    q.iter()
                        .zip(row(k, key))
                        .map(|(a, b)| f64::from(a * b))
                        .sum()
                };
                let scores: Vec<f64> = (0..keys)
                    .map(|key| (dot(key) / (width as f64).sqrt()).exp())
                    .collect();
                let total: f64 = scores.iter().sum();
                for channel in 0..width {
                    let weigh = |key: usize| scores[key] * f64::from(row(v, key)[channel]);
                    out.push((0..keys).map(weigh).sum::<f64>() / total);
                }
            }
        }
        out
    }

    proptest! {
        #[test]
        fn any_shape_equals_the_definition(
            (heads, queries, keys, width) in (1_usize..3, 1_usize..10, 1_usize..40, 1_usize..36),
            seed: u32,
        ) {
            let mut state = seed;
            let mut random = |n: usize| -> Vec<f32> {
                (0..n).map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 8) as f32 / (1 << 22) as f32 - 2.0
                }).collect()
            };
            let sizes = Sizes { heads, queries, keys, width };
            let (q, k, v) = (random(heads * queries * width), random(heads * keys * width), random(heads * keys * width));
            let want = naive(&q, &k, &v, sizes);
            for (got, want) in attend(&q, &k, &v, sizes).iter().zip(&want) {
                prop_assert!((f64::from(*got) - want).abs() < 1e-5, "{} {}", got, want);
            }
        }
    }
}
