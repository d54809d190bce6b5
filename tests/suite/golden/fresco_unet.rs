//! The U-Net under guidance, and the pass that records what guidance needs.

use std::collections::{BTreeMap, BTreeSet};

use fresco_studio::diffusion::sdedit::noised;
use fresco_studio::flow::FlowRing;
use fresco_studio::fresco::schedule::Attentions;
use fresco_studio::fresco::{
    Correspondence, FrescoGuide, GuideConfig, Recorder, Reference, StepGuidance,
};
use fresco_studio::models::unet::{self, BlockKind, NoHook, UNet2DConditionModel, UNetConfig};
use fresco_studio::tensor::{Device, GramTarget, Tensor};
use regex::Regex;
use serde_json::Value;

use super::fixture::{self, Fixture, HostTensor};
use super::fresco::{Golden, mean_error, noise_schedule, pictures, ring};
use super::fresco_mapping::check_correspondences;
use super::fresco_step::vae;
use super::{Watched, config_bytes, load, upload, values};

fn unet_config(fixture: &Fixture) -> UNetConfig {
    UNetConfig::from_json(&config_bytes(&fixture.folder("weights").join("unet"))).unwrap()
}

pub fn unet(fixture: &Fixture, device: &Device) -> UNet2DConditionModel {
    let folder = fixture.folder("weights").join("unet");
    let network = UNet2DConditionModel::new(&unet_config(fixture), device);
    load(network, &folder, &unet::KEYS)
}

#[test]
fn recording_matches_the_reference() {
    fixture::for_each("fresco_intraframe", |fixture| {
        check_recording(fixture, &Device::flex());
    });
}

pub fn check_recording(fixture: &Fixture, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    let pictures = pictures(&golden, device);
    let n = pictures.dims()[0];
    let weights = fixture.folder("weights");
    let vae = vae(&weights.join("vae"), device);
    let posterior = vae.encode(pictures.clone());
    let x0 = posterior.sample(upload(&golden["noise_vae"], device)) * vae.scaling_factor();
    let t = golden["timestep"].values[0] as usize;
    let alpha = noise_schedule(&weights).alphas_cumprod()[t];
    let x = noised(x0, upload(&golden["noise_latents"], device), alpha);

    let [_, _, height, width] = pictures.dims();
    let still = |channels: usize| Tensor::zeros([n, channels, height, width], device);
    let ring = FlowRing {
        forward: still(2),
        backward: still(2),
        forward_occlusion: still(1).squeeze_dim(1),
        backward_occlusion: still(1).squeeze_dim(1),
    };
    let correspondence = Correspondence::new(&pictures, &ring, None).unwrap();
    let text = upload(&golden["prompt_embeds"], device);
    let latents = Tensor::cat(vec![x.clone(), x], 0);
    let unet = unet(fixture, device);
    let recorded = |config: &GuideConfig| {
        let mut recorder = Recorder::new(&correspondence, config);
        let _ = unet.forward(latents.clone(), t, &text, None, &mut recorder);
        recorder.finish()
    };
    let config = GuideConfig {
        levels: (0..unet_config(fixture).levels()).collect(),
        ..GuideConfig::default()
    };
    let reference = recorded(&config);
    let lean = recorded(&GuideConfig {
        spatial_attention: false,
        spatial_loss: false,
        ..config
    });
    assert!(
        lean.tokens.is_empty() && lean.likenesses.is_empty(),
        "what nobody will look at is kept"
    );

    let mut compared = 0;
    for (i, tokens) in reference.tokens.values().enumerate() {
        compared += compare(fixture, &golden, &format!("stored.{i}"), tokens, n);
    }
    for (level, likenesses) in &reference.likenesses {
        let matrix = match likenesses {
            GramTarget::Matrix(matrix) => matrix.clone(),
            GramTarget::Vectors(v) => v.clone().matmul(v.clone().swap_dims(1, 2)),
        };
        compared += compare(
            fixture,
            &golden,
            &format!("correlation.{level}"),
            &matrix,
            n,
        );
    }
    assert!(compared > 0, "{}: nothing to compare", fixture.name);
}

/// Some tensors hold only the first frame of each half, or only a corner.
fn compare(fixture: &Fixture, golden: &Golden, name: &str, got: &Tensor<3>, n: usize) -> usize {
    let Some(want) = golden.get(name) else {
        return 0;
    };
    let got = if want.shape[0] == 2 * n {
        got.clone()
    } else {
        let first = |half: usize| got.clone().narrow(0, half * n, 1);
        Tensor::cat(vec![first(0), first(1)], 0)
    };
    let corner = got.narrow(1, 0, want.shape[1]).narrow(2, 0, want.shape[2]);
    fixture.assert_close(name, &values(corner), want);
    1
}

