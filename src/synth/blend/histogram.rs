//! The contrast-preserving blend: the average of both passes, with the spread of colours that one alone has.
//!
//! Averaging two pictures that differ in detail washes them out. Each is first brought to mean 0 and spread 1, the
//! average is brought to spread 1 again, and then to the brightness and contrast wanted. All of this is one linear map
//! of the two values of a pixel, whose three coefficients a channel come from a few sums over the picture.
//!
//! # Source
//! E. Heitz, F. Neyret, "High-Performance By-Example Noise using a Histogram-Preserving Blending Operator", HPG 2018,
//! as FRESCO applies it.

use rayon::prelude::*;

use super::lab::Lab;

/// Whose brightness and contrast the blend has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Between those of the two passes, in proportion to time: tone moves steadily.
    #[default]
    KeyLinear,
    /// Those of the picture of chosen pixels, as the reference has it: tone jumps with the mask.
    MinError,
}

/// Sums over a picture of one channel, or of the product of two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Forward picture.
    pub forward: [u64; 3],
    /// Backward picture.
    pub backward: [u64; 3],
    /// Picture of chosen pixels.
    pub chosen: [u64; 3],
    /// Forward picture squared.
    pub forward_squared: [u64; 3],
    /// Backward picture squared.
    pub backward_squared: [u64; 3],
    /// Picture of chosen pixels squared.
    pub chosen_squared: [u64; 3],
    /// Forward times backward.
    pub product: [u64; 3],
}

/// How a channel of the blend follows from those of the passes: `forward · F + backward · B + offset`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mix {
    /// Factor of the forward value.
    pub forward: f32,
    /// Factor of the backward value.
    pub backward: f32,
    /// What is added.
    pub offset: f32,
}

/// Blends two passes at weight `u` of the backward one; `chosen` is the picture of pixels with the smaller error.
///
/// # Panics
/// If the sizes differ.
#[must_use]
pub fn blend(u: f32, forward: &Lab, backward: &Lab, chosen: &Lab, tone: Tone) -> Lab {
    let n = forward.size().area();
    contrast(
        forward,
        backward,
        mixes(u, &sums(forward, backward, chosen), n, tone),
    )
}

/// The sums that [`mixes`] needs.
///
/// Twin: `shaders/blend/sums.wgsl`.
///
/// # Panics
/// If the sizes differ.
#[must_use]
pub fn sums(forward: &Lab, backward: &Lab, chosen: &Lab) -> Sums {
    assert_eq!(forward.size(), backward.size(), "both passes");
    assert_eq!(forward.size(), chosen.size(), "passes and choice");
    let pixels = forward.pixels().par_iter().zip(backward.pixels());
    let pixels = pixels.zip(chosen.pixels());
    let add = |mut sums: Sums, ((f, b), m): ((&[u8; 3], &[u8; 3]), &[u8; 3])| {
        for c in 0..3 {
            let [f, b, m] = [f[c], b[c], m[c]].map(u64::from);
            sums.forward[c] += f;
            sums.backward[c] += b;
            sums.chosen[c] += m;
            sums.forward_squared[c] += f * f;
            sums.backward_squared[c] += b * b;
            sums.chosen_squared[c] += m * m;
            sums.product[c] += f * b;
        }
        sums
    };
    pixels
        .with_min_len(1 << 14)
        .fold(Sums::default, add)
        .reduce(Sums::default, Sums::plus)
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        let plus = |a: [u64; 3], b: [u64; 3]| [0, 1, 2].map(|c| a[c] + b[c]);
        Self {
            forward: plus(self.forward, other.forward),
            backward: plus(self.backward, other.backward),
            chosen: plus(self.chosen, other.chosen),
            forward_squared: plus(self.forward_squared, other.forward_squared),
            backward_squared: plus(self.backward_squared, other.backward_squared),
            chosen_squared: plus(self.chosen_squared, other.chosen_squared),
            product: plus(self.product, other.product),
        }
    }
}

