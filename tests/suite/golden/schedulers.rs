//! Timesteps and trajectories of samplers, with a model that is a formula.

use std::collections::BTreeMap;

use fresco_studio::diffusion::noise_schedule::{NoiseSchedule, SchedulerConfig};
use fresco_studio::diffusion::samplers::{Sampler, StepCoefficients, ddim};
use fresco_studio::diffusion::sdedit::noised;
use fresco_studio::diffusion::steps::Steps;
use fresco_studio::tensor::{Device, Tensor};
use serde_json::Value;

use super::fixture::{self, Fixture, HostTensor};
use super::{upload, values};

type Tensors = BTreeMap<String, HostTensor>;

#[test]
fn samplers_follow_the_reference() {
    fixture::for_each("schedulers", |fixture| {
        let cases = cases(fixture);
        let mut n_compared = 0;
        for (name, case) in &cases {
            match Case::of(fixture, name, case) {
                Ok(case) => {
                    case.check();
                    n_compared += 1;
                }
                Err(reason) => {
                    eprintln!("skipped: {name} of {}: {reason}", fixture.name);
                    assert!(is_optional(name), "{name} of {}", fixture.name);
                }
            }
        }
        assert!(n_compared > 0, "{}: nothing to compare", fixture.name);
    });
}

/// Whether a case is of a sampler that this program need not have.
fn is_optional(name: &str) -> bool {
    let optional = ["euler_10", "euler_20", "dpmpp_2m_sde_"];
    name == "pndm_20" || optional.iter().any(|start| name.starts_with(start))
}

