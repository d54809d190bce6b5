//! Whether weights are the network that their config describes: names and shapes are compared, and no value is read.

use burn::module::Module;

use super::catalog::ModelFolder;
use super::checkpoint;
use super::clip::{self, ClipTextModel, TextEncoderConfig};
use super::config::ConfigError;
use super::controlnet::{self, ControlNetConfig, ControlNetModel};
use super::error::ModelError;
use super::keymap::KeyMap;
use super::original::Network;
use super::unet::{self, UNet2DConditionModel, UNetConfig};
use super::vae::{self, AutoencoderKL, VaeConfig};
use crate::tensor::Device;

impl Network {
    /// Compares the weights in a network's folder with its config.
    ///
    /// # Errors
    /// [`ModelError`], as loading would give it.
    pub fn check(self, folder: &ModelFolder) -> Result<(), ModelError> {
        match self {
            Self::UNet => check(
                folder,
                UNetConfig::from_json,
                UNet2DConditionModel::new,
                &unet::KEYS,
            ),
            Self::Vae => check(folder, VaeConfig::from_json, AutoencoderKL::new, &vae::KEYS),
            Self::TextEncoder => check(
                folder,
                TextEncoderConfig::from_json,
                ClipTextModel::new,
                &clip::KEYS,
            ),
            Self::ControlNet => check(
                folder,
                ControlNetConfig::from_json,
                ControlNetModel::new,
                &controlnet::KEYS,
            ),
        }
    }
}

fn check<C, M: Module>(
    folder: &ModelFolder,
    parse: impl Fn(&[u8]) -> Result<C, ConfigError>,
    build: impl Fn(&C, &Device) -> M,
    keys: &KeyMap,
) -> Result<(), ModelError> {
    // A module is empty until it is filled, wherever it is.
    let module = build(&folder.config(parse)?, &Device::flex());
    checkpoint::check(&module, &folder.weights()?, keys)?;
    Ok(())
}
