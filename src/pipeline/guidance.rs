//! What guides the denoising of a batch: FRESCO's correspondences of its source frames, or nothing.

use burn::tensor::TensorData;

use super::denoise::Sampling;
use super::engine::Denoiser;
use super::error::Error;
use super::job::{Compat, Consistency};
use crate::diffusion::noise::{Noise, NoiseStream};
use crate::diffusion::sdedit::noised;
use crate::flow::FlowEstimator;
use crate::frame::Frame;
use crate::fresco::optimize::OptimizerConfig;
use crate::fresco::schedule::{Attentions, ScheduleConfig, Step, schedule};
use crate::fresco::{Correspondence, FrescoGuide, GuideConfig, Recorder, Reference};
use crate::models::unet::{NoHook, UNetHook};
use crate::tensor::Tensor;
use crate::tensor::image::signed_from_frames;

/// What a batch's guide needs, computed once before its first step.
pub struct BatchGuidance {
    correspondence: Correspondence,
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

impl Guide<'_> {
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
}

impl BatchGuidance {
    /// Finds the correspondences of a batch and shows its source frames to the U-Net; nothing if all guidance is off.
    ///
    /// # Shapes
    /// `source` `[n, 4, h, w]`, the frames' clean latents; `text` `[2n, tokens, width]`.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if the flow is.
    pub fn new(
        (consistency, compat): (Consistency, Option<Compat>),
        frames: &[Frame],
        (source, text): (&Tensor<4>, &Tensor<3>),
        (denoiser, sampling): (&Denoiser, &Sampling),
    ) -> Result<Option<Self>, Error> {
        if consistency.is_off() || sampling.executed_steps() == 0 {
            return Ok(None);
        }
        let device = source.device();
        let ring = FlowEstimator::default().estimate(frames, &device);
        let pictures = signed_from_frames(&frames.iter().collect::<Vec<_>>(), &device);
        let correspondence = Correspondence::new(&pictures, &ring, None)?;
        let config = guide_config(consistency, compat);
        let mut recorder = Recorder::new(&correspondence, &config);
        record(&mut recorder, source, text, (denoiser, sampling));
        let reference = recorder.finish();
        let schedule = ScheduleConfig {
            attentions: Attentions {
                spatial: consistency.spatial_attention,
                cross_frame: consistency.cross_frame_attention,
                temporal: consistency.temporal_attention,
            },
            ..ScheduleConfig::of_steps(sampling.timesteps.as_slice().len())
        };
        Ok(Some(Self {
            correspondence,
            reference,
            config,
            schedule,
        }))
    }

    /// A guide for one pass through the steps.
    #[must_use]
    pub fn guide(guidance: Option<&Self>) -> Guide<'_> {
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
        Guide::Fresco(guide, rules)
    }
}

fn guide_config(consistency: Consistency, compat: Option<Compat>) -> GuideConfig {
    let optimizer = match compat {
        Some(Compat::Reference) => OptimizerConfig::REFERENCE,
        None => OptimizerConfig {
            adain_style_epsilon: ADAIN_EPSILON,
            ..OptimizerConfig::REFERENCE
        },
    };
    GuideConfig {
        optimizer,
        spatial_loss: consistency.spatial_loss,
        temporal_loss: consistency.temporal_loss,
        ..GuideConfig::default()
    }
}

/// The reference adds 1 by a slip, which raises the contrast of quiet channels at every step.
const ADAIN_EPSILON: f64 = 1e-5;

/// Shows the nearly noiseless source frames, with the target prompt and without control, to the U-Net.
fn record(
    recorder: &mut Recorder<'_>,
    source: &Tensor<4>,
    text: &Tensor<3>,
    (denoiser, sampling): (&Denoiser, &Sampling),
) {
    let shape = source.dims();
    let drawn = Noise::new(NoiseStream::Init, sampling.seed).draw(shape.iter().product());
    let noise = Tensor::from_data(TensorData::new(drawn, shape), &source.device());
    let steps = sampling.timesteps.as_slice();
    let t = steps[steps.len() - 1];
    let x = noised(source.clone(), noise, &denoiser.schedule, t);
    let latents = Tensor::cat(vec![x.clone(), x], 0).cast(denoiser.dtype);
    let text = text.clone().cast(denoiser.dtype);
    let _ = denoiser.unet.forward(latents, t, &text, None, recorder);
}
