//! Which guidance is on in a step: one pure function, valid for any number of steps.
//!
//! # Source
//! FRESCO's reference implementation, whose rules for 20 steps are stated here as shares of all steps.

/// What a job wants guided, and how long.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleConfig {
    /// Attentions that may be on.
    pub attentions: Attentions,
    /// Executed steps with spatial-guided attention.
    pub spatial_attention_steps: usize,
    /// Temporal-guided attention is on down to this timestep.
    pub temporal_attention_timestep: usize,
    /// Steps before this one optimise features.
    pub optimised_before: usize,
    /// Steps that smooth the background of the decoded picture.
    pub smoothed_steps: Vec<usize>,
}

/// The three guided attentions, each on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attentions {
    /// Queries averaged by the input frame's own likeness.
    pub spatial: bool,
    /// All frames attend to one set of tokens.
    pub cross_frame: bool,
    /// Tokens attend along their paths.
    pub temporal: bool,
}

/// A step of the denoising loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Its number among all steps of the schedule.
    pub k: usize,
    /// Its number among those that run.
    pub executed: usize,
    /// Its timestep.
    pub timestep: usize,
}

/// What guides one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepGuidance {
    /// Attentions that are on.
    pub attentions: Attentions,
    /// Whether decoder features are optimised and their background fused.
    pub features: bool,
    /// Whether the background of the decoded picture is smoothed.
    pub pixels: bool,
}

impl ScheduleConfig {
    /// The reference's rules, scaled to `n_steps` steps: features in the first three quarters, pixels at 80 % and 85 %.
    #[must_use]
    pub fn of_steps(n_steps: usize) -> Self {
        let at = |twentieths: usize| (n_steps * twentieths / 20).min(n_steps.saturating_sub(1));
        let mut smoothed_steps = vec![at(16), at(17)];
        smoothed_steps.dedup();
        Self {
            attentions: Attentions {
                spatial: true,
                cross_frame: true,
                temporal: true,
            },
            spatial_attention_steps: 1,
            temporal_attention_timestep: 350,
            optimised_before: n_steps * 3 / 4,
            smoothed_steps,
        }
    }
}

/// What guides this step.
#[must_use]
pub fn schedule(step: Step, config: &ScheduleConfig) -> StepGuidance {
    let allowed = config.attentions;
    StepGuidance {
        attentions: Attentions {
            spatial: allowed.spatial && step.executed < config.spatial_attention_steps,
            cross_frame: allowed.cross_frame,
            temporal: allowed.temporal && step.timestep >= config.temporal_attention_timestep,
        },
        features: step.k < config.optimised_before,
        pixels: config.smoothed_steps.contains(&step.k),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_steps_are_the_reference() {
        let config = ScheduleConfig::of_steps(20);
        let warmup = 5;
        let of = |k: usize| {
            let step = Step {
                k,
                executed: k - warmup,
                timestep: (19 - k) * 50 + 1,
            };
            schedule(step, &config)
        };
        let steps = |is_on: fn(StepGuidance) -> bool| {
            (warmup..20).filter(|&k| is_on(of(k))).collect::<Vec<_>>()
        };
        assert_eq!(steps(|g| g.attentions.spatial), [5]);
        assert_eq!(steps(|g| g.attentions.cross_frame).len(), 15);
        assert_eq!(steps(|g| g.attentions.temporal).last(), Some(&12));
        assert_eq!(steps(|g| g.features).last(), Some(&14));
        assert_eq!(steps(|g| g.pixels), [16, 17]);
    }

    #[test]
    fn any_number_of_steps_has_its_smoothing_within() {
        assert_eq!(ScheduleConfig::of_steps(1).smoothed_steps, [0]);
        assert_eq!(ScheduleConfig::of_steps(4).smoothed_steps, [3]);
        assert_eq!(ScheduleConfig::of_steps(10).smoothed_steps, [8]);
        assert_eq!(ScheduleConfig::of_steps(100).smoothed_steps, [80, 85]);
        for n in 0..200 {
            let config = ScheduleConfig::of_steps(n);
            assert!(
                n == 0 || config.smoothed_steps.iter().all(|&k| k < n),
                "{n}"
            );
            assert!(config.optimised_before <= n, "{n}");
        }
    }
}
