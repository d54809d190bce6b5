//! The convolutions before the transformer: a residual network whose weights are standardised when they are used.
//!
//! Source: Kolesnikov et al., "Big Transfer", 2020; Qiao et al., "Weight Standardization", 2019.

use burn::module::{Module, Param};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{GroupNorm, Initializer, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::{ConvOptions, PadMode};

use super::config::ResNetConfig;
use crate::models::resnet::norm_layer;
use crate::tensor::{Device, Tensor, group_norm};

const NORM_EPSILON: f64 = 1e-5;
/// Growth of a block's channels over those of its middle convolution.
const EXPANSION: usize = 4;

/// A stem at a quarter of the size, and stages that each halve it but the first.
#[derive(Module, Debug)]
pub(super) struct ResNet {
    stem: Normed,
    pool: MaxPool2d,
    stages: Vec<Stage>,
}

impl ResNet {
    pub(super) fn new(config: &ResNetConfig, device: &Device) -> Self {
        let mut from = config.stem;
        let mut stages = Vec::new();
        for (i, (&blocks, &channels)) in config.layers.iter().zip(&config.channels).enumerate() {
            let stride = if i == 0 { 1 } else { 2 };
            let block = |b| {
                let (from, stride) = if b == 0 {
                    (from, stride)
                } else {
                    (channels, 1)
                };
                Bottleneck::new([from, channels], stride, b == 0, config, device)
            };
            stages.push(Stage {
                blocks: (0..blocks).map(block).collect(),
            });
            from = channels;
        }
        Self {
            stem: Normed::new([3, config.stem], [7, 2], config, device),
            pool: MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(PaddingConfig2d::Same)
                .init(),
            stages,
        }
    }

    /// Features after each stage: `[n, 3, h, w]` → `[n, c, h/4, w/4]`, `[n, c', h/8, w/8]` and so on.
    pub(super) fn forward(&self, pictures: Tensor<4>) -> Vec<Tensor<4>> {
        let mut x = self.pool.forward(relu(self.stem.forward(pictures)));
        let run = |stage: &Stage| {
            x = stage
                .blocks
                .iter()
                .fold(x.clone(), |x, block| block.forward(x));
            x.clone()
        };
        self.stages.iter().map(run).collect()
    }
}

#[derive(Module, Debug)]
struct Stage {
    blocks: Vec<Bottleneck>,
}

/// Three normalised convolutions around a shortcut, the middle one narrow.
#[derive(Module, Debug)]
struct Bottleneck {
    downsample: Option<Normed>,
    conv1: StandardConv,
    norm1: GroupNorm,
    conv2: StandardConv,
    norm2: GroupNorm,
    conv3: StandardConv,
    norm3: GroupNorm,
}

impl Bottleneck {
    fn new(
        [from, to]: [usize; 2],
        stride: usize,
        projects: bool,
        config: &ResNetConfig,
        device: &Device,
    ) -> Self {
        let middle = to / EXPANSION;
        let conv = |channels, size| StandardConv::new(channels, size, config.std_conv_eps, device);
        let norm = |channels| norm_layer(config.group_norm_groups, channels, NORM_EPSILON, device);
        Self {
            downsample: projects.then(|| Normed::new([from, to], [1, stride], config, device)),
            conv1: conv([from, middle], [1, 1]),
            norm1: norm(middle),
            conv2: conv([middle, middle], [3, stride]),
            norm2: norm(middle),
            conv3: conv([middle, to], [1, 1]),
            norm3: norm(to),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let hidden = relu(group_norm(&self.norm1, self.conv1.forward(x.clone())));
        let hidden = relu(group_norm(&self.norm2, self.conv2.forward(hidden)));
        let hidden = group_norm(&self.norm3, self.conv3.forward(hidden));
        let shortcut = match &self.downsample {
            Some(project) => project.forward(x),
            None => x,
        };
        relu(shortcut + hidden)
    }
}

/// A convolution and its normalisation.
#[derive(Module, Debug)]
struct Normed {
    conv: StandardConv,
    norm: GroupNorm,
}

impl Normed {
    fn new(channels: [usize; 2], size: [usize; 2], config: &ResNetConfig, device: &Device) -> Self {
        Self {
            conv: StandardConv::new(channels, size, config.std_conv_eps, device),
            norm: norm_layer(config.group_norm_groups, channels[1], NORM_EPSILON, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        group_norm(&self.norm, self.conv.forward(x))
    }
}

/// A convolution without bias whose filters have mean 0 and variance 1. Its result is `⌈side / stride⌉`: where the zeros
/// around the picture are odd in number, one more goes behind than before, as TensorFlow has it.
#[derive(Module, Debug)]
struct StandardConv {
    weight: Param<Tensor<4>>,
    stride: usize,
    epsilon: f64,
}

impl StandardConv {
    fn new(
        [from, to]: [usize; 2],
        [kernel, stride]: [usize; 2],
        epsilon: f64,
        device: &Device,
    ) -> Self {
        Self {
            weight: Initializer::Zeros.init([to, from, kernel, kernel], device),
            stride,
            epsilon,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val();
        let [to, from, kernel, _] = weight.dims();
        let filters = weight.reshape([to, from * kernel * kernel]);
        let centred = filters.clone() - filters.mean_dim(1);
        let variance = centred.clone().square().mean_dim(1);
        let weight =
            (centred / (variance + self.epsilon).sqrt()).reshape([to, from, kernel, kernel]);
        let [_, _, height, width] = x.dims();
        let zeros = |side: usize| {
            let reach = (side.div_ceil(self.stride) - 1) * self.stride + kernel;
            let missing = reach.saturating_sub(side);
            (missing / 2, missing - missing / 2)
        };
        let x = match (zeros(height), zeros(width)) {
            ((0, 0), (0, 0)) => x,
            (rows, columns) => x.pad([rows, columns], PadMode::Constant(0.0)),
        };
        let options = ConvOptions::new([self.stride; 2], [0; 2], [1; 2], 1);
        conv2d(x, weight, None, options)
    }
}
