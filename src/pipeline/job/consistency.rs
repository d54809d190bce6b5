//! How frames are kept consistent, as flags and as what will run.

use serde::{Deserialize, Serialize};

/// Guidance between frames: a preset, and constraints taken out of it, named as in the paper.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[serde(default, rename_all = "kebab-case")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ConsistencySpec {
    /// How frames are kept consistent: full, light (without the spatial loss, the costliest part) or off.
    #[arg(
        long,
        value_enum,
        default_value_t = Preset::Full,
        help_heading = "Consistency"
    )]
    pub consistency: Preset,
    /// Do not average queries by likenesses within the source frame.
    #[arg(long, help_heading = "Consistency")]
    pub no_spatial_attention: bool,
    /// Let every frame attend to itself alone.
    #[arg(long, help_heading = "Consistency")]
    pub no_cross_frame_attention: bool,
    /// Do not attend along the paths of moving pixels.
    #[arg(long, help_heading = "Consistency")]
    pub no_temporal_attention: bool,
    /// Do not keep the likenesses within each source frame.
    #[arg(long, help_heading = "Consistency")]
    pub no_spatial_loss: bool,
    /// Do not pull features towards those that the flow says are the same.
    #[arg(long, help_heading = "Consistency")]
    pub no_temporal_loss: bool,
    /// Do not let the background take over what the frame before shows there.
    #[arg(long, help_heading = "Consistency")]
    pub no_background_smoothing: bool,
    /// Take the likenesses within each source frame without any words, in place of as the prompt makes the model see
    /// them.
    #[arg(long, help_heading = "Consistency")]
    // This and what follows is left out where it is off: what was made before there were these settings holds.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub plain_recording: bool,
    /// Do not pull the last frame of a batch and its first together where more than 90 % of the two is hidden from each
    /// other.
    #[arg(long, help_heading = "Consistency")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drop_unrelated_wrap: bool,
    /// Smooth pictures where there is background to take over, and leave the rest as it is, in place of passing all of
    /// every frame through the autoencoder again.
    #[arg(long, help_heading = "Consistency")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub smooth_background_only: bool,
}

/// A choice of constraints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// All constraints.
    #[default]
    Full,
    /// All but the spatial loss.
    Light,
    /// None: frames share noise and anchors only.
    Off,
}

/// FRESCO's constraints, each on or off, and how those that are on work; what would change nothing is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a constraint of its own"
)]
pub struct Consistency {
    /// Queries averaged by likenesses within the source frame.
    pub spatial_attention: bool,
    /// All frames attend to one set of tokens.
    pub cross_frame_attention: bool,
    /// Attention along the paths of pixels.
    pub temporal_attention: bool,
    /// Features keep the likenesses within each source frame.
    pub spatial_loss: bool,
    /// Features keep to the flow.
    pub temporal_loss: bool,
    /// The background takes over what the frame before shows there, in features and in two late pictures.
    pub background_smoothing: bool,
    /// The source is recorded with the empty prompt in place of the target's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plain_recording: bool,
    /// Nothing is pulled from a batch's last frame to its first, or back, if hardly anything is seen in both.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drop_unrelated_wrap: bool,
    /// Of smoothed pictures, latents take over only what was smoothed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub smooth_background_only: bool,
}

impl Consistency {
    /// Whether no constraint is on.
    #[must_use]
    pub fn is_off(&self) -> bool {
        let attends =
            self.spatial_attention || self.cross_frame_attention || self.temporal_attention;
        !(attends || self.spatial_loss || self.temporal_loss || self.background_smoothing)
    }

    /// Whether anything is recorded of the source frames.
    #[must_use]
    pub fn records(&self) -> bool {
        self.spatial_attention || self.spatial_loss
    }

    /// Whether anything joins the last frame of a batch to its first.
    #[must_use]
    pub fn wraps(&self) -> bool {
        self.temporal_loss || self.background_smoothing
    }
}

impl From<&ConsistencySpec> for Consistency {
    fn from(spec: &ConsistencySpec) -> Self {
        let on = spec.consistency != Preset::Off;
        let constraints = Self {
            spatial_attention: on && !spec.no_spatial_attention,
            cross_frame_attention: on && !spec.no_cross_frame_attention,
            temporal_attention: on && !spec.no_temporal_attention,
            spatial_loss: spec.consistency == Preset::Full && !spec.no_spatial_loss,
            temporal_loss: on && !spec.no_temporal_loss,
            background_smoothing: on && !spec.no_background_smoothing,
            plain_recording: false,
            drop_unrelated_wrap: false,
            smooth_background_only: false,
        };
        Self {
            plain_recording: spec.plain_recording && constraints.records(),
            drop_unrelated_wrap: spec.drop_unrelated_wrap && constraints.wraps(),
            smooth_background_only: spec.smooth_background_only && constraints.background_smoothing,
            ..constraints
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_what_they_say() {
        let of = |consistency| {
            Consistency::from(&ConsistencySpec {
                consistency,
                ..ConsistencySpec::default()
            })
        };
        assert!(of(Preset::Off).is_off());
        let (full, light) = (of(Preset::Full), of(Preset::Light));
        assert!(full.spatial_loss && full.temporal_loss && full.cross_frame_attention);
        assert_eq!(
            light,
            Consistency {
                spatial_loss: false,
                ..full
            }
        );
        let spec = ConsistencySpec {
            no_temporal_attention: true,
            ..ConsistencySpec::default()
        };
        assert_eq!(
            Consistency::from(&spec),
            Consistency {
                temporal_attention: false,
                ..full
            }
        );
    }

    /// Keys of finished work are made from it: what changes nothing makes no other key.
    #[test]
    fn a_way_of_working_is_off_without_the_constraint_that_works_so() {
        let of = |change: fn(&mut ConsistencySpec)| {
            let mut spec = ConsistencySpec {
                plain_recording: true,
                drop_unrelated_wrap: true,
                smooth_background_only: true,
                ..ConsistencySpec::default()
            };
            change(&mut spec);
            let Consistency {
                plain_recording,
                drop_unrelated_wrap,
                smooth_background_only,
                ..
            } = Consistency::from(&spec);
            [plain_recording, drop_unrelated_wrap, smooth_background_only]
        };
        assert_eq!(of(|_| ()), [true; 3]);
        assert_eq!(of(|spec| spec.consistency = Preset::Off), [false; 3]);
        assert_eq!(of(|spec| spec.consistency = Preset::Light), [true; 3]);
        let light = of(|spec| {
            spec.consistency = Preset::Light;
            spec.no_spatial_attention = true;
        });
        assert_eq!(light, [false, true, true]);
        assert_eq!(of(|spec| spec.no_temporal_loss = true), [true; 3]);
        let calm = of(|spec| spec.no_background_smoothing = true);
        assert_eq!(calm, [true, true, false]);
        let unpulled = of(|spec| {
            (spec.no_background_smoothing, spec.no_temporal_loss) = (true, true);
        });
        assert_eq!(unpulled, [true, false, false]);
    }
}
