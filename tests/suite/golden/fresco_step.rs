//! Steps of the sampler, with the background of the predicted picture smoothed in between.

use fresco_studio::diffusion::samplers::Sampler;
use fresco_studio::diffusion::steps::Steps;
use fresco_studio::fresco::{BackgroundFusion, Correspondence};
use fresco_studio::models::vae::{AutoencoderKL, KEYS, VaeConfig};
use fresco_studio::pipeline::conditions::Coding;
use fresco_studio::pipeline::smoothing::{TakenOver, smooth_background};
use fresco_studio::tensor::{Device, Tensor};
use regex::Regex;

use super::fixture::{self, Fixture};
use super::fresco::{Golden, noise_schedule, pictures, ring};
use super::fresco_mapping::check_correspondences;
use super::{config_bytes, load, upload, values};

/// Where nothing says how many.
const STEPS: usize = 8;

#[test]
fn steps_match_the_reference() {
    fixture::for_each("fresco_step", |fixture| check(fixture, &Device::flex()));
}

pub fn vae(folder: &std::path::Path, device: &Device) -> AutoencoderKL {
    let config = VaeConfig::from_json(&config_bytes(folder)).unwrap();
    load(AutoencoderKL::new(&config, device), folder, &KEYS)
}

pub fn check(fixture: &Fixture, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    let mut compared = check_correspondences(fixture, &golden, device);
    let folder = fixture.folder("weights");
    let vae = vae(&folder, device);
    let schedule = noise_schedule(folder.parent().expect("a folder of the model"));
    let correspondence = golden
        .contains_key("images")
        .then(|| correspondence(&golden, device));
    let stepper = Stepper {
        vae: &vae,
        fusion: correspondence
            .as_ref()
            .and_then(Correspondence::picture_fusion),
        steps: &Sampler::Ddpm.steps(&schedule, n_steps(fixture)).unwrap(),
    };
    for (name, t) in &golden {
        let Some(case) = name.strip_suffix(".timestep") else {
            continue;
        };
        let drawn = |what: &str| {
            let is_it = |name: &&String| {
                let rest = name.strip_prefix(case);
                rest.is_some_and(|rest| rest.starts_with(".noise.") && rest.ends_with(what))
            };
            let name = golden.keys().find(is_it)?;
            let noise: Tensor<4> = upload(&golden[name], device);
            let n = noise.dims()[0];
            Some(if case == "repeat_noise" {
                noise.narrow(0, 0, 1).repeat_dim(0, n)
            } else {
                noise
            })
        };
        let Some(step) = drawn(".step") else {
            eprintln!("skipped: {case} has no noise of its step");
            continue;
        };
        let posterior = drawn(".vae_sample");
        if posterior.is_some() && stepper.fusion.is_none() {
            eprintln!("skipped: {case} is smoothed, and no background is recorded");
            continue;
        }
        let [x, eps] = ["latents", "model_output"].map(|name| upload(&golden[name], device));
        let (x0, next) = stepper.step(t.values[0] as usize, (x, eps), Noises { step, posterior });
        for (part, got) in [("x0", x0), ("prev", next)] {
            let name = format!("{case}.{part}");
            if let Some(want) = golden.get(&name) {
                fixture.assert_close(&name, &values(got), want);
                compared += 1;
            }
        }
    }
    assert!(compared > 0, "{}: nothing to compare", fixture.name);
}

/// Steps of the schedule: of `config.json` if there is one, else of the description ("8-step DDPM schedule").
fn n_steps(fixture: &Fixture) -> usize {
    let named = fixture.json_if_any("config.json")["num_inference_steps"].as_u64();
    let described = || {
        let readme = fixture.readme();
        let found = Regex::new(r"(\d+)-step").unwrap().captures(&readme)?[1].parse();
        found.ok()
    };
    named
        .map(|n| n as usize)
        .or_else(described)
        .unwrap_or(STEPS)
}

/// Correspondences of a fixture's frames, with their background where it has saliency masks.
pub fn correspondence(golden: &Golden, device: &Device) -> Correspondence {
    let background = golden.get("saliency").map(|s| upload(s, device));
    let pictures = pictures(golden, device);
    Correspondence::new(&pictures, &ring(golden, device), background.as_ref()).unwrap()
}

/// What a step draws: noise of the autoencoder only if pictures are smoothed.
pub struct Noises {
    pub step: Tensor<4>,
    pub posterior: Option<Tensor<4>>,
}

pub struct Stepper<'a> {
    pub vae: &'a AutoencoderKL,
    /// What smooths the background, if anything does.
    pub fusion: Option<&'a BackgroundFusion>,
    pub steps: &'a Steps,
}

impl Stepper<'_> {
    /// From the latents at timestep `t` and the predicted noise to the predicted clean latents and the next ones.
    pub fn step(
        &self,
        t: usize,
        (x, eps): (Tensor<4>, Tensor<4>),
        noise: Noises,
    ) -> (Tensor<4>, Tensor<4>) {
        let mut ks = 0..self.steps.len();
        let k = ks.find(|k| self.steps.timestep(*k) == t).expect("a step");
        let c = Sampler::Ddpm.coefficients(self.steps, 0, k);
        let mut x0 = c.x0(&x, eps);
        if let (Some(noise), Some(fusion)) = (noise.posterior, self.fusion) {
            let coder = (self.vae, Coding::Whole);
            let all = TakenOver::Everything;
            x0 = smooth_background(&x0, fusion, coder, noise, all).unwrap();
        }
        let next = c.advance(&Sampler::Ddpm.begin(x), &x0, Some(&noise.step));
        (x0, next.sample().clone())
    }
}
