//! TAESD: a small autoencoder that speaks the latents of Stable Diffusion, for quick looks at unfinished pictures.
//!
//! Encoder and decoder are plain sequences, and the published names are places in them. The original files count one layer
//! of the decoder that the diffusers layout does not: the clamp at its beginning, which has no weights.
//!
//! Source: Ollin Boer Bohan, "TAESD: Tiny `AutoEncoder` for Stable Diffusion"; the published weights are its documentation.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::relu;
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};

use super::checkpoint::{self, CheckpointError, Weights};
use super::keymap::KeyMap;
use super::resnet::conv;
use super::{places, published};
use crate::tensor::{Device, FloatDType, Tensor};

/// Names of the encoder, in either layout.
pub const ENCODER_KEYS: KeyMap = KeyMap {
    rules: &[(r"^encoder\.layers\.", ""), CONV, FIRST, SECOND, THIRD],
    ignored: &[r"^decoder\."],
};

/// Names of the decoder, in either layout.
pub const DECODER_KEYS: KeyMap = KeyMap {
    rules: &[(r"^decoder\.layers\.", ""), CONV, FIRST, SECOND, THIRD],
    ignored: &[r"^encoder\."],
};

const CONV: (&str, &str) = (r"^(\d+)\.(weight|bias)$", "layers.$1.conv.$2");
const FIRST: (&str, &str) = (r"^(\d+)\.conv\.0\.", "layers.$1.block.first.");
const SECOND: (&str, &str) = (r"^(\d+)\.conv\.2\.", "layers.$1.block.second.");
const THIRD: (&str, &str) = (r"^(\d+)\.conv\.4\.", "layers.$1.block.third.");

/// Channels of the published network.
pub const PUBLISHED_CHANNELS: usize = 64;

/// The original name of the decoder's weights.
pub const ORIGINAL_FILE: &str = "taesd_decoder.safetensors";

/// Name of the weights in the diffusers layout, which many networks have: looked for in the folder `taesd` alone.
pub const DIFFUSERS_FILE: &str = "diffusion_pytorch_model.safetensors";

/// Latents beyond a few times this are drawn in.
const LATENT_MAGNITUDE: f64 = 3.0;

const LATENT_CHANNELS: usize = 4;

/// The decoder's weights in the models folder, if they are there.
#[must_use]
pub fn find(models: &Path) -> Option<PathBuf> {
    let original = places::find(models, "taesd", &[ORIGINAL_FILE]);
    original.or_else(|| {
        let file = models.join("taesd").join(DIFFUSERS_FILE);
        file.is_file().then_some(file)
    })
}

/// Which places the layers of the decoder have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Of the diffusers library.
    Diffusers,
    /// Of the original files.
    Original,
}

/// From pictures to latents.
#[derive(Module, Debug)]
pub struct TinyEncoder {
    layers: Vec<Layer>,
}

/// From latents to pictures.
#[derive(Module, Debug)]
pub struct TinyDecoder {
    layers: Vec<Layer>,
}

/// One place in a sequence.
#[derive(Module, Debug)]
struct Layer {
    conv: Option<Conv2d>,
    block: Option<Block>,
    #[module(skip)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A convolution or a block.
    Weighted,
    Clamp,
    Relu,
    Upsample,
}

/// Three convolutions around a shortcut.
#[derive(Module, Debug)]
struct Block {
    first: Conv2d,
    second: Conv2d,
    third: Conv2d,
}

impl Layer {
    fn plain(kind: Kind) -> Self {
        Self {
            conv: None,
            block: None,
            kind,
        }
    }

    fn conv(conv: Conv2d) -> Self {
        Self {
            conv: Some(conv),
            ..Self::plain(Kind::Weighted)
        }
    }

    fn block(channels: usize, device: &Device) -> Self {
        let conv = || conv([channels, channels], 3, device);
        let block = Block {
            first: conv(),
            second: conv(),
            third: conv(),
        };
        Self {
            block: Some(block),
            ..Self::plain(Kind::Weighted)
        }
    }

    /// Between two sizes: no bias, as the blocks after it have one.
    fn step(channels: usize, stride: usize, device: &Device) -> Self {
        let config = Conv2dConfig::new([channels, channels], [3, 3])
            .with_stride([stride, stride])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .with_bias(false);
        Self::conv(config.init(device))
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match (self.kind, &self.conv, &self.block) {
            (Kind::Weighted, Some(conv), _) => conv.forward(x),
            (Kind::Weighted, None, Some(block)) => block.forward(x),
            (Kind::Clamp, ..) => (x / LATENT_MAGNITUDE).tanh() * LATENT_MAGNITUDE,
            (Kind::Relu, ..) => relu(x),
            (Kind::Upsample, ..) => {
                let nearest = InterpolateOptions::new(InterpolateMode::Nearest);
                interpolate(x, nearest.with_scale_factor([2.0, 2.0]))
            }
            (Kind::Weighted, None, None) => x,
        }
    }
}

