//! How much noise there is at each timestep, and which timesteps a run visits.
//!
//! # Source
//! Ho et al., "Denoising diffusion probabilistic models"; the numbers and the "leading" spacing are Stable Diffusion 1.5's.

pub use super::scheduler_config::SchedulerConfig;

/// More than any model has; a corrupt file must not ask for all memory.
const MAX_TIMESTEPS: usize = 100_000;

/// Why a scheduler configuration or a number of steps cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The model predicts something other than the noise.
    #[error("prediction type \"{0}\" is not supported; choose a model with \"epsilon\"")]
    PredictionType(String),
    /// Timesteps are spaced in another way.
    #[error("timestep spacing \"{0}\" is not supported; choose a model with \"leading\"")]
    Spacing(String),
    /// Betas grow in another way.
    #[error(
        "beta schedule \"{0}\" is not supported; choose a model with \"scaled_linear\" or \"linear\""
    )]
    BetaSchedule(String),
    /// The last timestep is pure noise, from which a prediction of the noise tells nothing.
    #[error("a schedule rescaled to zero terminal SNR is not supported; choose a model without")]
    ZeroSnr,
    /// The configuration's numbers give no schedule.
    #[error("scheduler config has {field} out of range; fetch the model's scheduler folder again")]
    OutOfRange {
        /// The field's name in `scheduler_config.json`.
        field: &'static str,
    },
    /// No step, or more steps than the model was trained with timesteps.
    #[error("{steps} steps do not fit a schedule of {trained} timesteps; choose 1 to {most}")]
    Steps {
        /// What was asked for.
        steps: usize,
        /// Timesteps of the model.
        trained: usize,
        /// The most steps that fit.
        most: usize,
    },
}

/// The noise level at every timestep of training.
#[derive(Clone, Debug)]
pub struct NoiseSchedule {
    betas: Vec<f64>,
    alphas_cumprod: Vec<f64>,
    steps_offset: usize,
    set_alpha_to_one: bool,
}

impl NoiseSchedule {
    /// Computes the tables, in double precision.
    ///
    /// # Errors
    /// Every [`ScheduleError`] but [`ScheduleError::Steps`].
    pub fn new(config: &SchedulerConfig) -> Result<Self, ScheduleError> {
        if config.prediction_type != "epsilon" {
            return Err(ScheduleError::PredictionType(
                config.prediction_type.clone(),
            ));
        }
        if config.timestep_spacing != "leading" {
            return Err(ScheduleError::Spacing(config.timestep_spacing.clone()));
        }
        if config.rescale_betas_zero_snr {
            return Err(ScheduleError::OutOfRange {
                field: "rescale_betas_zero_snr",
            });
        }
        let betas = betas(config)?;
        let mut product = 1.0;
        let alphas_cumprod = betas
            .iter()
            .map(|beta| {
                product *= 1.0 - beta;
                product
            })
            .collect();
        let (steps_offset, set_alpha_to_one) = (config.steps_offset, config.set_alpha_to_one);
        Ok(Self {
            betas,
            alphas_cumprod,
            steps_offset,
            set_alpha_to_one,
        })
    }

    /// Variance added at each timestep.
    #[must_use]
    pub fn betas(&self) -> &[f64] {
        &self.betas
    }

    /// ᾱ: the share of the signal's variance that is left at each timestep.
    #[must_use]
    pub fn alphas_cumprod(&self) -> &[f64] {
        &self.alphas_cumprod
    }

    /// Factors of forward noising to timestep `t`: `x_t = signal·x₀ + noise·z`, as (signal, noise).
    ///
    /// # Panics
    /// If `t` is no timestep of this schedule.
    #[must_use]
    pub fn noising(&self, t: usize) -> (f64, f64) {
        let alpha = self.alphas_cumprod[t];
        (alpha.sqrt(), (1.0 - alpha).sqrt())
    }

