//! `GMFlow`: optical flow between two frames, by matching every position of one with all of the other.
//!
//! One scale, as the published `gmflow_sintel` weights have it. The sizes of the network are constants: there is one
//! such network, and it comes without a `config.json`. Everything is `f32`, because a softmax over thousands of
//! positions amplifies rounding.
//!
//! Source: Xu et al., "GMFlow: Learning Optical Flow via Global Matching", 2022.

mod backbone;
mod matching;
mod transformer;
mod upsample;

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::ops::PadMode;

use super::checkpoint::CheckpointError;
use super::imagenet;
use super::keymap::KeyMap;
use super::places;
use super::published;
use super::tokens::{to_map, to_tokens};
use crate::tensor::{Device, Tensor};
use backbone::Backbone;
pub use matching::FlowPropagation;
use matching::match_globally;
pub use transformer::{Block, FeatureTransformer, with_positions};
use upsample::Upsampler;

/// Channels of the matched features.
const CHANNELS: usize = 128;
/// Pixels of a frame along a side of a feature.
const STRIDE: usize = 8;
/// Sides must be whole windows of whole features: two windows along each side.
const MULTIPLE: usize = STRIDE * transformer::WINDOWS;
/// Most pixels of first frames that go through the network together, which bounds its memory.
const CHUNK_PIXELS: usize = 1 << 19;

/// Names in the published `gmflow_sintel-0c07dcb3.pth`, under its entry `model`.
pub const KEYS: KeyMap = KeyMap {
    rules: &[
        (r"\.downsample\.0\.", ".downsample."),
        (r"\.mlp\.0\.", ".mlp.expand."),
        (r"\.mlp\.2\.", ".mlp.contract."),
        (r"\.norm2\.", ".mlp.norm."),
        (r"^upsampler\.0\.", "upsampler.hidden."),
        (r"^upsampler\.2\.", "upsampler.weights."),
    ],
    ignored: &[],
};

/// Names that the weights may have in the models folder, or in its folder `gmflow`: as published, or converted.
pub const FILES: [&str; 2] = [
    "gmflow_sintel-0c07dcb3.pth",
    "gmflow_sintel-0c07dcb3.safetensors",
];

/// The weights in the models folder, if they are there.
#[must_use]
pub fn find(models: &Path) -> Option<PathBuf> {
    places::find(models, "gmflow", &FILES)
}

/// The network.
#[derive(Module, Debug)]
pub struct GmFlow {
    backbone: Backbone,
    /// Makes the features of both frames know of each other.
    pub transformer: FeatureTransformer,
    feature_flow_attn: FlowPropagation,
    upsampler: Upsampler,
}

/// A flow and what it was made from, for sides that are multiples of 16.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// Features after the transformer `[2n, 128, h/8, w/8]`: those of the first frames, then of the second.
    pub features: Tensor<4>,
    /// Flow by matching alone, in features, `[2n, 2, h/8, w/8]`.
    pub matched: Tensor<4>,
    /// After similar places have exchanged their flow.
    pub propagated: Tensor<4>,
    /// Flow in pixels, `[2n, 2, h, w]`.
    pub flow: Tensor<4>,
}

impl GmFlow {
    /// An uninitialised network.
    #[must_use]
    pub fn new(device: &Device) -> Self {
        Self {
            backbone: Backbone::new(device),
            transformer: FeatureTransformer::new(device),
            feature_flow_attn: FlowPropagation::new(device),
            upsampler: Upsampler::new(device),
        }
    }

    /// Reads the published `.pth`, or the same tensors as `.safetensors`. Also gives the file's names that nobody
    /// wanted.
    ///
    /// # Errors
    /// [`CheckpointError`]: neither of the two formats, not readable, damaged, or made for another network.
    pub fn load(path: &Path, device: &Device) -> Result<(Self, Vec<String>), CheckpointError> {
        published::load(Self::new(device), path, &KEYS)
    }

