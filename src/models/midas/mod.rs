//! `MiDaS`, as DPT-hybrid: how near each pixel of a picture is, up to scale and shift. FRESCO's reference draws its depth
//! maps with it.
//!
//! Everything is `f32`.
//!
//! Source: Ranftl et al., "Vision Transformers for Dense Prediction", 2021.

mod config;
mod resnet;
mod transformer;

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::nn::conv::Conv2d;

use super::checkpoint::CheckpointError;
use super::dpt::{Decoder, Head};
use super::keymap::KeyMap;
use super::places;
use super::published;
use super::resnet::conv;
use super::vit::Positions;
use crate::tensor::{Device, Resampling, Tensor};
pub use config::{MidasConfig, ResNetConfig, VitConfig};
use resnet::ResNet;
use transformer::{Block, Readout};

/// Names in the published `dpt_hybrid-midas-501f0c75.pt`. What is ignored was there for classifying pictures, or is the
/// half of the first fusion that would take in what was fused before.
pub const KEYS: KeyMap = KeyMap {
    rules: &[
        // Some copies hold the tensors under an entry `model`, beside the state of training.
        (r"^model\.", ""),
        (r"^pretrained\.model\.patch_embed\.backbone\.", "backbone."),
        (r"^pretrained\.model\.patch_embed\.proj\.", "patch."),
        (r"^pretrained\.model\.pos_embed$", "positions.table"),
        (r"^pretrained\.model\.cls_token$", "positions.cls_token"),
        (r"^pretrained\.model\.(blocks\.\d+\.)(?:attn\.)?", "$1"),
        (
            r"^pretrained\.act_postprocess3\.0\.project\.0\.",
            "readouts.0.mix.",
        ),
        (r"^pretrained\.act_postprocess3\.3\.", "readouts.0.project."),
        (
            r"^pretrained\.act_postprocess4\.0\.project\.0\.",
            "readouts.1.mix.",
        ),
        (r"^pretrained\.act_postprocess4\.3\.", "readouts.1.project."),
        (r"^pretrained\.act_postprocess4\.4\.", "readouts.1.halve."),
        (r"^scratch\.layer1_rn\.", "decoder.convs.0."),
        (r"^scratch\.layer2_rn\.", "decoder.convs.1."),
        (r"^scratch\.layer3_rn\.", "decoder.convs.2."),
        (r"^scratch\.layer4_rn\.", "decoder.convs.3."),
        (r"^scratch\.refinenet4\.", "decoder.layers.0."),
        (r"^scratch\.refinenet3\.", "decoder.layers.1."),
        (r"^scratch\.refinenet2\.", "decoder.layers.2."),
        (r"^scratch\.refinenet1\.", "decoder.layers.3."),
        (r"\.resConfUnit(\d)\.", ".residual$1."),
        (r"\.out_conv\.", ".projection."),
        (r"^scratch\.output_conv\.0\.", "head.conv1."),
        (r"^scratch\.output_conv\.2\.", "head.conv2."),
        (r"^scratch\.output_conv\.4\.", "head.conv3."),
    ],
    ignored: &[
        r"^(?:model\.)?pretrained\.model\.(?:norm|head)\.",
        r"^(?:model\.)?scratch\.refinenet4\.resConfUnit1\.",
        r"^optimizer\.",
    ],
};

/// Names that the weights may have in the models folder, or in its folder `midas`: as published, or converted.
pub const FILES: [&str; 2] = [
    "dpt_hybrid-midas-501f0c75.pt",
    "dpt_hybrid-midas-501f0c75.safetensors",
];

/// The weights in the models folder, if they are there.
#[must_use]
pub fn find(models: &Path) -> Option<PathBuf> {
    places::find(models, "midas", &FILES)
}

/// Channels before the last layer.
const HEAD_CHANNELS: usize = 32;
/// Pixels of a picture along a side of a token.
const STRIDE: usize = 16;