#[test]
fn tables_follow_the_reference() {
    fixture::for_each("schedulers", |fixture| {
        let cases = cases(fixture);
        let (Some(case), true) = (
            cases.values().next(),
            fixture.path.join("tables.safetensors").exists(),
        ) else {
            eprintln!("skipped: {} has no tables", fixture.name);
            return;
        };
        let schedule = schedule(case).unwrap();
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

fn schedule(case: &Value) -> Result<NoiseSchedule, String> {
    let config: SchedulerConfig = serde_json::from_value(case["config"].clone()).unwrap();
    NoiseSchedule::new(&config).map_err(|error| error.to_string())
}

/// A run as the reference made it.
struct Case<'a> {
    fixture: &'a Fixture,
    name: &'a str,
    tensors: Tensors,
    sampler: Sampler,
    /// DDIM's share of new noise.
    eta: f64,
    steps: Steps,
    first: usize,
}

/// Our name of the reference's sampler, or why we have none.
fn sampler_of(case: &Value) -> Result<Sampler, String> {
    let config = &case["config"];
    let clips = ["clip_sample", "thresholding"].map(|field| config[field] == true);
    if clips.contains(&true) {
        return Err("latents are clipped".to_owned());
    }
    let name = case["cls"].as_str().unwrap_or_default();
    match name {
        "DDPMScheduler" => Ok(Sampler::Ddpm),
        "DDIMScheduler" => Ok(Sampler::Ddim),
        "UniPCMultistepScheduler" if config["solver_order"] == 2 => Ok(Sampler::UniPc),
        "DPMSolverMultistepScheduler"
            if config["algorithm_type"] == "dpmsolver++" && config["solver_order"] == 2 =>
        {
            Ok(Sampler::Dpmpp2mKarras)
        }
        "EulerAncestralDiscreteScheduler" => Ok(Sampler::EulerA),
        "LCMScheduler" => Ok(Sampler::Lcm),
        _ => Err(format!("another sampler, {name}")),
    }
}

impl<'a> Case<'a> {
    fn of(fixture: &'a Fixture, name: &'a str, case: &Value) -> Result<Self, String> {
        let sampler = sampler_of(case)?;
        let schedule = schedule(case)?;
        let tensors = fixture.tensors(&format!("{name}.safetensors"));
        let given = &tensors["timesteps_all"].values;
        let steps = steps_of(sampler, case, &schedule, given)?;
        Ok(Self {
            fixture,
            name,
            sampler,
            eta: case["step_kwargs"]["eta"].as_f64().unwrap_or(0.0),
            first: given.len() - tensors["timesteps"].values.len(),
            tensors,
            steps,
        })
    }

    fn check(&self) {
        let compare = |what: &str, got: &[f32]| {
            if let Some(want) = self.tensors.get(what) {
                self.fixture
                    .assert_close(&format!("{} {what}", self.name), got, want);
            }
        };
        let timesteps: Vec<f32> = self.steps.timesteps().iter().map(|t| *t as f32).collect();
        compare("timesteps_all", &timesteps);
        compare("timesteps", &timesteps[self.first..]);
        let sigmas = (0..=self.steps.len()).map(|k| self.steps.sigma(k) as f32);
        compare("sigmas", &sigmas.collect::<Vec<_>>());
        let (inputs, trajectory) = self.run();
        compare("model_inputs", &inputs);
        compare("trajectory", &trajectory);
    }

    /// What the model is shown in each step, and the sample before the first step and after each.
    fn run(&self) -> (Vec<f32>, Vec<f32>) {
        let device = Device::flex();
        let get = |name: &str| self.tensors.get(name).map(|t| upload::<4>(t, &device));
        let noise = get("noise0").unwrap();
        let start = match get("x0") {
            Some(x0) => noised(x0, noise, self.steps.alpha(self.first)),
            None => noise * self.sampler.pure_noise(&self.steps),
        };
        let mut draws = self.tensors.get("step_noise").map(|all| {
            let draws: Tensor<5> = upload(all, &device);
            let draws = draws
                .split(1, 0)
                .into_iter()
                .map(|draw| draw.squeeze_dim(0));
            draws.collect::<Vec<Tensor<4>>>().into_iter()
        });
        let mut state = self.sampler.begin(start);
        let mut inputs = Vec::new();
        let mut trajectory = vec![self.at_their_scale(self.first, state.sample())];
        for k in self.first..self.steps.len() {
            let x = state.sample();
            inputs.extend(values(x.clone()));
            let c = self.coefficients(k);
            let x0 = c.x0(x, fake_output(x, self.steps.timesteps()[k]));
            let noise = c
                .draws_noise()
                .then(|| draws.as_mut().and_then(Iterator::next).unwrap());
            state = c.advance(&state, &x0, noise.as_ref());
            trajectory.push(self.at_their_scale(k + 1, state.sample()));
        }
        (inputs, trajectory.concat())
    }

    fn coefficients(&self, k: usize) -> StepCoefficients {
        match self.sampler {
            Sampler::Ddim => ddim::coefficients(&self.steps, k, self.eta),
            sampler => sampler.coefficients(&self.steps, self.first, k),
        }
    }

    /// The reference keeps latents of Euler's samplers as `x₀ + σ·z`.
    fn at_their_scale(&self, k: usize, x: &Tensor<4>) -> Vec<f32> {
        let is_rescaled = self.sampler == Sampler::EulerA;
        let scale = if is_rescaled {
            self.steps.alpha(k).sqrt()
        } else {
            1.0
        };
        values(x.clone() / scale)
    }
}

/// The steps that the configuration asks for; those given where our samplers are spaced in another way.
fn steps_of(
    sampler: Sampler,
    case: &Value,
    schedule: &NoiseSchedule,
    given: &[f32],
) -> Result<Steps, String> {
    let config = &case["config"];
    let n = case["num_inference_steps"].as_u64().unwrap() as usize;
    let spacing = config["timestep_spacing"].as_str().unwrap_or_default();
    let is_multistep = matches!(sampler, Sampler::UniPc | Sampler::Dpmpp2mKarras);
    let steps = match (sampler, spacing) {
        _ if is_multistep && config["use_karras_sigmas"] == true => Steps::karras(schedule, n),
        _ if is_multistep && spacing == "linspace" => Steps::even(schedule, n),
        (Sampler::EulerA, "linspace") | (Sampler::Ddpm | Sampler::Ddim, "leading") => {
            sampler.steps(schedule, n)
        }
        // The reference also has a strength that is a matter of the timesteps: then all of them run.
        (Sampler::Lcm, _) if case["strength"].is_null() => sampler.steps(schedule, n),
        (Sampler::Ddpm | Sampler::Ddim, _) => return Err(format!("spacing {spacing}")),
        _ => Ok(Steps::at(
            schedule,
            given.iter().copied().map(f64::from).collect(),
        )),
    };
    steps.map_err(|error| error.to_string())
}

/// `0.1·x + sin(t/1000)·c` with c from −1 to 1 over the channels of `[n, c, h, w]`.
fn fake_output(x: &Tensor<4>, t: f64) -> Tensor<4> {
    let n_channels = x.dims()[1];
    let channel = |i: usize| (2.0 * i as f64 / (n_channels - 1) as f64 - 1.0) as f32;
    let channels: Vec<f32> = (0..n_channels).map(channel).collect();
    let channels = Tensor::<1>::from_floats(channels.as_slice(), &x.device());
    x.clone() * 0.1 + channels.reshape([1, n_channels, 1, 1]) * (t / 1000.0).sin()
}
