//! One batch: conditions, denoising, pictures, and a look at them before they count.

use std::ops::ControlFlow;

use super::anchors::Anchors;
use super::compat::Choices;
use super::conditions::{Coding, PromptStates, decode, encoded, sampled};
use super::control::ControlSource;
use super::denoise::{BatchInput, Sampling, denoise};
use super::engine::{Denoiser, Engine};
use super::error::Error;
use super::guidance::{BatchGuidance, correspond};
use super::helpers::Helpers;
use super::job::{Job, Start};
use super::memory::{BatchLoad, NetworkSizes};
use super::memory_meter::MemoryMeter;
use super::memory_moments::coding;
use super::model_folders::ModelFolders;
use super::observer::{Cancelled, Observer, StepOf, Warning};
use super::plan::N_ANCHORS;
use super::preview::Previewer;
use super::smoothing::TakenOver;
use super::verify::fell_flat;
use crate::diffusion::noise::{Noise, NoiseStream};
use crate::files::ContentHash;
use crate::frame::{Frame, FrameIdx};
use crate::fresco::Correspondence;
use crate::models::tiny_vae::TinyDecoder;
use crate::tensor::image::signed_from_frames;
use crate::tensor::read::ReadError;
use crate::tensor::{FloatDType, OpenDevice, Tensor};

/// What all batches of a job share.
pub struct BatchContext<'a> {
    /// The job.
    pub job: &'a Job,
    /// Where its networks are.
    pub folders: ModelFolders,
    /// How large they are.
    pub networks: NetworkSizes,
    /// Where they run.
    pub device: OpenDevice,
    /// What is done differently to follow another program.
    pub choices: Choices,
    /// Embedded prompts.
    pub prompts: PromptStates,
    /// What the `ControlNets` look at.
    pub control: ControlSource,
    /// What finds motion and the background; nothing without guidance.
    pub helpers: Option<Helpers>,
    /// Makes pictures of unfinished frames, if its weights are there.
    pub preview_decoder: Option<TinyDecoder>,
    /// The most memory that was needed so far.
    pub meter: MemoryMeter,
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

