//! `U²-Net`: what people look at in a picture, by U-shaped blocks in a U-shaped network. It is published under Apache-2.0;
//! the network of FRESCO's reference, `EGNet`, states no licence.
//!
//! Everything is `f32`.
//!
//! Source: Qin et al., "U²-Net: Going Deeper with Nested U-Structure for Salient Object Detection", 2020.

mod block;

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::nn::conv::Conv2d;

use super::checkpoint::{CheckpointError, TensorList};
use super::imagenet;
use super::keymap::KeyMap;
use super::places;
use super::published;
use super::resnet::conv;
use crate::tensor::{Device, Tensor};
use block::{Block, Depth, like, pooled};

/// Names in the published `u2net.pth`, which count from one. What is ignored only training uses: counts of batches.
pub const KEYS: KeyMap = KeyMap {
    rules: &[
        (r"^stage1\.", "encoder.0."),
        (r"^stage2\.", "encoder.1."),
        (r"^stage3\.", "encoder.2."),
        (r"^stage4\.", "encoder.3."),
        (r"^stage5\.", "encoder.4."),
        (r"^stage6\.", "encoder.5."),
        (r"^stage1d\.", "decoder.0."),
        (r"^stage2d\.", "decoder.1."),
        (r"^stage3d\.", "decoder.2."),
        (r"^stage4d\.", "decoder.3."),
        (r"^stage5d\.", "decoder.4."),
        (r"^side1\.", "sides.0."),
        (r"^side2\.", "sides.1."),
        (r"^side3\.", "sides.2."),
        (r"^side4\.", "sides.3."),
        (r"^side5\.", "sides.4."),
        (r"^side6\.", "sides.5."),
        (r"^outconv\.", "fuse."),
        (r"\.rebnconvin\.", ".entry."),
        (r"\.rebnconv1\.", ".down.0."),
        (r"\.rebnconv2\.", ".down.1."),
        (r"\.rebnconv3\.", ".down.2."),
        (r"\.rebnconv4\.", ".down.3."),
        (r"\.rebnconv5\.", ".down.4."),
        (r"\.rebnconv6\.", ".down.5."),
        (r"\.rebnconv7\.", ".down.6."),
        (r"\.rebnconv1d\.", ".up.0."),
        (r"\.rebnconv2d\.", ".up.1."),
        (r"\.rebnconv3d\.", ".up.2."),
        (r"\.rebnconv4d\.", ".up.3."),
        (r"\.rebnconv5d\.", ".up.4."),
        (r"\.rebnconv6d\.", ".up.5."),
        (r"\.conv_s1\.", ".conv."),
        (r"\.bn_s1\.", ".norm."),
    ],
    ignored: &[r"\.num_batches_tracked$"],
};

/// Names that the weights may have in the models folder, or in its folder `u2net`: as published in full and small, or
/// converted.
pub const FILES: [&str; 3] = ["u2net.pth", "u2net.safetensors", "u2netp.pth"];

/// Sides of the square that pictures are brought to, whatever their shape: those of training.
pub const SIDE: usize = 320;

/// The weights in the models folder, if they are there.
#[must_use]
pub fn find(models: &Path) -> Option<PathBuf> {
    places::find(models, "u2net", &FILES)
}

/// Channels of each block: those that it works with, and those that leave it; the finest level first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct U2NetConfig {
    /// On the way down.
    pub encoder: [[usize; 2]; 6],
    /// On the way up.
    pub decoder: [[usize; 2]; 5],
}

impl Default for U2NetConfig {
    /// As published in full; `u2netp.pth` is narrower.
    fn default() -> Self {
        Self {
            encoder: [
                [32, 64],
                [32, 128],
                [64, 256],
                [128, 512],
                [256, 512],
                [256, 512],
            ],
            decoder: [[16, 64], [32, 64], [64, 128], [128, 256], [256, 512]],
        }
    }
}

