//! Steps of the sampler, with the background of the predicted picture smoothed in between.

use fresco_studio::diffusion::noise_schedule::{NoiseSchedule, SchedulerConfig};
use fresco_studio::diffusion::samplers::Sampler;
use fresco_studio::diffusion::steps::Steps;
use fresco_studio::fresco::Correspondence;
use fresco_studio::models::vae::{AutoencoderKL, KEYS, VaeConfig};
use fresco_studio::pipeline::conditions::Coding;
use fresco_studio::pipeline::smoothing::smooth_background;
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::{self, Fixture};
use super::fresco::{Golden, pictures, ring};
use super::{config_bytes, load, upload, values};

/// Where a fixture does not say.
const STEPS: u64 = 8;

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
    let vae = vae(&fixture.folder("weights"), device);
    let correspondence = correspondence(&golden, device);
    let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
    let has_config = fixture.path.join("config.json").exists();
    let named = has_config.then(|| fixture.json("config.json")["num_inference_steps"].as_u64());
    let n = named.flatten().unwrap_or(STEPS) as usize;
    let stepper = Stepper {
        vae: &vae,
        correspondence: &correspondence,
        steps: &Sampler::Ddpm.steps(&schedule, n).unwrap(),
    };
    let mut compared = 0;
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
        let [x, eps] = ["latents", "model_output"].map(|name| upload(&golden[name], device));
        let noise = Noises {
            step: drawn(".step").expect("noise of the step"),
            posterior: drawn(".vae_sample"),
        };
        let (x0, next) = stepper.step(t.values[0] as usize, (x, eps), noise);
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
    pub correspondence: &'a Correspondence,
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
        if let (Some(noise), Some(fusion)) = (noise.posterior, self.correspondence.picture_fusion())
        {
            x0 = smooth_background(&x0, fusion, (self.vae, Coding::Whole), noise).unwrap();
        }
        let next = c.advance(&Sampler::Ddpm.begin(x), &x0, Some(&noise.step));
        (x0, next.sample().clone())
    }
}
