//! How the networks learn what time it is.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::TensorData;
use burn::tensor::activation::silu;

use super::config::UNetConfig;
use crate::tensor::{Device, Tensor};

/// Sines and cosines of the timestep, through two layers.
#[derive(Module, Debug)]
pub struct TimestepEmbedding {
    linear_1: Linear,
    linear_2: Linear,
}

impl TimestepEmbedding {
    pub(super) fn new(config: &UNetConfig, device: &Device) -> Self {
        let width = config.time_embed_dim();
        Self {
            linear_1: LinearConfig::new(config.block_out_channels[0], width).init(device),
            linear_2: LinearConfig::new(width, width).init(device),
        }
    }

    /// One embedding `[1, width]`, shared by the whole batch.
    pub fn forward(&self, waves: Tensor<2>) -> Tensor<2> {
        self.linear_2.forward(silu(self.linear_1.forward(waves)))
    }
}

/// `[1, channels]`: cosines then sines (or the reverse, as the config says) of `timestep` at geometric frequencies.
pub(super) fn timestep_waves(timestep: usize, waves: &Waves, device: &Device) -> Tensor<2> {
    let half = waves.channels / 2;
    let angle = |i: usize| {
        let exponent = i as f64 / (half as f64 - waves.freq_shift);
        timestep as f64 * (-exponent * 10_000_f64.ln()).exp()
    };
    let sines = (0..half).map(|i| angle(i).sin() as f32);
    let cosines = (0..half).map(|i| angle(i).cos() as f32);
    let values: Vec<f32> = if waves.flip_sin_to_cos {
        cosines.chain(sines).collect()
    } else {
        sines.chain(cosines).collect()
    };
    Tensor::from_data(TensorData::new(values, [1, half * 2]), device)
}

/// Shape of the sinusoidal embedding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waves {
    pub channels: usize,
    pub freq_shift: f64,
    pub flip_sin_to_cos: bool,
}
