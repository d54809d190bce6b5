//! The steps of one run: the timestep that the networks are told, and how noisy the latents are before and after.
//!
//! Latents of every sampler are kept at one scale, that of forward noising: `√ᾱ·x₀ + √(1−ᾱ)·z`. Samplers that think in
//! `x₀ + σ·z` are written for the same scale, with `σ² = (1−ᾱ)/ᾱ`.
//!
//! # Source
//! Spacings: "Common Diffusion Noise Schedules and Sample Steps are Flawed" (Lin et al.), table 2, for leading and
//! linspace; Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", equation 5.

use super::noise_schedule::{NoiseSchedule, Prediction, ScheduleError};

/// How strongly Karras spacing prefers low noise.
const KARRAS_RHO: f64 = 7.0;

/// The steps of one run, from noisy to clean.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps {
    /// Of each step; they may lie between those of training.
    timesteps: Vec<f64>,
    /// ᾱ before each step, and after the last.
    alphas: Vec<f64>,
    prediction: Prediction,
}

impl Steps {
    /// Steps at these timesteps of `schedule`, falling, that arrive at the clean latent. Between two timesteps of
    /// training, σ is interpolated.
    ///
    /// # Panics
    /// If a timestep is beyond those of training.
    #[must_use]
    pub fn at(schedule: &NoiseSchedule, timesteps: Vec<f64>) -> Self {
        let alphas = timesteps.iter().map(|t| alpha_at(schedule, *t));
        let alphas = alphas.chain([1.0]).collect();
        Self {
            timesteps,
            alphas,
            prediction: schedule.prediction(),
        }
    }

    /// Steps a stride apart that end at the first timestep: `t_k = (n − 1 − k)·stride + offset`. The last one arrives at
    /// ᾱ = `arrival`, or at what lies a stride before it.
    ///
    /// # Errors
    /// [`ScheduleError::Steps`] for none, or for more than fit.
    pub fn leading(
        schedule: &NoiseSchedule,
        n: usize,
        arrival: f64,
    ) -> Result<Self, ScheduleError> {
        let (trained, offset) = (schedule.alphas_cumprod().len(), schedule.steps_offset());
        // The largest timestep is a multiple of the stride and the offset, and must have a place in the tables.
        check(n, trained, |n| (n - 1) * (trained / n) + offset < trained)?;
        let stride = trained / n;
        let timesteps = (0..n).rev().map(|k| (k * stride + offset) as f64);
        let mut steps = Self::at(schedule, timesteps.collect());
        let before = offset.checked_sub(stride);
        steps.alphas[n] = before.map_or(arrival, |t| schedule.alphas_cumprod()[t]);
        Ok(steps)
    }

    /// Steps that share out all timesteps evenly, from the last one on, each at a timestep of training.
    ///
    /// # Errors
    /// [`ScheduleError::Steps`] for none, or for more than there are timesteps.
    pub fn even(schedule: &NoiseSchedule, n: usize) -> Result<Self, ScheduleError> {
        let trained = schedule.alphas_cumprod().len();
        check(n, trained, |n| n < trained)?;
        let spacing = (trained - 1) as f64 / n as f64;
        let timesteps = (1..=n)
            .rev()
            .map(|i| (i as f64 * spacing).round_ties_even());
        Ok(Self::at(schedule, timesteps.collect()))
    }

    /// Steps from the last timestep to the first, both included.
    ///
    /// # Errors
    /// [`ScheduleError::Steps`] for none, or for more than there are timesteps.
    pub fn ends_included(schedule: &NoiseSchedule, n: usize) -> Result<Self, ScheduleError> {
        let trained = schedule.alphas_cumprod().len();
        check(n, trained, |n| n < trained)?;
        let last = (trained - 1) as f64;
        let spacing = last / (n.max(2) - 1) as f64;
        let timesteps = (0..n).map(|k| (last - k as f64 * spacing).max(0.0));
        Ok(Self::at(schedule, timesteps.collect()))
    }

    /// Steps over the whole range of σ, the closer the less noise there is.
    ///
    /// # Errors
    /// [`ScheduleError::Steps`] for none, or for more than there are timesteps.
    pub fn karras(schedule: &NoiseSchedule, n: usize) -> Result<Self, ScheduleError> {
        let trained = schedule.alphas_cumprod().len();
        check(n, trained, |n| n < trained)?;
        let sigmas: Vec<f64> = schedule
            .alphas_cumprod()
            .iter()
            .map(|a| sigma(*a))
            .collect();
        let root = |sigma: f64| sigma.powf(1.0 / KARRAS_RHO);
        let (most, least) = (root(sigmas[trained - 1]), root(sigmas[0]));
        let share = |k: usize| k as f64 / (n.max(2) - 1) as f64;
        let levels: Vec<f64> = (0..n)
            .map(|k| (most + share(k) * (least - most)).powf(KARRAS_RHO))
            .collect();
        let timesteps = levels.iter().map(|sigma| timestep_of(*sigma, &sigmas));
        let alphas = levels.iter().map(|sigma| alpha_of(*sigma));
        Ok(Self {
            timesteps: timesteps.collect(),
            alphas: alphas.chain([1.0]).collect(),
            prediction: schedule.prediction(),
        })
    }

