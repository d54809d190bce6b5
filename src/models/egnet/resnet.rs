//! `ResNet-50` whose last stage keeps its size and looks further instead.
//!
//! Source: He et al., "Deep Residual Learning for Image Recognition", 2016; the dilation is that of Chen et al., "DeepLab",
//! 2017.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::tensor::activation::relu;

use crate::models::frozen_norm::FrozenNorm;
use crate::tensor::{Device, Tensor};

/// Growth of a block's channels over those of its middle convolution.
const EXPANSION: usize = 4;

/// The layers up to the classifier.
#[derive(Module, Debug)]
pub(super) struct ResNet {
    conv1: Conv2d,
    bn1: FrozenNorm,
    pool: MaxPool2d,
    layer1: Vec<Bottleneck>,
    layer2: Vec<Bottleneck>,
    layer3: Vec<Bottleneck>,
    layer4: Vec<Bottleneck>,
}

impl ResNet {
    /// With `width` channels after the first convolution, and so many blocks in each stage.
    pub(super) fn new(width: usize, blocks: [usize; 4], device: &Device) -> Self {
        let mut from = width;
        let mut stage = |i: usize, stride, dilation| -> Vec<Bottleneck> {
            let middle = width << i;
            let block = |b| {
                let first = b == 0;
                let channels = [if first { from } else { middle * EXPANSION }, middle];
                Bottleneck::new(
                    channels,
                    if first { stride } else { 1 },
                    dilation,
                    first,
                    device,
                )
            };
            let stage = (0..blocks[i]).map(block).collect();
            from = middle * EXPANSION;
            stage
        };
        Self {
            conv1: conv([3, width], [7, 2, 1], device),
            bn1: FrozenNorm::new(width, device),
            pool: MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_ceil_mode(true)
                .init(),
            layer1: stage(0, 1, 1),
            layer2: stage(1, 2, 1),
            layer3: stage(2, 2, 1),
            layer4: stage(3, 1, 2),
        }
    }

    /// Features after the first convolution and each stage: a half, a quarter, an eighth, and twice a sixteenth of the
    /// size of `[n, 3, h, w]`.
    pub(super) fn forward(&self, pictures: Tensor<4>) -> Vec<Tensor<4>> {
        let first = relu(self.bn1.forward(self.conv1.forward(pictures)));
        let mut x = self.pool.forward(first.clone());
        let stages = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        let rest = stages.into_iter().map(|blocks| {
            x = blocks.iter().fold(x.clone(), |x, block| block.forward(x));
            x.clone()
        });
        std::iter::once(first).chain(rest).collect()
    }
}

/// Three normalised convolutions around a shortcut, the middle one narrow.
#[derive(Module, Debug)]
struct Bottleneck {
    conv1: Conv2d,
    bn1: FrozenNorm,
    conv2: Conv2d,
    bn2: FrozenNorm,
    conv3: Conv2d,
    bn3: FrozenNorm,
    downsample: Option<Downsample>,
}

impl Bottleneck {
    fn new(
        [from, middle]: [usize; 2],
        stride: usize,
        dilation: usize,
        projects: bool,
        device: &Device,
    ) -> Self {
        let to = middle * EXPANSION;
        let norm = |channels| FrozenNorm::new(channels, device);
        Self {
            conv1: conv([from, middle], [1, stride, 1], device),
            bn1: norm(middle),
            conv2: conv([middle, middle], [3, 1, dilation], device),
            bn2: norm(middle),
            conv3: conv([middle, to], [1, 1, 1], device),
            bn3: norm(to),
            downsample: projects.then(|| Downsample {
                conv: conv([from, to], [1, stride, 1], device),
                norm: norm(to),
            }),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let hidden = relu(self.bn1.forward(self.conv1.forward(x.clone())));
        let hidden = relu(self.bn2.forward(self.conv2.forward(hidden)));
        let hidden = self.bn3.forward(self.conv3.forward(hidden));
        let shortcut = match &self.downsample {
            Some(project) => project.norm.forward(project.conv.forward(x)),
            None => x,
        };
        relu(shortcut + hidden)
    }
}

#[derive(Module, Debug)]
struct Downsample {
    conv: Conv2d,
    norm: FrozenNorm,
}

/// A convolution without bias that keeps the size at stride 1; `kernel` and how far it strides and reaches.
fn conv(channels: [usize; 2], [kernel, stride, dilation]: [usize; 3], device: &Device) -> Conv2d {
    let pad = kernel / 2 * dilation;
    Conv2dConfig::new(channels, [kernel, kernel])
        .with_stride([stride, stride])
        .with_dilation([dilation, dilation])
        .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
        .with_bias(false)
        .init(device)
}
