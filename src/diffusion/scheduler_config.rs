//! What a model's `scheduler_config.json` says about its noise schedule.

use serde::{Deserialize, Serialize};

/// A model's `scheduler_config.json`, by its published names; what is absent is as in Stable Diffusion 1.5.
///
/// Clipping and thresholding are not among them: latents are never clipped. Nor is the spacing of timesteps, which is a
/// matter of the sampler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SchedulerConfig {
    /// Timesteps that the model was trained with.
    pub num_train_timesteps: usize,
    /// Variance added at the first timestep.
    pub beta_start: f64,
    /// Variance added at the last timestep.
    pub beta_end: f64,
    /// How betas grow in between: `scaled_linear` or `linear`.
    pub beta_schedule: String,
    /// All betas, where they follow no rule.
    pub trained_betas: Option<Vec<f64>>,
    /// Added to every timestep of a "leading" run.
    pub steps_offset: usize,
    /// What the model predicts: `epsilon` or `v_prediction`.
    pub prediction_type: String,
    /// Whether the last DDIM step arrives at ᾱ = 1 and not at ᾱ₀.
    pub set_alpha_to_one: bool,
    /// Whether betas were rescaled so that the last timestep is pure noise.
    pub rescale_betas_zero_snr: bool,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            num_train_timesteps: 1000,
            beta_start: 0.00085,
            beta_end: 0.012,
            beta_schedule: "scaled_linear".to_owned(),
            trained_betas: None,
            steps_offset: 1,
            prediction_type: "epsilon".to_owned(),
            set_alpha_to_one: false,
            rescale_betas_zero_snr: false,
        }
    }
}

impl SchedulerConfig {
    /// Reads the contents of a `scheduler_config.json`.
    ///
    /// Published files may hold `-Infinity`, which is no JSON but what Python writes, in fields of other samplers.
    ///
    /// # Errors
    /// If they are neither JSON nor this, or a field has another type.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        // A value stands behind a colon: names that contain the word are left alone.
        let constants = [
            ":-Infinity",
            ": -Infinity",
            ":Infinity",
            ": Infinity",
            ":NaN",
            ": NaN",
        ];
        let text = String::from_utf8_lossy(bytes).into_owned();
        let json = constants
            .iter()
            .fold(text, |text, word| text.replace(word, ": null"));
        serde_json::from_str(&json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configs_are_read_by_published_names() {
        let text = r#"{"_class_name": "PNDMScheduler", "beta_start": 0.001, "beta_schedule": "linear", "trained_betas": null,
            "lambda_min_clipped": -Infinity, "NaN":NaN}"#;
        let config = SchedulerConfig::from_json(text.as_bytes()).unwrap();
        let want = SchedulerConfig {
            beta_start: 0.001,
            beta_schedule: "linear".into(),
            ..SchedulerConfig::default()
        };
        assert_eq!(config, want);
    }
}