    /// The timesteps that a run of `steps` visits, in order: `t_k = (steps − 1 − k)·stride + offset`.
    ///
    /// # Errors
    /// [`ScheduleError::Steps`] for none, or for more than fit.
    pub fn timesteps(&self, steps: usize) -> Result<Timesteps, ScheduleError> {
        let trained = self.betas.len();
        // The largest timestep is a multiple of the stride and the offset, and must have a place in the tables.
        let fits = |steps: usize| (steps - 1) * (trained / steps) + self.steps_offset < trained;
        if steps == 0 || steps > trained || !fits(steps) {
            let most = (1..=trained).rev().find(|n| fits(*n)).unwrap_or(0);
            return Err(ScheduleError::Steps {
                steps,
                trained,
                most,
            });
        }
        let stride = trained / steps;
        let values = (0..steps)
            .rev()
            .map(|k| k * stride + self.steps_offset)
            .collect();
        Ok(Timesteps { values, stride })
    }

    /// ᾱ that DDIM's last step arrives at.
    pub(super) fn final_alpha(&self) -> f64 {
        if self.set_alpha_to_one {
            1.0
        } else {
            self.alphas_cumprod[0]
        }
    }
}

fn betas(config: &SchedulerConfig) -> Result<Vec<f64>, ScheduleError> {
    let (start, end, n) = (
        config.beta_start,
        config.beta_end,
        config.num_train_timesteps,
    );
    let check = |fits: bool, field| {
        if fits {
            Ok(())
        } else {
            Err(ScheduleError::OutOfRange { field })
        }
    };
    let is_beta = |beta: f64| beta > 0.0 && beta < 1.0;
    check(is_beta(start), "beta_start")?;
    check(is_beta(end), "beta_end")?;
    check((1..=MAX_TIMESTEPS).contains(&n), "num_train_timesteps")?;
    check(config.steps_offset < n, "steps_offset")?;
    let line = |from: f64, to: f64| {
        let step = if n > 1 {
            (to - from) / (n - 1) as f64
        } else {
            0.0
        };
        (0..n).map(move |j| from + step * j as f64)
    };
    match (&config.trained_betas, config.beta_schedule.as_str()) {
        (Some(betas), _) => {
            check(
                betas.len() == n && betas.iter().all(|b| is_beta(*b)),
                "trained_betas",
            )?;
            Ok(betas.clone())
        }
        (None, "scaled_linear") => Ok(line(start.sqrt(), end.sqrt())
            .map(|root| root * root)
            .collect()),
        (None, "linear") => Ok(line(start, end).collect()),
        (None, other) => Err(ScheduleError::BetaSchedule(other.to_owned())),
    }
}

/// The timesteps of one run, from noisy to clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timesteps {
    values: Vec<usize>,
    stride: usize,
}

impl Timesteps {
    /// Timestep of each step.
    #[must_use]
    pub fn as_slice(&self) -> &[usize] {
        &self.values
    }

    /// The timestep that step `k` arrives at; none if that is the clean latent.
    ///
    /// # Panics
    /// If there is no step `k`.
    #[must_use]
    pub fn arrival(&self, k: usize) -> Option<usize> {
        self.values[k].checked_sub(self.stride)
    }
}

/// What becomes of a fraction of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepRounding {
    /// The nearest whole number.
    Nearest,
    /// It is dropped, and with it a whole step where a sum falls just short of it.
    Down,
}

