//! Random numbers without state: every draw is a function of where and when it is made.

use std::ops::RangeInclusive;

/// Hashes three words to three, each with the full 32 bits of randomness.
///
/// # Source
/// Jarzynski and Olano, "Hash Functions for GPU Rendering", 2020: pcg3d. Twin: `shaders/shared/random.wgsl`.
#[must_use]
#[inline]
pub fn pcg3d(v: [u32; 3]) -> [u32; 3] {
    let [mut x, mut y, mut z] = v.map(|w| w.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    x = x.wrapping_add(y.wrapping_mul(z));
    y = y.wrapping_add(z.wrapping_mul(x));
    z = z.wrapping_add(x.wrapping_mul(y));
    [x, y, z] = [x ^ (x >> 16), y ^ (y >> 16), z ^ (z >> 16)];
    x = x.wrapping_add(y.wrapping_mul(z));
    y = y.wrapping_add(z.wrapping_mul(x));
    z = z.wrapping_add(x.wrapping_mul(y));
    [x, y, z]
}

/// Maps a random word into a range of coordinates, at most 2¹⁵ of them, without a division.
#[must_use]
#[inline]
pub fn within(word: u32, range: &RangeInclusive<u32>) -> u32 {
    let length = range.end().wrapping_sub(*range.start()).wrapping_add(1);
    range
        .start()
        .wrapping_add((word >> 16).wrapping_mul(length) >> 16)
}

#[cfg(test)]
mod tests {
    use super::{pcg3d, within};

    #[test]
    fn draws_cover_a_range_evenly() {
        let mut hits = [0; 7];
        for pixel in 0..7000 {
            let [x, y, _] = pcg3d([pixel, 3 << 16 | 5, 9]);
            hits[within(x, &(10..=16)) as usize - 10] += 1;
            hits[within(y, &(10..=16)) as usize - 10] += 1;
        }
        // Three standard deviations of a count of 2000 are 124.
        assert!(hits.iter().all(|n| (1876..2124).contains(n)), "{hits:?}");
    }

    #[test]
    fn neighbouring_inputs_are_unrelated() {
        let bits = |v| pcg3d(v).map(u32::count_ones).iter().sum::<u32>();
        let distance = |a: [u32; 3], b: [u32; 3]| {
            let (a, b) = (pcg3d(a), pcg3d(b));
            (0..3).map(|i| (a[i] ^ b[i]).count_ones()).sum::<u32>()
        };
        assert!((24..72).contains(&bits([0, 0, 0])));
        for pixel in 0..100 {
            for other in [[pixel + 1, 7, 1], [pixel, 8, 1], [pixel, 7, 0]] {
                let d = distance([pixel, 7, 1], other);
                assert!(
                    (24..72).contains(&d),
                    "{pixel} {other:?}: {d} of 96 bits differ"
                );
            }
        }
    }
}
