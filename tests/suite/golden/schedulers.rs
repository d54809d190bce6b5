//! Timesteps and trajectories of samplers, with a model that is a formula.

use std::collections::BTreeMap;

use fresco_studio::diffusion::noise_schedule::SchedulerConfig;
use fresco_studio::diffusion::noise_schedule::{NoiseSchedule, Timesteps};
use fresco_studio::diffusion::samplers::Sampler;
use serde_json::Value;

use super::fixture::{self, Fixture, HostTensor};

type Tensors = BTreeMap<String, HostTensor>;

#[test]
fn samplers_follow_the_reference() {
    fixture::for_each("schedulers", |fixture| {
        let cases = cases(fixture);
        let mut n_skipped = 0;
        for (name, case) in &cases {
            match sampler_of(case) {
                Some(sampler) => check_case(fixture, name, case, sampler),
                None => n_skipped += 1,
            }
        }
        let n = cases.len();
        eprintln!(
            "skipped: {n_skipped} of {n} cases of {} are of other samplers",
            fixture.name
        );
    });
}

#[test]
fn tables_follow_the_reference() {
    fixture::for_each("schedulers", |fixture| {
        let cases = cases(fixture);
        let config = cases.values().find(|case| sampler_of(case).is_some());
        let (Some(case), true) = (config, fixture.path.join("tables.safetensors").exists()) else {
            eprintln!("skipped: {} has no tables", fixture.name);
            return;
        };
        let schedule = schedule(case);
        let ours = BTreeMap::from([
            ("betas", schedule.betas()),
            ("alphas_cumprod", schedule.alphas_cumprod()),
        ]);
        for (name, want) in fixture.tensors("tables.safetensors") {
            let got: Vec<f32> = ours[name.as_str()].iter().map(|v| *v as f32).collect();
            fixture.assert_close(&name, &got, &want);
        }
    });
}

/// The cases by name; Python wrote them, and with them an infinity, which JSON does not have.
fn cases(fixture: &Fixture) -> serde_json::Map<String, Value> {
    let text = std::fs::read_to_string(fixture.path.join("cases.json")).unwrap();
    serde_json::from_str(&text.replace(": -Infinity", ": null")).unwrap()
}

/// The sampler of a case, unless it is one that we do not have.
fn sampler_of(case: &Value) -> Option<Sampler> {
    let is_plain = case["config"]["prediction_type"] == "epsilon"
        && case["config"]["timestep_spacing"] == "leading"
        && ["rescale_betas_zero_snr", "clip_sample", "thresholding"]
            .iter()
            .all(|f| case["config"][f] != true)
        && case["step_kwargs"]["eta"].as_f64().unwrap_or(0.0) == 0.0;
    match case["cls"].as_str()? {
        "DDPMScheduler" if is_plain => Some(Sampler::Ddpm),
        "DDIMScheduler" if is_plain => Some(Sampler::Ddim),
        _ => None,
    }
}

fn schedule(case: &Value) -> NoiseSchedule {
    let config: SchedulerConfig = serde_json::from_value(case["config"].clone()).unwrap();
    NoiseSchedule::new(&config).unwrap()
}

fn check_case(fixture: &Fixture, name: &str, case: &Value, sampler: Sampler) {
    let tensors = fixture.tensors(&format!("{name}.safetensors"));
    let steps = case["num_inference_steps"].as_u64().unwrap() as usize;
    let schedule = schedule(case);
    let timesteps = schedule.timesteps(steps).unwrap();
    // The reference truncates where `warmup_steps` rounds.
    let n_run = case["strength"]
        .as_f64()
        .map_or(steps, |s| ((steps as f64 * s) as usize).min(steps));
    let first = steps - n_run;

    let as_f32: Vec<f32> = timesteps.as_slice().iter().map(|t| *t as f32).collect();
    for (key, got) in [
        ("timesteps_all", &as_f32[..]),
        ("timesteps", &as_f32[first..]),
    ] {
        if let Some(want) = tensors.get(key) {
            fixture.assert_close(&format!("{name} {key}"), got, want);
        }
    }
    let has_noise = tensors.contains_key("noise0")
        && (tensors.contains_key("step_noise") || !sampler.is_stochastic());
    let (Some(want), true) = (tensors.get("trajectory"), has_noise) else {
        eprintln!("skipped: {name} lacks its trajectory or noise");
        return;
    };
    let got = trajectory(&tensors, sampler, &schedule, &timesteps, first);
    fixture.assert_close(&format!("{name} trajectory"), &got, want);
}

/// The sample before the first step and after each.
fn trajectory(
    tensors: &Tensors,
    sampler: Sampler,
    schedule: &NoiseSchedule,
    timesteps: &Timesteps,
    first: usize,
) -> Vec<f32> {
    let noise0 = &tensors["noise0"];
    let mut x = noise0.values.clone();
    if let Some(x0) = tensors.get("x0") {
        let (signal, noise) = schedule.noising(timesteps.as_slice()[first]);
        x = x0
            .values
            .iter()
            .zip(&x)
            .map(|(x0, z)| signal as f32 * x0 + noise as f32 * z)
            .collect();
    }
    let mut all = x.clone();
    for (k, t) in timesteps.as_slice().iter().enumerate().skip(first) {
        let c = sampler.coefficients(schedule, timesteps, k);
        let eps = fake_eps(&x, *t, &noise0.shape);
        let z = step_noise(tensors, k - first, x.len(), sampler);
        for ((x, eps), z) in x.iter_mut().zip(eps).zip(z) {
            let x0 = c.x0_from_sample as f32 * *x + c.x0_from_eps as f32 * eps;
            *x = c.x0 as f32 * x0 + c.sample as f32 * *x + c.noise as f32 * z;
        }
        all.extend_from_slice(&x);
    }
    all
}

/// The noise of a step; none is looked for where the sampler draws none.
fn step_noise(tensors: &Tensors, step: usize, n: usize, sampler: Sampler) -> Vec<f32> {
    if sampler.is_stochastic() {
        tensors["step_noise"].values[step * n..][..n].to_vec()
    } else {
        vec![0.0; n]
    }
}

/// `0.1·x + sin(t/1000)·c` with c from −1 to 1 over the channels of `[N, C, H, W]`.
fn fake_eps(x: &[f32], t: usize, shape: &[usize]) -> Vec<f32> {
    let (n_channels, n_pixels) = (shape[1], shape[2] * shape[3]);
    let wave = (t as f32 / 1000.0).sin();
    let channel =
        |i: usize| 2.0 * ((i / n_pixels) % n_channels) as f32 / (n_channels - 1) as f32 - 1.0;
    x.iter()
        .enumerate()
        .map(|(i, x)| 0.1 * x + wave * channel(i))
        .collect()
}
