//! What outlives a job: the device, and the networks while consecutive jobs want the same ones.

use std::path::PathBuf;

use super::error::Error;
use super::job::{Job, Precision};
use super::model_folders::ModelFolders;
use super::observer::Observer;
use super::synthesiser;
use crate::diffusion::noise_schedule::NoiseSchedule;
use crate::models::clip::{ClipTextModel, Tokenizer};
use crate::models::controlnet::ControlNetModel;
use crate::models::library::Places;
use crate::models::unet::{FreeU, UNet2DConditionModel};
use crate::models::vae::AutoencoderKL;
use crate::synth::Synthesiser;
use crate::tensor::{self, CPU_NAME, Device, DeviceChoice, FloatDType, OpenDevice};
use crate::video::Ffmpeg;

/// Owns the device and the networks; they are made on first use.
#[derive(Default)]
pub struct Engine {
    places: Places,
    ffmpeg: Option<PathBuf>,
    memory_limit: Option<u64>,
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
    /// Whether networks compute in half precision there, unless full precision is asked for.
    pub half: bool,
    /// Threads that compute on the CPU in this process.
    pub threads: usize,
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
    /// Layers of LoRAs that the model does not have, for a warning.
    pub unmatched: Vec<String>,
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

impl Engine {
    /// An engine that finds helper networks and LoRAs in these places.
    #[must_use]
    pub fn new(places: Places) -> Self {
        Self {
            places,
            ..Self::default()
        }
    }

    /// The same, where jobs may use only so many bytes of memory.
    #[must_use]
    pub fn with_memory_limit(self, memory_limit: Option<u64>) -> Self {
        Self {
            memory_limit,
            ..self
        }
    }

    /// Bytes of memory that jobs may use, if that is said.
    #[must_use]
    pub fn memory_limit(&self) -> Option<u64> {
        self.memory_limit
    }

    /// Where helper networks and LoRAs lie.
    #[must_use]
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Looks in other places from now on.
    pub fn use_places(&mut self, places: Places) {
        self.places = places;
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
        let device = match choice {
            // Nothing to look for, and looking opens software adapters too.
            DeviceChoice::Auto if cards().is_empty() => OpenDevice::cpu(true),
            choice => tensor::open(choice)?,
        };
        self.denoiser = None;
        self.device = Some((choice.clone(), device.clone()));
        Ok(device)
    }

    /// The device of a job, opened once, if it computes in the job's precision.
    ///
    /// # Errors
    /// [`Error::Device`] if it is not there, [`Error::NoHalf`] if half precision is asked for that it does not have.
    pub fn device_of(&mut self, job: &Job) -> Result<OpenDevice, Error> {
        let device = self.device(&job.device)?;
        if job.precision == Precision::Half && device.network_dtype != FloatDType::F16 {
            return Err(Error::NoHalf(device.name));
        }
        Ok(device)
    }

    /// Says what the device of `choice` is. A card is not opened for that: the tensor library keeps a thread awake for
    /// each that is open.
    ///
    /// # Errors
    /// [`Error::Device`] if it is not there.
    pub fn device_status(&mut self, choice: &DeviceChoice) -> Result<DeviceStatus, Error> {
        let found = cards();
        let cards = found.iter().map(|(name, _)| name.clone()).collect();
        let cpu = || (CPU_NAME.to_owned(), false);
        let (name, half) = match choice {
            DeviceChoice::Cpu => cpu(),
            DeviceChoice::Auto => found.first().cloned().unwrap_or_else(cpu),
            DeviceChoice::Gpu => match found.first() {
                Some(card) => card.clone(),
                None => (self.device(choice)?.name, false),
            },
            DeviceChoice::Named(part) => {
                let part = part.to_lowercase();
                let named = |(name, _): &&(String, bool)| name.to_lowercase().contains(&part);
                match found.iter().find(named) {
                    Some(card) => card.clone(),
                    None => (self.device(choice)?.name, false),
                }
            }
        };
        Ok(DeviceStatus {
            name,
            is_fallback: *choice == DeviceChoice::Auto && found.is_empty(),
            cards,
            half,
            threads: rayon::current_num_threads(),
        })
    }

    /// Loads tokenizer and text encoder; the caller drops them when all prompts are embedded.
    ///
    /// # Errors
    /// [`Error::Model`] if files are missing, damaged or of another family.
    pub fn text_model(folders: &ModelFolders, device: &Device) -> Result<TextModel, Error> {
        folders.load_text_model(device)
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
        // Other networks go before these are loaded: two models at once are more than many cards hold.
        let kept = self.denoiser.take().filter(|(loaded, _)| *loaded == key);
        let mut loaded = if let Some((_, denoiser)) = kept {
            denoiser
        } else {
            device.release_memory();
            folders.load_denoiser(&device.device, dtype)?
        };
        loaded.unet.free_u = free_u;
        Ok(&self.denoiser.insert((key, loaded)).1)
    }

    /// Gives up the networks of the steps and their memory, when what follows can do without, if anything follows.
    pub fn drop_denoiser(&mut self) {
        self.denoiser = None;
        if let Some((_, device)) = &self.device {
            device.release_memory();
        }
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

/// The graphics cards, the fastest first: their names, and whether networks compute in half precision on them.
#[cfg(feature = "gpu")]
fn cards() -> Vec<(String, bool)> {
    let cards = crate::gpu::cards().into_iter();
    cards.map(|card| (card.name, card.has_half)).collect()
}

#[cfg(not(feature = "gpu"))]
fn cards() -> Vec<(String, bool)> {
    Vec::new()
}
