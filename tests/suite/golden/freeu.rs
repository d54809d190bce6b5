//! `FreeU`: its filter alone, and inside the U-Net.

use std::collections::{BTreeMap, BTreeSet};

use fresco_studio::models::Attention;
use fresco_studio::models::unet::{AttentionSite, FreeU, NoHook, UNetHook, scale_low_frequencies};
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::{self, Fixture, HostTensor};
use super::{unet, upload, values};

type Golden = BTreeMap<String, HostTensor>;

/// Remembers the input of each decoder block, which is the output of the one before.
#[derive(Default)]
struct Recorder(BTreeMap<usize, Vec<f32>>);

impl UNetHook for Recorder {
    fn decoder_input(&mut self, level: usize, features: Tensor<4>) -> Tensor<4> {
        self.0.insert(level, values(features.clone()));
        features
    }

    fn self_attention(
        &mut self,
        site: AttentionSite,
        attention: &Attention,
        tokens: Tensor<3>,
    ) -> Tensor<3> {
        NoHook.self_attention(site, attention, tokens)
    }
}

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
        let x = upload(&golden[&format!("{case}.in")], device);
        let got = scale_low_frequencies(x, scale.parse().unwrap());
        fixture.assert_close(name, &values(got), want);
    }
}

fn check_networks(fixture: &Fixture, golden: &Golden, device: &Device) {
    let cases: BTreeSet<&str> = golden
        .keys()
        .filter_map(|name| name.strip_suffix(".out"))
        .collect();
    let mut network = unet::model(fixture, device);
    // The inputs are those of the U-Net's fixture.
    let inputs = fixture.path.join("../unet/golden.safetensors");
    let inputs = fixture::read_tensors(&inputs);
    let latents: Tensor<4> = upload(&inputs["sample"], device);
    let text: Tensor<3> = upload(&inputs["encoder_hidden_states"], device);
    for case in cases {
        network.free_u = Some(strengths(fixture, case));
        let mut recorder = Recorder::default();
        let out = network.forward(latents.clone(), 801, &text, None, &mut recorder);
        fixture.assert_close(
            &format!("{case}.out"),
            &values(out),
            &golden[&format!("{case}.out")],
        );
        for (level, got) in recorder.0 {
            let name = format!("{case}.up_blocks.{}", level.wrapping_sub(1));
            if let Some(want) = golden.get(&name) {
                let got = second_half(&got, &want.shape);
                fixture.assert_close(
                    &name,
                    &got,
                    &HostTensor {
                        shape: Vec::new(),
                        values: second_half(&want.values, &want.shape),
                    },
                );
            }
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

/// Of `config.json` where it names the case; the others are those of the fixture's description.
fn strengths(fixture: &Fixture, case: &str) -> FreeU {
    let about = &fixture.json("config.json")[case];
    let [b1, b2, s1, s2] = match (about.is_object(), case) {
        (true, _) => ["b1", "b2", "s1", "s2"].map(|name| about[name].as_f64().unwrap() as f32),
        (_, "off") => [1.0; 4],
        (_, "strong") => [1.3, 1.4, 0.9, 0.2],
        _ => panic!("{}: no strengths for {case}", fixture.name),
    };
    FreeU { b1, b2, s1, s2 }
}