impl U2NetConfig {
    /// Channels of the network that tensors of the published names are for; those of the published one where they do not
    /// say.
    #[must_use]
    pub fn of_tensors(tensors: &TensorList) -> Self {
        let read = |end: &str, stage: usize| {
            let channels = |step: &str| {
                let name = format!("stage{stage}{end}.{step}.conv_s1.weight");
                let channels = *tensors.get(&name)?.first()?;
                (1..=4096).contains(&channels).then_some(channels)
            };
            Some([channels("rebnconv1")?, channels("rebnconvin")?])
        };
        let all = || {
            let mut config = Self::default();
            for (i, channels) in config.encoder.iter_mut().enumerate() {
                *channels = read("", i + 1)?;
            }
            for (i, channels) in config.decoder.iter_mut().enumerate() {
                *channels = read("d", i + 1)?;
            }
            Some(config)
        };
        all().unwrap_or_default()
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct U2Net {
    /// The finest first.
    encoder: Vec<Block>,
    /// The finest first.
    decoder: Vec<Block>,
    /// What each level says, the finest first.
    sides: Vec<Conv2d>,
    fuse: Conv2d,
}

impl U2Net {
    /// An uninitialised network.
    #[must_use]
    pub fn new(config: &U2NetConfig, device: &Device) -> Self {
        use Depth::{Halving, Reaching};
        const DEPTHS: [Depth; 6] = [
            Halving(7),
            Halving(6),
            Halving(5),
            Halving(4),
            Reaching,
            Reaching,
        ];
        let U2NetConfig { encoder, decoder } = config;
        let deepest = encoder[encoder.len() - 1][1];
        let entering = std::iter::once(3).chain(encoder.map(|[_, to]| to));
        let down = entering.zip(encoder).zip(DEPTHS);
        // From the level below, and from the same level on the way down.
        let below = decoder[1..].iter().map(|[_, to]| *to).chain([deepest]);
        let beside = encoder.map(|[_, to]| to);
        let rising = below.zip(beside).map(|(below, beside)| below + beside);
        let up = rising.zip(decoder).zip(DEPTHS);
        let sides = decoder.iter().map(|[_, to]| *to).chain([deepest]);
        let sides: Vec<Conv2d> = sides.map(|from| conv([from, 1], 3, device)).collect();
        let block = |((from, [middle, to]), depth): ((usize, &[usize; 2]), Depth)| {
            Block::new([from, *middle, *to], depth, device)
        };
        Self {
            encoder: down.map(block).collect(),
            decoder: up.map(block).collect(),
            fuse: conv([sides.len(), 1], 1, device),
            sides,
        }
    }

    /// Reads the published `.pth`, or the same tensors as `.safetensors`, in the sizes that they have. Also gives the file's
    /// names that nobody wanted.
    ///
    /// # Errors
    /// [`CheckpointError`]: neither of the two formats, not readable, damaged, or made for another network.
    pub fn load(path: &Path, device: &Device) -> Result<(Self, Vec<String>), CheckpointError> {
        let config = U2NetConfig::of_tensors(&published::shapes(path));
        published::load(Self::new(&config, device), path, &KEYS)
    }

    /// Whether a file is one of this network, by names and shapes; reads no values.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn check(path: &Path) -> Result<(), CheckpointError> {
        let config = U2NetConfig::of_tensors(&published::shapes(path));
        published::check(&Self::new(&config, &Device::flex()), path, &KEYS)
    }

    /// How salient each pixel is, as logits.
    ///
    /// # Shapes
    /// `[n, 3, h, w]`, RGB in `[0, 1]`, `f32` → `[n, 1, h, w]`.
    #[must_use]
    pub fn forward(&self, unit: Tensor<4>) -> Tensor<4> {
        let mut seen: Vec<Tensor<4>> = Vec::with_capacity(self.encoder.len());
        let mut x = imagenet::normalised(unit);
        for (level, block) in self.encoder.iter().enumerate() {
            x = block.forward(if level == 0 { x } else { pooled(x) });
            seen.push(x.clone());
        }
        for (level, block) in self.decoder.iter().enumerate().rev() {
            let deeper = like(seen[level + 1].clone(), &seen[level]);
            seen[level] = block.forward(Tensor::cat(vec![deeper, seen[level].clone()], 1));
        }
        let said = self.sides.iter().zip(&seen);
        let said = said.map(|(side, seen)| side.forward(seen.clone()));
        let said: Vec<Tensor<4>> = said.map(|said| like(said, &seen[0])).collect();
        self.fuse.forward(Tensor::cat(said, 1))
    }
}
