//! How much memory a batch takes on the device, told before anything is computed.
//!
//! The estimate is the most that is held in any [moment](super::memory_moments). The graphics API reports no memory, but
//! our own allocator does: a [meter](super::memory_meter) tells what a batch really took.

use burn::module::Module;

use super::annotator::DrawingNetwork;
use super::compat::Choices;
use super::error::Error;
use super::job::{Consistency, Job};
use super::memory_moments::{Holding, moments};
use super::model_folders::ModelFolders;
use super::plan::N_ANCHORS;
use crate::annotators::DepthNetwork;
use crate::frame::Size;
use crate::models::ModelError;
use crate::models::checkpoint::tensors_of;
use crate::models::clip::{ClipTextModel, TextEncoderConfig};
use crate::models::controlnet::{ControlNetConfig, ControlNetModel};
use crate::models::depth_anything::{DepthAnything, DepthAnythingConfig};
use crate::models::egnet::{EgNet, EgNetConfig};
use crate::models::gmflow::GmFlow;
use crate::models::hed::{self, Hed};
use crate::models::library::{Helper, Places};
use crate::models::midas::{Midas, MidasConfig};
use crate::models::u2net::{U2Net, U2NetConfig};
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
    /// Weights of the text encoder.
    pub text_encoder: u64,
    /// Weights of the network that finds motion; 0 where a classical method does.
    pub motion: u64,
    /// Weights of the network that finds what is salient; 0 where a classical method does.
    pub saliency: u64,
    /// What draws control images, as far as networks do.
    pub drawing: Vec<Drawing>,
    /// Channels of each level of the U-Net, from fine to coarse.
    pub channels: Vec<usize>,
    /// Residual blocks of an encoder level.
    pub layers_per_block: usize,
    /// Attention heads at the finest level.
    pub heads: usize,
    /// Channels of the autoencoder's finest level.
    pub vae_channels: usize,
}

/// A network that draws control images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Which.
    pub network: DrawingNetwork,
    /// Its weights.
    pub weights: u64,
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

impl NetworkSizes {
    /// The sizes of what a job uses.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn of_job(job: &Job, folders: &ModelFolders, places: &Places) -> Result<Self, Error> {
        let choices = Choices::of(job.compat);
        let drawing = DrawingNetwork::of(&job.models, &job.control, &choices, places);
        Self::of(folders, drawing, places)
    }

    /// The sizes of the networks that a job uses, by their configs, of those that draw its control images, and of the
    /// helpers that lie in `places`; no weights are read.
    ///
    /// # Errors
    /// [`Error::Model`] for a config that is missing or of another family.
    pub fn of(
        folders: &ModelFolders,
        drawing: Vec<DrawingNetwork>,
        places: &Places,
    ) -> Result<Self, Error> {
        // Modules are empty until they are filled, wherever they are.
        let device = Device::flex();
        let unet = folders.model.part("unet").config(UNetConfig::from_json)?;
        let vae = folders.vae.config(VaeConfig::from_json)?;
        let text_encoder = folders.model.part("text_encoder");
        let text_encoder = text_encoder.config(TextEncoderConfig::from_json)?;
        let nets = folders.controlnets.iter().map(|folder| {
            let config = folder.config(ControlNetConfig::from_json)?;
            Ok(weights_of(&ControlNetModel::new(&config, &device)))
        });
        let nets = nets.collect::<Result<Vec<u64>, ModelError>>()?;
        let helper = |helper, weights: &dyn Fn() -> u64| match places.helper(helper) {
            Some(_) => weights(),
            None => 0,
        };
        Ok(Self {
            unet: weights_of(&UNet2DConditionModel::new(&unet, &device)),
            controlnets: nets.iter().sum(),
            n_controlnets: nets.len(),
            vae: weights_of(&AutoencoderKL::new(&vae, &device)),
            text_encoder: weights_of(&ClipTextModel::new(&text_encoder, &device)),
            motion: helper(Helper::GmFlow, &|| weights_of(&GmFlow::new(&device))),
            // The larger one, if both are there.
            saliency: Ord::max(
                helper(Helper::EgNet, &|| {
                    weights_of(&EgNet::new(&EgNetConfig::default(), &device))
                }),
                helper(Helper::U2Net, &|| {
                    weights_of(&U2Net::new(&U2NetConfig::default(), &device))
                }),
            ),
            drawing: drawing.into_iter().map(Drawing::of).collect(),
            heads: unet.heads(0),
            channels: unet.block_out_channels,
            layers_per_block: unet.layers_per_block,
            vae_channels: vae.block_out_channels.first().copied().unwrap_or_default(),
        })
    }
}

