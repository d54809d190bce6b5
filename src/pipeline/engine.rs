//! What outlives a job: the device, and the networks while consecutive jobs want the same ones.

use std::path::{Path, PathBuf};

use burn::module::Module;

use super::error::Error;
use super::job::ModelFiles;
use super::observer::Observer;
use super::synthesiser;
use crate::diffusion::noise_schedule::{NoiseSchedule, SchedulerConfig};
use crate::files::ContentHash;
use crate::models::catalog::ModelFolder;
use crate::models::checkpoint;
use crate::models::clip::{self, ClipTextModel, TextEncoderConfig, Tokenizer};
use crate::models::controlnet::{self, ControlNetConfig, ControlNetModel};
use crate::models::unet::{self, FreeU, UNet2DConditionModel, UNetConfig};
use crate::models::vae::{self, AutoencoderKL, VaeConfig};
use crate::models::{KeyMap, ModelError};
use crate::synth::Synthesiser;
use crate::tensor::{self, Device, DeviceChoice, FloatDType, OpenDevice};
use crate::video::Ffmpeg;

/// Owns the device and the networks; they are made on first use.
#[derive(Default)]
pub struct Engine {
    models_folder: Option<PathBuf>,
    ffmpeg: Option<PathBuf>,
    device: Option<(DeviceChoice, OpenDevice)>,
    denoiser: Option<(DenoiserKey, Denoiser)>,
    synthesiser: Option<(String, Synthesiser)>,
}

type DenoiserKey = (ModelFolders, FloatDType, String);

/// The device that is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    /// Its name.
    pub name: String,
    /// Whether the CPU stands in for a GPU that was not found.
    pub is_fallback: bool,
    /// Names of the graphics cards that there are.
    pub cards: Vec<String>,
    /// Whether networks compute in half precision.
    pub half: bool,
}

/// The folders that a job's networks come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFolders {
    /// Tokenizer, text encoder, U-Net and noise schedule.
    pub model: ModelFolder,
    /// The autoencoder's own folder.
    pub vae: ModelFolder,
    /// Each `ControlNet`'s own folder.
    pub controlnets: Vec<ModelFolder>,
}

/// What every denoising step needs.
pub struct Denoiser {
    /// Predicts the noise.
    pub unet: UNet2DConditionModel,
    /// Between pictures and latents; always computes in `f32`, as half precision loses its dark tones.
    pub vae: AutoencoderKL,
    /// In the order of the job.
    pub controlnets: Vec<ControlNetModel>,
    /// The model's own noise schedule.
    pub schedule: NoiseSchedule,
    /// Type in which U-Net and `ControlNets` compute.
    pub dtype: FloatDType,
    /// Tensors in the files that no network wanted, for a warning.
    pub unknown: Vec<String>,
}

/// The text side of a model, needed only until all prompts are embedded.
pub struct TextModel {
    /// The model's own vocabulary.
    pub tokenizer: Tokenizer,
    /// The network, in `f32`.
    pub encoder: ClipTextModel,
    /// Tokens in a chunk.
    pub chunk_length: usize,
}

impl ModelFolders {
    /// Resolves what a job names: the bundled demo model where it names none, and the model's own `controlnet/`
    /// where it names no other and wants control.
    ///
    /// # Errors
    /// [`Error::Model`] for a folder that is not there, [`Error::NoControlNet`] if control is wanted without a network.
    pub fn resolve(files: &ModelFiles, wants_control: bool) -> Result<Self, Error> {
        let at = |path: &PathBuf| ModelFolder::at(path).map_err(ModelError::from);
        let model = files
            .checkpoint
            .as_ref()
            .map_or(Ok(ModelFolder::bundled()), at)?;
        let vae = match &files.vae {
            Some(path) => at(path)?.network("vae"),
            None => model.part("vae"),
        };
        let named = files
            .controlnets
            .iter()
            .map(|net| Ok(at(&net.path)?.network("controlnet")));
        let mut controlnets = named.collect::<Result<Vec<_>, ModelError>>()?;
        if controlnets.is_empty() && wants_control {
            let own = model.part("controlnet");
            if !own.has("config.json") {
                return Err(Error::NoControlNet);
            }
            controlnets.push(own);
        }
        Ok(Self {
            model,
            vae,
            controlnets,
        })
    }