/// How many steps a run of `steps` leaves out, so that it changes its input by `strength` (0 to 1, clamped).
///
/// Any strength above 0 leaves at least one step to run; strength 0 leaves none.
#[must_use]
pub fn warmup_steps(steps: usize, strength: f64, rounding: StepRounding) -> usize {
    let strength = strength.clamp(0.0, 1.0);
    let skipped = steps as f64 * (1.0 - strength);
    let skipped = match rounding {
        StepRounding::Nearest => skipped.round() as usize,
        StepRounding::Down => skipped as usize,
    };
    if strength > 0.0 {
        skipped.min(steps.saturating_sub(1))
    } else {
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sd15() -> NoiseSchedule {
        NoiseSchedule::new(&SchedulerConfig::default()).unwrap()
    }

    #[test]
    fn the_tables_are_those_of_stable_diffusion() {
        let want = [
            (1, 0.998_296_03),
            (51, 0.950_524_32),
            (101, 0.892_980_54),
            (151, 0.826_399_25),
            (351, 0.504_818_56),
            (701, 0.081_916_71),
            (951, 0.008_155_00),
        ];
        for (t, alpha) in want {
            assert!((sd15().alphas_cumprod()[t] - alpha).abs() < 2e-7, "t = {t}");
            let (signal, noise) = sd15().noising(t);
            assert!(
                (signal * signal - alpha).abs() < 2e-7 && (signal.hypot(noise) - 1.0).abs() < 1e-12
            );
        }
        assert!(
            (sd15().betas()[0] - 0.00085).abs() < 1e-15
                && (sd15().betas()[999] - 0.012).abs() < 1e-15
        );
    }

    #[test]
    fn timesteps_lead() {
        let timesteps = sd15().timesteps(20).unwrap();
        let want: Vec<usize> = (0..20).rev().map(|k| 50 * k + 1).collect();
        assert_eq!(timesteps.as_slice(), want);
        assert_eq!(
            (timesteps.arrival(0), timesteps.arrival(19)),
            (Some(901), None)
        );
        assert_eq!(sd15().timesteps(13).unwrap().as_slice()[..2], [913, 837]);
    }

    #[test]
    fn steps_that_do_not_fit_are_refused() {
        let error = |steps| sd15().timesteps(steps).unwrap_err();
        assert_eq!(
            error(1000),
            ScheduleError::Steps {
                steps: 1000,
                trained: 1000,
                most: 999
            }
        );
        assert!(matches!(error(0), ScheduleError::Steps { .. }));
        assert!(matches!(error(1001), ScheduleError::Steps { .. }));
        for steps in 1..1000 {
            let timesteps = sd15().timesteps(steps).unwrap();
            assert!(timesteps.as_slice().iter().all(|t| *t < 1000), "{steps}");
        }
    }

    #[test]
    fn betas_may_be_linear() {
        let config = SchedulerConfig {
            beta_start: 0.001,
            beta_schedule: "linear".into(),
            ..SchedulerConfig::default()
        };
        let schedule = NoiseSchedule::new(&config).unwrap();
        assert!((schedule.betas()[500] - 0.006_505_5).abs() < 1e-7);
    }

    #[test]
    fn unsupported_configs_are_refused() {
        let refuse = |change: fn(&mut SchedulerConfig)| {
            let mut config = SchedulerConfig::default();
            change(&mut config);
            NoiseSchedule::new(&config).unwrap_err()
        };
        assert_eq!(
            refuse(|c| c.prediction_type = "v_prediction".into()),
            ScheduleError::PredictionType("v_prediction".into())
        );
        assert_eq!(
            refuse(|c| c.timestep_spacing = "trailing".into()),
            ScheduleError::Spacing("trailing".into())
        );
        assert_eq!(
            refuse(|c| c.beta_schedule = "cosine".into()),
            ScheduleError::BetaSchedule("cosine".into())
        );
        let field = |change| match refuse(change) {
            ScheduleError::OutOfRange { field } => field,
            other => panic!("{other}"),
        };
        assert_eq!(field(|c| c.beta_start = -1.0), "beta_start");
        assert_eq!(field(|c| c.beta_end = f64::NAN), "beta_end");
        assert_eq!(
            field(|c| c.trained_betas = Some(vec![0.5, 1.0])),
            "trained_betas"
        );
        assert_eq!(field(|c| c.num_train_timesteps = 0), "num_train_timesteps");
        assert_eq!(field(|c| c.steps_offset = 1000), "steps_offset");
        assert_eq!(
            field(|c| c.rescale_betas_zero_snr = true),
            "rescale_betas_zero_snr"
        );
    }

    #[test]
    fn strength_leaves_steps_out() {
        let want = [
            (0.75, 5),
            (0.9, 2),
            (1.0, 0),
            (1.05, 0),
            (0.6, 8),
            (0.01, 19),
            (1e-9, 19),
            (0.0, 20),
            (-1.0, 20),
        ];
        for (strength, skipped) in want {
            let found = warmup_steps(20, strength, StepRounding::Nearest);
            assert_eq!(found, skipped, "strength {strength}");
        }
        for rounding in [StepRounding::Nearest, StepRounding::Down] {
            let found = (
                warmup_steps(1, 0.1, rounding),
                warmup_steps(0, 1.0, rounding),
            );
            assert_eq!(found, (0, 0));
        }
    }
}
