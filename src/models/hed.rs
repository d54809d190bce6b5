//! HED: the edges of a picture, found by five stages of a VGG network that each have their say.
//!
//! ControlNet's retrained variant. Everything is `f32`; the published file holds half precision.
//!
//! Source: Xie and Tu, "Holistically-Nested Edge Detection", 2015; Simonyan and Zisserman, "Very Deep Convolutional Networks
//! for Large-Scale Image Recognition", 2014, for the stages.

use std::path::{Path, PathBuf};

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

use super::checkpoint::CheckpointError;
use super::keymap::KeyMap;
use super::resnet::conv;
use super::{places, published};
use crate::tensor::{Device, Tensor};

/// Names in the published `ControlNetHED.pth`.
pub const KEYS: KeyMap = KeyMap {
    rules: &[],
    ignored: &[],
};

/// Names that the weights may have in the models folder, or in its folder `hed`: as published, or converted.
pub const FILES: [&str; 2] = ["ControlNetHED.pth", "ControlNetHED.safetensors"];

/// Where the weights are published.
pub const HUB: &str = "lllyasviel/Annotators";

/// The weights in the models folder, if they are there.
#[must_use]
pub fn find(models: &Path) -> Option<PathBuf> {
    places::find(models, "hed", &FILES)
}

/// Convolutions and channels of each stage.
pub type Stages = [(usize, usize); 5];

/// Those of the published network.
pub const PUBLISHED: Stages = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)];

/// The network.
#[derive(Module, Debug)]
pub struct Hed {
    /// Subtracted from every pixel.
    norm: Param<Tensor<4>>,
    block1: Stage,
    block2: Stage,
    block3: Stage,
    block4: Stage,
    block5: Stage,
}

/// Convolutions at one size, and what they think of each pixel.
#[derive(Module, Debug)]
struct Stage {
    convs: Vec<Conv2d>,
    projection: Conv2d,
}

impl Stage {
    fn new(channels_in: usize, (n_convs, channels): (usize, usize), device: &Device) -> Self {
        let from = |layer| if layer == 0 { channels_in } else { channels };
        let layer = |layer| conv([from(layer), channels], 3, device);
        Self {
            convs: (0..n_convs).map(layer).collect(),
            projection: conv([channels, 1], 1, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.convs.iter().fold(x, |x, conv| relu(conv.forward(x)))
    }
}

impl Hed {
    /// An uninitialised network of the given sizes.
    #[must_use]
    pub fn new(stages: &Stages, device: &Device) -> Self {
        let stage = |i: usize| {
            let channels_in = if i == 0 { 3 } else { stages[i - 1].1 };
            Stage::new(channels_in, stages[i], device)
        };
        Self {
            norm: Initializer::Zeros.init([1, 3, 1, 1], device),
            block1: stage(0),
            block2: stage(1),
            block3: stage(2),
            block4: stage(3),
            block5: stage(4),
        }
    }

    /// Reads the published `.pth`, or the same tensors as `.safetensors`. Also gives the file's names that nobody
    /// wanted.
    ///
    /// # Errors
    /// [`CheckpointError`]: neither of the two formats, not readable, damaged, or made for another network.
    pub fn load(path: &Path, device: &Device) -> Result<(Self, Vec<String>), CheckpointError> {
        published::load(Self::new(&PUBLISHED, device), path, &KEYS)
    }

    /// Whether a file is one of this network, by names and shapes; reads no values.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn check(path: &Path) -> Result<(), CheckpointError> {
        published::check(&Self::new(&PUBLISHED, &Device::flex()), path, &KEYS)
    }

    /// Logits of an edge at every pixel of the full size, a half, a quarter, an eighth and a sixteenth, each rounded down.
    ///
    /// # Shapes
    /// `frames` `[n, 3, h, w]`, RGB in `0..=255`, sides of at least 16 → five of `[n, 1, h', w']`.
    #[must_use]
    pub fn forward(&self, frames: Tensor<4>) -> [Tensor<4>; 5] {
        let mut x = frames - self.norm.val();
        let mut is_first = true;
        self.stages().map(|stage| {
            if !is_first {
                x = max_pool2d(x.clone(), MaxPoolOptions::new([2, 2]));
            }
            is_first = false;
            x = stage.forward(x.clone());
            stage.projection.forward(x.clone())
        })
    }

    fn stages(&self) -> [&Stage; 5] {
        [
            &self.block1,
            &self.block2,
            &self.block3,
            &self.block4,
            &self.block5,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_looked_for_by_their_published_name() {
        let models = tempfile::tempdir().unwrap();
        assert_eq!(find(models.path()), None);
        let folder = models.path().join("hed");
        std::fs::create_dir(&folder).unwrap();
        for file in [models.path().join(FILES[1]), folder.join(FILES[0])] {
            std::fs::write(&file, b"").unwrap();
            assert_eq!(find(models.path()), Some(file));
        }
    }
}
