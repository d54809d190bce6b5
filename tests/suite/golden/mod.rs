//! Networks and algorithms against reference tensors.

pub mod fixture;

mod canny;
mod clip;
mod clip_tokenizer;
mod controlnet;
mod demo;
mod depth_anything;
mod egnet;
mod freeu;
mod fresco;
mod fresco_attention;
mod fresco_e2e;
mod fresco_mapping;
mod fresco_ops;
mod fresco_ops_features;
mod fresco_optimize;
mod fresco_settings;
mod fresco_step;
mod fresco_unet;
mod gmflow;
pub mod gpu;
mod hed;
mod key_lists;
mod keyframes;
mod lora;
mod midas;
mod pytorch_encoder;
mod schedulers;
pub mod single_file;
mod soft_edges;
mod taesd;
mod u2net;
mod unet;
mod vae;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use fresco_studio::models::checkpoint::{self, Weights};
use fresco_studio::models::unet::{AttentionSite, UNetHook};
use fresco_studio::models::{Attention, KeyMap};
use fresco_studio::tensor::read::host_values;
use fresco_studio::tensor::{Device, FloatDType, Tensor};

use fixture::HostTensor;

/// A hook that remembers what enters each decoder level, before the hook that it wraps sees it.
pub struct Watched<'a> {
    pub hook: &'a mut dyn UNetHook,
    pub entered: BTreeMap<usize, Vec<f32>>,
}

impl<'a> Watched<'a> {
    pub fn new(hook: &'a mut dyn UNetHook) -> Self {
        let entered = BTreeMap::new();
        Self { hook, entered }
    }
}

impl UNetHook for Watched<'_> {
    fn decoder_input(&mut self, level: usize, features: Tensor<4>) -> Tensor<4> {
        self.entered.insert(level, values(features.clone()));
        self.hook.decoder_input(level, features)
    }

    fn self_attention(
        &mut self,
        site: AttentionSite,
        attention: &Attention,
        tokens: Tensor<3>,
    ) -> Tensor<3> {
        self.hook.self_attention(site, attention, tokens)
    }
}

/// A golden tensor on the device.
pub fn upload<const D: usize>(tensor: &HostTensor, device: &Device) -> Tensor<D> {
    let shape: [usize; D] = tensor.shape.clone().try_into().expect("rank");
    Tensor::from_data(TensorData::new(tensor.values.clone(), shape), device)
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    host_values(tensor).expect("finite values")
}

/// Fills a module from the only `.safetensors` of a folder, as f32, and fails on unknown tensors.
pub fn load<M: burn::module::Module>(module: M, folder: &Path, keys: &KeyMap) -> M {
    load_file(module, &weights_in(folder), keys)
}

/// The only `.safetensors` of a folder.
fn weights_in(folder: &Path) -> PathBuf {
    std::fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "safetensors"))
        .unwrap_or_else(|| panic!("no weights in {}", folder.display()))
}

pub fn load_file<M: burn::module::Module>(module: M, file: &Path, keys: &KeyMap) -> M {
    let weights = Weights::File(file.to_owned());
    let (module, unknown) =
        checkpoint::load(module, &weights, keys, FloatDType::F32).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        unknown,
        Vec::<String>::new(),
        "unknown tensors in {}",
        file.display()
    );
    module
}

pub fn config_bytes(folder: &Path) -> Vec<u8> {
    let path = folder.join("config.json");
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
