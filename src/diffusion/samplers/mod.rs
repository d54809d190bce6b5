//! Samplers: how a step goes from one noise level to the next, as numbers on the host.
//!
//! Every sampler here is linear in what a step knows, so a step is four operations on tensors, whichever it is:
//!
//! ```text
//! x̂₀ = x0_from_sample·x + x0_from_eps·ε
//! x' = x0·x̂₀ + sample·x + noise·z
//! ```
//!
//! x̂₀ may be changed between the two lines.

pub mod ddim;
pub mod ddpm;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::noise_schedule::{NoiseSchedule, Timesteps};

/// How a step goes from one noise level to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampler {
    /// Ancestral sampling: new noise in every step. The reference implementation's.
    #[default]
    Ddpm,
    /// Deterministic: no noise after the first.
    Ddim,
}

impl Sampler {
    /// All samplers, in the order of menus.
    pub const ALL: [Self; 2] = [Self::Ddpm, Self::Ddim];

    /// The name in project files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ddpm => "ddpm",
            Self::Ddim => "ddim",
        }
    }

    /// Whether steps add noise, so that a draw must be made in each.
    #[must_use]
    pub fn is_stochastic(self) -> bool {
        self == Self::Ddpm
    }

    /// The numbers of step `k`.
    ///
    /// # Panics
    /// If there is no step `k`, or the timesteps are of another schedule.
    #[must_use]
    pub fn coefficients(
        self,
        schedule: &NoiseSchedule,
        timesteps: &Timesteps,
        k: usize,
    ) -> StepCoefficients {
        match self {
            Self::Ddpm => ddpm::coefficients(schedule, timesteps, k),
            Self::Ddim => ddim::coefficients(schedule, timesteps, k),
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
#[error("no sampler \"{0}\"; choose \"ddpm\" or \"ddim\"")]
pub struct UnknownSampler(String);

impl FromStr for Sampler {
    type Err = UnknownSampler;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|sampler| sampler.name() == name);
        found.ok_or_else(|| UnknownSampler(name.to_owned()))
    }
}

/// The numbers of one step, named after what they multiply; see the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepCoefficients {
    /// Of the sample, in the predicted clean latent x̂₀.
    pub x0_from_sample: f64,
    /// Of the predicted noise ε, in x̂₀.
    pub x0_from_eps: f64,
    /// Of x̂₀, in the next sample.
    pub x0: f64,
    /// Of the sample, in the next sample.
    pub sample: f64,
    /// Of new noise, in the next sample; 0 where the sampler draws none.
    pub noise: f64,
}

/// Fills in how x̂₀ follows from the sample at ᾱ = `alpha`.
fn with_x0(alpha: f64, x0: f64, sample: f64, noise: f64) -> StepCoefficients {
    let signal = alpha.sqrt();
    StepCoefficients {
        x0_from_sample: 1.0 / signal,
        x0_from_eps: -(1.0 - alpha).sqrt() / signal,
        x0,
        sample,
        noise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::noise_schedule::SchedulerConfig;

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
            "no sampler \"DDPM\"; choose \"ddpm\" or \"ddim\""
        );
    }

    /// With the true noise as prediction, every step leads from the noised latent of one level to that of the next.
    #[test]
    fn the_true_noise_leads_to_the_clean_latent() {
        let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
        let timesteps = schedule.timesteps(20).unwrap();
        let (clean, eps) = (0.7, -1.3);
        for sampler in Sampler::ALL {
            for (k, t) in timesteps.as_slice().iter().enumerate() {
                let (signal, noise) = schedule.noising(*t);
                let x = signal * clean + noise * eps;
                let c = sampler.coefficients(&schedule, &timesteps, k);
                let x0 = c.x0_from_sample * x + c.x0_from_eps * eps;
                assert!((x0 - clean).abs() < 1e-9, "{sampler} {k}");
                // The mean of a step keeps the signal; noise old and new together have the level's variance.
                let next = timesteps.arrival(k).map_or_else(
                    || {
                        if sampler == Sampler::Ddim {
                            schedule.alphas_cumprod()[0]
                        } else {
                            1.0
                        }
                    },
                    |t| schedule.alphas_cumprod()[t],
                );
                assert!(
                    (c.x0 + c.sample * signal - next.sqrt()).abs() < 1e-9,
                    "{sampler} {k}"
                );
                let variance = (c.sample * noise).powi(2) + c.noise.powi(2);
                assert!((variance - (1.0 - next)).abs() < 1e-9, "{sampler} {k}");
                assert_eq!(c.noise > 0.0, sampler.is_stochastic());
            }
        }
    }
}
