//! The published models described in `models/` fit our networks, tensor by tensor, without a byte of weights.

use std::path::Path;

use burn::module::Module;
use fresco_studio::models::KeyMap;
use fresco_studio::models::checkpoint::{Mismatch, TensorList};
use fresco_studio::models::clip::{self, ClipTextModel, TextEncoderConfig};
use fresco_studio::models::controlnet::{self, ControlNetConfig, ControlNetModel};
use fresco_studio::models::depth_anything::{self, DepthAnything, DepthAnythingConfig};
use fresco_studio::models::egnet::{self, EgNet, EgNetConfig};
use fresco_studio::models::gmflow::{self, GmFlow};
use fresco_studio::models::hed::{self, Hed};
use fresco_studio::models::midas::{self, Midas, MidasConfig};
use fresco_studio::models::tiny_vae::{self, Layout, TinyDecoder, TinyEncoder};
use fresco_studio::models::u2net::{self, U2Net, U2NetConfig};
use fresco_studio::models::unet::{self, UNet2DConditionModel, UNetConfig};
use fresco_studio::models::vae::{self, AutoencoderKL, VaeConfig};
use fresco_studio::tensor::Device;

/// Compares the network that `models/<config>` describes with the names and shapes in `models/<keys>`.
fn bijection<M: Module>(config: &str, keys: &str, map: &KeyMap, build: impl Fn(&[u8]) -> M) {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let module = build(&std::fs::read(models.join(config)).unwrap());
    compare(&module, keys, map);
}

fn compare<M: Module>(module: &M, keys: &str, map: &KeyMap) {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let text = std::fs::read_to_string(models.join(keys)).unwrap();
    let tensors: TensorList = text.lines().map(tensor).collect();
    assert_eq!(
        Mismatch::between(module, &tensors, map),
        Mismatch::default(),
        "{keys}"
    );
}

/// `conv_in.weight 320,4,3,3`
pub fn tensor(line: &str) -> (String, Vec<usize>) {
    let (name, shape) = line.split_once(' ').unwrap();
    (
        name.to_owned(),
        shape.split(',').map(|side| side.parse().unwrap()).collect(),
    )
}

#[test]
fn sd15_fits() {
    let device = Device::flex();
    bijection(
        "sd15/unet.config.json",
        "sd15/unet.keys.txt",
        &unet::KEYS,
        |json| UNet2DConditionModel::new(&UNetConfig::from_json(json).unwrap(), &device),
    );
    let text_encoder =
        |json: &[u8]| ClipTextModel::new(&TextEncoderConfig::from_json(json).unwrap(), &device);
    let (config, keys) = (
        "sd15/text_encoder.config.json",
        "sd15/text_encoder.keys.txt",
    );
    bijection(config, keys, &clip::KEYS, text_encoder);
}

#[test]
fn autoencoders_fit_under_both_spellings() {
    let vae =
        |json: &[u8]| AutoencoderKL::new(&VaeConfig::from_json(json).unwrap(), &Device::flex());
    bijection("sd15/vae.config.json", "sd15/vae.keys.txt", &vae::KEYS, vae);
    bijection(
        "sd-vae-ft-mse/config.json",
        "sd-vae-ft-mse/keys.txt",
        &vae::KEYS,
        vae,
    );
}

#[test]
fn controlnets_fit() {
    let (config, keys) = ("controlnet-sd15/config.json", "controlnet-sd15/keys.txt");
    bijection(config, keys, &controlnet::KEYS, |json| {
        ControlNetModel::new(&ControlNetConfig::from_json(json).unwrap(), &Device::flex())
    });
}

#[test]
fn hed_fits() {
    let network = Hed::new(&hed::PUBLISHED, &Device::flex());
    compare(&network, "hed/keys.txt", &hed::KEYS);
}

#[test]
fn the_preview_decoder_fits_in_both_layouts() {
    let device = Device::flex();
    let encoder = TinyEncoder::new(tiny_vae::PUBLISHED_CHANNELS, &device);
    for keys in ["taesd/taesd_encoder.keys.txt", "taesd/diffusers.keys.txt"] {
        compare(&encoder, keys, &tiny_vae::ENCODER_KEYS);
    }
    for (layout, keys) in [
        (Layout::Original, "taesd/taesd_decoder.keys.txt"),
        (Layout::Diffusers, "taesd/diffusers.keys.txt"),
    ] {
        let decoder = TinyDecoder::new(tiny_vae::PUBLISHED_CHANNELS, layout, &device);
        compare(&decoder, keys, &tiny_vae::DECODER_KEYS);
    }
}

#[test]
fn gmflow_fits() {
    let network = GmFlow::new(&Device::flex());
    compare(&network, "gmflow/keys.txt", &gmflow::KEYS);
}

#[test]
fn u2net_fits() {
    let network = U2Net::new(&U2NetConfig::default(), &Device::flex());
    compare(&network, "u2net/keys.txt", &u2net::KEYS);
}

#[test]
fn egnet_fits() {
    let network = EgNet::new(&EgNetConfig::default(), &Device::flex());
    compare(&network, "egnet/keys.txt", &egnet::KEYS);
}

#[test]
fn depth_networks_fit() {
    let device = Device::flex();
    let network = DepthAnything::new(&DepthAnythingConfig::default(), &device);
    compare(&network, "depth-anything/keys.txt", &depth_anything::KEYS);
    let network = Midas::new(&MidasConfig::default(), &device);
    compare(&network, "midas/keys.txt", &midas::KEYS);
}
