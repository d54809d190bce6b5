//! The paper's contribution: guidance of an image diffusion model so that a batch of frames becomes one video.
//!
//! One idea a file. [`Correspondence`] is computed from the input frames of a batch; a [`Recorder`] watches the U-Net look
//! at them; then [`FrescoGuide`] steps into each denoising step as [`schedule()`] says.
//!
//! # Source
//! Yang et al., "FRESCO: spatial-temporal correspondence for zero-shot video translation", CVPR 2024.

pub mod adain;
pub mod background;
pub mod correspondence;
pub mod cross_frame_attention;
pub mod guide;
pub mod optimize;
pub mod paths;
pub mod schedule;
pub mod spatial_attention;
pub mod spatial_loss;
pub mod temporal_attention;
pub mod temporal_loss;
pub mod wrap;

pub use background::{BackgroundFusion, background_weight};
pub use correspondence::Correspondence;
pub use guide::{FrescoGuide, GuideConfig, Recorder, Reference};
pub use schedule::{ScheduleConfig, StepGuidance, schedule};
pub use wrap::without_unrelated_wrap;

/// Factor on the scores of spatial- and temporal-guided attention: they average over more tokens than ordinary attention.
const SCORE_SCALE: f32 = 0.2;
