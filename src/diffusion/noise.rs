//! Seeded Gaussian noise, drawn on the host: the same on every device and platform.
//!
//! Each purpose has a stream of its own, so that drawing more for one never shifts another. Restart rules of a job with
//! one seed: **all three streams restart with every batch**, and a reference pass restarts [`NoiseStream::Init`] too.
//! Hence every batch begins from the same initial noise, and a batch can be redone alone. Within a batch the streams run
//! on: `Step` gives one draw a denoising step, `Posterior` one for the start, one for a reference pass, and one each time
//! pictures are encoded again. (The reference implementation draws initial and step noise from one generator and leaves
//! the posterior's unseeded.)
//!
//! A draw is bit-identical wherever `f64` addition, multiplication, division and square root are those of IEEE 754, which
//! Rust has on all targets but 32-bit x86 without SSE2: the logarithm is written out here, as the one of the platform's
//! mathematical library differs in the last bit between systems.
//!
//! # Source
//! Marsaglia and Bray's polar method on `ChaCha20`.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

/// What noise is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoiseStream {
    /// The noise a batch starts from; the reference pass shares it.
    Init,
    /// The noise that a stochastic sampler adds in each step.
    Step,
    /// The noise of samples from the VAE's posterior.
    Posterior,
}

impl NoiseStream {
    /// The stream's number in the generator. These are part of what a seed means: never change them.
    fn number(self) -> u64 {
        match self {
            Self::Init => 0,
            Self::Step => 1,
            Self::Posterior => 2,
        }
    }
}

/// A running stream of standard normal values.
#[derive(Clone, Debug)]
pub struct Noise {
    rng: ChaCha20Rng,
    /// The polar method makes values in pairs; this is the second of the last pair.
    spare: Option<f32>,
}

impl Noise {
    /// Starts a stream from its beginning.
    #[must_use]
    pub fn new(stream: NoiseStream, seed: u64) -> Self {
        // The key is the seed itself, not a library's expansion of it, which may change with its version.
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha20Rng::from_seed(key);
        rng.set_stream(stream.number());
        Self { rng, spare: None }
    }

    /// The next `n` values. Two draws give what one draw of both lengths gives.
    pub fn draw(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.next_value()).collect()
    }

    fn next_value(&mut self) -> f32 {
        if let Some(value) = self.spare.take() {
            return value;
        }
        loop {
            let (u, v) = (self.next_uniform(), self.next_uniform());
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                let radius = (-2.0 * ln(s) / s).sqrt();
                self.spare = Some((v * radius) as f32);
                return (u * radius) as f32;
            }
        }
    }

    /// Uniform in −1 ≤ u < 1, on a grid of 2⁻⁵².
    fn next_uniform(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 * 2.0_f64.powi(-52) - 1.0
    }
}

/// Natural logarithm of a normal positive number, by exactly rounded operations only.
///
/// `x = m·2ᵉ` with `m` in `[√½, √2)`, and `ln m = 2·artanh((m − 1)/(m + 1))` by its power series; the first term left
/// out is below 10⁻¹⁸.
fn ln(x: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    const ONE: u64 = 1023 << 52;
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i32 - 1023;
    let mut m = f64::from_bits((bits & MANTISSA) | ONE);
    if m >= std::f64::consts::SQRT_2 {
        m *= 0.5;
        exponent += 1;
    }
    let z = (m - 1.0) / (m + 1.0);
    let square = z * z;
    let series = (0..12)
        .rev()
        .fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    2.0 * z * series + f64::from(exponent) * std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAMS: [NoiseStream; 3] =
        [NoiseStream::Init, NoiseStream::Step, NoiseStream::Posterior];

    #[test]
    fn a_seed_means_the_same_for_ever() {
        let bits = |stream, seed| {
            Noise::new(stream, seed)
                .draw(3)
                .into_iter()
                .map(f32::to_bits)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            bits(NoiseStream::Init, 0),
            [1_046_659_725, 3_214_428_272, 3_198_000_941]
        );
        assert_eq!(
            bits(NoiseStream::Step, 0),
            [1_052_927_045, 977_035_550, 1_058_465_444]
        );
        assert_eq!(
            bits(NoiseStream::Posterior, u64::MAX),
            [1_060_245_490, 3_217_505_800, 1_067_870_090]
        );
    }

    #[test]
    fn values_are_standard_normal() {
        for stream in STREAMS {
            let n = 200_000;
            let values = Noise::new(stream, 7).draw(n);
            let moment =
                |p: i32| values.iter().map(|v| f64::from(*v).powi(p)).sum::<f64>() / n as f64;
            let within =
                |edge: f32| values.iter().filter(|v| v.abs() < edge).count() as f64 / n as f64;
            // Bounds are five standard errors.
            assert!(moment(1).abs() < 0.0112, "mean {}", moment(1));
            assert!((moment(2) - 1.0).abs() < 0.0158, "variance {}", moment(2));
            assert!(moment(3).abs() < 0.0433, "third moment {}", moment(3));
            assert!(
                (moment(4) - 3.0).abs() < 0.11,
                "fourth moment {}",
                moment(4)
            );
            for (edge, share) in [(1.0, 0.682_689), (2.0, 0.954_500), (3.0, 0.997_300)] {
                let bound = 5.0 * (share * (1.0 - share) / f64::from(n as u32)).sqrt();
                assert!(
                    (within(edge) - share).abs() < bound,
                    "within {edge}: {}",
                    within(edge)
                );
            }
        }
    }

    #[test]
    fn streams_and_seeds_are_unrelated() {
        let draws: Vec<Vec<f32>> = [0, 1, u64::MAX]
            .into_iter()
            .flat_map(|seed| STREAMS.map(|stream| Noise::new(stream, seed).draw(10_000)))
            .collect();
        for (i, a) in draws.iter().enumerate() {
            for b in &draws[i + 1..] {
                let correlation = a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>() / a.len() as f32;
                assert!(correlation.abs() < 0.05, "{correlation}");
            }
        }
    }

    proptest! {
        #[test]
        fn draws_join(seed: u64, n in 0_usize..20, m in 0_usize..20) {
            let mut parts = Noise::new(NoiseStream::Step, seed);
            let joined = [parts.draw(n), parts.draw(m)].concat();
            prop_assert_eq!(joined, Noise::new(NoiseStream::Step, seed).draw(n + m));
        }

        #[test]
        fn the_logarithm_is_one(x in prop_oneof![1e-300_f64..1e-3, 0.0001_f64..2.0, Just(1.0)]) {
            let error = (ln(x) - x.ln()).abs();
            prop_assert!(error <= 4.0 * f64::EPSILON * x.ln().abs().max(f64::MIN_POSITIVE), "{x}: {error}");
        }
    }
}