    /// Looks at every config and at the names and shapes in every weights file, which takes no time: a model that
    /// cannot be used is refused before anything else is done.
    ///
    /// # Errors
    /// [`Error::Model`] and the errors of the noise schedule, as loading would give them.
    pub fn check(&self) -> Result<(), Error> {
        // Modules are empty until they are filled, wherever they are.
        let device = Device::flex();
        let (unet_folder, text) = (self.unet(), self.text_encoder());
        check(&unet(&unet_folder, &device)?, &unet_folder, &unet::KEYS)?;
        check(&vae(&self.vae, &device)?, &self.vae, &vae::KEYS)?;
        for folder in &self.controlnets {
            check(&controlnet(folder, &device)?, folder, &controlnet::KEYS)?;
        }
        let config = config(&text, TextEncoderConfig::from_json)?;
        check(&ClipTextModel::new(&config, &device), &text, &clip::KEYS)?;
        tokenizer(&self.model.part("tokenizer"))?;
        NoiseSchedule::new(&self.scheduler_config()?)?;
        Ok(())
    }

    fn unet(&self) -> ModelFolder {
        self.model.part("unet")
    }

    fn text_encoder(&self) -> ModelFolder {
        self.model.part("text_encoder")
    }

    /// Identity of everything that the pictures depend on, by content.
    ///
    /// # Errors
    /// [`Error::Model`] if a file cannot be read.
    pub fn content_hash(&self) -> Result<ContentHash, Error> {
        let networks = [&self.unet(), &self.text_encoder(), &self.vae];
        let mut hashes = networks
            .into_iter()
            .chain(&self.controlnets)
            .map(ModelFolder::content_hash)
            .collect::<Result<Vec<_>, _>>()
            .map_err(ModelError::from)?;
        let tokenizer = self.model.part("tokenizer");
        for file in ["vocab.json", "merges.txt"] {
            let bytes = tokenizer.read(file).map_err(ModelError::from)?;
            hashes.push(ContentHash::of_bytes(&bytes));
        }
        hashes.push(ContentHash::of_value(&self.scheduler_config()?));
        Ok(ContentHash::of_value(&hashes))
    }

    /// The model's scheduler config, or SD 1.5's where it has none.
    fn scheduler_config(&self) -> Result<SchedulerConfig, Error> {
        let folder = self.model.part("scheduler");
        if !folder.has("scheduler_config.json") {
            return Ok(SchedulerConfig::default());
        }
        let json = folder
            .read("scheduler_config.json")
            .map_err(ModelError::from)?;
        SchedulerConfig::from_json(&json).map_err(|source| Error::SchedulerConfig {
            folder: folder.to_string(),
            source,
        })
    }
}

impl Engine {
    /// An engine that finds helper networks in this folder, if there is one.
    #[must_use]
    pub fn new(models_folder: Option<PathBuf>) -> Self {
        Self {
            models_folder,
            ..Self::default()
        }
    }

    /// Where helper networks lie.
    #[must_use]
    pub fn models_folder(&self) -> Option<&Path> {
        self.models_folder.as_deref()
    }

    /// Uses another FFmpeg than the one on `PATH`.
    pub fn use_ffmpeg(&mut self, path: Option<PathBuf>) {
        self.ffmpeg = path;
    }

    /// The program that reads and writes video.
    ///
    /// # Errors
    /// [`Error::Video`] if it is not there, or too old.
    pub fn ffmpeg(&self) -> Result<Ffmpeg, Error> {
        Ok(Ffmpeg::find(self.ffmpeg.as_deref())?)
    }

    /// The device of `choice`, opened once.
    ///
    /// # Errors
    /// [`Error::Device`] if it is not there.
    pub fn device(&mut self, choice: &DeviceChoice) -> Result<OpenDevice, Error> {
        if let Some((open, device)) = &self.device
            && open == choice
        {
            return Ok(device.clone());
        }
        let device = tensor::open(choice)?;
        self.denoiser = None;
        self.device = Some((choice.clone(), device.clone()));
        Ok(device)
    }

    /// Opens the device of `choice` and says what it is.
    ///
    /// # Errors
    /// [`Error::Device`] if it is not there.
    pub fn device_status(&mut self, choice: &DeviceChoice) -> Result<DeviceStatus, Error> {
        let device = self.device(choice)?;
        Ok(DeviceStatus {
            name: device.name,
            is_fallback: device.is_fallback,
            cards: tensor::card_names(),
            half: device.network_dtype == FloatDType::F16,
        })
    }

    /// Loads tokenizer and text encoder; the caller drops them when all prompts are embedded.
    ///
    /// # Errors
    /// [`Error::Model`] if files are missing, damaged or of another family.
    pub fn text_model(folders: &ModelFolders, device: &Device) -> Result<TextModel, Error> {
        let tokenizer = tokenizer(&folders.model.part("tokenizer"))?;
        let folder = folders.text_encoder();
        let config = config(&folder, TextEncoderConfig::from_json)?;
        let encoder = ClipTextModel::new(&config, device);
        let (encoder, _) = load(encoder, &folder, &clip::KEYS, FloatDType::F32)?;
        Ok(TextModel {
            tokenizer,
            encoder,
            chunk_length: config.max_position_embeddings,
        })
    }

