//! One batch: conditions, denoising, pictures, and a look at them before they count.

use std::sync::Arc;

use super::anchors::Anchors;
use super::conditions::{PromptStates, decode, source_latents};
use super::control::ControlSource;
use super::denoise::{BatchInput, Sampling, denoise};
use super::engine::{Denoiser, Engine, ModelFolders};
use super::error::Error;
use super::guidance::BatchGuidance;
use super::job::{Job, SamplingSettings, Start};
use super::observer::{Observer, Warning};
use super::verify::fell_flat;
use crate::diffusion::noise_schedule::warmup_steps;
use crate::frame::{Frame, FrameIdx};
use crate::tensor::{FloatDType, OpenDevice, Tensor};

/// What all batches of a job share.
pub struct BatchContext<'a> {
    /// The job.
    pub job: &'a Job,
    /// Where its networks are.
    pub folders: ModelFolders,
    /// Where they run.
    pub device: OpenDevice,
    /// Embedded prompts.
    pub prompts: PromptStates,
    /// What the `ControlNets` look at.
    pub control: ControlSource,
    /// Who listens.
    pub observer: &'a dyn Observer,
}

/// The frames of one batch, anchors first.
pub struct BatchFrames<'a> {
    /// Their places in the video.
    pub frames: Vec<FrameIdx>,
    /// Their pictures at the working size.
    pub sources: Vec<Frame>,
    /// Latents of the first two, if they are anchors.
    pub anchors: Option<&'a Anchors>,
}

/// A translated batch: a picture for each frame, and what the next batch restores, if any step ran.
pub type Translated = (Vec<Frame>, Option<Anchors>);

/// Steps that a job does not run, because its start is less noisy.
#[must_use]
pub fn skipped_steps(settings: &SamplingSettings) -> usize {
    match settings.start {
        Start::Noise => 0,
        Start::Source(strength) => warmup_steps(settings.steps, f64::from(strength)),
    }
}

impl BatchContext<'_> {
    /// Translates one batch. If it comes out broken in half precision it is repeated in full precision.
    /// `after_step` is told how many steps are done.
    ///
    /// # Errors
    /// [`Error::NotFinite`] or [`Error::FellFlat`] for a batch that is broken in full precision too,
    /// [`Error::Cancelled`], and whatever loading the networks gives.
    pub fn translate(
        &self,
        engine: &mut Engine,
        batch: &BatchFrames<'_>,
        after_step: &dyn Fn(usize),
    ) -> Result<Translated, Error> {
        let dtype = self.device.network_dtype;
        let denoiser = engine.denoiser(&self.folders, &self.device, dtype)?;
        match self.translate_with(denoiser, batch, after_step) {
            Err(Error::NotFinite(_) | Error::FellFlat { .. }) if dtype != FloatDType::F32 => {
                self.observer.warning(Warning {
                    summary: "a batch came out broken in half precision and is repeated in full"
                        .to_owned(),
                    hint: None,
                });
                let denoiser = engine.denoiser(&self.folders, &self.device, FloatDType::F32)?;
                self.translate_with(denoiser, batch, after_step)
            }
            result => result,
        }
    }

    fn translate_with(
        &self,
        denoiser: &Denoiser,
        batch: &BatchFrames<'_>,
        after_step: &dyn Fn(usize),
    ) -> Result<Translated, Error> {
        let device = &self.device.device;
        let BatchFrames {
            frames,
            sources,
            anchors,
        } = batch;
        let sampling = self.sampling(denoiser)?;
        let source = source_latents(sources, denoiser, sampling.seed, device);
        let text = self.prompts.of_frames(frames);
        let guidance = BatchGuidance::new(
            (self.job.consistency, self.job.compat),
            sources,
            (&source, &text),
            (denoiser, &sampling),
        )?;
        let controls = self.control.controls(frames, sources, denoiser, device)?;
        let input = BatchInput {
            source,
            text,
            controls,
            anchors: *anchors,
        };
        let mut guide = BatchGuidance::guide(guidance.as_ref());
        let mut view = |step: usize, x0: &Tensor<4>| {
            after_step(step + 1);
            self.preview(frames, x0, denoiser)
        };
        let (latents, recorded) = denoise(
            &input,
            &sampling,
            denoiser,
            &mut guide,
            self.observer,
            &mut view,
        )?;
        let pictures = decode(&latents, denoiser)?;
        let mut checked = frames.iter().zip(&pictures).zip(sources);
        match checked.find(|((_, picture), source)| fell_flat(picture, source)) {
            Some(((&frame, _), _)) => Err(Error::FellFlat { frame }),
            None => Ok((pictures, recorded)),
        }
    }

    /// Shows the newest frame as it would come out now, if anybody looks.
    fn preview(
        &self,
        frames: &[FrameIdx],
        x0: &Tensor<4>,
        denoiser: &Denoiser,
    ) -> Result<(), Error> {
        if !self.observer.preview_wanted() {
            return Ok(());
        }
        let newest = frames.len() - 1;
        for picture in decode(&x0.clone().narrow(0, newest, 1), denoiser)? {
            self.observer.preview(frames[newest], Arc::new(picture));
        }
        Ok(())
    }

    fn sampling(&self, denoiser: &Denoiser) -> Result<Sampling, Error> {
        let settings = &self.job.sampling;
        Ok(Sampling {
            sampler: settings.sampler,
            timesteps: denoiser.schedule.timesteps(settings.steps)?,
            warmup_steps: skipped_steps(settings),
            from_noise: settings.start == Start::Noise,
            guidance_scale: f64::from(settings.guidance_scale),
            seed: u64::from(settings.seed),
        })
    }
}
