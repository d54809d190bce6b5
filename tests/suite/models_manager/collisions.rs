//! Files in which two names mean one tensor: refused with both names, while copies that no network reads do no harm.

use std::path::PathBuf;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use fresco_studio::models::KeyMap;
use fresco_studio::models::catalog::ModelFolder;
use fresco_studio::models::checkpoint::{
    CheckpointError, Mismatch, TensorList, Weights, check, published_tensors,
};
use fresco_studio::models::lora::{Lora, LoraError};
use fresco_studio::models::unet::{self, UNet2DConditionModel, UNetConfig};
use fresco_studio::models::vae::{self, AutoencoderKL, VaeConfig};
use fresco_studio::tensor::Device;
use tempfile::TempDir;

use super::published;
use crate::single_files::hollow;

/// A network with one tensor, `x.weight` `[1, 4]`, which older files call `old.weight`.
#[derive(Module, Debug)]
struct Small {
    x: Linear,
}

const KEYS: KeyMap = KeyMap {
    rules: &[(r"^old\.", "x.")],
    ignored: &[r"^ema\."],
};

fn small() -> Small {
    let config = LinearConfig::new(4, 1).with_bias(false);
    Small {
        x: config.init(&Device::flex()),
    }
}

/// A file with these names and shapes and no values.
fn file(tensors: &TensorList) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.safetensors");
    hollow(&path, tensors);
    (folder, path)
}

fn list(names: &[(&str, &[usize])]) -> TensorList {
    let tensor = |(name, shape): &(&str, &[usize])| ((*name).to_owned(), shape.to_vec());
    names.iter().map(tensor).collect()
}

fn names_of(error: CheckpointError) -> [String; 2] {
    match error {
        CheckpointError::Collision { first, second, .. } => [first, second],
        other => panic!("{other}"),
    }
}

#[test]
fn two_names_of_one_tensor_are_told() {
    let found = |names: &[(&str, &[usize])]| {
        let (_folder, path) = file(&list(names));
        check(&small(), &Weights::File(path), &KEYS)
    };
    let weight: &[usize] = &[1, 4];
    // Whatever shape the second has.
    for second in [weight, &[7, 7]] {
        let twice = [("old.weight", weight), ("x.weight", second)];
        let names = names_of(found(&twice).unwrap_err());
        assert_eq!(names, ["old.weight", "x.weight"]);
    }
    let harmless = [
        ("x.weight", weight),
        ("ema.x.weight", weight),
        ("old.other", weight),
        ("x.other", weight),
    ];
    let unknown = found(&harmless).unwrap().unknown;
    assert_eq!(unknown, ["old.other", "x.other"]);
}

#[test]
fn checkpoints_with_a_tensor_under_two_names_are_refused() {
    let whole = published("sd15/single_file.keys.txt");
    let device = Device::flex();
    let with = |old: &str, new: &str| {
        let mut tensors = whole.clone();
        tensors.insert(new.to_owned(), whole[old].clone());
        file(&tensors)
    };

    let names = [
        "model.diffusion_model.conv_in.weight",
        "model.diffusion_model.input_blocks.0.0.weight",
    ];
    let (_folder, path) = with(names[1], names[0]);
    let unet = ModelFolder::open(&path, None).unwrap().part("unet");
    let refused = published_tensors(&unet.weights().unwrap()).unwrap_err();
    let told = refused.to_string();
    assert!(names.iter().all(|name| told.contains(name)), "{told}");
    assert_eq!(names_of(refused), names);

    // The attention of the VAE in its older spelling too.
    let attention = "first_stage_model.encoder.mid.attn_1";
    let (_folder, path) = with(
        &format!("{attention}.q.weight"),
        &format!("{attention}.query.weight"),
    );
    let folder = ModelFolder::open(&path, None).unwrap().part("vae");
    let config = VaeConfig::from_json(&folder.read("config.json").unwrap()).unwrap();
    let network = AutoencoderKL::new(&config, &device);
    let refused = check(&network, &folder.weights().unwrap(), &vae::KEYS).unwrap_err();
    let names = names_of(refused);
    assert!(names.iter().any(|name| name.contains("to_q")), "{names:?}");
    assert!(names.iter().any(|name| name.contains("query")), "{names:?}");
}

#[test]
fn copies_that_no_network_reads_do_no_harm() {
    let whole = published("sd15/single_file.keys.txt");
    let mut tensors = whole.clone();
    for (name, shape) in &whole {
        if let Some(name) = name.strip_prefix("model.") {
            let copy = format!("model_ema.{}", name.replace('.', ""));
            tensors.insert(copy, shape.clone());
        }
    }
    let (_folder, path) = file(&tensors);
    let folder = ModelFolder::open(&path, None).unwrap().part("unet");
    let config = UNetConfig::from_json(&folder.read("config.json").unwrap()).unwrap();
    let network = UNet2DConditionModel::new(&config, &Device::flex());
    let found = check(&network, &folder.weights().unwrap(), &unet::KEYS).unwrap();
    assert_eq!(found, Mismatch::default());

    let control = published("controlnet-sd15/single_file.keys.txt");
    let bare = |(name, shape): (&String, &Vec<usize>)| {
        let name = name.strip_prefix("control_model.").unwrap();
        (name.to_owned(), shape.clone())
    };
    let both = control.clone().into_iter().chain(control.iter().map(bare));
    let (_folder, path) = file(&both.collect());
    let folder = ModelFolder::open(&path, None).unwrap().part("controlnet");
    let taken = published_tensors(&folder.weights().unwrap()).unwrap();
    assert_eq!(taken.len(), control.len());
}

#[test]
fn a_lora_in_two_layouts_at_once_is_refused() {
    let kohya = "lora_unet_mid_block_attentions_0_proj_in";
    let peft = "unet.mid_block.attentions.0.proj_in";
    let tensors = list(&[
        (&format!("{kohya}.lora_down.weight"), &[4, 8]),
        (&format!("{kohya}.lora_up.weight"), &[8, 4]),
        (&format!("{peft}.lora_A.weight"), &[2, 8]),
        (&format!("{peft}.lora_B.weight"), &[8, 2]),
    ]);
    let (_folder, path) = file(&tensors);
    match Lora::read(&path).unwrap_err() {
        LoraError::Collision { first, second, .. } => {
            assert_eq!(first, format!("{kohya}.lora_down.weight"));
            assert_eq!(second, format!("{peft}.lora_A.weight"));
        }
        other => panic!("{other}"),
    }
}
