//! How much memory a batch takes on the device, told before anything is computed.
//!
//! The sum of what is held at the same time:
//! - the weights;
//! - what the encoder of the U-Net, and of each `ControlNet`, keeps for the decoder;
//! - what is recorded of the input frames for the guidance;
//! - the largest of the moments that hold most besides: a transformer's feed-forward layer, the scores of one piece of
//!   attention, an iteration of the feature optimisation, a picture in the autoencoder.
//!
//! What is small whatever the settings (text encoder, flow, edges) is left out, and a share is added for what the
//! allocator keeps. The graphics API reports no memory, so this is an estimate and is to be shown as one.
//!
//! Source: the shapes of SD 1.5's networks, and of FRESCO's guidance in [`crate::fresco`].

use burn::module::Module;

use super::error::Error;
use super::job::Consistency;
use super::model_folders::{ModelFolders, config};
use super::plan::N_ANCHORS;
use crate::frame::Size;
use crate::models::ModelError;
use crate::models::checkpoint::tensors_of;
use crate::models::controlnet::{ControlNetConfig, ControlNetModel};
use crate::models::unet::{UNet2DConditionModel, UNetConfig};
use crate::models::vae::{AutoencoderKL, VaeConfig};
use crate::tensor::Device;

/// What of a model decides how much memory a batch takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSizes {
    /// Weights of the U-Net.
    pub unet: u64,
    /// Weights of all `ControlNets`.
    pub controlnets: u64,
    /// How many `ControlNets` there are.
    pub n_controlnets: usize,
    /// Weights of the autoencoder.
    pub vae: u64,
    /// Channels of each level of the U-Net, from fine to coarse.
    pub channels: Vec<usize>,
    /// Residual blocks of an encoder level.
    pub layers_per_block: usize,
    /// Attention heads at the finest level.
    pub heads: usize,
    /// Channels of the autoencoder's finest level.
    pub vae_channels: usize,
}

/// A batch, as far as its memory depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLoad {
    /// Frames that are processed together, anchors included.
    pub frames: usize,
    /// Working size.
    pub size: Size,
    /// Whether U-Net and `ControlNets` compute in half precision.
    pub half: bool,
    /// How frames are guided.
    pub consistency: Consistency,
}

/// Pixels of a side that become one cell of the latents.
const CELL: u64 = 8;
/// Bytes of a number in full precision, in which the autoencoder and the optimiser compute.
const FULL: u64 = 4;
/// Most bytes that the scores of attention take: see [`crate::tensor::attend`].
const SCORES: u64 = 512 << 20;
/// Maps that one iteration of the optimiser holds: features, both moments, gradient, step, the features as they were,
/// their directions, and what those are derived by.
const OPTIMISER_MAPS: u64 = 8;
/// Maps of a transformer's feed-forward layer, in units of its channels: eight before the gate, four after, the input.
const FEED_FORWARD_MAPS: u64 = 13;
/// Maps of the autoencoder's widest block, in units of its finest channels: twice as many in, and what a residual block
/// holds.
const VAE_MAPS: u64 = 5;
/// Added for what the allocator cannot hand out again, in per cent.
const SLACK: u64 = 20;

impl NetworkSizes {
    /// The sizes of the networks that a job uses, by their configs; no weights are read.
    ///
    /// # Errors
    /// [`Error::Model`] for a config that is missing or of another family.
    pub fn of(folders: &ModelFolders) -> Result<Self, Error> {
        // Modules are empty until they are filled, wherever they are.
        let device = Device::flex();
        let unet: UNetConfig = config(&folders.model.part("unet"), UNetConfig::from_json)?;
        let vae: VaeConfig = config(&folders.vae, VaeConfig::from_json)?;
        let nets = folders.controlnets.iter().map(|folder| {
            let config = config(folder, ControlNetConfig::from_json)?;
            Ok(weights_of(&ControlNetModel::new(&config, &device)))
        });
        let nets = nets.collect::<Result<Vec<u64>, ModelError>>()?;
        Ok(Self {
            unet: weights_of(&UNet2DConditionModel::new(&unet, &device)),
            controlnets: nets.iter().sum(),
            n_controlnets: nets.len(),
            vae: weights_of(&AutoencoderKL::new(&vae, &device)),
            heads: unet.heads(0),
            channels: unet.block_out_channels,
            layers_per_block: unet.layers_per_block,
            vae_channels: vae.block_out_channels.first().copied().unwrap_or_default(),
        })
    }

    /// Channels of what enters the decoder at each level, from fine to coarse: those of the level below.
    fn decoder_inputs(&self) -> impl Iterator<Item = u64> {
        let below = self.channels.iter().skip(1).chain(self.channels.last());
        below.map(|&channels| channels as u64)
    }
}

fn weights_of<M: Module>(module: &M) -> u64 {
    let tensors = tensors_of(module).into_values();
    tensors
        .map(|shape| shape.into_iter().product::<usize>() as u64)
        .sum()
}

