//! What guides the denoising of a batch: FRESCO's correspondences of its source frames, or nothing.

use super::conditions::drawn;
use super::denoise::Sampling;
use super::engine::Denoiser;
use super::error::Error;
use super::helpers::Helpers;
use super::job::Consistency;
use crate::diffusion::noise::{Noise, NoiseStream};
use crate::diffusion::sdedit::noised_in;
use crate::frame::Frame;
use crate::fresco::guide::Checkpoint;
use crate::fresco::optimize::OptimizerConfig;
use crate::fresco::schedule::{Attentions, ScheduleConfig, Step, schedule};
use crate::fresco::{
    BackgroundFusion, Correspondence, FrescoGuide, GuideConfig, Recorder, Reference,
    background_weight, without_unrelated_wrap,
};
use crate::models::unet::{NoHook, UNetHook};
use crate::tensor::image::signed_from_frames;
use crate::tensor::{Device, Tensor};

/// At which timestep the source is shown to the U-Net, whatever timesteps the sampler visits: nearly without noise.
const REFERENCE_TIMESTEP: usize = 1;

/// What a batch's guide needs, computed once before its first step.
pub struct BatchGuidance<'a> {
    correspondence: &'a Correspondence,
    reference: Reference,
    config: GuideConfig,
    schedule: ScheduleConfig,
}

/// A guide at work.
pub enum Guide<'a> {
    /// Plain Stable Diffusion.
    Off(NoHook),
    /// Guidance that changes from step to step.
    Fresco(FrescoGuide<'a>, &'a ScheduleConfig),
}

impl<'a> Guide<'a> {
    /// Sets what guides the evaluations of this step.
    pub fn begin_step(&mut self, step: Step) {
        if let Self::Fresco(guide, config) = self {
            guide.begin_step(schedule(step, config));
        }
    }

    /// What the U-Net calls.
    pub fn hook(&mut self) -> &mut dyn UNetHook {
        match self {
            Self::Off(hook) => hook,
            Self::Fresco(guide, _) => guide,
        }
    }

    /// What smooths the background of the decoded picture in this step, if anything does.
    #[must_use]
    pub fn picture_fusion(&self) -> Option<&'a BackgroundFusion> {
        match self {
            Self::Off(_) => None,
            Self::Fresco(guide, _) => guide.picture_fusion(),
        }
    }

    /// Whether the job was told to stop in the middle of an evaluation, whose result is then of no use.
    #[must_use]
    pub fn was_stopped(&self) -> bool {
        match self {
            Self::Off(_) => false,
            Self::Fresco(guide, _) => guide.was_stopped(),
        }
    }
}

/// The correspondences of a batch of source frames. They depend on nothing that is denoised.
///
/// # Errors
/// [`Error::Values`] if flow or masks are no numbers, [`Error::Model`] if a network's weights can no longer be used.
pub fn correspond(
    consistency: Consistency,
    helpers: &Helpers,
    frames: &[Frame],
    device: &Device,
) -> Result<Correspondence, Error> {
    let mut ring = helpers.flow.estimate(frames, device);
    if consistency.drop_unrelated_wrap {
        ring = without_unrelated_wrap(ring)?;
    }
    let pictures = signed_from_frames(&frames.iter().collect::<Vec<_>>(), device);
    let background = if consistency.background_smoothing {
        let masks = helpers.saliency(device)?.masks(frames, device)?;
        Some(background_weight(&masks))
    } else {
        None
    };
    Ok(Correspondence::new(&pictures, &ring, background.as_ref())?)
}

impl<'a> BatchGuidance<'a> {
    /// Shows the source frames of a batch to the U-Net, as far as guidance wants to know what it makes of them.
    /// `style_epsilon` is of the AdaIN after the optimisation of features.
    ///
    /// # Shapes
    /// `source` `[n, 4, h, w]`, a sample of the frames' clean latents; `text` `[2n, tokens, width]`, what they are shown
    /// with.
    #[must_use]
    pub fn new(
        (consistency, style_epsilon): (Consistency, f64),
        correspondence: &'a Correspondence,
        (source, text): (&Tensor<4>, &Tensor<3>),
        (denoiser, sampling): (&Denoiser, &Sampling),
    ) -> Self {
        let config = guide_config(consistency, style_epsilon);
        let mut recorder = Recorder::new(correspondence, &config);
        if consistency.records() {
            record(&mut recorder, source, text, (denoiser, sampling));
        }
        let reference = recorder.finish();
        let schedule = ScheduleConfig {
            attentions: Attentions {
                spatial: consistency.spatial_attention,
                cross_frame: consistency.cross_frame_attention,
                temporal: consistency.temporal_attention,
            },
            ..ScheduleConfig::of_steps(sampling.steps.len())
        };
        Self {
            correspondence,
            reference,
            config,
            schedule,
        }
    }

    /// A guide for one pass through the steps.
    #[must_use]
    pub fn guide<'b>(guidance: Option<&'b Self>, checkpoint: &'b Checkpoint<'b>) -> Guide<'b> {
        let Some(Self {
            correspondence,
            reference,
            config,
            schedule: rules,
        }) = guidance
        else {
            return Guide::Off(NoHook);
        };
        let first = schedule(Step::default(), rules);
        let guide = FrescoGuide::new(correspondence, reference, config, first);
        Guide::Fresco(guide.with_checkpoint(checkpoint), rules)
    }
}

fn guide_config(consistency: Consistency, adain_style_epsilon: f64) -> GuideConfig {
    GuideConfig {
        optimizer: OptimizerConfig {
            adain_style_epsilon,
            ..OptimizerConfig::REFERENCE
        },
        spatial_attention: consistency.spatial_attention,
        spatial_loss: consistency.spatial_loss,
        temporal_loss: consistency.temporal_loss,
        ..GuideConfig::default()
    }
}

/// Shows the nearly noiseless source frames, without control, to the U-Net.
fn record(
    recorder: &mut Recorder<'_>,
    source: &Tensor<4>,
    text: &Tensor<3>,
    (denoiser, sampling): (&Denoiser, &Sampling),
) {
    let mut noise = Noise::new(NoiseStream::Init, sampling.seed);
    let noise = drawn(&mut noise, source.dims(), &source.device());
    let alphas = denoiser.schedule.alphas_cumprod();
    let t = REFERENCE_TIMESTEP.min(alphas.len() - 1);
    let x = noised_in(sampling.noising, source.clone(), noise, alphas[t]);
    let latents = Tensor::cat(vec![x.clone(), x], 0).cast(denoiser.dtype);
    let text = text.clone().cast(denoiser.dtype);
    let _ = denoiser.unet.forward(latents, t, &text, None, recorder);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::job::ConsistencySpec;

    #[test]
    fn the_choice_of_an_epsilon_reaches_the_optimiser() {
        let consistency = Consistency::from(&ConsistencySpec::default());
        let config = guide_config(consistency, 0.25);
        assert!((config.optimizer.adain_style_epsilon - 0.25).abs() < 1e-12);
        assert_eq!(guide_config(consistency, 1.0), GuideConfig::default());
    }
}
