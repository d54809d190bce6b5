//! The U-Net without a guide: intermediates, other timesteps, and `ControlNet` residuals from another fixture.

use std::collections::BTreeMap;

use fresco_studio::models::Attention;
use fresco_studio::models::controlnet::ControlResiduals;
use fresco_studio::models::unet::{
    AttentionSite, KEYS, NoHook, UNet2DConditionModel, UNetConfig, UNetHook, UNetPart,
};
use fresco_studio::tensor::{Device, Tensor};

use super::controlnet::Nets;
use super::fixture::{self, Fixture, HostTensor};
use super::{config_bytes, load, upload, values};

type Golden = BTreeMap<String, HostTensor>;

/// Changes nothing, and remembers what passes.
#[derive(Default)]
struct Recorder {
    seen: BTreeMap<String, Vec<f32>>,
}

impl UNetHook for Recorder {
    fn decoder_input(&mut self, level: usize, features: Tensor<4>) -> Tensor<4> {
        self.seen
            .insert(format!("up_in.{level}"), values(features.clone()));
        features
    }

    fn self_attention(
        &mut self,
        site: AttentionSite,
        attention: &Attention,
        tokens: Tensor<3>,
    ) -> Tensor<3> {
        let attended = NoHook.self_attention(site, attention, tokens);
        let AttentionSite {
            part, level, layer, ..
        } = site;
        let block = match part {
            UNetPart::Encoder => format!("down_blocks.{level}"),
            UNetPart::Middle => "mid_block".to_owned(),
            UNetPart::Decoder => format!("up_blocks.{level}"),
        };
        let name = format!("{block}.attentions.{layer}.transformer_blocks.0.attn1");
        self.seen.insert(name, values(attended.clone()));
        attended
    }
}

pub fn model(fixture: &Fixture, device: &Device) -> UNet2DConditionModel {
    let folder = fixture.folder("weights");
    let config = UNetConfig::from_json(&config_bytes(&folder)).unwrap();
    load(UNet2DConditionModel::new(&config, device), &folder, &KEYS)
}

/// `t801.out` → 801.
pub fn timestep(name: &str) -> Option<usize> {
    name.strip_prefix('t')?.split('.').next()?.parse().ok()
}

#[test]
fn unet_matches_the_reference() {
    fixture::for_each("unet", |fixture| check(fixture, &Device::flex()));
}

pub fn check(fixture: &Fixture, device: &Device) {
    let unet = model(fixture, device);
    let golden = fixture.tensors("golden.safetensors");
    let latents: Tensor<4> = upload(&golden["sample"], device);
    let text: Tensor<3> = upload(&golden["encoder_hidden_states"], device);
    let steps: std::collections::BTreeSet<usize> =
        golden.keys().filter_map(|name| timestep(name)).collect();
    for &t in &steps {
        let mut recorder = Recorder::default();
        let out = unet.forward(latents.clone(), t, &text, None, &mut recorder);
        recorder.seen.insert("out".to_owned(), values(out));
        let encoded = unet
            .encoder
            .forward(latents.clone(), t, &text, None, &mut NoHook);
        recorder
            .seen
            .insert("mid_block".to_owned(), values(encoded.middle));
        recorder
            .seen
            .insert("conv_in".to_owned(), values(encoded.skips[0].clone()));
        let compared = golden
            .iter()
            .filter_map(|(name, want)| {
                let got = recorder.seen.get(name.strip_prefix(&format!("t{t}."))?)?;
                fixture.assert_close(name, got, want);
                Some(())
            })
            .count();
        assert!(compared > 0, "nothing to compare at timestep {t}");
        check_skips(fixture, &golden, t, &encoded.skips);
        check_time(fixture, &golden, t, encoded.time);
    }
    check_controlled(fixture, &golden, &unet, device);
}

/// `down_blocks.i.res.j`: after the input convolution's, in order.
fn check_skips(fixture: &Fixture, golden: &Golden, t: usize, skips: &[Tensor<4>]) {
    let mut names: Vec<&String> = golden
        .keys()
        .filter(|name| name.starts_with(&format!("t{t}.down_blocks.")) && name.contains(".res."))
        .collect();
    names.sort_by_key(|name| {
        let digits = name
            .split('.')
            .filter_map(|part| part.parse::<usize>().ok());
        digits.collect::<Vec<_>>()
    });
    assert!(
        names.is_empty() || names.len() + 1 == skips.len(),
        "number of skip connections"
    );
    for (name, skip) in names.into_iter().zip(&skips[1..]) {
        fixture.assert_close(name, &values(skip.clone()), &golden[name]);
    }
}

fn check_time(fixture: &Fixture, golden: &Golden, t: usize, time: Tensor<2>) {
    let name = format!("t{t}.time_embedding");
    if let Some(want) = golden.get(&name) {
        fixture.assert_close(&name, &values(time.repeat_dim(0, want.shape[0])), want);
    }
}

fn check_controlled(
    fixture: &Fixture,
    golden: &Golden,
    unet: &UNet2DConditionModel,
    device: &Device,
) {
    let cases: Vec<&String> = golden
        .keys()
        .filter(|name| name.strip_suffix(".out").is_some() && timestep(name).is_none())
        .collect();
    if cases.is_empty() {
        return;
    }
    if !fixture.has("residuals") {
        eprintln!("skipped: {} names no residuals fixture", fixture.name);
        return;
    }
    let nets = Nets::of_residuals(fixture, device);
    let latents: Tensor<4> = upload(&golden["sample"], device);
    let text: Tensor<3> = upload(&golden["encoder_hidden_states"], device);
    for name in cases {
        let case = name
            .trim_end_matches(".out")
            .replacen("control", "scale", 1);
        let residuals: ControlResiduals = nets.residuals(&case);
        let t = nets.timestep();
        let out = unet.forward(latents.clone(), t, &text, Some(residuals), &mut NoHook);
        fixture.assert_close(name, &values(out), &golden[name]);
    }
}
