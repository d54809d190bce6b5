//! The convolutions that describe each eighth pixel of a frame.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::relu;

use super::CHANNELS;
use crate::tensor::{Device, Tensor, instance_norm};

const EPSILON: f64 = 1e-5;

/// Residual blocks at a half, a quarter and an eighth of the size.
#[derive(Module, Debug)]
pub(super) struct Backbone {
    conv1: Conv2d,
    layer1: Vec<ResidualBlock>,
    layer2: Vec<ResidualBlock>,
    layer3: Vec<ResidualBlock>,
    conv2: Conv2d,
}

impl Backbone {
    pub(super) fn new(device: &Device) -> Self {
        let stage = |from, to, stride| {
            vec![
                ResidualBlock::new([from, to], stride, device),
                ResidualBlock::new([to, to], 1, device),
            ]
        };
        Self {
            conv1: conv(7, [3, 64], 2).with_bias(false).init(device),
            layer1: stage(64, 64, 1),
            layer2: stage(64, 96, 2),
            layer3: stage(96, CHANNELS, 2),
            conv2: conv(1, [CHANNELS, CHANNELS], 1).init(device),
        }
    }

    /// `[n, 3, h, w]` → `[n, 128, h/8, w/8]`.
    pub(super) fn forward(&self, frames: Tensor<4>) -> Tensor<4> {
        let x = relu(instance_norm(self.conv1.forward(frames), EPSILON));
        let blocks = [&self.layer1, &self.layer2, &self.layer3];
        let x = blocks
            .into_iter()
            .flatten()
            .fold(x, |x, block| block.forward(x));
        self.conv2.forward(x)
    }
}

/// Two normalised convolutions around a shortcut.
#[derive(Module, Debug)]
struct ResidualBlock {
    conv1: Conv2d,
    conv2: Conv2d,
    downsample: Option<Conv2d>,
}

impl ResidualBlock {
    fn new([from, to]: [usize; 2], stride: usize, device: &Device) -> Self {
        let plain = |from, stride| conv(3, [from, to], stride).with_bias(false).init(device);
        let changes = from != to || stride != 1;
        Self {
            conv1: plain(from, stride),
            conv2: plain(to, 1),
            downsample: changes.then(|| conv(1, [from, to], stride).init(device)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let hidden = relu(instance_norm(self.conv1.forward(x.clone()), EPSILON));
        let hidden = relu(instance_norm(self.conv2.forward(hidden), EPSILON));
        let shortcut = match &self.downsample {
            Some(conv) => instance_norm(conv.forward(x), EPSILON),
            None => x,
        };
        relu(shortcut + hidden)
    }
}

fn conv(kernel: usize, channels: [usize; 2], stride: usize) -> Conv2dConfig {
    let pad = kernel / 2;
    Conv2dConfig::new(channels, [kernel, kernel])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
}
