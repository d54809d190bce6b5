//! `AutoencoderKL`: between pictures and latents of an eighth of their size.
//!
//! Source: Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", 2022.

mod bands;
mod blocks;
mod config;

use burn::module::Module;
use burn::nn::conv::Conv2d;

use super::keymap::KeyMap;
use super::resnet::conv;
use crate::tensor::read::ReadError;
use crate::tensor::{Device, Tensor};
use blocks::{Decoder, Encoder};
pub use config::VaeConfig;

/// Names in a published `vae/diffusion_pytorch_model.safetensors`, the attention's older names included.
pub const KEYS: KeyMap = KeyMap {
    rules: &[
        (r"\.query\.", ".to_q."),
        (r"\.key\.", ".to_k."),
        (r"\.value\.", ".to_v."),
        (r"\.proj_attn\.", ".to_out."),
        (r"\.to_out\.0\.", ".to_out."),
        (r"\.(to_q|to_k|to_v|to_out)\.", ".attention.$1."),
        (r"\.(down|up)samplers\.0\.", ".${1}sampler."),
    ],
    ignored: &[],
};

/// Encoder and decoder.
#[derive(Module, Debug)]
pub struct AutoencoderKL {
    encoder: Encoder,
    decoder: Decoder,
    quant_conv: Option<Conv2d>,
    post_quant_conv: Option<Conv2d>,
    scaling_factor: f64,
    latent_channels: usize,
}

/// The encoder's answer: a normal distribution for each latent value.
#[derive(Clone, Debug)]
pub struct Posterior {
    /// `[n, 4, h, w]`.
    pub mean: Tensor<4>,
    /// Logarithm of the variance, clamped to `[-30, 20]`: `[n, 4, h, w]`.
    pub logvar: Tensor<4>,
}

impl Posterior {
    /// A sample, given standard normal `noise` `[n, 4, h, w]`.
    #[must_use]
    pub fn sample(&self, noise: Tensor<4>) -> Tensor<4> {
        self.mean.clone() + (self.logvar.clone() / 2.0).exp() * noise
    }
}

impl AutoencoderKL {
    /// An uninitialised network of the given sizes.
    #[must_use]
    pub fn new(config: &VaeConfig, device: &Device) -> Self {
        let channels = config.latent_channels;
        let joined = || conv([channels * 2, channels * 2], 1, device);
        Self {
            encoder: Encoder::new(config, device),
            decoder: Decoder::new(config, device),
            quant_conv: config.use_quant_conv.then(joined),
            post_quant_conv: config
                .use_post_quant_conv
                .then(|| conv([channels, channels], 1, device)),
            scaling_factor: config.scaling_factor,
            latent_channels: channels,
        }
    }

    /// Factor between what the decoder reads and what the U-Net sees.
    #[must_use]
    pub fn scaling_factor(&self) -> f64 {
        self.scaling_factor
    }

    /// # Shapes
    /// `pictures` `[n, 3, height, width]` in `[-1, 1]`, sides multiples of 8 → `[n, 4, height/8, width/8]`.
    #[must_use]
    pub fn encode(&self, pictures: Tensor<4>) -> Posterior {
        self.posterior(self.encoder.forward(pictures))
    }

    /// [`Self::encode`] of one picture, in memory that does not grow with it.
    ///
    /// # Errors
    /// [`ReadError`] if a value on the way is infinite or not a number, or the device fails.
    pub fn encode_in_bands(&self, picture: Tensor<4>) -> Result<Posterior, ReadError> {
        Ok(self.posterior(self.encoder.forward_in_bands(picture)?))
    }

    fn posterior(&self, encoded: Tensor<4>) -> Posterior {
        let moments = match &self.quant_conv {
            Some(conv) => conv.forward(encoded),
            None => encoded,
        };
        let channels = self.latent_channels;
        Posterior {
            mean: moments.clone().narrow(1, 0, channels),
            logvar: moments.narrow(1, channels, channels).clamp(-30.0, 20.0),
        }
    }

    /// # Shapes
    /// `latents` `[n, 4, h, w]`, already divided by the scaling factor → `[n, 3, 8h, 8w]`, about `[-1, 1]`.
    #[must_use]
    pub fn decode(&self, latents: Tensor<4>) -> Tensor<4> {
        self.decoder.forward(self.before_decoder(latents))
    }

    /// [`Self::decode`] of the latents of one picture, in memory that does not grow with it.
    ///
    /// # Errors
    /// [`ReadError`] if a value on the way is infinite or not a number, or the device fails.
    pub fn decode_in_bands(&self, latents: Tensor<4>) -> Result<Tensor<4>, ReadError> {
        let latents = self.before_decoder(latents);
        self.decoder.forward_in_bands(latents)
    }

    fn before_decoder(&self, latents: Tensor<4>) -> Tensor<4> {
        match &self.post_quant_conv {
            Some(conv) => conv.forward(latents),
            None => latents,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;

    fn largest_difference(a: Tensor<4>, b: Tensor<4>) -> f32 {
        let scale: f32 = a.clone().abs().max().into_scalar();
        let difference: f32 = (a - b).abs().max().into_scalar();
        difference / scale
    }

    /// Widths of which a band is 16 to 128 rows, and heights that leave a part of a band.
    #[test]
    fn bands_give_what_one_piece_gives() {
        let device = Device::flex();
        device.seed(3);
        let json =
            r#"{"block_out_channels": [4, 4, 8, 8], "layers_per_block": 1, "norm_num_groups": 2}"#;
        let vae = AutoencoderKL::new(&VaeConfig::from_json(json.as_bytes()).unwrap(), &device);
        let random =
            |shape: [usize; 4]| Tensor::random(shape, Distribution::Normal(0.3, 1.0), &device);
        for [height, width] in [[40, 1024], [264, 128], [8, 8]] {
            let picture = random([1, 3, height, width]);
            let whole = vae.encode(picture.clone());
            let banded = vae.encode_in_bands(picture).unwrap();
            let mean = largest_difference(whole.mean, banded.mean);
            let variance = largest_difference(whole.logvar, banded.logvar);
            let latents = random([1, 4, height / 8, width / 8]);
            let whole = vae.decode(latents.clone());
            let decoded = largest_difference(whole, vae.decode_in_bands(latents).unwrap());
            eprintln!("{height}×{width}: {mean:.1e} {variance:.1e} {decoded:.1e}");
            assert!(mean.max(variance).max(decoded) < 1e-5);
        }
    }
}
