//! What the fixtures of whole batches are run with: networks and arguments.

use std::path::Path;

use fresco_studio::diffusion::noise_schedule::NoiseSchedule;
use fresco_studio::diffusion::samplers::Sampler;
use fresco_studio::diffusion::steps::Steps;
use fresco_studio::fresco::GuideConfig;
use fresco_studio::fresco::optimize::OptimizerConfig;
use fresco_studio::fresco::schedule::{Attentions, ScheduleConfig};
use fresco_studio::models::controlnet::{self, ControlNetConfig, ControlNetModel};
use fresco_studio::models::unet::UNet2DConditionModel;
use fresco_studio::models::vae::AutoencoderKL;
use fresco_studio::tensor::Device;
use serde_json::Value;

use super::fixture::Fixture;
use super::fresco::noise_schedule;
use super::fresco_step::vae;
use super::fresco_unet::unet;
use super::{config_bytes, load};
use crate::support::names_in;

/// The networks of a fixture's weights.
pub struct Networks {
    pub unet: UNet2DConditionModel,
    pub vae: AutoencoderKL,
    /// The first of the folder, if there is one.
    pub controlnet: Option<ControlNetModel>,
    pub schedule: NoiseSchedule,
}

impl Networks {
    pub fn of(fixture: &Fixture, device: &Device) -> Self {
        let weights = fixture.folder("weights");
        let is_controlnet = |name: &String| name.starts_with("controlnet");
        let first = names_in(&weights).into_iter().find(is_controlnet);
        Self {
            unet: unet(fixture, device),
            vae: vae(&weights.join("vae"), device),
            controlnet: first.map(|name| controlnet(&weights.join(name), device)),
            schedule: noise_schedule(&weights),
        }
    }
}

fn controlnet(folder: &Path, device: &Device) -> ControlNetModel {
    let config = ControlNetConfig::from_json(&config_bytes(folder)).unwrap();
    load(
        ControlNetModel::new(&config, device),
        folder,
        &controlnet::KEYS,
    )
}

/// `config.json`.
pub struct Settings {
    pub steps: Steps,
    pub warmup_steps: usize,
    pub conditioning_scale: f32,
    pub guidance_scale: f64,
    /// Whether all frames start from the noise of the first.
    pub repeats_noise: bool,
    pub guide: GuideConfig,
    pub rules: ScheduleConfig,
}

impl Settings {
    pub fn of(config: &Value, noise_schedule: &NoiseSchedule) -> Self {
        let number = |key: &str| config[key].as_f64().unwrap_or_else(|| panic!("no {key}"));
        let count = |key: &str| number(key) as usize;
        let counts = |key: &str| -> Vec<usize> {
            let list = config[key].as_array().unwrap_or_else(|| panic!("no {key}"));
            list.iter().map(|n| n.as_u64().unwrap() as usize).collect()
        };
        let n = count("num_inference_steps");
        let steps = Sampler::Ddpm.steps(noise_schedule, n).unwrap();
        let timesteps: Vec<usize> = (0..n).map(|k| steps.timestep(k)).collect();
        assert_eq!(timesteps, counts("timesteps"));
        Self {
            steps,
            warmup_steps: count("num_warmup_steps"),
            conditioning_scale: number("cond_scale") as f32,
            guidance_scale: number("guidance_scale"),
            repeats_noise: config["repeat_noise"] != false,
            guide: GuideConfig {
                optimizer: OptimizerConfig {
                    iterations: count("opt_iters"),
                    spatial_weight: number("intra_weight"),
                    ..OptimizerConfig::REFERENCE
                },
                levels: counts("layers"),
                ..GuideConfig::default()
            },
            rules: ScheduleConfig {
                attentions: Attentions {
                    spatial: true,
                    cross_frame: true,
                    temporal: true,
                },
                spatial_attention_steps: count("num_intraattn_steps"),
                temporal_attention_timestep: count("step_interattn_end"),
                optimised_before: count("end_opt_step"),
                smoothed_steps: counts("bg_smoothing_steps"),
            },
        }
    }
}
