//! `EGNet`: what people look at in a picture, with sharp edges. FRESCO's reference finds the background with it.
//!
//! Everything is `f32`.
//!
//! Source: Zhao et al., "EGNet: Edge Guidance Network for Salient Object Detection", 2019.

mod merge;
mod resnet;

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::relu;

use super::checkpoint::{self, CheckpointError, TensorList};
use super::keymap::KeyMap;
use super::places;
use super::published;
use crate::tensor::{Device, Resampling, Tensor, resize};
pub use merge::Cues;
use merge::{FirstMerge, SecondMerge, plain};
use resnet::ResNet;

/// Names in the published `epoch_resnet.pth`. What is ignored only training uses: counts of batches, scores of single
/// levels, and a projection that no level has a use for.
pub const KEYS: KeyMap = KeyMap {
    rules: &[
        (r"\.downsample\.0\.", ".downsample.conv."),
        (r"\.downsample\.1\.", ".downsample.norm."),
        (r"^convert\.convert0\.(\d)\.0\.", "convert.$1."),
        (r"^merge1\.trans\.1\.0\.", "merge1.narrow."),
        (r"^merge1\.trans\.2\.0\.", "merge1.edge."),
        (r"^merge2\.trans\.0\.(\d)\.0\.", "merge2.trans.$1."),
        (r"^merge2\.up\.0\.", "merge2.up."),
        (r"^(merge\d\.up\.\d)\.0\.", "$1.first."),
        (r"^(merge\d\.up\.\d)\.2\.", "$1.second."),
        (r"^(merge\d\.up\.\d)\.4\.", "$1.third."),
        (r"^merge2\.final_score\.0\.", "merge2.hidden."),
        (r"^merge2\.final_score\.2\.", "merge2.score."),
    ],
    ignored: &[
        r"\.num_batches_tracked$",
        r"^merge[12]\.score\.",
        r"^merge1\.trans\.0\.",
    ],
};

/// Names that the weights may have in the models folder, or in its folder `egnet`: as published, or converted.
pub const FILES: [&str; 2] = ["epoch_resnet.pth", "epoch_resnet.safetensors"];

/// The weights in the models folder, if they are there.
#[must_use]
pub fn find(models: &Path) -> Option<PathBuf> {
    places::find(models, "egnet", &FILES)
}

/// Of the published pickle.
const SHA256: &str = "38e000887ec6445f91faac7dac9539daae33ab05eb98ce6c80ba82fff0f836b7";

/// Sizes of the network; it is published without a `config.json`.
#[derive(Clone, Copy, Debug)]
pub struct EgNetConfig {
    /// Channels after the first convolution; all others are multiples.
    pub width: usize,
    /// Blocks in each stage of convolutions.
    pub blocks: [usize; 4],
}

impl Default for EgNetConfig {
    /// With ResNet-50, as published.
    fn default() -> Self {
        Self {
            width: 64,
            blocks: [3, 4, 6, 3],
        }
    }
}

impl EgNetConfig {
    /// Sizes of the network that tensors of the published names are for; those of the published one where they do not say.
    #[must_use]
    pub fn of_tensors(tensors: &TensorList) -> Self {
        const MOST_BLOCKS: usize = 64;
        let published = Self::default();
        let width = tensors
            .get("base.conv1.weight")
            .and_then(|shape| shape.first());
        let has = |stage: usize, block: usize| {
            tensors.contains_key(&format!("base.layer{stage}.{block}.conv1.weight"))
        };
        let count = |stage| {
            (0..MOST_BLOCKS)
                .take_while(|&block| has(stage, block))
                .count()
        };
        let blocks = [1, 2, 3, 4].map(count);
        match width {
            Some(&width @ 1..=1024) if !blocks.contains(&0) => Self { width, blocks },
            _ => published,
        }
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct EgNet {
    base: ResNet,
    convert: Vec<Conv2d>,
    merge1: FirstMerge,
    merge2: SecondMerge,
}

impl EgNet {
    /// An uninitialised network.
    #[must_use]
    pub fn new(config: &EgNetConfig, device: &Device) -> Self {
        let width = config.width;
        let levels = [1, 4, 8, 16, 32].map(|factor| factor * width);
        let converted = [2, 4, 8, 8, 8].map(|factor| factor * width);
        let [edge, salient @ ..] = converted;
        let convert = levels.into_iter().zip(converted);
        Self {
            base: ResNet::new(width, config.blocks, device),
            convert: convert.map(|(from, to)| plain(from, to, device)).collect(),
            merge1: FirstMerge::new(converted, device),
            merge2: SecondMerge::new(salient, edge, device),
        }
    }

    /// Reads the published `.pth`, or the same tensors as `.safetensors`, in the sizes that they have. Also gives the file's
    /// names that nobody wanted.
    ///
    /// # Errors
    /// [`CheckpointError`]: neither of the two formats, not readable, damaged, made for another network, or a pickle that is
    /// not the published one.
    pub fn load(path: &Path, device: &Device) -> Result<(Self, Vec<String>), CheckpointError> {
        if checkpoint::is_pickle(path) {
            published::require_sha256(path, SHA256)?;
        }
        let config = EgNetConfig::of_tensors(&published::shapes(path));
        published::load(Self::new(&config, device), path, &KEYS)
    }

    /// Whether a file is one of this network, by names and shapes; reads no values.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn check(path: &Path) -> Result<(), CheckpointError> {
        let config = EgNetConfig::of_tensors(&published::shapes(path));
        published::check(&Self::new(&config, &Device::flex()), path, &KEYS)
    }

    /// How salient each pixel is, as logits.
    ///
    /// # Shapes
    /// `[n, 3, h, w]`, channels as in training: blue, green, red in `[0, 255]` less [`MEANS`], `f32` → `[n, 1, h, w]`.
    #[must_use]
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = pictures.dims();
        let cues = self.cues(&self.converted(&self.features(pictures)));
        let score = self.merge2.forward(&cues);
        resize(score, [height, width], Resampling::LinearByCorners)
    }

    /// Features of five levels, the largest first.
    #[must_use]
    pub fn features(&self, pictures: Tensor<4>) -> Vec<Tensor<4>> {
        self.base.forward(pictures)
    }

    /// [`Self::features`] in the channels in which they are merged.
    #[must_use]
    pub fn converted(&self, features: &[Tensor<4>]) -> Vec<Tensor<4>> {
        let levels = features.iter().zip(&self.convert);
        levels
            .map(|(level, conv)| relu(conv.forward(level.clone())))
            .collect()
    }

    /// Edges and what is salient, from [`Self::converted`] features.
    #[must_use]
    pub fn cues(&self, converted: &[Tensor<4>]) -> Cues {
        self.merge1.forward(converted)
    }
}

/// What training subtracted from blue, green and red.
pub const MEANS: [f32; 3] = [104.006_99, 116.668_77, 122.678_92];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_looked_for_by_the_name_they_are_published_under() {
        let models = tempfile::tempdir().unwrap();
        assert_eq!(find(models.path()), None);
        let folder = models.path().join("egnet");
        std::fs::create_dir(&folder).unwrap();
        for file in [models.path().join(FILES[1]), folder.join(FILES[0])] {
            std::fs::write(&file, b"").unwrap();
            assert_eq!(find(models.path()), Some(file));
        }
    }
}