    /// Whether a file is one of this network, by names and shapes; reads no values.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn check(path: &Path) -> Result<(), CheckpointError> {
        published::check(&Self::new(&Device::flex()), path, &KEYS)
    }

    /// Flow of each pair in both directions: of first `n` from `first` to `second`, and of last `n` back. Channel 0
    /// is x, channel 1 is y, in pixels.
    ///
    /// Frames whose sides are no multiples of 16 are enlarged by repeating their edges, as much before as after, and
    /// the flow is cut back.
    ///
    /// # Shapes
    /// `first` and `second` `[n, 3, h, w]`, RGB in `0..=255`, `f32` → `[2n, 2, h, w]`.
    #[must_use]
    pub fn forward(&self, first: Tensor<4>, second: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = first.dims();
        self.forward_in(first, second, pairs_at_once(height * width))
    }

    /// [`Self::forward`], so many pairs together.
    fn forward_in(&self, first: Tensor<4>, second: Tensor<4>, chunk: usize) -> Tensor<4> {
        let [_, _, height, width] = first.dims();
        let (rows, columns) = (padding(height), padding(width));
        let pad = |frames: Tensor<4>| match (rows, columns) {
            ((0, 0), (0, 0)) => frames,
            _ => frames.pad([rows, columns], PadMode::Edge),
        };
        let pairs = first
            .split(chunk, 0)
            .into_iter()
            .zip(second.split(chunk, 0));
        let (forward, backward) = pairs
            .map(|(first, second)| {
                let n = first.dims()[0];
                let flow = self.estimate(pad(first), pad(second)).flow;
                let flow = flow.narrow(2, rows.0, height).narrow(3, columns.0, width);
                (flow.clone().narrow(0, 0, n), flow.narrow(0, n, n))
            })
            .unzip();
        Tensor::cat(vec![Tensor::cat(forward, 0), Tensor::cat(backward, 0)], 0)
    }

    /// Features of frames before the transformer.
    ///
    /// # Shapes
    /// `[n, 3, h, w]`, RGB in `0..=255` → `[n, 128, h/8, w/8]`.
    #[must_use]
    pub fn features(&self, frames: Tensor<4>) -> Tensor<4> {
        self.backbone.forward(imagenet::normalised(frames / 255.0))
    }

    /// Flow in both directions with its intermediate results, all pairs at once.
    ///
    /// # Shapes
    /// `first` and `second` `[n, 3, h, w]`, RGB in `0..=255`, `f32`, `h` and `w` multiples of 16.
    #[must_use]
    pub fn estimate(&self, first: Tensor<4>, second: Tensor<4>) -> Estimate {
        let features = self.features(Tensor::cat(vec![first, second], 0));
        let features = self.transformer.forward(features);
        let matched = match_globally(features.clone());
        let propagated = self
            .feature_flow_attn
            .forward(features.clone(), matched.clone());
        let flow = self.upsampler.forward(features.clone(), propagated.clone());
        Estimate {
            features,
            matched,
            propagated,
            flow,
        }
    }
}

/// How many pairs of frames with so many pixels go through the network together.
#[must_use]
pub fn pairs_at_once(pixels: usize) -> usize {
    (CHUNK_PIXELS / pixels.max(1)).max(1)
}

/// How much to add before and after a side.
fn padding(side: usize) -> (usize, usize) {
    let missing = side.next_multiple_of(MULTIPLE) - side;
    (missing / 2, missing - missing / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Distribution, Int, Tolerance};

    fn frames(n: usize, [height, width]: [usize; 2], device: &Device) -> [Tensor<4>; 2] {
        device.seed(11);
        let range = Distribution::Uniform(0.0, 255.0);
        [(); 2].map(|()| Tensor::random([n, 3, height, width], range, device))
    }

    #[test]
    fn chunks_give_what_pairs_give_alone() {
        let device = Device::flex();
        let network = GmFlow::new(&device);
        let [first, second] = frames(3, [32, 48], &device);
        let alone: Vec<Tensor<4>> = (0..3)
            .map(|i| {
                network.forward(
                    first.clone().narrow(0, i, 1),
                    second.clone().narrow(0, i, 1),
                )
            })
            .collect();
        let direction = |d| alone.iter().map(move |flow| flow.clone().narrow(0, d, 1));
        let want = Tensor::cat(direction(0).chain(direction(1)).collect(), 0).into_data();
        for chunk in [1, 2, 3] {
            let got = network.forward_in(first.clone(), second.clone(), chunk);
            got.into_data()
                .assert_approx_eq::<f32>(&want, Tolerance::rel_abs(1e-3, 1e-2));
        }
    }

    #[test]
    fn other_sizes_are_enlarged_by_their_edges() {
        let device = Device::flex();
        let network = GmFlow::new(&device);
        let [height, width] = [40, 33];
        let small = frames(1, [height, width], &device);
        // 4 rows above and below, 7 columns before and 8 after, to 48 × 48.
        let large = small.clone().map(|frame| {
            let places = |side: usize, before: usize| -> Tensor<1, Int> {
                let place = |i: usize| (i.max(before) - before).min(side - 1) as i32;
                Tensor::from_data(&(0..48).map(place).collect::<Vec<_>>()[..], &device)
            };
            let rows = frame.select(2, places(height, 4));
            rows.select(3, places(width, 7))
        });
        let [first, second] = large;
        let want = network.estimate(first, second).flow;
        let want = want.narrow(2, 4, height).narrow(3, 7, width).into_data();
        let [first, second] = small;
        network
            .forward(first, second)
            .into_data()
            .assert_approx_eq::<f32>(&want, Tolerance::rel_abs(1e-4, 1e-3));
    }

    #[test]
    fn weights_are_looked_for_by_the_name_they_are_published_under() {
        let manifest = include_str!("../../../models/gmflow/manifest.toml");
        let manifest: toml::Table = manifest.parse().unwrap();
        let published = manifest["network"][0]["file"].as_str().unwrap();
        assert_eq!(Path::new(published).file_name(), Some(FILES[0].as_ref()));

        let models = tempfile::tempdir().unwrap();
        assert_eq!(find(models.path()), None);
        let folder = models.path().join("gmflow");
        std::fs::create_dir(&folder).unwrap();
        for file in [models.path().join(FILES[1]), folder.join(FILES[0])] {
            std::fs::write(&file, b"").unwrap();
            assert_eq!(find(models.path()), Some(file));
        }
    }
}
