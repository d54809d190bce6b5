//! Networks only: config → init → forward, and their names in published checkpoints.
//!
//! Each network is described by three things kept apart: a config with the fields of the published
//! `config.json`, weights, and a key map from published names to module paths.

mod attention;
mod bundled;
pub mod catalog;
pub mod checkpoint;
pub mod clip;
mod config;
pub mod controlnet;
pub mod depth_anything;
pub mod download;
mod dpt;
pub mod egnet;
mod error;
pub mod family;
mod fitting;
mod frozen_norm;
pub mod gmflow;
pub mod hed;
mod imagenet;
pub mod inspect;
mod keymap;
pub mod library;
pub mod lora;
mod mapped;
pub mod midas;
mod mismatch;
pub mod original;
mod pickled;
mod places;
mod published;
mod resnet;
mod single_file;
mod tensor_file;
pub mod tiny_vae;
mod to_module;
mod tokens;
pub mod u2net;
pub mod unet;
pub mod vae;
mod vit;

pub use attention::{Attention, AttentionConfig};
pub use config::ConfigError;
pub use error::ModelError;
pub use keymap::KeyMap;
pub use single_file::SingleFile;
