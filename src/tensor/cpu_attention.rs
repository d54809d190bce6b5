//! Attention on the processor, several times faster than storing scores and exponentiating them one by one.
//!
//! A block of four queries is scored against all keys into a buffer that stays in the cache, turned into weights, and
//! multiplied with the values, sixteen columns at a time in registers. The loops are plain: the compiler vectorises
//! them for the processor at hand, which [`pulp`] finds out. Products and sums are rounded separately and always in
//! the same order, so every processor gives the same bytes.

use pulp::Arch;
use rayon::prelude::*;

/// Queries that share one pass over the keys.
const QUERIES: usize = 4;
/// Columns of an accumulator.
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
    let Sizes { heads, queries, keys, width } = sizes;
    let arch = Arch::new();
    let packed: Vec<Packed> = (0..heads)
        .into_par_iter()
        .map(|head| {
            let of_head = head * keys * width..(head + 1) * keys * width;
            Packed::new(&k[of_head.clone()], &v[of_head], keys, width)
        })
        .collect();
    let mut out = vec![0.0; heads * queries * width];
    let per_head = queries.div_ceil(QUERIES);
    let blocks: Vec<(usize, usize)> =
        (0..heads).flat_map(|head| (0..per_head).map(move |block| (head, block * QUERIES))).collect();
    let mut rest = out.as_mut_slice();
    let mut jobs = Vec::with_capacity(blocks.len());
    for (head, first) in blocks {
        let rows = QUERIES.min(queries - first);
        let (mine, others) = rest.split_at_mut(rows * width);
        let start = (head * queries + first) * width;
        jobs.push((&q[start..start + rows * width], &packed[head], mine));
        rest = others;
    }
    jobs.into_par_iter().for_each_init(Vec::new, |scores, (q, packed, out)| {
        arch.dispatch(|| attend_block(q, packed, scores, out));
    });
    out
}

/// Keys as columns and values as rows, both padded with zeros to whole accumulators.
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
        Self { keys, values, n_keys, width }
    }
}

/// Up to four queries of one head, from scores to output.
#[inline(always)]
fn attend_block(q: &[f32], packed: &Packed, scores: &mut Vec<f32>, out: &mut [f32]) {
    let &Packed { n_keys, width, .. } = packed;
    let columns = n_keys.next_multiple_of(LANES);
    scores.clear();
    scores.resize(QUERIES * columns, 0.0);
    let rows = q.len() / width;
    let scale = 1.0 / (width as f32).sqrt();
    for column in (0..columns).step_by(LANES) {
        let mut sums = [[0.0_f32; LANES]; QUERIES];
        for channel in 0..width {
            let keys = lanes(&packed.keys[channel * columns + column..]);
            for (row, sums) in sums.iter_mut().enumerate() {
                let query = q[row.min(rows - 1) * width + channel];
                for (sum, key) in sums.iter_mut().zip(keys) {
                    *sum += query * key;
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            for (score, sum) in scores[row * columns + column..][..LANES].iter_mut().zip(sums) {
                *score = sum * scale;
            }
        }
    }
    let mut totals = [0.0; QUERIES];
    for (total, scores) in totals.iter_mut().zip(scores.chunks_exact_mut(columns)) {
        *total = exponentiate(&mut scores[..n_keys]);
    }
    weigh_values(packed, scores, totals, out);
}

/// Replaces scores by `exp(score − largest)` and returns their sum.
#[inline(always)]
fn exponentiate(scores: &mut [f32]) -> f32 {
    let mut largest = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = scores.as_chunks::<LANES>();
    for chunk in whole {
        for (largest, score) in largest.iter_mut().zip(chunk) {
            *largest = if *score > *largest { *score } else { *largest };
        }
    }
    let largest = largest.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sums = [0.0; LANES];
    let (whole, rest) = scores.as_chunks_mut::<LANES>();
    for chunk in whole {
        for (sum, score) in sums.iter_mut().zip(chunk) {
            *score = exp_of_negative(*score - largest);
            *sum += *score;
        }
    }
    let mut total: f32 = sums.iter().sum();
    for score in rest {
        *score = exp_of_negative(*score - largest);
        total += *score;
    }
    total
}

/// Weighted sums of the values, divided by the totals of the weights.
#[inline(always)]
fn weigh_values(packed: &Packed, weights: &[f32], totals: [f32; QUERIES], out: &mut [f32]) {
    let &Packed { n_keys, width, .. } = packed;
    let columns = n_keys.next_multiple_of(LANES);
    let padded = width.next_multiple_of(LANES);
    for first in (0..padded).step_by(LANES) {
        let mut sums = [[0.0_f32; LANES]; QUERIES];
        for key in 0..n_keys {
            let values = lanes(&packed.values[key * padded + first..]);
            for (row, sums) in sums.iter_mut().enumerate() {
                let weight = weights[row * columns + key];
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += weight * value;
                }
            }
        }
        let end = width.min(first + LANES);
        for ((row, sums), total) in out.chunks_exact_mut(width).zip(&sums).zip(totals) {
            for (out, sum) in row[first..end].iter_mut().zip(sums) {
                *out = sum / total;
            }
        }
    }
}

#[inline(always)]
fn lanes(values: &[f32]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    lanes.copy_from_slice(&values[..LANES]);
    lanes
}

/// `eˣ` for `x ≤ 0` to two units in the last place, without a branch.
///
/// `x = n ln 2 + r` with `|r| ≤ ln 2 / 2`; a Taylor polynomial gives `eʳ`, and `2ⁿ` is put together from its bits.
#[inline(always)]
fn exp_of_negative(x: f32) -> f32 {
    // Adding and subtracting this rounds to an integer, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x > -87.0 { x } else { -87.0 };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let poly = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r / 720.0)))));
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    poly * power
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exponentials_are_accurate() {
        for i in 0..=870_000 {
            let x = -(i as f32) * 1e-4;
            let (got, want) = (exp_of_negative(x), f64::from(x).exp());
            let error = (f64::from(got) - want).abs() / want;
            assert!(error < 3e-7, "exp({x}) = {got}, not {want}");
        }
        assert!(exp_of_negative(f32::NEG_INFINITY) < 2e-38);
    }

    fn naive(q: &[f32], k: &[f32], v: &[f32], sizes: Sizes) -> Vec<f64> {
        let Sizes { heads, queries, keys, width } = sizes;
        let mut out = Vec::new();
        for head in 0..heads {
            for query in 0..queries {
                let q = &q[(head * queries + query) * width..][..width];
                let row = |x: &[f32], key: usize| x[(head * keys + key) * width..][..width].to_vec();
                let dot = |key: usize| -> f64 {
                    q.iter().zip(row(k, key)).map(|(a, b)| f64::from(a * b)).sum()
                };
                let scores: Vec<f64> =
                    (0..keys).map(|key| (dot(key) / (width as f64).sqrt()).exp()).collect();
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