impl Drawing {
    fn of(network: DrawingNetwork) -> Self {
        let device = Device::flex();
        let weights = match network {
            DrawingNetwork::Hed => weights_of(&Hed::new(&hed::PUBLISHED, &device)),
            DrawingNetwork::Depth(DepthNetwork::DepthAnything) => weights_of(&DepthAnything::new(
                &DepthAnythingConfig::default(),
                &device,
            )),
            DrawingNetwork::Depth(DepthNetwork::Midas) => {
                weights_of(&Midas::new(&MidasConfig::default(), &device))
            }
        };
        Self { network, weights }
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
    let moments = moments(networks, load);
    moments.iter().map(Holding::total).max().unwrap_or_default()
}

/// The most frames, at most those of `load`, whose batch takes no more than `limit` bytes; nothing if not even the
/// smallest batch fits, which holds the anchors and one new frame.
#[must_use]
pub fn frames_that_fit(networks: &NetworkSizes, load: &BatchLoad, limit: u64) -> Option<usize> {
    let fits = |&frames: &usize| batch_bytes(networks, &BatchLoad { frames, ..*load }) <= limit;
    (N_ANCHORS + 1..=load.frames).rev().find(fits)
}

/// Stable Diffusion 1.5 with one `ControlNet`.
#[cfg(test)]
pub(super) fn sd15() -> NetworkSizes {
    NetworkSizes {
        unet: 859_520_964,
        controlnets: 361_279_120,
        n_controlnets: 1,
        vae: 83_653_863,
        text_encoder: 123_060_480,
        motion: 4_680_288,
        saliency: 111_686_464,
        drawing: vec![Drawing::of(DrawingNetwork::Depth(DepthNetwork::Midas))],
        channels: vec![320, 640, 1280, 1280],
        layers_per_block: 2,
        heads: 8,
        vae_channels: 128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::library::Places;
    use crate::pipeline::conditions::Coding;
    use crate::pipeline::job::{ConsistencySpec, ControlKind, ModelFiles, Preset};
    use crate::pipeline::memory_moments::coding;

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

    /// The targets: eight gigabytes at 512×512, and twelve at 896×512. Prints both tables.
    #[test]
    fn a_batch_of_eight_fits_the_cards_that_it_is_meant_for() {
        for ((width, height), limit) in [((512, 512), 8.0), ((896, 512), 12.0)] {
            let load = BatchLoad {
                size: Size { width, height },
                ..load(8, 512, Preset::Full)
            };
            eprintln!(
                "{width}×{height}, MB: {:>17} {:>8} {:>8} {:>8}",
                "weights", "kept", "working", "total"
            );
            for holding in moments(&sd15(), &load) {
                eprintln!("{holding}");
            }
            let whole = gigabytes(&load);
            eprintln!(
                "peak {whole:.2} GB of {limit} GB, {:?}",
                coding(&sd15(), &load)
            );
            assert!((5.0..limit).contains(&whole), "{whole}");
        }
    }

    /// Where the networks of the steps are small, what draws control images may hold most.
    #[test]
    fn what_draws_control_images_counts() {
        let depth = |network| Some(DrawingNetwork::Depth(network));
        let bytes = |drawing: Option<DrawingNetwork>, side| {
            let networks = NetworkSizes {
                unet: 5_000_000,
                controlnets: 2_000_000,
                vae: 5_000_000,
                text_encoder: 1_000_000,
                channels: vec![32, 64, 64, 64],
                vae_channels: 16,
                drawing: drawing.into_iter().map(Drawing::of).collect(),
                ..sd15()
            };
            batch_bytes(&networks, &load(3, side, Preset::Off))
        };
        let hed = Some(DrawingNetwork::Hed);
        for (drawing, weights) in [
            (hed, 14_716_168),
            (depth(DepthNetwork::DepthAnything), 24_710_849),
            (depth(DepthNetwork::Midas), 121_196_289),
        ] {
            assert_eq!(drawing.map(Drawing::of).map(|d| d.weights), Some(weights));
        }
        for side in [64, 768] {
            assert!(bytes(None, side) < bytes(hed, side), "{side}");
            assert!(bytes(hed, side) < bytes(depth(DepthNetwork::Midas), side));
        }
        // It enlarges what it sees.
        let small = bytes(depth(DepthNetwork::DepthAnything), 64);
        assert!(bytes(None, 64) + 200_000_000 < small, "{small}");
    }

    #[test]
    fn pictures_are_coded_in_bands_only_where_they_would_be_the_most() {
        let of = |frames, side| coding(&sd15(), &load(frames, side, Preset::Off));
        assert_eq!(of(8, 512), Coding::Whole);
        assert_eq!(of(3, 1024), Coding::InBands);
        assert_eq!(of(1, 256), Coding::Whole);
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
        let nowhere = Places::default();
        let folders = ModelFolders::resolve(&files, ControlKind::SoftEdges, &nowhere).unwrap();
        let sizes = NetworkSizes::of(&folders, Vec::new(), &nowhere).unwrap();
        assert_eq!((sizes.motion, sizes.saliency), (0, 0));
        assert_eq!(sizes.n_controlnets, 1);
        assert_eq!(sizes.channels.len(), 4);
        assert!((1_000_000..20_000_000).contains(&sizes.unet), "{sizes:?}");
        let without = ModelFolders::resolve(&files, ControlKind::None, &nowhere).unwrap();
        let plain = NetworkSizes::of(&without, Vec::new(), &nowhere).unwrap();
        assert_eq!((plain.controlnets, plain.n_controlnets), (0, 0));
        assert_eq!(plain.unet, sizes.unet);
    }
}
