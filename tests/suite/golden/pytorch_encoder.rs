//! The autoencoder's encoder with the rounding that the recorded latents have.
//!
//! The reference's pictures lie in memory with their channels last. PyTorch's group normalisation then adds up all values
//! of a channel, and their squares, one after the other in `f32`, and takes a variance as the difference of two means. At
//! 128×128 that makes maps wrong by up to 5 in a million, always the same way; sums that are not so long, as in the
//! program, come within 2 in ten million. A loss that looks at signs alone tells the two apart.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::activation::{silu, softmax};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::{HostTensor, read_json, read_tensors};
use super::{upload, values, weights_in};

/// Of the published encoder, in every norm.
const EPSILON: f32 = 1e-6;

/// Weights by published names.
pub struct PyTorchEncoder {
    weights: BTreeMap<String, HostTensor>,
    groups: usize,
    device: Device,
}

impl PyTorchEncoder {
    /// From a folder of an autoencoder.
    pub fn of(folder: &Path, device: &Device) -> Self {
        let config = read_json(&folder.join("config.json"));
        Self {
            weights: read_tensors(&weights_in(folder)),
            groups: config["norm_num_groups"].as_u64().expect("norm_num_groups") as usize,
            device: device.clone(),
        }
    }

    /// A sample of the posterior, given standard normal `noise` `[n, 4, h, w]`, not scaled.
    pub fn sample(&self, pictures: Tensor<4>, noise: Tensor<4>) -> Tensor<4> {
        let moments = self.conv("quant_conv", self.encoded(pictures), 1, 0);
        let channels = moments.dims()[1] / 2;
        let mean = moments.clone().narrow(1, 0, channels);
        let logvar = moments.narrow(1, channels, channels).clamp(-30.0, 20.0);
        mean + (logvar / 2.0).exp() * noise
    }

    fn encoded(&self, pictures: Tensor<4>) -> Tensor<4> {
        let mut x = self.conv("encoder.conv_in", pictures, 1, 1);
        for level in self.counted("encoder.down_blocks") {
            for resnet in self.counted(&format!("{level}.resnets")) {
                x = self.resnet(&resnet, x);
            }
            let downsampler = format!("{level}.downsamplers.0.conv");
            if self.has(&downsampler) {
                let [n, channels, height, width] = x.dims();
                let right = Tensor::zeros([n, channels, height, 1], &self.device);
                let below = Tensor::zeros([n, channels, 1, width + 1], &self.device);
                let padded = Tensor::cat(vec![Tensor::cat(vec![x, right], 3), below], 2);
                x = self.conv(&downsampler, padded, 2, 0);
            }
        }
        x = self.resnet("encoder.mid_block.resnets.0", x);
        x = self.attention("encoder.mid_block.attentions.0", x);
        x = self.resnet("encoder.mid_block.resnets.1", x);
        let x = silu(self.norm("encoder.conv_norm_out", x));
        self.conv("encoder.conv_out", x, 1, 1)
    }

    fn resnet(&self, name: &str, x: Tensor<4>) -> Tensor<4> {
        let mut hidden = x.clone();
        for i in ["1", "2"] {
            hidden = silu(self.norm(&format!("{name}.norm{i}"), hidden));
            hidden = self.conv(&format!("{name}.conv{i}"), hidden, 1, 1);
        }
        let shortcut = format!("{name}.conv_shortcut");
        let x = if self.has(&shortcut) {
            self.conv(&shortcut, x, 1, 0)
        } else {
            x
        };
        x + hidden
    }

    fn attention(&self, name: &str, x: Tensor<4>) -> Tensor<4> {
        let [n, channels, height, width] = x.dims();
        let tokens = self.norm(&format!("{name}.group_norm"), x.clone());
        let tokens = tokens.flatten::<3>(2, 3).swap_dims(1, 2);
        let linear = |layer: &str, tokens: Tensor<3>| {
            let weight: Tensor<2> = self.weight(&format!("{name}.{layer}.weight"));
            let bias: Tensor<1> = self.weight(&format!("{name}.{layer}.bias"));
            tokens.matmul(weight.transpose().unsqueeze()) + bias.unsqueeze()
        };
        let [q, k, v] = ["to_q", "to_k", "to_v"].map(|layer| linear(layer, tokens.clone()));
        let scores = q.matmul(k.swap_dims(1, 2)) / (channels as f64).sqrt();
        let attended = linear("to_out.0", softmax(scores, 2).matmul(v));
        x + attended
            .swap_dims(1, 2)
            .reshape([n, channels, height, width])
    }

    fn conv(&self, name: &str, x: Tensor<4>, stride: usize, padding: usize) -> Tensor<4> {
        let weight = self.weight(&format!("{name}.weight"));
        let bias = self.weight(&format!("{name}.bias"));
        let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1);
        conv2d(x, weight, Some(bias), options)
    }

    fn norm(&self, name: &str, x: Tensor<4>) -> Tensor<4> {
        let [n, channels, height, width] = x.dims();
        let host = values(x.clone());
        let group = channels / self.groups;
        let [gamma, beta] = ["weight", "bias"].map(|of| &self.weights[&format!("{name}.{of}")]);
        let share = 1.0 / (group * height * width) as f32;
        let (mut scales, mut shifts) = (Vec::new(), Vec::new());
        for (i, maps) in host.chunks(group * height * width).enumerate() {
            let (mut sum, mut squares) = (0.0_f32, 0.0_f32);
            for map in maps.chunks(height * width) {
                // One after the other: these are the sums that lose digits.
                sum += map.iter().sum::<f32>();
                squares += map.iter().map(|value| value * value).sum::<f32>();
            }
            let mean = sum * share;
            let variance = (squares * share - mean * mean).max(0.0);
            let deviation = (variance + EPSILON).sqrt();
            for channel in (i % self.groups) * group..(i % self.groups + 1) * group {
                let scale = gamma.values[channel] / deviation;
                scales.push(scale);
                shifts.push(beta.values[channel] - scale * mean);
            }
        }
        let spread = |values: Vec<f32>| {
            let shape = vec![n, channels, 1, 1];
            upload::<4>(&HostTensor { shape, values }, &self.device)
        };
        x * spread(scales) + spread(shifts)
    }

    fn weight<const D: usize>(&self, name: &str) -> Tensor<D> {
        upload(&self.weights[name], &self.device)
    }

    fn has(&self, layer: &str) -> bool {
        self.weights.contains_key(&format!("{layer}.weight"))
    }

    /// `name.0`, `name.1` and so on, as many as there are.
    fn counted(&self, name: &str) -> Vec<String> {
        let numbered = (0..).map(|i| format!("{name}.{i}"));
        let is_there = |part: &String| {
            let within = format!("{part}.");
            self.weights.keys().any(|key| key.starts_with(&within))
        };
        numbered.take_while(is_there).collect()
    }
}
