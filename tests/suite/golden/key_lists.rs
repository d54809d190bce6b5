//! Full-size networks need exactly the tensors that the published files hold, without a byte of weights.

use std::path::Path;

use burn::module::Module;
use fresco_studio::models::KeyMap;
use fresco_studio::models::checkpoint::{Mismatch, TensorList};
use fresco_studio::models::clip::{self, ClipTextModel, TextEncoderConfig};
use fresco_studio::models::controlnet::{self, ControlNetConfig, ControlNetModel};
use fresco_studio::models::depth_anything::{self, DepthAnything, DepthAnythingConfig};
use fresco_studio::models::egnet::{self, EgNet, EgNetConfig};
use fresco_studio::models::midas::{self, Midas, MidasConfig};
use fresco_studio::models::unet::{self, UNet2DConditionModel, UNetConfig};
use fresco_studio::models::vae::{self, AutoencoderKL, VaeConfig};
use fresco_studio::tensor::Device;

use super::fixture::{self, Fixture};
use crate::single_files::assert_list_is_covered;

fn bijection<M: Module>(fixture: &Fixture, list: &str, keys: &KeyMap, build: impl Fn(&[u8]) -> M) {
    let path = fixture.path.join(list);
    if !path.exists() {
        eprintln!("  skipped: {} lacks {list}", fixture.name);
        return;
    }
    let tensors: TensorList = serde_json::from_value(fixture.json(list)).unwrap();
    let module = build(&config_of(&fixture.path, list));
    check(&module, (list, tensors), keys);
}

fn check<M: Module>(module: &M, (list, tensors): (&str, TensorList), keys: &KeyMap) {
    assert_eq!(
        Mismatch::between(module, &tensors, keys),
        Mismatch::default(),
        "{list}"
    );

    let mut short = tensors.clone();
    let (name, shape) = short.pop_last().unwrap();
    let missing = Mismatch::between(module, &short, keys);
    assert!(
        !missing.is_loadable() && missing.missing.len() == 1,
        "{list} without {name}"
    );
    let mut wrong = tensors;
    wrong.insert(name.clone(), [shape, vec![2]].concat());
    wrong.insert("nobody.knows.weight".to_owned(), vec![1]);
    let wrong = Mismatch::between(module, &wrong, keys);
    assert_eq!(wrong.misshapen.len(), 1, "{list}: {name}");
    assert_eq!(wrong.unknown, ["nobody.knows.weight"], "{list}");
}

/// `x.json` has its config in `x.config.json`, and the older VAE names share the newer ones'.
fn config_of(folder: &Path, list: &str) -> Vec<u8> {
    let stem = list
        .trim_end_matches(".json")
        .trim_end_matches("_deprecated");
    std::fs::read(folder.join(format!("{stem}.config.json"))).unwrap()
}

#[test]
fn full_size_networks_match_the_published_key_lists() {
    let device = Device::flex();
    fixture::for_each("key_lists", |fixture| {
        bijection(fixture, "sd15_unet_diffusers.json", &unet::KEYS, |json| {
            UNet2DConditionModel::new(&UNetConfig::from_json(json).unwrap(), &device)
        });
        for list in [
            "sd15_vae_diffusers.json",
            "sd15_vae_diffusers_deprecated.json",
        ] {
            bijection(fixture, list, &vae::KEYS, |json| {
                AutoencoderKL::new(&VaeConfig::from_json(json).unwrap(), &device)
            });
        }
        bijection(fixture, "sd15_text_encoder.json", &clip::KEYS, |json| {
            ClipTextModel::new(&TextEncoderConfig::from_json(json).unwrap(), &device)
        });
        bijection(
            fixture,
            "controlnet_sd15_diffusers.json",
            &controlnet::KEYS,
            |json| ControlNetModel::new(&ControlNetConfig::from_json(json).unwrap(), &device),
        );
        for (list, parts) in [
            (
                "sd15_ldm_checkpoint.json",
                &["unet", "vae", "text_encoder"][..],
            ),
            ("vae_ft_mse_original.json", &["vae"]),
            ("controlnet_sd15_ldm.json", &["controlnet"]),
        ] {
            if fixture.path.join(list).exists() {
                let tensors: TensorList = serde_json::from_value(fixture.json(list)).unwrap();
                assert_list_is_covered(&tensors, parts);
            } else {
                eprintln!("  skipped: {} lacks {list}", fixture.name);
            }
        }
    });
}

/// Helper networks, whose files hold more than they use: what is left out must be what their key maps say.
#[test]
fn full_size_helpers_match_the_published_key_lists() {
    let device = Device::flex();
    fixture::for_each("key_lists", |fixture| {
        let depth = |json: &[u8]| {
            let config = DepthAnythingConfig::from_json(json).unwrap();
            DepthAnything::new(&config, &device)
        };
        let list = "depth_anything_v2_small_hf.json";
        bijection(fixture, list, &depth_anything::KEYS, depth);
        if let Some(tensors) = read(fixture, "dpt_hybrid_midas.json") {
            let network = Midas::new(&MidasConfig::default(), &device);
            let wrapped =
                |(name, shape): (&String, &Vec<usize>)| (format!("model.{name}"), shape.clone());
            let wrapped: TensorList = tensors.iter().map(wrapped).collect();
            assert!(Mismatch::between(&network, &wrapped, &midas::KEYS).is_loadable());
            check(&network, ("dpt_hybrid_midas.json", tensors), &midas::KEYS);
        }
        if let Some(tensors) = read(fixture, "egnet_resnet50.json") {
            let config = EgNetConfig::of_tensors(&tensors);
            let network = EgNet::new(&config, &device);
            check(&network, ("egnet_resnet50.json", tensors), &egnet::KEYS);
        }
    });
}

/// The list of a network without a config, if the fixture has it.
fn read(fixture: &Fixture, list: &str) -> Option<TensorList> {
    if !fixture.path.join(list).exists() {
        eprintln!("  skipped: {} lacks {list}", fixture.name);
        return None;
    }
    Some(serde_json::from_value(fixture.json(list)).unwrap())
}