    /// How many steps there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timesteps.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timesteps.is_empty()
    }

    /// The timesteps of the steps; they may lie between those of training.
    #[must_use]
    pub fn timesteps(&self) -> &[f64] {
        &self.timesteps
    }

    /// What the networks are told in step `k`: the nearest timestep of training.
    ///
    /// # Panics
    /// If there is no step `k`.
    #[must_use]
    pub fn timestep(&self, k: usize) -> usize {
        self.timesteps[k].round_ties_even() as usize
    }

    /// ᾱ before step `k`; for `k` = [`Self::len`] that which the last step arrives at.
    ///
    /// # Panics
    /// If `k` is larger.
    #[must_use]
    pub fn alpha(&self, k: usize) -> f64 {
        self.alphas[k]
    }

    /// σ before step `k`, in latents `x₀ + σ·z`.
    ///
    /// # Panics
    /// As [`Self::alpha`].
    #[must_use]
    pub fn sigma(&self, k: usize) -> f64 {
        sigma(self.alphas[k])
    }

    /// Half the logarithm of the signal-to-noise ratio before step `k`; infinite where there is no noise.
    pub(super) fn lambda(&self, k: usize) -> f64 {
        -self.sigma(k).ln()
    }

    /// What the network predicts.
    pub(super) fn prediction(&self) -> Prediction {
        self.prediction
    }
}

fn check(n: usize, trained: usize, fits: impl Fn(usize) -> bool) -> Result<(), ScheduleError> {
    if (1..=trained).contains(&n) && fits(n) {
        return Ok(());
    }
    let most = (1..=trained).rev().find(|n| fits(*n)).unwrap_or(0);
    Err(ScheduleError::Steps {
        steps: n,
        trained,
        most,
    })
}

fn sigma(alpha: f64) -> f64 {
    ((1.0 - alpha) / alpha).sqrt()
}

fn alpha_of(sigma: f64) -> f64 {
    1.0 / (1.0 + sigma * sigma)
}

fn alpha_at(schedule: &NoiseSchedule, t: f64) -> f64 {
    let alphas = schedule.alphas_cumprod();
    let (before, share) = (t.floor() as usize, t.fract());
    if share == 0.0 {
        return alphas[before];
    }
    let (low, high) = (sigma(alphas[before]), sigma(alphas[before + 1]));
    alpha_of(low + share * (high - low))
}

/// The timestep of training whose σ is next to this one, by logarithm.
fn timestep_of(wanted: f64, sigmas: &[f64]) -> f64 {
    let above = sigmas.partition_point(|sigma| *sigma <= wanted);
    let low = above.clamp(1, (sigmas.len() - 1).max(1)) - 1;
    let Some(high) = sigmas.get(low + 1) else {
        return low as f64;
    };
    let share = (wanted / sigmas[low]).ln() / (high / sigmas[low]).ln();
    (low as f64 + share.clamp(0.0, 1.0)).round_ties_even()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::noise_schedule::SchedulerConfig;

    fn sd15() -> NoiseSchedule {
        NoiseSchedule::new(&SchedulerConfig::default()).unwrap()
    }

    #[test]
    fn leading_steps_end_at_the_offset() {
        let steps = Steps::leading(&sd15(), 20, 1.0).unwrap();
        let want: Vec<f64> = (0..20).rev().map(|k| f64::from(50 * k + 1)).collect();
        assert_eq!(steps.timesteps(), want);
        assert!(steps.alpha(1).to_bits() == sd15().alphas_cumprod()[901].to_bits());
        assert!((steps.alpha(20) - 1.0).abs() < 1e-15);
        let steps = Steps::leading(&sd15(), 13, 1.0).unwrap();
        assert_eq!(steps.timesteps()[..2], [913.0, 837.0]);
        let steps = Steps::leading(&sd15(), 999, 1.0).unwrap();
        assert!(steps.alpha(999).to_bits() == sd15().alphas_cumprod()[0].to_bits());
    }

    #[test]
    fn steps_that_do_not_fit_are_refused() {
        type Spacing = fn(&NoiseSchedule, usize) -> Result<Steps, ScheduleError>;
        let leading: Spacing = |schedule, n| Steps::leading(schedule, n, 1.0);
        let spacings: [Spacing; 4] = [leading, Steps::even, Steps::ends_included, Steps::karras];
        for spacing in spacings {
            for (steps, most) in [(0, 999), (1000, 999), (1001, 999)] {
                let error = spacing(&sd15(), steps).unwrap_err();
                let trained = 1000;
                assert_eq!(
                    error,
                    ScheduleError::Steps {
                        steps,
                        trained,
                        most
                    }
                );
            }
            for n in 1..1000 {
                let steps = spacing(&sd15(), n).unwrap();
                assert_eq!(steps.len(), n);
                assert!((0..n).all(|k| steps.timestep(k) < 1000), "{n}");
                // Noise only falls; Karras levels may be told the networks as one timestep.
                assert!((0..n).all(|k| steps.alpha(k) < steps.alpha(k + 1)), "{n}");
            }
        }
    }

    #[test]
    fn spacings_reach_where_they_should() {
        let even = Steps::even(&sd15(), 10).unwrap();
        assert_eq!((even.timestep(0), even.timestep(9)), (999, 100));
        let ends = Steps::ends_included(&sd15(), 20).unwrap();
        assert_eq!((ends.timestep(0), ends.timestep(19)), (999, 0));
        assert!((ends.timesteps()[1] - 999.0 * 18.0 / 19.0).abs() < 1e-9);
        assert_eq!(Steps::ends_included(&sd15(), 1).unwrap().timestep(0), 999);
        let karras = Steps::karras(&sd15(), 10).unwrap();
        assert_eq!((karras.timestep(0), karras.timestep(9)), (999, 0));
        assert!((karras.sigma(0) - 14.6146).abs() < 1e-3);
        assert!(karras.lambda(10).is_infinite());
    }
}