/// Bytes that a batch takes at its peak, weights included.
#[must_use]
pub fn batch_bytes(networks: &NetworkSizes, load: &BatchLoad) -> u64 {
    let pixels = u64::from(load.size.width) * u64::from(load.size.height);
    let cells = pixels / (CELL * CELL);
    // Each frame is evaluated with the prompt and with the negative prompt.
    let maps = 2 * load.frames as u64;
    let number = if load.half { 2 } else { FULL };
    let at_level = |level: usize| (cells >> (2 * level)).max(1);

    let weights = (networks.unet + networks.controlnets) * number + networks.vae * FULL;
    let skips = networks.channels.iter().enumerate();
    let skips = skips.map(|(level, &channels)| {
        (networks.layers_per_block as u64 + 1) * channels as u64 * at_level(level)
    });
    let n_encoders = 1 + u64::from(networks.n_controlnets > 0);
    let skips = skips.sum::<u64>() * maps * number * n_encoders;

    let inputs = networks.decoder_inputs().enumerate();
    let features: Vec<u64> = inputs
        .map(|(level, channels)| channels * at_level(level) * maps * FULL)
        .collect();
    let guided = load.consistency;
    let recorded_tokens = networks.channels.iter().take(2).enumerate();
    let recorded_tokens = recorded_tokens.map(|(level, &channels)| {
        (networks.layers_per_block as u64 + 1) * channels as u64 * at_level(level) * maps * number
    });
    let recorded = when(guided.spatial_attention, recorded_tokens.sum())
        + when(guided.spatial_loss, features.iter().sum());

    let finest = networks.channels.first().map_or(0, |&c| c as u64) * cells * maps * number;
    let scores = (networks.heads as u64 * maps * cells * cells * FULL).min(SCORES) + 4 * finest;
    let optimises = guided.spatial_loss || guided.temporal_loss;
    let largest = features.iter().max().copied().unwrap_or_default();
    let in_unet = (FEED_FORWARD_MAPS * finest)
        .max(scores)
        .max(when(optimises, OPTIMISER_MAPS * largest));
    let in_vae = VAE_MAPS * networks.vae_channels as u64 * pixels * FULL;

    let moving = recorded + (skips + in_unet).max(in_vae);
    weights + moving + moving * SLACK / 100
}

fn when(is_on: bool, bytes: u64) -> u64 {
    if is_on { bytes } else { 0 }
}

/// The most frames, at most those of `load`, whose batch takes no more than `limit` bytes; nothing if not even the
/// smallest batch fits, which holds the anchors and one new frame.
#[must_use]
pub fn frames_that_fit(networks: &NetworkSizes, load: &BatchLoad, limit: u64) -> Option<usize> {
    let fits = |&frames: &usize| batch_bytes(networks, &BatchLoad { frames, ..*load }) <= limit;
    (N_ANCHORS + 1..=load.frames).rev().find(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::job::{ConsistencySpec, ModelFiles, Preset};

    /// Stable Diffusion 1.5 with one `ControlNet`.
    fn sd15() -> NetworkSizes {
        NetworkSizes {
            unet: 859_520_964,
            controlnets: 361_279_120,
            n_controlnets: 1,
            vae: 83_653_863,
            channels: vec![320, 640, 1280, 1280],
            layers_per_block: 2,
            heads: 8,
            vae_channels: 128,
        }
    }

    fn load(frames: usize, side: u32, consistency: Preset) -> BatchLoad {
        let spec = ConsistencySpec {
            consistency,
            ..ConsistencySpec::default()
        };
        BatchLoad {
            frames,
            size: Size {
                width: side,
                height: side,
            },
            half: true,
            consistency: Consistency::from(&spec),
        }
    }

    fn gigabytes(load: &BatchLoad) -> f64 {
        batch_bytes(&sd15(), load) as f64 / 1e9
    }

    #[test]
    fn a_batch_of_eight_fits_a_card_of_eight_gigabytes() {
        let full = gigabytes(&load(8, 512, Preset::Full));
        assert!((5.0..8.0).contains(&full), "{full}");
        let weights = (1_220_800_084.0 * 2.0 + 83_653_863.0 * 4.0) / 1e9;
        assert!(full > weights);
    }

    #[test]
    fn more_frames_more_pixels_and_more_guidance_take_more() {
        let base = gigabytes(&load(8, 512, Preset::Light));
        assert!(gigabytes(&load(4, 512, Preset::Light)) < base);
        assert!(gigabytes(&load(8, 448, Preset::Light)) < base);
        assert!(gigabytes(&load(8, 512, Preset::Off)) < base);
        assert!(gigabytes(&load(8, 512, Preset::Full)) > base);
        let full_precision = BatchLoad {
            half: false,
            ..load(8, 512, Preset::Light)
        };
        assert!(gigabytes(&full_precision) > base);
    }

    #[test]
    fn the_largest_batch_that_fits_is_found() {
        let (networks, eight) = (sd15(), load(8, 512, Preset::Full));
        for frames in 3..=8 {
            let limit = batch_bytes(&networks, &BatchLoad { frames, ..eight });
            assert_eq!(frames_that_fit(&networks, &eight, limit), Some(frames));
        }
        let smallest = batch_bytes(&networks, &load(3, 512, Preset::Full));
        assert_eq!(frames_that_fit(&networks, &eight, smallest - 1), None);
        assert_eq!(frames_that_fit(&networks, &eight, u64::MAX), Some(8));
    }

    #[test]
    fn the_bundled_model_is_small() {
        let files = ModelFiles {
            checkpoint: None,
            configs: None,
            vae: None,
            controlnets: Vec::new(),
            loras: Vec::new(),
        };
        let folders = ModelFolders::resolve(&files, true, None).unwrap();
        let sizes = NetworkSizes::of(&folders).unwrap();
        assert_eq!(sizes.n_controlnets, 1);
        assert_eq!(sizes.channels.len(), 4);
        assert!((1_000_000..20_000_000).contains(&sizes.unet), "{sizes:?}");
        let plain = NetworkSizes::of(&ModelFolders::resolve(&files, false, None).unwrap()).unwrap();
        assert_eq!((plain.controlnets, plain.n_controlnets), (0, 0));
        assert_eq!(plain.unet, sizes.unet);
    }
}