/// The blend of each channel, from sums over `n` pixels.
#[must_use]
pub fn mixes(u: f32, sums: &Sums, n: usize, tone: Tone) -> [Mix; 3] {
    let n = n.max(1) as f64;
    let moments = |sum: u64, squared: u64| {
        let mean = sum as f64 / n;
        (mean, (squared as f64 / n - mean * mean).max(0.0).sqrt())
    };
    let u = f64::from(u);
    std::array::from_fn(|c| {
        let (forward_mean, forward_spread) = moments(sums.forward[c], sums.forward_squared[c]);
        let (backward_mean, backward_spread) = moments(sums.backward[c], sums.backward_squared[c]);
        let (mean, spread) = match tone {
            Tone::MinError => moments(sums.chosen[c], sums.chosen_squared[c]),
            Tone::KeyLinear => (
                (1.0 - u) * forward_mean + u * backward_mean,
                (1.0 - u) * forward_spread + u * backward_spread,
            ),
        };
        // A flat picture has no contrast to give.
        let unit = |part: f64, spread: f64| if spread > 0.0 { part / spread } else { 0.0 };
        let (forward, backward) = (unit(1.0 - u, forward_spread), unit(u, backward_spread));
        let covariance = sums.product[c] as f64 / n - forward_mean * backward_mean;
        let variance = (forward * forward_spread).powi(2)
            + (backward * backward_spread).powi(2)
            + 2.0 * forward * backward * covariance;
        let stretch = if variance > 0.0 {
            spread / variance.sqrt()
        } else {
            0.0
        };
        let (forward, backward) = (forward * stretch, backward * stretch);
        Mix {
            forward: forward as f32,
            backward: backward as f32,
            offset: (mean - forward * forward_mean - backward * backward_mean) as f32,
        }
    })
}

/// Applies the blend of each channel to each pixel.
///
/// Twin: `shaders/blend/contrast.wgsl`.
///
/// # Panics
/// If the sizes differ.
#[must_use]
pub fn contrast(forward: &Lab, backward: &Lab, mixes: [Mix; 3]) -> Lab {
    assert_eq!(forward.size(), backward.size(), "both passes");
    let pixels = forward.pixels().par_iter().zip(backward.pixels());
    let mixed = |(f, b): (&[u8; 3], &[u8; 3])| {
        std::array::from_fn(|c| {
            let Mix {
                forward,
                backward,
                offset,
            } = mixes[c];
            let value = forward * f32::from(f[c]) + backward * f32::from(b[c]) + offset;
            value.round_ties_even().clamp(0.0, 255.0) as u8
        })
    };
    Lab::new(forward.size(), pixels.map(mixed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    const SIZE: Size = Size {
        width: 64,
        height: 16,
    };

    fn noise(seed: u32, shift: u8) -> Lab {
        let hash = |i: usize| (i as u32 ^ seed).wrapping_mul(2_654_435_761) >> 26;
        let pixels = (0..SIZE.area()).map(|i| [hash(i) as u8 + shift, 90, (hash(i * 7) / 2) as u8]);
        Lab::new(SIZE, pixels.collect())
    }

    fn moments(picture: &Lab) -> (f64, f64) {
        let n = SIZE.area() as f64;
        let values = || picture.pixels().iter().map(|p| f64::from(p[0]));
        let mean = values().sum::<f64>() / n;
        let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        (mean, variance.sqrt())
    }

    #[test]
    fn equal_passes_return_themselves() {
        let picture = noise(1, 20);
        for u in [0.0, 0.3, 0.5, 1.0] {
            for tone in [Tone::KeyLinear, Tone::MinError] {
                assert_eq!(blend(u, &picture, &picture, &picture, tone), picture, "{u}");
            }
        }
    }

    #[test]
    fn independent_passes_keep_their_contrast() {
        let (forward, backward) = (noise(1, 20), noise(99, 60));
        let blended = blend(0.5, &forward, &backward, &forward, Tone::KeyLinear);
        let (mean, spread) = moments(&blended);
        let ((mean_f, spread_f), (mean_b, spread_b)) = (moments(&forward), moments(&backward));
        assert!((mean - f64::midpoint(mean_f, mean_b)).abs() < 0.1, "{mean}");
        assert!(
            (spread - f64::midpoint(spread_f, spread_b)).abs() < 0.2,
            "{spread}"
        );
        let chosen = blend(0.5, &forward, &backward, &backward, Tone::MinError);
        assert!((moments(&chosen).0 - mean_b).abs() < 0.1);
    }

    #[test]
    fn flat_pictures_stay_flat() {
        let flat = |v: u8| Lab::new(SIZE, vec![[v; 3]; SIZE.area()]);
        let blended = blend(0.25, &flat(40), &flat(80), &flat(40), Tone::KeyLinear);
        assert_eq!(blended, flat(50));
    }
}
