//! `Depth-Anything` V2: how near each pixel of a picture is, up to scale and shift.
//!
//! Everything is `f32`; the network is small, and runs once for a keyframe.
//!
//! Source: Yang et al., "Depth Anything V2", 2024.

mod backbone;
mod config;
mod reassemble;

use std::path::{Path, PathBuf};

use burn::module::Module;

use super::ModelError;
use super::catalog::read_file;
use super::checkpoint::{self, Weights};
use super::dpt::{Decoder, Head};
use super::imagenet;
use super::keymap::KeyMap;
use super::published;
use crate::tensor::{Device, FloatDType, Tensor};
use backbone::Backbone;
pub use config::{BackboneConfig, DepthAnythingConfig};
use reassemble::Reassemble;

/// Names in a published `model.safetensors` of the transformers layout. What is ignored only training uses: the token of
/// hidden pieces, and the half of the first fusion that would take in what was fused before.
pub const KEYS: KeyMap = KeyMap {
    rules: &[
        (r"^backbone\.embeddings\.patch_embeddings\.", "backbone."),
        (
            r"^backbone\.embeddings\.position_embeddings$",
            "backbone.positions.table",
        ),
        (r"^backbone\.embeddings\.", "backbone.positions."),
        (r"^backbone\.encoder\.layer\.", "backbone.layers."),
        (r"\.attention\.attention\.", ".attention."),
        (r"\.attention\.output\.", ".attention."),
        (r"\.(layer_scale\d)\.lambda1$", ".$1"),
        (r"^neck\.reassemble_stage\.layers\.", "reassemble."),
        (r"^neck\.(?:fusion_stage\.)?", "decoder."),
        (
            r"\.residual_layer(\d)\.convolution(\d)\.",
            ".residual$1.conv$2.",
        ),
    ],
    ignored: &[
        r"^backbone\.embeddings\.mask_token$",
        r"^neck\.fusion_stage\.layers\.0\.residual_layer1\.",
    ],
};

/// Where the weights of V2 Small may be in the models folder: in a folder of their own, or as a file of the hub's name.
pub const FILES: [&str; 3] = [
    "depth-anything/model.safetensors",
    "Depth-Anything-V2-Small-hf/model.safetensors",
    "Depth-Anything-V2-Small-hf.safetensors",
];

/// Where they are published.
pub const HUB: &str = "depth-anything/Depth-Anything-V2-Small-hf";

/// The weights in the models folder, if they are there.
#[must_use]
pub fn find(models: &Path) -> Option<PathBuf> {
    let mut files = FILES.iter().map(|file| models.join(file));
    files.find(|file| file.is_file())
}

/// The network.
#[derive(Module, Debug)]
pub struct DepthAnything {
    backbone: Backbone,
    reassemble: Vec<Reassemble>,
    decoder: Decoder,
    head: Head,
    patch_size: usize,
    image_size: usize,
}

impl DepthAnything {
    /// An uninitialised network.
    #[must_use]
    pub fn new(config: &DepthAnythingConfig, device: &Device) -> Self {
        let width = config.backbone_config.hidden_size;
        let levels = config.neck_hidden_sizes.iter();
        let reassemble = levels
            .zip(&config.reassemble_factors)
            .map(|(&channels, &factor)| Reassemble::new([width, channels], factor, device));
        let (fusion, hidden) = (config.fusion_hidden_size, config.head_hidden_size);
        Self {
            backbone: Backbone::new(&config.backbone_config, device),
            reassemble: reassemble.collect(),
            decoder: Decoder::new(&config.neck_hidden_sizes, fusion, device),
            head: Head::new([fusion, hidden], device),
            patch_size: config.backbone_config.patch_size,
            image_size: config.backbone_config.image_size,
        }
    }

    /// Reads published weights, with the `config.json` beside them or, without one, as V2 Small. Also gives the file's
    /// names that nobody wanted.
    ///
    /// # Errors
    /// [`ModelError`]: not a `.safetensors` file, not readable, damaged, or made for another network.
    pub fn load(path: &Path, device: &Device) -> Result<(Self, Vec<String>), ModelError> {
        let network = Self::new(&config_beside(path)?, device);
        let weights = Weights::File(path.to_owned());
        Ok(checkpoint::load(network, &weights, &KEYS, FloatDType::F32)?)
    }

    /// Whether a file is one of this network, by names and shapes; reads no values.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn check(path: &Path) -> Result<(), ModelError> {
        let network = Self::new(&config_beside(path)?, &Device::flex());
        Ok(published::check(&network, path, &KEYS)?)
    }

    /// The side of a piece of picture; heights and widths are multiples of it.
    #[must_use]
    pub fn patch_size(&self) -> usize {
        self.patch_size
    }

    /// The short side of the pictures that the network sees best.
    #[must_use]
    pub fn image_size(&self) -> usize {
        self.image_size
    }

    /// What the network wants to see: `[n, 3, h, w]`, RGB in `[0, 1]` → the same shape, of the scale it was trained on.
    #[must_use]
    pub fn pixel_values(pictures: Tensor<4>) -> Tensor<4> {
        imagenet::normalised(pictures)
    }

    /// Relative inverse depth: the nearer, the larger.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` as from [`Self::pixel_values`], `f32`, sides multiples of the patch size → `[n, 1, h, w]`, not
    /// negative.
    #[must_use]
    pub fn forward(&self, pixel_values: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = pixel_values.dims();
        let fused = self.fused(pixel_values).pop();
        let fused = fused.unwrap_or_else(|| unreachable!("a config has levels"));
        let size = [height, width].map(|side| side / self.patch_size * self.patch_size);
        self.head.forward(fused, size)
    }

    /// Tokens before the first layer, the class token first: `[n, 3, h, w]` → `[n, 1 + tokens, c]`.
    #[must_use]
    pub fn embed(&self, pixel_values: Tensor<4>) -> Tensor<3> {
        self.backbone.embed(pixel_values)
    }

    /// What each fusion of the decoder gives, the smallest first.
    #[must_use]
    pub fn fused(&self, pixel_values: Tensor<4>) -> Vec<Tensor<4>> {
        let [_, _, height, width] = pixel_values.dims();
        let grid = [height, width].map(|side| side / self.patch_size);
        let levels = self.backbone.forward(pixel_values);
        let levels = levels.into_iter().zip(&self.reassemble);
        let levels = levels.map(|(tokens, level)| level.forward(tokens, grid));
        self.decoder.forward(levels.collect())
    }
}

/// The config in the folder of the hub's file. A file of another name has none of its own beside it.
fn config_beside(weights: &Path) -> Result<DepthAnythingConfig, ModelError> {
    let path = weights.with_file_name("config.json");
    if weights.file_name() != Path::new(FILES[0]).file_name() || !path.is_file() {
        return Ok(DepthAnythingConfig::default());
    }
    let json = read_file(path.clone())?.unwrap_or_default();
    DepthAnythingConfig::from_json(&json).map_err(|source| ModelError::Config {
        folder: path.display().to_string(),
        source,
    })
}
