//! The denoising loop of one batch.

use super::anchors::Anchors;
use super::conditions::{Coding, drawn, drawn_for_all};
use super::engine::Denoiser;
use super::error::Error;
use super::guidance::Guide;
use super::observer::Observer;
use super::smoothing::{TakenOver, smooth_background};
use crate::diffusion::guidance::classifier_free_guidance;
use crate::diffusion::noise::{Noise, NoiseStream};
use crate::diffusion::samplers::{Sampler, SamplerState};
use crate::diffusion::sdedit::{NoisingPrecision, noised_in};
use crate::diffusion::steps::Steps;
use crate::fresco::schedule::Step;
use crate::models::controlnet::ControlResiduals;
use crate::models::unet::UNetHook;
use crate::tensor::{FloatDType, Tensor};

/// What the steps of a batch are given.
pub struct BatchInput<'a> {
    /// Clean latents of the source frames, scaled: `[n, 4, h, w]`.
    pub source: Tensor<4>,
    /// Text embeddings, the negative half first: `[2n, tokens, width]`.
    pub text: Tensor<3>,
    /// Embedded control images of every `ControlNet`.
    pub controls: Vec<Control>,
    /// Latents of the first two frames as the previous batch recorded them.
    pub anchors: Option<&'a Anchors>,
    /// Noise of the posterior, from where the samples of the source left it.
    pub posterior_noise: Noise,
    /// How the autoencoder goes through pictures.
    pub coding: Coding,
    /// What becomes of pictures whose background was smoothed.
    pub taken_over: TakenOver,
}

/// One `ControlNet`'s part in a batch.
pub struct Control {
    /// Embedded control images `[n, c, h, w]`.
    pub embedded: Tensor<4>,
    /// Factor on the residuals.
    pub conditioning_scale: f32,
    /// Share of the executed steps before which it does not act.
    pub start: f32,
    /// Share of the executed steps after which it no longer acts.
    pub end: f32,
}

/// How a job samples, resolved.
pub struct Sampling {
    /// The rule of one step.
    pub sampler: Sampler,
    /// All steps of the schedule.
    pub steps: Steps,
    /// Steps skipped at the start; as many as there are means that nothing is redrawn.
    pub warmup_steps: usize,
    /// Whether the source's colours are ignored.
    pub from_noise: bool,
    /// Classifier-free guidance scale.
    pub guidance_scale: f64,
    /// Seed of all noise streams, restarted for each batch.
    pub seed: u64,
    /// Whether all frames get the same noise in a step.
    pub shared_step_noise: bool,
    /// In which precision the source is noised.
    pub noising: NoisingPrecision,
}

impl Sampling {
    /// Steps that run.
    #[must_use]
    pub fn executed_steps(&self) -> usize {
        self.steps.len() - self.warmup_steps
    }
}

/// A look at the state after a step: predicted clean latents `[n, 4, h, w]`.
pub type StepView<'a> = dyn FnMut(usize, &Tensor<4>) -> Result<(), Error> + 'a;

/// Denoises one batch. Returns its clean latents `[n, 4, h, w]`, scaled, and what the next batch restores.
///
/// All frames start from the same noise image; each step's noise is drawn for every frame, unless it is shared. Noise
/// comes from the host, so that one seed means the same on every device.
///
/// # Errors
/// [`Error::Cancelled`], or [`Error::Values`] if a latent is infinite or not a number.
///
/// # Source
/// The design's §4.4; FRESCO, "Long video translation", for the anchors.
pub fn denoise(
    input: &BatchInput<'_>,
    sampling: &Sampling,
    denoiser: &Denoiser,
    guide: &mut Guide<'_>,
    observer: &dyn Observer,
    view: &mut StepView<'_>,
) -> Result<(Tensor<4>, Option<Anchors>), Error> {
    let executed = sampling.executed_steps();
    if executed == 0 {
        return Ok((input.source.clone(), None));
    }
    let device = input.source.device();
    let mut step_noise = Noise::new(NoiseStream::Step, sampling.seed);
    let mut posterior_noise = input.posterior_noise.clone();
    let mut state = sampling.sampler.begin(start(input, sampling));
    let mut recorded = Vec::with_capacity(executed);
    for step in 0..executed {
        observer.checkpoint()?;
        if let Some(anchors) = input.anchors {
            state = restored(state, &anchors.at_step(step, &device));
        }
        recorded.push(ends(&state));
        let k = sampling.warmup_steps + step;
        guide.begin_step(Step {
            k,
            executed: step,
            timestep: sampling.steps.timestep(k),
        });
        let x = state.sample();
        let output = predict(x, input, sampling, denoiser, step, guide.hook());
        if guide.was_stopped() {
            return Err(Error::Cancelled);
        }
        let c = sampling
            .sampler
            .coefficients(&sampling.steps, sampling.warmup_steps, k);
        let mut x0 = c.x0(x, output);
        if let Some(fusion) = guide.picture_fusion() {
            let noise = drawn(&mut posterior_noise, x0.dims(), &device);
            let coder = (&denoiser.vae, input.coding);
            x0 = smooth_background(&x0, fusion, coder, noise, input.taken_over)?;
        }
        view(step, &x0)?;
        let noise = c.draws_noise().then(|| {
            let (stream, shape) = (&mut step_noise, x0.dims());
            if sampling.shared_step_noise {
                drawn_for_all(stream, shape, &device)
            } else {
                drawn(stream, shape, &device)
            }
        });
        state = c.advance(&state, &x0, noise.as_ref());
    }
    let anchors = Anchors::from_steps(&recorded)?;
    Ok((state.sample().clone(), Some(anchors)))
}

