//! The two merges: what is salient from coarse to fine and where its edges are, then both together.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::relu;

use crate::models::resnet::conv;
use crate::tensor::{Device, Resampling, Tensor, resize};

/// What the first merge finds.
#[derive(Clone, Debug)]
pub struct Cues {
    /// Features of edges, at half the size of the picture.
    pub edge: Tensor<4>,
    /// Features of what is salient, the largest first: a quarter, an eighth, and twice a sixteenth of the size.
    pub salient: Vec<Tensor<4>>,
}

/// From coarse to fine; the edges also see the coarsest features.
#[derive(Module, Debug)]
pub(super) struct FirstMerge {
    /// Of each level, the largest first.
    up: Vec<Refine>,
    /// From the wide levels to the second.
    narrow: Conv2d,
    /// From the coarsest level to the first.
    edge: Conv2d,
}

impl FirstMerge {
    /// For levels of these channels, the largest level first.
    pub(super) fn new(channels: [usize; 5], device: &Device) -> Self {
        const KERNELS: [usize; 5] = [3, 3, 5, 5, 7];
        let levels = channels.into_iter().zip(KERNELS);
        let [first, second, .., coarsest] = channels;
        Self {
            up: levels
                .map(|(channels, kernel)| Refine::new(channels, kernel, device))
                .collect(),
            narrow: plain(coarsest, second, device),
            edge: plain(coarsest, first, device),
        }
    }

    /// Levels `[n, c, h, w]`, the largest first.
    pub(super) fn forward(&self, levels: &[Tensor<4>]) -> Cues {
        let coarsest = levels.len() - 1;
        let mut salient = vec![self.up[coarsest].forward(levels[coarsest].clone())];
        for i in (1..coarsest).rev() {
            let coarser = salient[0].clone();
            let coarser = if coarser.dims()[1] == levels[i].dims()[1] {
                coarser
            } else {
                relu(self.narrow.forward(coarser))
            };
            let joined = levels[i].clone() + like(coarser, &levels[i]);
            salient.insert(0, self.up[i].forward(joined));
        }
        let deepest = salient[salient.len() - 1].clone();
        let deepest = relu(self.edge.forward(deepest));
        let edge = levels[0].clone() + like(deepest, &levels[0]);
        Cues {
            edge: self.up[0].forward(edge),
            salient,
        }
    }
}

/// Adds the edges to every level of what is salient, and the levels to each other.
#[derive(Module, Debug)]
pub(super) struct SecondMerge {
    trans: Vec<Conv2d>,
    up: Vec<Refine>,
    hidden: Conv2d,
    score: Conv2d,
}

impl SecondMerge {
    /// For levels of what is salient of these channels, the largest first, and edges of `width`.
    pub(super) fn new(levels: [usize; 4], width: usize, device: &Device) -> Self {
        const KERNELS: [usize; 4] = [3, 5, 5, 7];
        Self {
            trans: levels.map(|from| plain(from, width, device)).into(),
            up: KERNELS
                .map(|kernel| Refine::new(width, kernel, device))
                .into(),
            hidden: conv([width, width], 5, device),
            score: conv([width, 1], 3, device),
        }
    }

    /// One channel of logits at the size of the edges.
    pub(super) fn forward(&self, cues: &Cues) -> Tensor<4> {
        let refine = |((level, trans), up): ((&Tensor<4>, &Conv2d), &Refine)| {
            let level = like(relu(trans.forward(level.clone())), &cues.edge);
            up.forward(level + cues.edge.clone())
        };
        let levels = cues.salient.iter().zip(&self.trans).zip(&self.up);
        let fused = levels
            .map(refine)
            .reduce(|fused, level| relu(fused + level));
        let fused = fused.unwrap_or_else(|| unreachable!("four levels"));
        self.score.forward(relu(self.hidden.forward(fused)))
    }
}

/// Three convolutions that keep size and channels, each with its activation.
#[derive(Module, Debug)]
struct Refine {
    first: Conv2d,
    second: Conv2d,
    third: Conv2d,
}

impl Refine {
    fn new(channels: usize, kernel: usize, device: &Device) -> Self {
        let same = || conv([channels, channels], kernel, device);
        Self {
            first: same(),
            second: same(),
            third: same(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let convs = [&self.first, &self.second, &self.third];
        convs.into_iter().fold(x, |x, conv| relu(conv.forward(x)))
    }
}

/// A 1×1 convolution without bias.
pub(super) fn plain(from: usize, to: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([from, to], [1, 1])
        .with_padding(PaddingConfig2d::Valid)
        .with_bias(false)
        .init(device)
}

/// `x` at the size of `other`.
fn like(x: Tensor<4>, other: &Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = other.dims();
    resize(x, [height, width], Resampling::LinearByCorners)
}
