//! The decoder of both depth networks: features of four sizes become one map of depth.
//!
//! Source: Ranftl et al., "Vision Transformers for Dense Prediction", 2021.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::relu;

use super::resnet::conv;
use crate::tensor::{Device, Resampling, Tensor, resize};

/// Fuses features, from the smallest to the largest.
#[derive(Module, Debug)]
pub struct Decoder {
    /// Of the levels, the largest first.
    convs: Vec<Conv2d>,
    /// The smallest level first.
    layers: Vec<Fusion>,
}

impl Decoder {
    /// For levels of these channels, the largest level first, fused in `width` channels.
    pub(super) fn new(levels: &[usize], width: usize, device: &Device) -> Self {
        let project = |&channels: &usize| {
            Conv2dConfig::new([channels, width], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_bias(false)
                .init(device)
        };
        Self {
            convs: levels.iter().map(project).collect(),
            layers: (0..levels.len())
                .map(|i| Fusion::new(width, i > 0, device))
                .collect(),
        }
    }

    /// What each fusion gives, at the size of the next larger level; the last at twice the largest one's.
    ///
    /// # Shapes
    /// Levels `[n, c, h, w]`, the largest first → as many `[n, width, h', w']`, the smallest first.
    pub fn forward(&self, levels: Vec<Tensor<4>>) -> Vec<Tensor<4>> {
        let size = |level: &Tensor<4>| [level.dims()[2], level.dims()[3]];
        let targets = std::iter::once(size(&levels[0]).map(|side| 2 * side));
        let mut targets: Vec<_> = targets.chain(levels.iter().map(size)).collect();
        targets.pop();
        let mut fused: Vec<Tensor<4>> = Vec::new();
        let levels = levels.into_iter().zip(&self.convs).zip(targets).rev();
        for (((level, conv), target), layer) in levels.zip(&self.layers) {
            let level = conv.forward(level);
            fused.push(layer.forward(fused.last().cloned(), level, target));
        }
        fused
    }
}

/// A level joins what was fused before.
#[derive(Module, Debug)]
struct Fusion {
    residual1: Option<ResidualUnit>,
    residual2: ResidualUnit,
    projection: Conv2d,
}

impl Fusion {
    /// `joins` says whether there is something before.
    fn new(width: usize, joins: bool, device: &Device) -> Self {
        Self {
            residual1: joins.then(|| ResidualUnit::new(width, device)),
            residual2: ResidualUnit::new(width, device),
            projection: conv([width, width], 1, device),
        }
    }

    fn forward(
        &self,
        before: Option<Tensor<4>>,
        level: Tensor<4>,
        target: [usize; 2],
    ) -> Tensor<4> {
        let x = match (before, &self.residual1) {
            (Some(before), Some(unit)) => before + unit.forward(level),
            _ => level,
        };
        let x = self.residual2.forward(x);
        self.projection
            .forward(resize(x, target, Resampling::LinearByCorners))
    }
}

/// Two convolutions around a shortcut, each after its activation.
#[derive(Module, Debug)]
struct ResidualUnit {
    conv1: Conv2d,
    conv2: Conv2d,
}

impl ResidualUnit {
    fn new(width: usize, device: &Device) -> Self {
        Self {
            conv1: conv([width, width], 3, device),
            conv2: conv([width, width], 3, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let hidden = self.conv1.forward(relu(x.clone()));
        x + self.conv2.forward(relu(hidden))
    }
}

/// From fused features to depth.
#[derive(Module, Debug)]
pub struct Head {
    conv1: Conv2d,
    conv2: Conv2d,
    conv3: Conv2d,
}

impl Head {
    /// From `width` channels through `hidden` to one.
    pub(super) fn new([width, hidden]: [usize; 2], device: &Device) -> Self {
        Self {
            conv1: conv([width, width / 2], 3, device),
            conv2: conv([width / 2, hidden], 3, device),
            conv3: conv([hidden, 1], 1, device),
        }
    }

    /// `[n, width, h', w']` → `[n, 1, h, w]` of `size`, not negative.
    pub(super) fn forward(&self, features: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
        let x = resize(
            self.conv1.forward(features),
            size,
            Resampling::LinearByCorners,
        );
        relu(self.conv3.forward(relu(self.conv2.forward(x))))
    }
}
