//! LoRAs of all layouts, merged into the tiny model as it is loaded: as a folder, and as a single file.

use std::path::Path;

use fresco_studio::models::catalog::ModelFolder;
use fresco_studio::models::checkpoint::{load_edited, published_tensors};
use fresco_studio::models::clip::{self, ClipTextModel, TextEncoderConfig};
use fresco_studio::models::lora::{Lora, Target, merge};
use fresco_studio::models::unet::{self, NoHook, UNet2DConditionModel, UNetConfig};
use fresco_studio::tensor::{Device, FloatDType, Tensor};

use super::clip::rows_of_ids;
use super::fixture::{self, Fixture};
use super::{upload, values};

/// The files and strengths of a case: `kohya.0.6` is one file, and `both` is what the fixture's README says.
fn loras(fixture: &Fixture, case: &str) -> Vec<(Lora, f32)> {
    let read = |name: &str, strength: f32| {
        let path = fixture.path.join(format!("{name}.safetensors"));
        let lora = Lora::read(&path).unwrap_or_else(|e| panic!("{e}"));
        assert!(lora.n_layers() > 0);
        (lora, strength)
    };
    match case.split_once('.') {
        Some((name, strength)) => vec![read(name, strength.parse().unwrap())],
        None if case == "base" => Vec::new(),
        None if case == "both" => vec![read("kohya", 0.6), read("peft", 0.8)],
        None => panic!("{}: a case that no test knows: {case}", fixture.name),
    }
}

/// What the networks of `model` give with the LoRAs of every case.
fn check(fixture: &Fixture, model: &ModelFolder) {
    let golden = fixture.tensors("golden.safetensors");
    let device = Device::flex();
    let cases = golden.keys().filter_map(|name| {
        let (case, output) = name.rsplit_once('.')?;
        ["unet", "text"].contains(&output).then_some((case, output))
    });
    let mut compared = 0;
    for (case, output) in cases {
        let loras = loras(fixture, case);
        assert_no_layer_is_left(&loras, model);
        let got = if output == "unet" {
            let unet = merged_unet(&loras, &model.part("unet"), &device);
            let latents: Tensor<4> = upload(&golden["sample"], &device);
            let text: Tensor<3> = upload(&golden["encoder_hidden_states"], &device);
            let t = golden["timestep"].values[0] as usize;
            values(unet.forward(latents, t, &text, None, &mut NoHook))
        } else {
            let encoder = merged_text_encoder(&loras, &model.part("text_encoder"), &device);
            values(encoder.forward(&rows_of_ids(&golden["input_ids"]), &device))
        };
        let name = format!("{case}.{output}");
        fixture.assert_close(&name, &got, &golden[&name]);
        compared += 1;
    }
    assert!(compared > 0, "{}: nothing to compare", fixture.name);
}

fn assert_no_layer_is_left(loras: &[(Lora, f32)], model: &ModelFolder) {
    let tensors = |part: &str| published_tensors(&model.part(part).weights().unwrap()).unwrap();
    for (lora, _) in loras {
        let left = lora.unmatched(&tensors("unet"), &tensors("text_encoder"));
        assert_eq!(left.unwrap(), Vec::<String>::new(), "{}", lora.file());
    }
}

fn merged_unet(
    loras: &[(Lora, f32)],
    folder: &ModelFolder,
    device: &Device,
) -> UNet2DConditionModel {
    let config = UNetConfig::from_json(&folder.read("config.json").unwrap()).unwrap();
    let (weights, unet) = (
        folder.weights().unwrap(),
        UNet2DConditionModel::new(&config, device),
    );
    let edit = |tensor| merge(loras, Target::UNet, tensor);
    let loaded = load_edited(unet, &weights, &unet::KEYS, FloatDType::F32, &edit);
    loaded.unwrap().0
}

fn merged_text_encoder(
    loras: &[(Lora, f32)],
    folder: &ModelFolder,
    device: &Device,
) -> ClipTextModel {
    let config = TextEncoderConfig::from_json(&folder.read("config.json").unwrap()).unwrap();
    let (weights, encoder) = (
        folder.weights().unwrap(),
        ClipTextModel::new(&config, device),
    );
    let edit = |tensor| merge(loras, Target::TextEncoder, tensor);
    let loaded = load_edited(encoder, &weights, &clip::KEYS, FloatDType::F32, &edit);
    loaded.unwrap().0
}

#[test]
fn merged_loras_match_the_reference() {
    fixture::for_each("lora", |fixture| {
        let weights = fixture.folder("weights");
        let model = weights.parent().unwrap();
        check(fixture, &ModelFolder::open(model, None).unwrap());
        let original = model.with_file_name(format!("{}_ldm", file_name(model)));
        if !original.is_dir() {
            eprintln!("  skipped: {} has no twin in one file", fixture.name);
            return;
        }
        let file = original.join("tiny_sd15.safetensors");
        check(fixture, &ModelFolder::open(&file, Some(&original)).unwrap());
    });
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}
