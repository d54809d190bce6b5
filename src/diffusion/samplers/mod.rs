//! Samplers: how a step goes from one noise level to the next, as numbers on the host.
//!
//! Every sampler here is linear in what a step knows: the sample `x`, what the sampler remembers of earlier steps, x̂₀ and
//! new noise `z`. So a step is a few sums of tensors, whichever it is:
//!
//! ```text
//! x̂₀ = a·x + b·output
//! next sample, next memory = linear in (x, memory, x̂₀, z)
//! ```
//!
//! x̂₀ may be changed between the two lines. All samplers keep latents at the scale of forward noising, so that they can be
//! exchanged: see [`Steps`].

pub mod ddim;
pub mod ddpm;
pub mod dpmpp_2m;
pub mod euler_a;
pub mod lcm;
mod step;
pub mod unipc;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::noise_schedule::{NoiseSchedule, ScheduleError};
use super::steps::Steps;
use crate::tensor::Tensor;
pub use step::{Row, SamplerState, StepCoefficients};

/// How a step goes from one noise level to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampler {
    /// Ancestral sampling: new noise in every step. The reference implementation's.
    #[default]
    Ddpm,
    /// Deterministic: no noise after the first.
    Ddim,
    /// Predicts with the change of x̂₀, then corrects; good with ten steps.
    #[serde(rename = "unipc")]
    UniPc,
    /// Follows the change of x̂₀, with more steps where there is little noise.
    #[serde(rename = "dpmpp-2m-karras")]
    Dpmpp2mKarras,
    /// Straight steps, and new noise in each.
    EulerA,
    /// Jumps to the clean latent in every step: for a model or LoRA made for it, in 4 to 8 steps.
    Lcm,
}

impl Sampler {
    /// All samplers, in the order of menus.
    pub const ALL: [Self; 6] = [
        Self::Ddpm,
        Self::Ddim,
        Self::UniPc,
        Self::Dpmpp2mKarras,
        Self::EulerA,
        Self::Lcm,
    ];

    /// The name in project files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ddpm => "ddpm",
            Self::Ddim => "ddim",
            Self::UniPc => "unipc",
            Self::Dpmpp2mKarras => "dpmpp-2m-karras",
            Self::EulerA => "euler-a",
            Self::Lcm => "lcm",
        }
    }

    /// The steps of a run of `n`, spaced as this sampler is published.
    ///
    /// # Errors
    /// [`ScheduleError::Steps`] for none, or for more than fit.
    pub fn steps(self, schedule: &NoiseSchedule, n: usize) -> Result<Steps, ScheduleError> {
        match self {
            Self::Ddpm => ddpm::steps(schedule, n),
            Self::Ddim => ddim::steps(schedule, n),
            Self::UniPc => unipc::steps(schedule, n),
            Self::Dpmpp2mKarras => dpmpp_2m::steps(schedule, n),
            Self::EulerA => euler_a::steps(schedule, n),
            Self::Lcm => lcm::steps(schedule, n),
        }
    }

    /// The numbers of step `k` of a run that began with step `first`.
    ///
    /// # Panics
    /// If there is no step `k`, or it lies before `first`.
    #[must_use]
    pub fn coefficients(self, steps: &Steps, first: usize, k: usize) -> StepCoefficients {
        match self {
            Self::Ddpm => ddpm::coefficients(steps, k),
            Self::Ddim => ddim::coefficients(steps, k, 0.0),
            Self::UniPc => unipc::coefficients(steps, first, k),
            Self::Dpmpp2mKarras => dpmpp_2m::coefficients(steps, first, k),
            Self::EulerA => euler_a::coefficients(steps, k),
            Self::Lcm => lcm::coefficients(steps, k),
        }
    }

    /// What a run begins with, from its first sample.
    #[must_use]
    pub fn begin(self, sample: Tensor<4>) -> SamplerState {
        let memory = match self {
            Self::UniPc => unipc::MEMORY,
            Self::Dpmpp2mKarras => dpmpp_2m::MEMORY,
            Self::Ddpm | Self::Ddim | Self::EulerA | Self::Lcm => 0,
        };
        SamplerState::new(sample, memory)
    }

    /// How much noise a run begins with that begins from nothing else. Euler's is published for latents that keep a trace
    /// of signal, which is nothing here.
    ///
    /// # Panics
    /// If there are no steps.
    #[must_use]
    pub fn pure_noise(self, steps: &Steps) -> f64 {
        match self {
            Self::EulerA => (1.0 - steps.alpha(0)).sqrt(),
            _ => 1.0,
        }
    }
}

impl fmt::Display for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no sampler has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no sampler \"{0}\"; choose one of {names}", names = Sampler::ALL.map(Sampler::name).join(", "))]
pub struct UnknownSampler(String);