/// The state with its first frames as recorded, in the sample as in what the sampler remembers.
fn restored(state: SamplerState, recorded: &[Tensor<4>]) -> SamplerState {
    state.map(|i, tensor| match recorded.get(i) {
        Some(first) => {
            let (n, n_anchors) = (tensor.dims()[0], first.dims()[0]);
            let rest = tensor.narrow(0, n_anchors, n - n_anchors);
            Tensor::cat(vec![first.clone(), rest], 0)
        }
        None => tensor,
    })
}

/// The first and the last frame of a state: what the next batch restores.
fn ends(state: &SamplerState) -> Vec<Tensor<4>> {
    let of = |tensor: &Tensor<4>| {
        let last = tensor.dims()[0] - 1;
        let frame = |i| tensor.clone().narrow(0, i, 1);
        Tensor::cat(vec![frame(0), frame(last)], 0)
    };
    state.tensors().iter().map(of).collect()
}

/// The noised source, or pure noise: the same noise image for every frame.
fn start(input: &BatchInput<'_>, sampling: &Sampling) -> Tensor<4> {
    let mut noise = Noise::new(NoiseStream::Init, sampling.seed);
    let noise = drawn_for_all(&mut noise, input.source.dims(), &input.source.device());
    if sampling.from_noise {
        return noise * sampling.sampler.pure_noise(&sampling.steps);
    }
    let alpha = sampling.steps.alpha(sampling.warmup_steps);
    noised_in(sampling.noising, input.source.clone(), noise, alpha)
}

/// Guided prediction `[n, 4, h, w]` in `f32`, of the noise or whatever the model predicts: both prompt halves in one
/// evaluation.
fn predict(
    x: &Tensor<4>,
    input: &BatchInput<'_>,
    sampling: &Sampling,
    denoiser: &Denoiser,
    step: usize,
    hook: &mut dyn UNetHook,
) -> Tensor<4> {
    let t = sampling.steps.timestep(sampling.warmup_steps + step);
    let latents = Tensor::cat(vec![x.clone(), x.clone()], 0).cast(denoiser.dtype);
    let text = input.text.clone().cast(denoiser.dtype);
    let progress = StepOf {
        step,
        executed: sampling.executed_steps(),
    };
    let mut residuals: Option<ControlResiduals> = None;
    for (net, control) in denoiser.controlnets.iter().zip(&input.controls) {
        if !progress.is_within(control.start, control.end) || control.conditioning_scale == 0.0 {
            continue;
        }
        let embedded = control.embedded.clone().repeat_dim(0, 2);
        let own = net
            .forward(latents.clone(), t, &text, embedded)
            .scaled(control.conditioning_scale);
        residuals = Some(match residuals {
            Some(sum) => sum.plus(own),
            None => own,
        });
    }
    let output = denoiser.unet.forward(latents, t, &text, residuals, hook);
    classifier_free_guidance(output.cast(FloatDType::F32), sampling.guidance_scale)
}

/// A step among the executed ones.
#[derive(Clone, Copy)]
struct StepOf {
    step: usize,
    executed: usize,
}

impl StepOf {
    /// Whether the step lies wholly between two shares of the executed steps.
    fn is_within(self, start: f32, end: f32) -> bool {
        let executed = self.executed as f32;
        self.step as f32 / executed >= start && (self.step + 1) as f32 / executed <= end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controlnet_acts_between_its_shares() {
        let acting = |start, end| {
            let within = |step| StepOf { step, executed: 10 }.is_within(start, end);
            (0..10).filter(|&step| within(step)).collect::<Vec<_>>()
        };
        assert_eq!(acting(0.0, 1.0), (0..10).collect::<Vec<_>>());
        assert_eq!(acting(0.5, 1.0), [5, 6, 7, 8, 9]);
        assert_eq!(acting(0.0, 0.25), [0, 1]);
    }
}