#[test]
fn guided_unet_matches_the_reference() {
    fixture::for_each("fresco_unet_forward", |fixture| {
        check_guided(fixture, &Device::flex());
    });
}

/// What a case of the fixture has on: attentions, spatial and temporal loss, saliency, whether it is a guided step.
fn switches(case: &str) -> Option<[bool; 5]> {
    Some(match case {
        "plain" => [false; 5],
        "attention" => [true, false, false, false, false],
        "opt_spatial" => [false, true, false, false, true],
        "opt_temporal" => [false, false, true, false, true],
        "opt_both" => [false, true, true, false, true],
        "opt_saliency" => [false, true, true, true, true],
        "everything" => [true, true, true, true, true],
        "not_a_step" => [false, true, true, false, false],
        _ => return None,
    })
}

pub fn check_guided(fixture: &Fixture, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    let sensitivity = fixture.json_if_any("sensitivity.json");
    let inputs = Inputs::new(fixture, &golden, device);
    let mut compared = check_correspondences(fixture, &golden, device);
    let cases: BTreeSet<&str> = golden.keys().filter_map(|name| case_of(name)).collect();
    for case in cases {
        let Some(switches) = switches(case).filter(|on| inputs.suffice(*on)) else {
            eprintln!("skipped: {case} is a case that no test knows, or lacks an input");
            continue;
        };
        // The sign of a difference in an L1 loss may turn on the last bit, and Adam makes a step of it: the result
        // then moves further than `sensitivity.json` tells of its one perturbation. So one of a few inputs that `f32`
        // can hardly tell apart has to agree, where features are optimised.
        let [.., is_optimised] = switches;
        let changes: &[f32] = if is_optimised {
            &[0.0, 3e-7, -3e-7, 5e-7, -5e-7]
        } else {
            &[0.0]
        };
        let mut misses = Vec::new();
        for change in changes {
            eprintln!("  {case}, sample changed by {change:e}");
            let got = inputs.run(case, switches, *change);
            misses = got_wrong(fixture, &golden, &sensitivity, case, &got);
            if misses.is_empty() {
                break;
            }
        }
        assert!(misses.is_empty(), "{}: {misses:?}", fixture.name);
        compared += 1;
    }
    assert!(compared > 0, "{}: nothing to compare", fixture.name);
}

/// `out.CASE` and `feat.CASE.LEVEL`.
fn case_of(name: &str) -> Option<&str> {
    let entered = || Some(name.strip_prefix("feat.")?.rsplit_once('.')?.0);
    name.strip_prefix("out.").or_else(entered)
}

/// Outputs and decoder inputs of a case, by their names in the fixture.
type Got = Vec<(String, Vec<f32>)>;

/// What is further off than it may be.
fn got_wrong(
    fixture: &Fixture,
    golden: &Golden,
    sensitivity: &Value,
    case: &str,
    got: &Got,
) -> Vec<String> {
    let moves = sensitivity[case]["mean_abs"].as_f64().unwrap_or(0.0) as f32;
    let is_wrong = |(name, got): &(String, Vec<f32>)| {
        let want = golden.get(name)?;
        // It lists outputs alone.
        let moves = if name.starts_with("out.") { moves } else { 0.0 };
        let allowed = fixture.mean_bound(moves, want);
        let error = mean_error(got, want);
        eprintln!("  {name}: mean error {error:.2e}, allowed {allowed:.2e}");
        (error > allowed || error.is_nan()).then(|| format!("{name}: {error} > {allowed}"))
    };
    got.iter().filter_map(is_wrong).collect()
}

/// The network, and what enters it and guides it.
struct Inputs {
    unet: UNet2DConditionModel,
    sample: Tensor<4>,
    text: Tensor<3>,
    timestep: usize,
    reference: Reference,
    pictures: Tensor<4>,
    ring: FlowRing,
    saliency: Option<Tensor<4>>,
    /// Decoder levels that are optimised.
    levels: Vec<usize>,
}

