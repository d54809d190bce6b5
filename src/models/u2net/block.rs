//! A block that is itself a U: it looks at wide surroundings and keeps its size.
//!
//! Source: Qin et al., section 3.1 (residual U-blocks).

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::MaxPool2dConfig;
use burn::tensor::activation::relu;

use crate::models::frozen_norm::FrozenNorm;
use crate::tensor::{Device, Resampling, Tensor, resize};

/// Channels that enter a block, that it works with, and that leave it.
pub(super) type Channels = [usize; 3];

/// How a block widens what it sees.
#[derive(Clone, Copy, Debug)]
pub(super) enum Depth {
    /// By so many steps, each at half the size of the one before; the last one reaches twice as far instead.
    Halving(usize),
    /// By four steps at one size, of which each reaches twice as far.
    Reaching,
}

/// A way down, a way back up that also sees the way down, and a shortcut around both.
#[derive(Module, Debug)]
pub(super) struct Block {
    entry: Step,
    down: Vec<Step>,
    /// The finest first.
    up: Vec<Step>,
    #[module(skip)]
    halves: bool,
}

impl Block {
    pub(super) fn new([from, middle, to]: Channels, depth: Depth, device: &Device) -> Self {
        let (reaches, halves) = match depth {
            Depth::Halving(n) => ([vec![1; n - 1], vec![2]].concat(), true),
            Depth::Reaching => (vec![1, 2, 4, 8], false),
        };
        let last = reaches.len() - 1;
        let down = reaches.iter().enumerate().map(|(i, &reach)| {
            let from = if i == 0 { to } else { middle };
            Step::new([from, middle], reach, device)
        });
        let up = reaches[..last].iter().enumerate().map(|(i, &reach)| {
            let to = if i == 0 { to } else { middle };
            Step::new([2 * middle, to], reach, device)
        });
        Self {
            entry: Step::new([from, to], 1, device),
            down: down.collect(),
            up: up.collect(),
            halves,
        }
    }

    /// `[n, from, h, w]` → `[n, to, h, w]`.
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let entered = self.entry.forward(x);
        let last = self.down.len() - 1;
        let mut seen: Vec<Tensor<4>> = Vec::with_capacity(self.down.len());
        for (i, step) in self.down.iter().enumerate() {
            let before = seen.last().unwrap_or(&entered).clone();
            let before = if self.halves && (1..last).contains(&i) {
                pooled(before)
            } else {
                before
            };
            seen.push(step.forward(before));
        }
        let deepest = seen.remove(last);
        let ways = self.up.iter().zip(seen).rev();
        let risen = ways.fold(deepest, |deeper, (step, beside)| {
            let deeper = like(deeper, &beside);
            step.forward(Tensor::cat(vec![deeper, beside], 1))
        });
        risen + entered
    }
}

/// A normalised 3×3 convolution that keeps the size.
#[derive(Module, Debug)]
struct Step {
    conv: Conv2d,
    norm: FrozenNorm,
}

impl Step {
    fn new(channels: [usize; 2], reach: usize, device: &Device) -> Self {
        let conv = Conv2dConfig::new(channels, [3, 3])
            .with_dilation([reach, reach])
            .with_padding(PaddingConfig2d::Explicit(reach, reach, reach, reach));
        Self {
            conv: conv.init(device),
            norm: FrozenNorm::new(channels[1], device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu(self.norm.forward(self.conv.forward(x)))
    }
}

/// The larger value of each pair, along both sides; a last one without partner stands for itself.
pub(super) fn pooled(x: Tensor<4>) -> Tensor<4> {
    let pool = MaxPool2dConfig::new([2, 2])
        .with_strides([2, 2])
        .with_ceil_mode(true);
    pool.init().forward(x)
}

/// `x` at the size of `other`.
pub(super) fn like(x: Tensor<4>, other: &Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = other.dims();
    resize(x, [height, width], Resampling::LinearByEdges)
}
