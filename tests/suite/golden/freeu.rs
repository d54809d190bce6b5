//! `FreeU`: its filter alone, and inside the U-Net.

use std::collections::BTreeSet;

use fresco_studio::models::unet::{FreeU, NoHook, scale_low_frequencies};
use fresco_studio::tensor::{Device, Tensor};
use regex::Regex;
use serde_json::Value;

use super::fixture::{self, Fixture, HostTensor};
use super::fresco::Golden;
use super::{Watched, unet, upload, values};

#[test]
fn freeu_matches_the_reference() {
    fixture::for_each("freeu", |fixture| check(fixture, &Device::flex()));
}

pub fn check(fixture: &Fixture, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    check_filter(fixture, &golden, device);
    check_networks(fixture, &golden, device);
}

/// `fourier.8x8.in` and `fourier.8x8.s0.2`.
fn check_filter(fixture: &Fixture, golden: &Golden, device: &Device) {
    for (name, want) in golden
        .iter()
        .filter(|(name, _)| name.starts_with("fourier."))
    {
        let Some((case, scale)) = name.split_once(".s") else {
            continue;
        };
        let (Some(x), Ok(scale)) = (golden.get(&format!("{case}.in")), scale.parse()) else {
            eprintln!("skipped: {name} has no input or no scale");
            continue;
        };
        let got = scale_low_frequencies(upload(x, device), scale);
        fixture.assert_close(name, &values(got), want);
    }
}

fn check_networks(fixture: &Fixture, golden: &Golden, device: &Device) {
    let cases: BTreeSet<&str> = golden
        .keys()
        .filter_map(|name| name.strip_suffix(".out"))
        .collect();
    if cases.is_empty() {
        return;
    }
    let mut network = unet::model(fixture, device);
    let inputs = Inputs::of(fixture, golden, device);
    for case in cases {
        let Some(strengths) = strengths(fixture, case) else {
            eprintln!("skipped: nothing says how strong {case} is");
            continue;
        };
        network.free_u = Some(strengths);
        let mut hook = NoHook;
        let mut watched = Watched::new(&mut hook);
        let Inputs {
            latents,
            text,
            timestep,
        } = &inputs;
        let out = network.forward(latents.clone(), *timestep, text, None, &mut watched);
        let name = format!("{case}.out");
        fixture.assert_close(&name, &values(out), &golden[&name]);
        // What enters a level is what the one before gave.
        for (level, got) in watched.entered {
            let name = format!("{case}.up_blocks.{}", level.wrapping_sub(1));
            let Some(want) = golden.get(&name) else {
                continue;
            };
            let leaves = |strength: f32| (strength - 1.0).abs() < f32::EPSILON;
            if leaves(strengths.b1) && leaves(strengths.b2) {
                fixture.assert_close(&name, &got, want);
                continue;
            }
            let [got, values] = [&got, &want.values].map(|all| second_half(all, &want.shape));
            let shape = Vec::new();
            fixture.assert_close(&name, &got, &HostTensor { shape, values });
        }
    }
}

/// Of the channels of each picture. The reference strengthens the first half in place, after the block's output was
/// recorded, and so changes the record.
fn second_half(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let picture: usize = shape[1..].iter().product();
    let pictures = values.chunks_exact(picture);
    pictures.flat_map(|p| p[picture / 2..].to_vec()).collect()
}

/// What enters the network.
struct Inputs {
    latents: Tensor<4>,
    text: Tensor<3>,
    timestep: usize,
}

impl Inputs {
    /// The folder's own, else those of the fixture that its description names, else those of a U-Net's fixture with the
    /// same weights.
    fn of(fixture: &Fixture, golden: &Golden, device: &Device) -> Self {
        let readme = fixture.readme();
        let said = |pattern: &str| {
            let found = Regex::new(pattern).unwrap().captures(&readme)?;
            Some(found[1].to_owned())
        };
        let named = said(r"of `?(\.\./[^ ,`]+\.safetensors)").map(|path| fixture.path.join(path));
        let of_others = || {
            let with_same_weights = || {
                let unets = fixture.with_same_weights("unet").into_iter();
                unets.map(|unet| unet.tensors("golden.safetensors")).next()
            };
            let named = named.filter(|path| path.exists());
            named
                .map(|path| fixture::read_tensors(&path))
                .or_else(with_same_weights)
                .unwrap_or_else(|| panic!("{}: nothing says what enters", fixture.name))
        };
        let names = ["sample", "encoder_hidden_states"];
        let of_others = (!names.iter().all(|name| golden.contains_key(*name))).then(of_others);
        let inputs = of_others.as_ref().unwrap_or(golden);
        let own = golden.get("timestep").map(|t| t.values[0] as usize);
        let timestep = own
            .or_else(|| said(r"timestep (\d+)")?.parse().ok())
            .or_else(|| inputs.keys().filter_map(|name| unet::timestep(name)).max());
        Self {
            latents: upload(&inputs[names[0]], device),
            text: upload(&inputs[names[1]], device),
            timestep: timestep.unwrap_or_else(|| panic!("{}: no timestep", fixture.name)),
        }
    }
}

/// Of `config.json` where it names the case, else of the call in the description of its output.
fn strengths(fixture: &Fixture, case: &str) -> Option<FreeU> {
    let about = fixture.json_if_any("config.json");
    let readme = fixture.readme();
    let described = readme
        .lines()
        .find(|line| line.contains(&format!("`{case}.out`")));
    let strength = |name: &str| {
        let number = about[case].get(name).and_then(Value::as_f64);
        number.map(|number| number as f32).or_else(|| {
            let call = Regex::new(&format!(r"'{name}': ([\d.]+)")).unwrap();
            call.captures(described?)?[1].parse().ok()
        })
    };
    Some(FreeU {
        b1: strength("b1")?,
        b2: strength("b2")?,
        s1: strength("s1")?,
        s2: strength("s2")?,
    })
}