/// Sides of pictures are multiples of this, so that the smallest level has whole pixels.
pub const MULTIPLE: usize = 2 * STRIDE;

/// The network.
#[derive(Module, Debug)]
pub struct Midas {
    backbone: ResNet,
    patch: Conv2d,
    positions: Positions,
    blocks: Vec<Block>,
    readouts: Vec<Readout>,
    decoder: Decoder,
    head: Head,
    #[module(skip)]
    hooks: [usize; 2],
}

impl Midas {
    /// An uninitialised network.
    ///
    /// # Panics
    /// If the config has other than three stages of convolutions.
    #[must_use]
    pub fn new(config: &MidasConfig, device: &Device) -> Self {
        let (resnet, vit) = (&config.resnetv2, &config.vit);
        let [large, middle, deep] = resnet.channels[..] else {
            panic!("three stages, not {}", resnet.channels.len());
        };
        let width = vit.embed_dim;
        let side = vit.image_size / STRIDE;
        let levels = [large, middle, width, width];
        Self {
            backbone: ResNet::new(resnet, device),
            patch: conv([deep, width], 1, device),
            positions: Positions::new([side, width], Resampling::LinearByEdges, device),
            blocks: (0..vit.depth).map(|_| Block::new(vit, device)).collect(),
            readouts: [false, true]
                .map(|halves| Readout::new(width, halves, device))
                .into(),
            decoder: Decoder::new(&levels, config.features, device),
            head: Head::new([config.features, HEAD_CHANNELS], device),
            hooks: vit.hooks,
        }
    }

    /// Reads the published `.pt`, or the same tensors as `.safetensors`. Also gives the file's names that nobody wanted.
    ///
    /// # Errors
    /// [`CheckpointError`]: neither of the two formats, not readable, damaged, or made for another network.
    pub fn load(path: &Path, device: &Device) -> Result<(Self, Vec<String>), CheckpointError> {
        let network = Self::new(&MidasConfig::default(), device);
        published::load(network, path, &KEYS)
    }

    /// Whether a file is one of this network, by names and shapes; reads no values.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn check(path: &Path) -> Result<(), CheckpointError> {
        let network = Self::new(&MidasConfig::default(), &Device::flex());
        published::check(&network, path, &KEYS)
    }

    /// Relative inverse depth: the nearer, the larger.
    ///
    /// # Shapes
    /// `[n, 3, h, w]`, RGB in `[-1, 1]`, `f32`, sides multiples of [`MULTIPLE`] → `[n, 1, h, w]`, not negative.
    #[must_use]
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = pictures.dims();
        let fused = self.fused(self.levels(pictures)).pop();
        let fused = fused.unwrap_or_else(|| unreachable!("four levels"));
        self.head.forward(fused, [height, width])
    }

    /// Features of four sizes, the largest first, a quarter of the picture's: `[n, 3, h, w]` → four `[n, c, h', w']`.
    #[must_use]
    pub fn levels(&self, pictures: Tensor<4>) -> Vec<Tensor<4>> {
        let mut levels = self.backbone.forward(pictures);
        let deep = levels.pop().unwrap_or_else(|| unreachable!("three stages"));
        let [_, _, rows, columns] = deep.dims();
        let mut tokens = self.positions.place(self.patch.forward(deep));
        let mut readouts = self.readouts.iter();
        for (i, block) in self.blocks.iter().enumerate() {
            tokens = block.forward(tokens);
            if self.hooks.contains(&i)
                && let Some(readout) = readouts.next()
            {
                levels.push(readout.forward(tokens.clone(), [rows, columns]));
            }
        }
        levels
    }

    /// What each fusion of the decoder makes of [`Self::levels`], the smallest first.
    #[must_use]
    pub fn fused(&self, levels: Vec<Tensor<4>>) -> Vec<Tensor<4>> {
        self.decoder.forward(levels)
    }
}