impl Block {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let hidden = relu(self.first.forward(x.clone()));
        let hidden = relu(self.second.forward(hidden));
        relu(self.third.forward(hidden) + x)
    }
}

fn run(layers: &[Layer], x: Tensor<4>) -> Tensor<4> {
    layers.iter().fold(x, |x, layer| layer.forward(x))
}

impl TinyEncoder {
    /// An uninitialised network.
    #[must_use]
    pub fn new(channels: usize, device: &Device) -> Self {
        let mut layers = vec![Layer::conv(conv([3, channels], 3, device))];
        layers.push(Layer::block(channels, device));
        for _ in 0..3 {
            layers.push(Layer::step(channels, 2, device));
            layers.extend((0..3).map(|_| Layer::block(channels, device)));
        }
        let last = conv([channels, LATENT_CHANNELS], 3, device);
        layers.push(Layer::conv(last));
        Self { layers }
    }

    /// # Shapes
    /// `pictures` `[n, 3, 8h, 8w]` in `[-1, 1]` → `[n, 4, h, w]`, as the U-Net has latents.
    #[must_use]
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        run(&self.layers, (pictures + 1.0) / 2.0)
    }
}

impl TinyDecoder {
    /// An uninitialised network.
    #[must_use]
    pub fn new(channels: usize, layout: Layout, device: &Device) -> Self {
        let mut layers = vec![
            Layer::plain(Kind::Clamp),
            Layer::conv(conv([LATENT_CHANNELS, channels], 3, device)),
            Layer::plain(Kind::Relu),
        ];
        for _ in 0..3 {
            layers.extend((0..3).map(|_| Layer::block(channels, device)));
            layers.push(Layer::plain(Kind::Upsample));
            layers.push(Layer::step(channels, 1, device));
        }
        layers.push(Layer::block(channels, device));
        layers.push(Layer::conv(conv([channels, 3], 3, device)));
        if layout == Layout::Diffusers {
            layers.remove(0);
        }
        Self { layers }
    }

    /// Reads published weights, in either layout. Also gives the file's names that nobody wanted.
    ///
    /// # Errors
    /// [`CheckpointError`]: no `.safetensors` file, not readable, damaged, or made for another network.
    pub fn load(path: &Path, device: &Device) -> Result<(Self, Vec<String>), CheckpointError> {
        let network = |layout| Self::new(PUBLISHED_CHANNELS, layout, device);
        let original = network(Layout::Original);
        let network = if published::check(&original, path, &DECODER_KEYS).is_ok() {
            original
        } else {
            network(Layout::Diffusers)
        };
        let weights = Weights::File(path.to_owned());
        checkpoint::load(network, &weights, &DECODER_KEYS, FloatDType::F32)
    }

    /// Whether a file is one of this network, by names and shapes; reads no values.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn check(path: &Path) -> Result<(), CheckpointError> {
        let check = |layout| {
            let network = Self::new(PUBLISHED_CHANNELS, layout, &Device::flex());
            published::check(&network, path, &DECODER_KEYS)
        };
        check(Layout::Original).or_else(|_| check(Layout::Diffusers))
    }

    /// # Shapes
    /// `latents` `[n, 4, h, w]` as the U-Net has them → `[n, 3, 8h, 8w]`, about `[-1, 1]`.
    #[must_use]
    pub fn forward(&self, latents: Tensor<4>) -> Tensor<4> {
        // Where the layout counts no clamp it is there all the same.
        let counts_clamp = self.layers.first().map(|layer| layer.kind) == Some(Kind::Clamp);
        let latents = if counts_clamp {
            latents
        } else {
            Layer::plain(Kind::Clamp).forward(latents)
        };
        run(&self.layers, latents) * 2.0 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_name_counts_in_its_own_folder_only() {
        let models = tempfile::tempdir().unwrap();
        std::fs::write(models.path().join(DIFFUSERS_FILE), b"").unwrap();
        assert_eq!(find(models.path()), None);
        let folder = models.path().join("taesd");
        std::fs::create_dir(&folder).unwrap();
        let files = [
            folder.join(DIFFUSERS_FILE),
            models.path().join(ORIGINAL_FILE),
            folder.join(ORIGINAL_FILE),
        ];
        for file in files {
            std::fs::write(&file, b"").unwrap();
            assert_eq!(find(models.path()), Some(file));
        }
    }
}