impl Inputs {
    fn new(fixture: &Fixture, golden: &Golden, device: &Device) -> Self {
        let config = unet_config(fixture);
        let reference = reference(golden, &config, device);
        Self {
            unet: unet(fixture, device),
            sample: upload(&golden["sample"], device),
            text: upload(&golden["prompt_embeds"], device),
            timestep: golden["timestep"].values[0] as usize,
            levels: optimised_levels(fixture, &reference, config.levels()),
            reference,
            pictures: pictures(golden, device),
            ring: ring(golden, device),
            saliency: golden.get("saliency").map(|s| upload(s, device)),
        }
    }

    fn suffice(&self, [attention, spatial, _, background, is_step]: [bool; 5]) -> bool {
        let lacks_tokens = attention && self.reference.tokens.is_empty();
        let lacks_likenesses = spatial && is_step && self.reference.likenesses.is_empty();
        let lacks_background = background && self.saliency.is_none();
        !(lacks_tokens || lacks_likenesses || lacks_background)
    }

    /// With the sample changed by so small a part of itself.
    fn run(&self, case: &str, switches: [bool; 5], change: f32) -> Got {
        let [attention, spatial, temporal, background, features] = switches;
        let background = self.saliency.as_ref().filter(|_| background);
        let correspondence = Correspondence::new(&self.pictures, &self.ring, background).unwrap();
        let config = GuideConfig {
            levels: self.levels.clone(),
            spatial_loss: spatial,
            temporal_loss: temporal,
            ..GuideConfig::default()
        };
        let guidance = StepGuidance {
            attentions: Attentions {
                spatial: attention,
                cross_frame: attention,
                temporal: attention,
            },
            features,
            pixels: false,
        };
        let mut guide = FrescoGuide::new(&correspondence, &self.reference, &config, guidance);
        let mut nothing = NoHook;
        let mut watched = Watched::new(if case == "plain" {
            &mut nothing
        } else {
            &mut guide
        });
        let sample = self.sample.clone() * (1.0 + change);
        let out = self
            .unet
            .forward(sample, self.timestep, &self.text, None, &mut watched);
        let entered = watched.entered.into_iter();
        let mut got: Got = entered
            .map(|(level, features)| (format!("feat.{case}.{level}"), features))
            .collect();
        got.push((format!("out.{case}"), values(out)));
        got
    }
}

/// Those that `config.json` names, else those that the description does, else those with likenesses; all if nothing says.
fn optimised_levels(fixture: &Fixture, reference: &Reference, n_levels: usize) -> Vec<usize> {
    let config = fixture.json_if_any("config.json");
    let readme = fixture.readme();
    let described = || {
        Some(
            Regex::new(r"layers=(\[[\d, ]*\])")
                .unwrap()
                .captures(&readme)?[1]
                .to_owned(),
        )
    };
    let named = (!config["layers"].is_null()).then(|| config["layers"].to_string());
    let listed = named.or_else(described);
    let listed = listed.and_then(|list| serde_json::from_str::<Vec<usize>>(&list).ok());
    listed.unwrap_or_else(|| {
        let with_likenesses: Vec<usize> = reference.likenesses.keys().copied().collect();
        if with_likenesses.is_empty() {
            (0..n_levels).collect()
        } else {
            with_likenesses
        }
    })
}

/// `stored.i` in order of execution, and `correlation.i` of each level, where it is more than a corner.
fn reference(golden: &Golden, config: &UNetConfig, device: &Device) -> Reference {
    let numbered = |prefix: &str| -> BTreeMap<usize, &HostTensor> {
        let tensors = golden.iter().filter_map(|(name, tensor)| {
            let number = name.strip_prefix(prefix)?.parse().ok()?;
            Some((number, tensor))
        });
        tensors.collect()
    };
    let [height, width] = [2, 3].map(|side| golden["sample"].shape[side]);
    let n_tokens = |level: usize| (height * width) >> (2 * (config.levels() - 1 - level));
    // The two finest levels are guided.
    let guided = config.levels().saturating_sub(2)..config.levels();
    let sites: Vec<(usize, usize)> = guided
        .filter(|&level| config.up_block_types[level] == BlockKind::CrossAttention)
        .flat_map(|level| (0..=config.layers_per_block).map(move |layer| (level, layer)))
        .collect();
    let tokens = numbered("stored.").into_iter();
    let likenesses = numbered("correlation.").into_iter();
    Reference {
        tokens: tokens
            .filter_map(|(i, tokens)| Some((*sites.get(i)?, upload(tokens, device))))
            .collect(),
        likenesses: likenesses
            .filter(|(level, matrix)| matrix.shape[1] == n_tokens(*level))
            .map(|(level, matrix)| (level, GramTarget::Matrix(upload(matrix, device))))
            .collect(),
    }
}