    /// The networks of every step, loaded unless the last job had the same, with the job's `FreeU`.
    ///
    /// # Errors
    /// [`Error::Model`] if files are missing, damaged or of another family.
    pub fn denoiser(
        &mut self,
        folders: &ModelFolders,
        device: &OpenDevice,
        dtype: FloatDType,
        free_u: Option<FreeU>,
    ) -> Result<&Denoiser, Error> {
        let key = (folders.clone(), dtype, device.name.clone());
        let mut loaded = match self.denoiser.take() {
            Some((loaded, denoiser)) if loaded == key => denoiser,
            _ => load_denoiser(folders, &device.device, dtype)?,
        };
        loaded.unet.free_u = free_u;
        Ok(&self.denoiser.insert((key, loaded)).1)
    }

    /// What paints frames between keyframes on the device of `choice`, opened once. Where a graphics card serves the
    /// networks and not this, the CPU paints the same bytes, after a warning.
    ///
    /// # Errors
    /// [`Error::Device`] if it is not there.
    pub fn synthesiser(
        &mut self,
        choice: &DeviceChoice,
        observer: &dyn Observer,
    ) -> Result<Synthesiser, Error> {
        let name = self.device(choice)?.name;
        if let Some((opened, synthesiser)) = &self.synthesiser
            && *opened == name
        {
            return Ok(synthesiser.clone());
        }
        let synthesiser = synthesiser::open(choice, &name, observer);
        self.synthesiser = Some((name, synthesiser.clone()));
        Ok(synthesiser)
    }

    /// Forgets the networks, which may be in any state after a panic; the device lives as long as the process.
    pub fn reset(&mut self) {
        self.denoiser = None;
        self.synthesiser = None;
    }
}

fn load_denoiser(
    folders: &ModelFolders,
    device: &Device,
    dtype: FloatDType,
) -> Result<Denoiser, Error> {
    let schedule = NoiseSchedule::new(&folders.scheduler_config()?)?;
    let mut unknown = Vec::new();
    let folder = folders.unet();
    let (unet, more) = load(unet(&folder, device)?, &folder, &unet::KEYS, dtype)?;
    unknown.extend(more);
    let vae = vae(&folders.vae, device)?;
    let (vae, more) = load(vae, &folders.vae, &vae::KEYS, FloatDType::F32)?;
    unknown.extend(more);
    let mut controlnets = Vec::new();
    for folder in &folders.controlnets {
        let net = controlnet(folder, device)?;
        let (net, more) = load(net, folder, &controlnet::KEYS, dtype)?;
        unknown.extend(more);
        controlnets.push(net);
    }
    Ok(Denoiser {
        unet,
        vae,
        controlnets,
        schedule,
        dtype,
        unknown,
    })
}

fn unet(folder: &ModelFolder, device: &Device) -> Result<UNet2DConditionModel, ModelError> {
    let config = config(folder, UNetConfig::from_json)?;
    Ok(UNet2DConditionModel::new(&config, device))
}

fn vae(folder: &ModelFolder, device: &Device) -> Result<AutoencoderKL, ModelError> {
    Ok(AutoencoderKL::new(
        &config(folder, VaeConfig::from_json)?,
        device,
    ))
}

fn controlnet(folder: &ModelFolder, device: &Device) -> Result<ControlNetModel, ModelError> {
    Ok(ControlNetModel::new(
        &config(folder, ControlNetConfig::from_json)?,
        device,
    ))
}

fn check<M: Module>(module: &M, folder: &ModelFolder, keys: &KeyMap) -> Result<(), ModelError> {
    checkpoint::check(module, &folder.weights()?, keys)?;
    Ok(())
}

pub(super) fn config<C>(
    folder: &ModelFolder,
    parse: impl Fn(&[u8]) -> Result<C, crate::models::ConfigError>,
) -> Result<C, ModelError> {
    parse(&folder.read("config.json")?).map_err(|source| ModelError::Config {
        folder: folder.to_string(),
        source,
    })
}

fn load<M: Module>(
    module: M,
    folder: &ModelFolder,
    keys: &KeyMap,
    dtype: FloatDType,
) -> Result<(M, Vec<String>), ModelError> {
    Ok(checkpoint::load(module, &folder.weights()?, keys, dtype)?)
}

pub(super) fn tokenizer(folder: &ModelFolder) -> Result<Tokenizer, ModelError> {
    let vocab = folder.read("vocab.json")?;
    let merges = folder.read("merges.txt")?;
    let special = ["special_tokens_map.json", "tokenizer_config.json"];
    let special = special.into_iter().find(|file| folder.has(file));
    let special = special.map(|file| folder.read(file)).transpose()?;
    Tokenizer::from_files(&vocab, &merges, special.as_deref()).map_err(|source| {
        ModelError::Tokenizer {
            folder: folder.to_string(),
            source,
        }
    })
}
