//! FreeU: strengthens what the decoder has made so far and weakens low frequencies of what it is handed across.
//!
//! Source: Si et al., "FreeU: Free Lunch in Diffusion U-Net", 2024, with the variant of Yang et al., "FRESCO", 2024:
//! strength follows the mean of the channels, and the number of channels decides which pair of strengths applies.

use std::fmt;
use std::str::FromStr;

use burn::tensor::TensorData;
use serde::{Deserialize, Serialize};

use super::config::UNetConfig;
use crate::tensor::{Device, FloatDType, Tensor};

/// The four strengths; 1 changes nothing. Written `b1,b2,s1,s2`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FreeU {
    /// On the decoder's features at the coarsest width.
    pub b1: f32,
    /// On the decoder's features at the width below.
    pub b2: f32,
    /// On the low frequencies of skip connections at the coarsest width.
    pub s1: f32,
    /// On the low frequencies of skip connections at the width below.
    pub s2: f32,
}

/// A text that is not four numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected four numbers as in 1.2,1.4,0.9,0.2, not \"{0}\"")]
pub struct ParseFreeUError(String);

impl FromStr for FreeU {
    type Err = ParseFreeUError;

    fn from_str(text: &str) -> Result<Self, ParseFreeUError> {
        let numbers: Result<Vec<f32>, _> = text.split(',').map(|n| n.trim().parse()).collect();
        match numbers.as_deref() {
            Ok(&[b1, b2, s1, s2]) => Ok(Self { b1, b2, s1, s2 }),
            _ => Err(ParseFreeUError(text.to_owned())),
        }
    }
}

impl fmt::Display for FreeU {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { b1, b2, s1, s2 } = self;
        write!(f, "{b1},{b2},{s1},{s2}")
    }
}

impl FreeU {
    /// Features and skip connection of a decoder's residual block, just before they are joined. `widths` are those of
    /// the two stages, as [`stage_widths`] gives them; at other widths nothing changes.
    pub(super) fn apply(
        &self,
        widths: [usize; 2],
        features: Tensor<4>,
        skip: Tensor<4>,
    ) -> (Tensor<4>, Tensor<4>) {
        let width = features.dims()[1];
        let (b, s) = match widths.iter().position(|&stage| stage == width) {
            Some(0) => (self.b1, self.s1),
            Some(_) => (self.b2, self.s2),
            None => return (features, skip),
        };
        (strengthen(features, b), scale_low_frequencies(skip, s))
    }
}

/// Channels of the coarsest level, and the next smaller number of channels that there is: 1280 and 640 in Stable
/// Diffusion 1.5.
pub(super) fn stage_widths(config: &UNetConfig) -> [usize; 2] {
    let widths = &config.block_out_channels;
    let coarsest = widths.last().copied().unwrap_or_default();
    let next = widths
        .iter()
        .copied()
        .filter(|&width| width < coarsest)
        .max();
    [coarsest, next.unwrap_or_default()]
}

/// Multiplies the first half of the channels by up to `b`, where their common mean is high.
fn strengthen(features: Tensor<4>, b: f32) -> Tensor<4> {
    if is_one(b) {
        return features;
    }
    let (channels, dtype) = (features.dims()[1], features.dtype());
    let mean = features.clone().cast(FloatDType::F32).mean_dim(1);
    let low = mean.clone().min_dim(3).min_dim(2);
    let range = mean.clone().max_dim(3).max_dim(2) - low.clone();
    // A flat mean gives 0 / tiny and not 0 / 0.
    let relative = (mean - low) / range.clamp_min(f32::MIN_POSITIVE);
    let factor = (relative * (b - 1.0) + 1.0).cast(dtype);
    let half = channels / 2;
    let strengthened = features.clone().narrow(1, 0, half) * factor;
    Tensor::cat(
        vec![strengthened, features.narrow(1, half, channels - half)],
        1,
    )
}

/// Multiplies the frequencies −1 and 0 along both axes by `s` and keeps the real part.
///
/// That is `x + (s − 1) · P x`, where `P` projects on the four frequencies: products with one small matrix a side
/// instead of a Fourier transform.
///
/// # Shapes
/// `[n, c, h, w]`, any `h` and `w` → the same shape.
#[must_use]
pub fn scale_low_frequencies(x: Tensor<4>, s: f32) -> Tensor<4> {
    if is_one(s) {
        return x;
    }
    let ([_, _, height, width], dtype, device) = (x.dims(), x.dtype(), x.device());
    let wide = x.clone().cast(FloatDType::F32);
    let project = |part: fn(f64) -> f64, alone: f64| {
        let rows = between(height, part, alone, &device);
        let columns = between(width, part, alone, &device).swap_dims(2, 3);
        rows.matmul(wide.clone()).matmul(columns)
    };
    let low = project(f64::cos, 1.0) - project(f64::sin, 0.0);
    x + (low * (s - 1.0)).cast(dtype)
}

/// `[1, 1, side, side]`: frequency 0, which is `alone`, and the wave −1 from each position to each other, by `side`.
fn between(side: usize, wave: fn(f64) -> f64, alone: f64, device: &Device) -> Tensor<4> {
    let value = |i: usize| {
        let distance = (i / side) as f64 - (i % side) as f64;
        let turn = -std::f64::consts::TAU * distance / side as f64;
        // A side of one has the frequency 0 alone.
        let first = if side > 1 { wave(turn) } else { 0.0 };
        ((alone + first) / side as f64) as f32
    };
    let values: Vec<f32> = (0..side * side).map(value).collect();
    Tensor::from_data(TensorData::new(values, [1, 1, side, side]), device)
}

#[allow(clippy::float_cmp, reason = "only exactly 1 changes nothing")]
fn is_one(strength: f32) -> bool {
    strength == 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_features_stay_as_they_are() {
        let flat = Tensor::<4>::full([1, 4, 3, 5], 2.0, &Device::flex());
        let same = (strengthen(flat.clone(), 1.5) - flat).abs().max();
        assert!(same.into_scalar::<f32>() < 1e-6);
    }

    #[test]
    fn a_picture_of_one_pixel_is_its_lowest_frequency() {
        let pixel = Tensor::<4>::full([1, 1, 1, 1], 2.0, &Device::flex());
        let half: f32 = scale_low_frequencies(pixel, 0.5).into_scalar();
        assert!((half - 1.0).abs() < 1e-6);
    }
}
