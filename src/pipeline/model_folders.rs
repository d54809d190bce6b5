//! The networks that a job names: where their files are, whether they fit, who they are, and how they are loaded.

use std::path::Path;

use burn::module::Module;

use super::annotator::ReadyAnnotator;
use super::controlnets::{Installed, published_for};
use super::engine::{Denoiser, TextModel};
use super::error::Error;
use super::job::{ControlKind, ControlSettings, LoraSpec, ModelFiles};
use crate::diffusion::noise_schedule::{NoiseSchedule, SchedulerConfig};
use crate::files::ContentHash;
use crate::models::catalog::{FileHashes, ModelFolder};
use crate::models::checkpoint::{self, published_tensors};
use crate::models::clip::{self, ClipTextModel, TextEncoderConfig, Tokenizer};
use crate::models::controlnet::{self, ControlNetConfig, ControlNetModel};
use crate::models::library::Places;
use crate::models::lora::{self, Lora, LoraError, Target};
use crate::models::original::Network;
use crate::models::unet::{self, UNet2DConditionModel, UNetConfig};
use crate::models::vae::{self, AutoencoderKL, VaeConfig};
use crate::models::{KeyMap, ModelError};
use crate::tensor::{Device, FloatDType};

/// The folders and files that a job's networks come from.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFolders {
    /// Tokenizer, text encoder, U-Net and noise schedule.
    pub model: ModelFolder,
    /// The autoencoder's own.
    pub vae: ModelFolder,
    /// Each `ControlNet`'s own.
    pub controlnets: Vec<ModelFolder>,
    /// Deltas that are merged into U-Net and text encoder, by the files that are meant.
    pub loras: Vec<LoraSpec>,
}

impl ModelFolders {
    /// All that settings need is there and fits: what they name, or what is taken in its place, and what control images
    /// are drawn with. No values are read.
    ///
    /// # Errors
    /// As [`Self::resolve`] and [`Self::check`], and [`Error::NoAnnotatorWeights`].
    pub fn ready(
        files: &ModelFiles,
        control: &ControlSettings,
        places: &Places,
    ) -> Result<Self, Error> {
        let folders = Self::resolve(files, control.kind, places)?;
        folders.check()?;
        ReadyAnnotator::check(files, control, places)?;
        Ok(folders)
    }

    /// Resolves what a job names: the bundled demo model where it names none, and LoRAs that are named by their place.
    /// Where it names no `ControlNet` and wants control, that is the model's own `controlnet/`, or one for this control
    /// that is installed.
    ///
    /// # Errors
    /// [`Error::Model`] for what is not there or of another family, [`Error::NoControlNet`] if control is wanted without
    /// a network.
    pub fn resolve(
        files: &ModelFiles,
        control: ControlKind,
        places: &Places,
    ) -> Result<Self, Error> {
        let configs = files.configs.as_deref();
        let at = |path: &Path| ModelFolder::open(path, configs);
        let model = match &files.checkpoint {
            Some(path) => at(path)?,
            None => ModelFolder::bundled(),
        };
        let vae = match &files.vae {
            Some(path) => at(path)?.network("vae"),
            None => model.part("vae"),
        };
        let named = files.controlnets.iter().map(|net| at(&net.path));
        let named = named.map(|net| Ok(net?.network("controlnet")));
        let mut controlnets = named.collect::<Result<Vec<_>, ModelError>>()?;
        if controlnets.is_empty() && control != ControlKind::None {
            controlnets.push(unnamed(&model, control, configs, places)?);
        }
        let folders = places.lora_folders();
        let found = files.loras.iter().map(|spec| {
            let path = lora::find(&folders, &spec.path)?;
            Ok(LoraSpec {
                path,
                ..spec.clone()
            })
        });
        let loras = found.collect::<Result<Vec<_>, ModelError>>()?;
        Ok(Self {
            model,
            vae,
            controlnets,
            loras,
        })
    }

    /// Looks at every config and at the names and shapes in every weights file, which takes no time: a model that
    /// cannot be used is refused before anything else is done.
    ///
    /// # Errors
    /// [`Error::Model`] and the errors of the noise schedule, as loading would give them.
    pub fn check(&self) -> Result<(), Error> {
        Network::UNet.check(&self.unet())?;
        Network::Vae.check(&self.vae)?;
        for folder in &self.controlnets {
            Network::ControlNet.check(folder)?;
        }
        Network::TextEncoder.check(&self.text_encoder())?;
        tokenizer(&self.model.part("tokenizer"))?;
        NoiseSchedule::new(&self.scheduler_config()?)?;
        self.unmatched(&self.read_loras()?)?;
        Ok(())
    }

    /// Identity of everything that the pictures depend on, by content.
    ///
    /// # Errors
    /// [`Error::Model`] if a file cannot be read.
    pub fn content_hash(&self) -> Result<ContentHash, Error> {
        let mut files = FileHashes::default();
        let mut hashes = Vec::new();
        let networks = [&self.unet(), &self.text_encoder(), &self.vae];
        for network in networks.into_iter().chain(&self.controlnets) {
            hashes.push(network.content_hash(&mut files)?);
        }
        let tokenizer = self.model.part("tokenizer");
        for file in ["vocab.json", "merges.txt"] {
            if tokenizer.has(file) {
                let bytes = tokenizer.read(file).map_err(ModelError::from)?;
                hashes.push(ContentHash::of_bytes(&bytes));
            }
        }
        hashes.push(ContentHash::of_value(&self.scheduler_config()?));
        for lora in &self.loras {
            let content = files.of(&lora.path).map_err(ModelError::from)?;
            hashes.push(ContentHash::of_value(&(content, lora.strength)));
            if let Some(config) = lora::config_beside(&lora.path) {
                hashes.push(files.of(&config).map_err(ModelError::from)?);
            }
        }
        Ok(ContentHash::of_value(&hashes))
    }