impl BatchContext<'_> {
    /// Translates one batch. If it comes out broken in half precision it is repeated in full precision.
    /// `after_step` is told how many steps are done. If there was no memory for it, all memory is given back.
    ///
    /// # Errors
    /// [`Error::Values`] or [`Error::FellFlat`] for a batch that is broken in full precision too,
    /// [`Error::Cancelled`], and whatever loading the networks gives.
    pub fn translate(
        &self,
        engine: &mut Engine,
        batch: &BatchFrames<'_>,
        after_step: &dyn Fn(usize),
    ) -> Result<Translated, Error> {
        let result = self.attempts(engine, batch, after_step);
        if matches!(result, Err(Error::Values(ReadError::OutOfMemory))) {
            // The networks too: weights for which there was no memory look like others, and would spoil every later batch.
            engine.drop_denoiser();
        }
        result
    }

    fn attempts(
        &self,
        engine: &mut Engine,
        batch: &BatchFrames<'_>,
        after_step: &dyn Fn(usize),
    ) -> Result<Translated, Error> {
        let dtype = self.dtype();
        let guided = self.helpers.as_ref().filter(|_| self.executed_steps() > 0);
        let (consistency, device) = (self.job.consistency, &self.device.device);
        // Not within the attempts: it does not depend on the networks' precision.
        let found = guided.map(|helpers| correspond(consistency, helpers, &batch.sources, device));
        let found = found.transpose()?;
        let mut attempt = |dtype| {
            let free_u = self.job.sampling.free_u;
            let denoiser = engine.denoiser(&self.folders, &self.device, dtype, free_u)?;
            self.translate_with(denoiser, batch, found.as_ref(), after_step)
        };
        match attempt(dtype) {
            Err(Error::Values(ReadError::NotFinite) | Error::FellFlat { .. })
                if dtype != FloatDType::F32 =>
            {
                self.observer.warning(Warning {
                    summary: "a batch came out broken in half precision and is repeated in full"
                        .to_owned(),
                    hint: None,
                });
                let repeated = attempt(FloatDType::F32);
                // Nothing was estimated for full precision.
                self.meter.reset();
                repeated
            }
            result => result,
        }
    }

    /// The type in which U-Net and `ControlNets` compute.
    #[must_use]
    pub fn dtype(&self) -> FloatDType {
        self.job.precision.dtype(self.device.network_dtype)
    }

    /// Identity of everything that the pictures of this job are made with.
    ///
    /// # Errors
    /// [`Error::Model`] if a file cannot be read.
    pub fn networks_key(&self) -> Result<ContentHash, Error> {
        let networks = self.folders.content_hash()?;
        Ok(computing_in(
            networks,
            self.dtype(),
            self.device.network_dtype,
        ))
    }

    /// Steps that run in each batch; none at strength 0.
    #[must_use]
    pub fn executed_steps(&self) -> usize {
        let settings = &self.job.sampling;
        settings.steps - self.choices.skipped_steps(settings)
    }

    fn translate_with(
        &self,
        denoiser: &Denoiser,
        batch: &BatchFrames<'_>,
        found: Option<&Correspondence>,
        after_step: &dyn Fn(usize),
    ) -> Result<Translated, Error> {
        let device = &self.device.device;
        let BatchFrames {
            frames,
            sources,
            anchors,
        } = batch;
        let sampling = self.sampling(denoiser)?;
        let mut posterior_noise = Noise::new(NoiseStream::Posterior, sampling.seed);
        let pictures = signed_from_frames(&sources.iter().collect::<Vec<_>>(), device);
        let coding = self.coding(batch, denoiser.dtype);
        let posterior = encoded(pictures, &denoiser.vae, coding)?;
        let mut sample = || sampled(&posterior, &mut posterior_noise, &denoiser.vae);
        let source = sample();
        let text = self.prompts.of_frames(frames);
        let guidance = found.map(|found| {
            let wanted = (self.job.consistency, self.choices.adain_style_epsilon);
            // A sample of its own, also if nothing is recorded: what is drawn later does not depend on that.
            let shown = (&sample(), &self.prompts.of_recording(frames));
            BatchGuidance::new(wanted, found, shown, (denoiser, &sampling))
        });
        let controls = self.control.controls(frames, sources, denoiser, device)?;
        let n_anchors = anchors.map_or(0, |_| N_ANCHORS);
        let mut previewer = Previewer::new(frames, n_anchors, (sources, source.clone()))
            .with_decoder(self.preview_decoder.as_ref());
        let executed = sampling.executed_steps();
        let input = BatchInput {
            source,
            text,
            controls,
            anchors: *anchors,
            posterior_noise,
            coding,
            taken_over: TakenOver::of(self.job.consistency),
        };
        let go_on = || match self.observer.checkpoint() {
            Ok(()) => ControlFlow::Continue(()),
            Err(Cancelled) => ControlFlow::Break(()),
        };
        let mut guide = BatchGuidance::guide(guidance.as_ref(), &go_on);
        let mut view = |step: usize, x0: &Tensor<4>| {
            after_step(step + 1);
            self.meter.look(&self.device);
            let step = StepOf {
                step: step + 1,
                executed,
            };
            previewer.show(step, x0, self.observer)
        };
        let (latents, recorded) = denoise(
            &input,
            &sampling,
            denoiser,
            &mut guide,
            self.observer,
            &mut view,
        )?;
        let pictures = decode(&latents, denoiser, coding)?;
        self.meter.look(&self.device);
        let mut checked = frames.iter().zip(&pictures).zip(sources);
        match checked.find(|((_, picture), source)| fell_flat(picture, source)) {
            Some(((&frame, _), _)) => Err(Error::FellFlat { frame }),
            None => Ok((pictures, recorded)),
        }
    }

    /// What of a batch decides how much memory it takes.
    #[must_use]
    pub fn load(&self, batch: &BatchFrames<'_>, dtype: FloatDType) -> Option<BatchLoad> {
        Some(BatchLoad {
            frames: batch.frames.len(),
            size: batch.sources.first()?.size(),
            half: dtype == FloatDType::F16,
            consistency: self.job.consistency,
        })
    }

    fn coding(&self, batch: &BatchFrames<'_>, dtype: FloatDType) -> Coding {
        let load = self.load(batch, dtype);
        load.map_or(Coding::Whole, |load| coding(&self.networks, &load))
    }

    fn sampling(&self, denoiser: &Denoiser) -> Result<Sampling, Error> {
        let settings = &self.job.sampling;
        Ok(Sampling {
            sampler: settings.sampler,
            steps: settings.sampler.steps(&denoiser.schedule, settings.steps)?,
            warmup_steps: self.choices.skipped_steps(settings),
            from_noise: settings.start == Start::Noise,
            guidance_scale: f64::from(settings.guidance_scale),
            seed: u64::from(settings.seed),
            shared_step_noise: settings.shared_step_noise,
            noising: self.choices.noising,
        })
    }
}

/// Identity of networks that compute in `dtype`. Pictures differ from device to device, and with them what is made with
/// the type that a device takes by itself; only another one than that counts.
fn computing_in(networks: ContentHash, dtype: FloatDType, own: FloatDType) -> ContentHash {
    if dtype == own {
        networks
    } else {
        ContentHash::of_value(&(networks, "full precision"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::job::Precision;

    #[test]
    fn only_a_precision_that_the_device_would_not_take_makes_other_pictures() {
        let networks = || ContentHash::of_bytes(b"networks");
        let key = |precision: Precision, own| computing_in(networks(), precision.dtype(own), own);
        for precision in [Precision::Auto, Precision::Half] {
            assert_eq!(key(precision, FloatDType::F16), networks());
        }
        assert_ne!(key(Precision::Full, FloatDType::F16), networks());
        for precision in [Precision::Auto, Precision::Full] {
            assert_eq!(key(precision, FloatDType::F32), networks());
        }
    }
}