impl FromStr for Sampler {
    type Err = UnknownSampler;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|sampler| sampler.name() == name);
        found.ok_or_else(|| UnknownSampler(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diffusion::noise_schedule::SchedulerConfig;

    fn schedule() -> NoiseSchedule {
        let config = SchedulerConfig {
            set_alpha_to_one: true,
            ..SchedulerConfig::default()
        };
        NoiseSchedule::new(&config).unwrap()
    }

    #[test]
    fn names_are_read_back() {
        for sampler in Sampler::ALL {
            assert_eq!(sampler.to_string().parse(), Ok(sampler));
            assert_eq!(
                serde_json::to_string(&sampler).unwrap(),
                format!("\"{sampler}\"")
            );
        }
        let error = "DDPM".parse::<Sampler>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no sampler \"DDPM\"; choose one of ddpm, ddim, unipc, dpmpp-2m-karras, euler-a, lcm"
        );
    }

    /// A run on single numbers, with a network that knows the clean latent and says so as noise.
    fn run(
        sampler: Sampler,
        (n, first): (usize, usize),
        clean: f64,
        mut noise: impl FnMut() -> f64,
    ) -> f64 {
        let steps = sampler.steps(&schedule(), n).unwrap();
        let (signal, spread) = (steps.alpha(first).sqrt(), (1.0 - steps.alpha(first)).sqrt());
        let mut state = vec![signal * clean + spread * noise()];
        state.resize(1 + unipc::MEMORY, 0.0);
        for k in first..n {
            let alpha = steps.alpha(k);
            let output = (state[0] - alpha.sqrt() * clean) / (1.0 - alpha).sqrt();
            let c = sampler.coefficients(&steps, first, k);
            let x0 = c.x0_from_sample * state[0] + c.x0_from_output * output;
            assert!((x0 - clean).abs() < 1e-9, "{sampler}: {x0} in step {k}");
            let z = noise();
            state = c
                .rows
                .iter()
                .map(|row| row.of_numbers(&state, x0, z))
                .collect();
        }
        state[0]
    }

    proptest! {
        #[test]
        fn a_network_that_knows_the_clean_latent_leads_to_it(
            n in 1_usize..50,
            start in 0.0..1.0_f64,
            clean in -3.0..3.0_f64,
            noises in proptest::collection::vec(-3.0..3.0_f64, 51),
        ) {
            let first = (start * n as f64) as usize;
            for sampler in Sampler::ALL {
                let mut noise = noises.iter().copied().cycle();
                let end = run(sampler, (n, first), clean, || noise.next().unwrap());
                // The boundary condition of LCM leaves a trace of the sample.
                let allowed = if sampler == Sampler::Lcm { 1e-3 } else { 1e-8 };
                prop_assert!((end - clean).abs() < allowed, "{}: {} for {}", sampler, end, clean);
            }
        }
    }

    /// The mean of a step keeps the signal; noise old and new together have the level's variance.
    #[test]
    fn samplers_without_memory_keep_to_the_noise_levels() {
        for sampler in [Sampler::Ddpm, Sampler::Ddim, Sampler::EulerA, Sampler::Lcm] {
            let steps = sampler.steps(&schedule(), 20).unwrap();
            for k in 0..20 {
                let (alpha, next) = (steps.alpha(k), steps.alpha(k + 1));
                let c = sampler.coefficients(&steps, 0, k);
                let [row] = &c.rows[..] else {
                    panic!("{sampler} remembers")
                };
                let mean = row.x0 + row.state[0] * alpha.sqrt();
                assert!((mean - next.sqrt()).abs() < 1e-5, "{sampler} {k}");
                let variance = row.state[0].powi(2) * (1.0 - alpha) + row.noise.powi(2);
                assert!((variance - (1.0 - next)).abs() < 1e-5, "{sampler} {k}");
                let is_deterministic = sampler == Sampler::Ddim;
                let draws_at_the_end = sampler == Sampler::Ddpm;
                let draws = !is_deterministic && (k < 19 || draws_at_the_end);
                assert_eq!(c.draws_noise(), draws, "{sampler} {k}");
            }
        }
    }

    /// With one noise throughout, samplers without new noise stay on the line from it to the clean latent.
    #[test]
    fn deterministic_samplers_follow_the_line() {
        for sampler in [Sampler::Ddim, Sampler::UniPc, Sampler::Dpmpp2mKarras] {
            let steps = sampler.steps(&schedule(), 15).unwrap();
            let (clean, noise) = (0.7, -1.3);
            let at =
                |k: usize| steps.alpha(k).sqrt() * clean + (1.0 - steps.alpha(k)).sqrt() * noise;
            let mut state = vec![at(4), 0.0, 0.0, 0.0];
            for k in 4..15 {
                let c = sampler.coefficients(&steps, 4, k);
                state = c
                    .rows
                    .iter()
                    .map(|row| row.of_numbers(&state, clean, 9.0))
                    .collect();
                assert!((state[0] - at(k + 1)).abs() < 1e-9, "{sampler} {k}");
            }
        }
    }

    #[test]
    fn lcm_skips_among_fifty() {
        let steps = |n| lcm::steps(&schedule(), n);
        assert_eq!(steps(4).unwrap().timesteps(), [999.0, 759.0, 499.0, 259.0]);
        assert!(steps(50).is_ok());
        assert!(matches!(
            steps(51),
            Err(ScheduleError::Steps { most: 50, .. })
        ));
        assert!(steps(0).is_err());
        let config = SchedulerConfig {
            num_train_timesteps: 7,
            ..SchedulerConfig::default()
        };
        let short = NoiseSchedule::new(&config).unwrap();
        assert!(lcm::steps(&short, 7).is_ok() && lcm::steps(&short, 8).is_err());
    }
}