    pub(super) fn load_text_model(&self, device: &Device) -> Result<TextModel, Error> {
        let tokenizer = tokenizer(&self.model.part("tokenizer"))?;
        let folder = self.text_encoder();
        let config = folder.config(TextEncoderConfig::from_json)?;
        let encoder = ClipTextModel::new(&config, device);
        let loras = self.read_loras()?;
        let merged = Merged(&loras, Target::TextEncoder);
        let (encoder, _) = merged.load(encoder, &folder, &clip::KEYS, FloatDType::F32)?;
        Ok(TextModel {
            tokenizer,
            encoder,
            chunk_length: config.max_position_embeddings,
        })
    }

    pub(super) fn load_denoiser(
        &self,
        device: &Device,
        dtype: FloatDType,
    ) -> Result<Denoiser, Error> {
        let schedule = NoiseSchedule::new(&self.scheduler_config()?)?;
        let loras = self.read_loras()?;
        let unmatched = self.unmatched(&loras)?;
        let folder = self.unet();
        let unet = UNet2DConditionModel::new(&folder.config(UNetConfig::from_json)?, device);
        let merged = Merged(&loras, Target::UNet);
        let (unet, mut unknown) = merged.load(unet, &folder, &unet::KEYS, dtype)?;
        let vae = AutoencoderKL::new(&self.vae.config(VaeConfig::from_json)?, device);
        let (vae, more) = load(vae, &self.vae, &vae::KEYS, FloatDType::F32)?;
        unknown.extend(more);
        let mut controlnets = Vec::new();
        for folder in &self.controlnets {
            let config = folder.config(ControlNetConfig::from_json)?;
            let net = ControlNetModel::new(&config, device);
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
            unmatched,
        })
    }

    fn unet(&self) -> ModelFolder {
        self.model.part("unet")
    }

    fn text_encoder(&self) -> ModelFolder {
        self.model.part("text_encoder")
    }

    fn read_loras(&self) -> Result<Vec<(Lora, f32)>, ModelError> {
        let read = |spec: &LoraSpec| Ok((Lora::read(&spec.path)?, spec.strength));
        self.loras.iter().map(read).collect()
    }

    /// Layers of LoRAs that the model does not have.
    fn unmatched(&self, loras: &[(Lora, f32)]) -> Result<Vec<String>, ModelError> {
        if loras.is_empty() {
            return Ok(Vec::new());
        }
        let unet = published_tensors(&self.unet().weights()?)?;
        let text_encoder = published_tensors(&self.text_encoder().weights()?)?;
        let mut unmatched = Vec::new();
        for (lora, _) in loras {
            unmatched.extend(lora.unmatched(&unet, &text_encoder)?);
        }
        Ok(unmatched)
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

/// The `ControlNet` of settings that name none.
fn unnamed(
    model: &ModelFolder,
    control: ControlKind,
    configs: Option<&Path>,
    places: &Places,
) -> Result<ModelFolder, Error> {
    let own = model.part("controlnet");
    if own.has("config.json") {
        return Ok(own);
    }
    let installed = Installed::new(places);
    if let Some(path) = installed.for_control(control) {
        return Ok(ModelFolder::open(&path, configs)?.network("controlnet"));
    }
    // That a model is of another family matters more.
    model.part("unet").config(UNetConfig::from_json)?;
    Err(Error::NoControlNet {
        control,
        get: published_for(control),
        instead: installed.proposed(),
    })
}

/// LoRAs, and the network that they are merged into.
struct Merged<'a>(&'a [(Lora, f32)], Target);

impl Merged<'_> {
    fn load<M: Module>(
        &self,
        module: M,
        folder: &ModelFolder,
        keys: &KeyMap,
        dtype: FloatDType,
    ) -> Result<(M, Vec<String>), ModelError> {
        let Self(loras, target) = *self;
        let merge = |weight| lora::merge(loras, target, weight);
        let weights = folder.weights()?;
        checkpoint::load_edited(module, &weights, keys, dtype, &merge).map_err(|error| {
            // What is wrong with a LoRA shows only in the sum.
            let fault = loras.iter().find_map(|(lora, _)| lora.fault());
            fault.map_or_else(|| error.into(), |fault| LoraError::from(fault).into())
        })
    }
}

fn load<M: Module>(
    module: M,
    folder: &ModelFolder,
    keys: &KeyMap,
    dtype: FloatDType,
) -> Result<(M, Vec<String>), ModelError> {
    Ok(checkpoint::load(module, &folder.weights()?, keys, dtype)?)
}

/// A single file has no vocabulary, but that of the whole family.
pub(super) fn tokenizer(folder: &ModelFolder) -> Result<Tokenizer, ModelError> {
    let failed = |source| ModelError::Tokenizer {
        folder: folder.to_string(),
        source,
    };
    let merges = folder.read("merges.txt")?;
    if matches!(folder, ModelFolder::File(_)) && !folder.has("vocab.json") {
        return Tokenizer::from_merges(&merges).map_err(failed);
    }
    let vocab = folder.read("vocab.json")?;
    let special = ["special_tokens_map.json", "tokenizer_config.json"];
    let special = special.into_iter().find(|file| folder.has(file));
    let special = special.map(|file| folder.read(file)).transpose()?;
    Tokenizer::from_files(&vocab, &merges, special.as_deref()).map_err(failed)
}
