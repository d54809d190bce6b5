//! Single files in the original layout: the same weights as the folder that they were made from, to the last bit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::ModuleSnapshot as _;
use fresco_studio::models::KeyMap;
use fresco_studio::models::catalog::ModelFolder;
use fresco_studio::models::checkpoint;
use fresco_studio::models::clip::{self, ClipTextModel, TextEncoderConfig};
use fresco_studio::models::controlnet::{self, ControlNetConfig, ControlNetModel};
use fresco_studio::models::unet::{self, UNet2DConditionModel, UNetConfig};
use fresco_studio::models::vae::{self, AutoencoderKL, VaeConfig};
use fresco_studio::tensor::{Device, FloatDType};

use super::fixture::{self, Fixture};

/// Every value of a network, by the module's own names.
type Values = BTreeMap<String, Vec<u8>>;

/// Fills a network, and fails on tensors that nobody wants.
pub fn load<M: Module>(module: M, folder: &ModelFolder, keys: &KeyMap) -> M {
    let weights = folder.weights().unwrap_or_else(|e| panic!("{folder}: {e}"));
    let loaded = checkpoint::load(module, &weights, keys, FloatDType::F32);
    let (module, unknown) = loaded.unwrap_or_else(|e| panic!("{folder}: {e}"));
    assert_eq!(unknown, Vec::<String>::new(), "{folder}");
    module
}

pub fn unet(folder: &ModelFolder, device: &Device) -> UNet2DConditionModel {
    let config = UNetConfig::from_json(&folder.read("config.json").unwrap()).unwrap();
    load(
        UNet2DConditionModel::new(&config, device),
        folder,
        &unet::KEYS,
    )
}

pub fn text_encoder(folder: &ModelFolder, device: &Device) -> ClipTextModel {
    let config = TextEncoderConfig::from_json(&folder.read("config.json").unwrap()).unwrap();
    load(ClipTextModel::new(&config, device), folder, &clip::KEYS)
}

fn vae(folder: &ModelFolder, device: &Device) -> AutoencoderKL {
    let config = VaeConfig::from_json(&folder.read("config.json").unwrap()).unwrap();
    load(AutoencoderKL::new(&config, device), folder, &vae::KEYS)
}

fn controlnet(folder: &ModelFolder, device: &Device) -> ControlNetModel {
    let config = ControlNetConfig::from_json(&folder.read("config.json").unwrap()).unwrap();
    load(
        ControlNetModel::new(&config, device),
        folder,
        &controlnet::KEYS,
    )
}

fn values_of<M: Module>(module: &M) -> Values {
    let tensors = module.collect(None, None, false).into_iter();
    tensors
        .map(|tensor| (tensor.name.clone(), tensor.to_bytes().unwrap().to_vec()))
        .collect()
}

/// The values of one network of a model.
fn network(model: &ModelFolder, part: &str) -> Values {
    let (folder, device) = (model.part(part), Device::flex());
    match part {
        "unet" => values_of(&unet(&folder, &device)),
        "vae" => values_of(&vae(&folder, &device)),
        "text_encoder" => values_of(&text_encoder(&folder, &device)),
        _ => values_of(&controlnet(&folder, &device)),
    }
}

/// The single files of a fixture, with the configs that lie beside them.
pub fn files(fixture: &Fixture) -> Vec<(PathBuf, ModelFolder)> {
    let entries = std::fs::read_dir(&fixture.path).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "safetensors"));
    paths.sort();
    let open = |path: PathBuf| {
        let file = ModelFolder::open(&path, Some(&fixture.path));
        let file = file.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path, file)
    };
    paths.into_iter().map(open).collect()
}

/// The folder that a fixture was made from: the one that it names, else the tiny model beside it.
pub fn source(fixture: &Fixture) -> PathBuf {
    if fixture.has("weights") {
        fixture.folder("weights")
    } else {
        fixture.path.with_file_name("sd15_tiny")
    }
}

/// The `ControlNets` of a model's folder.
fn controlnets(source: &Path) -> Vec<Values> {
    let entries = std::fs::read_dir(source).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_net = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("controlnet") && path.is_dir()
    };
    let values = |path: PathBuf| {
        let folder = ModelFolder::open(&path, None).unwrap();
        values_of(&controlnet(&folder, &Device::flex()))
    };
    paths.filter(is_net).map(values).collect()
}

#[test]
fn single_files_hold_what_their_folder_holds() {
    fixture::for_each("sd15_tiny_ldm", |fixture| {
        let source = source(fixture);
        let folder = ModelFolder::open(&source, None).unwrap();
        let mut compared = 0;
        for (path, file) in files(fixture) {
            for part in ["unet", "vae", "text_encoder"] {
                if !file.part(part).has("config.json") {
                    continue;
                }
                let same = network(&file, part) == network(&folder, part);
                assert!(same, "{part} of {}", path.display());
                compared += 1;
            }
            if file.part("controlnet").has("config.json") {
                let found = network(&file, "controlnet");
                let is_known = controlnets(&source).contains(&found);
                assert!(is_known, "ControlNet of {}", path.display());
                compared += 1;
            }
        }
        assert!(compared > 0, "{}: no network in any file", fixture.name);
        eprintln!("  {}: {compared} networks are the same", fixture.name);
    });
}
