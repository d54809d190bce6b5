//! How much noise there is at each timestep, and what a network predicts of it.
//!
//! # Source
//! Ho et al., "Denoising diffusion probabilistic models"; the numbers are Stable Diffusion 1.5's.

pub use super::scheduler_config::SchedulerConfig;

/// More than any model has; a corrupt file must not ask for all memory.
const MAX_TIMESTEPS: usize = 100_000;

/// Why a scheduler configuration or a number of steps cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The model predicts something other than the noise or the velocity.
    #[error(
        "prediction type \"{0}\" is not supported; choose a model with \"epsilon\" or \"v_prediction\""
    )]
    PredictionType(String),
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

/// What a network predicts from noisy latents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prediction {
    /// The noise ε.
    Noise,
    /// `√ᾱ·ε − √(1−ᾱ)·x₀` (Salimans and Ho, "Progressive Distillation for Fast Sampling of Diffusion Models").
    Velocity,
}

/// The noise level at every timestep of training.
#[derive(Clone, Debug)]
pub struct NoiseSchedule {
    betas: Vec<f64>,
    alphas_cumprod: Vec<f64>,
    prediction: Prediction,
    steps_offset: usize,
    set_alpha_to_one: bool,
}

impl NoiseSchedule {
    /// Computes the tables, in double precision.
    ///
    /// # Errors
    /// Every [`ScheduleError`] but [`ScheduleError::Steps`].
    pub fn new(config: &SchedulerConfig) -> Result<Self, ScheduleError> {
        let prediction = match config.prediction_type.as_str() {
            "epsilon" => Prediction::Noise,
            "v_prediction" => Prediction::Velocity,
            other => return Err(ScheduleError::PredictionType(other.to_owned())),
        };
        if config.rescale_betas_zero_snr {
            return Err(ScheduleError::ZeroSnr);
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
            prediction,
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

    /// What the network predicts.
    #[must_use]
    pub fn prediction(&self) -> Prediction {
        self.prediction
    }

    /// The first timestep of "leading" runs.
    pub(super) fn steps_offset(&self) -> usize {
        self.steps_offset
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
        }
        assert!(
            (sd15().betas()[0] - 0.00085).abs() < 1e-15
                && (sd15().betas()[999] - 0.012).abs() < 1e-15
        );
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
            refuse(|c| c.prediction_type = "sample".into()),
            ScheduleError::PredictionType("sample".into())
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
            refuse(|c| c.rescale_betas_zero_snr = true),
            ScheduleError::ZeroSnr
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
