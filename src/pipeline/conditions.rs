//! What a batch needs before its first step, control images apart: embedded prompts, and pictures as latents.

use std::collections::BTreeMap;

use burn::tensor::TensorData;

use super::compat::Choices;
use super::engine::{Denoiser, TextModel};
use super::error::Error;
use super::job::{Job, Prompt};
use crate::diffusion::noise::Noise;
use crate::frame::{Frame, FrameIdx};
use crate::models::clip::{PromptChunks, equalise};
use crate::models::vae::{AutoencoderKL, Posterior};
use crate::tensor::image::frames_from_signed;
use crate::tensor::{Device, Tensor};

/// Embeddings of all prompts of a job, of one length.
pub struct PromptStates {
    negative: Tensor<3>,
    positive: Tensor<3>,
    extra: BTreeMap<FrameIdx, Tensor<3>>,
    /// The empty prompt, if the source is recorded with it.
    empty: Option<Tensor<3>>,
}

/// What a frame is to become, in full: prompt, quality words and the frame's own extra words.
#[must_use]
pub fn prompt_of(prompt: &Prompt, frame: FrameIdx, choices: &Choices) -> String {
    let has_both = !prompt.text.is_empty() && !prompt.quality.is_empty();
    let joint = if has_both { choices.joint } else { "" };
    let extra = prompt.extra.get(&frame).map_or("", String::as_str);
    format!("{}{joint}{}{extra}", prompt.text, prompt.quality)
}

impl PromptStates {
    /// Embeds the negative prompt, the prompt, and the prompts of frames with extra words; also the empty one, if the job
    /// wants it.
    #[must_use]
    pub fn new(job: &Job, choices: &Choices, text: &TextModel, device: &Device) -> Self {
        let (prompt, grammar) = (&job.prompt, choices.grammar);
        let plain = Prompt {
            extra: BTreeMap::new(),
            ..prompt.clone()
        };
        let mut texts = vec![
            prompt.negative.clone(),
            prompt_of(&plain, FrameIdx(0), choices),
        ];
        texts.extend(
            prompt
                .extra
                .keys()
                .map(|&frame| prompt_of(prompt, frame, choices)),
        );
        let chunks =
            |words: &str| PromptChunks::new(&text.tokenizer, words, grammar, text.chunk_length);
        // Not made as long as the others: both halves of the recording are this one.
        let empty = || embed(&chunks(""), text, device);
        let empty = job.consistency.plain_recording.then(empty);
        let mut chunks: Vec<PromptChunks> = texts.iter().map(|words| chunks(words)).collect();
        equalise(&mut chunks, &text.tokenizer);
        let mut states = chunks.iter().map(|chunks| embed(chunks, text, device));
        let mut next = || {
            states
                .next()
                .unwrap_or_else(|| unreachable!("one state a prompt"))
        };
        let (negative, positive) = (next(), next());
        Self {
            negative,
            positive,
            extra: prompt.extra.keys().map(|&f| (f, next())).collect(),
            empty,
        }
    }

    /// Embeddings of a batch, the negative half first: `[2n, tokens, width]`.
    #[must_use]
    pub fn of_frames(&self, frames: &[FrameIdx]) -> Tensor<3> {
        let positive = |frame| self.extra.get(frame).unwrap_or(&self.positive).clone();
        let negative = std::iter::repeat_n(self.negative.clone(), frames.len());
        Tensor::cat(negative.chain(frames.iter().map(positive)).collect(), 0)
    }

    /// Embeddings with which the source frames of a batch are recorded: its own, as in the reference, or the empty prompt
    /// in both halves. `[2n, tokens, width]`.
    #[must_use]
    pub fn of_recording(&self, frames: &[FrameIdx]) -> Tensor<3> {
        match &self.empty {
            Some(empty) => empty.clone().repeat_dim(0, 2 * frames.len()),
            None => self.of_frames(frames),
        }
    }
}

/// Chunks one by one through the text encoder, weighted and joined: `[1, chunks · length, width]`.
fn embed(chunks: &PromptChunks, text: &TextModel, device: &Device) -> Tensor<3> {
    let states = text.encoder.forward(&chunks.ids, device);
    let weighted = weigh(states, &chunks.weights, device);
    let [n, length, width] = weighted.dims();
    weighted.reshape([1, n * length, width])
}

/// Multiplies each token's state by its weight, then restores the mean of the whole chunk, so that emphasis shifts
/// attention and not brightness.
fn weigh(states: Tensor<3>, weights: &[Vec<f32>], device: &Device) -> Tensor<3> {
    if weights
        .iter()
        .flatten()
        .all(|weight| weight.to_bits() == 1.0_f32.to_bits())
    {
        return states;
    }
    let [n, length, _] = states.dims();
    let factors = TensorData::new(weights.concat(), [n, length, 1]);
    let weighted = states.clone() * Tensor::<3>::from_data(factors, device);
    let mean = |t: Tensor<3>| t.mean_dim(1).mean_dim(2);
    let (before, after) = (mean(states), mean(weighted.clone()));
    let vanishes = after.clone().abs().lower_equal_elem(1e-12);
    weighted * (before / after).mask_fill(vanishes, 1.0)
}

/// How the autoencoder goes through a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// In one piece.
    Whole,
    /// Band by band: the same to within rounding, slower, in little memory of the device.
    InBands,
}

/// What the autoencoder makes of pictures `[n, 3, 8h, 8w]` in `[-1, 1]`, from which clean latents are
/// [`sampled`]. One picture at a time, as that is little memory.
///
/// # Errors
/// [`Error::Values`] if the device fails between bands.
pub fn encoded(
    pictures: Tensor<4>,
    vae: &AutoencoderKL,
    coding: Coding,
) -> Result<Posterior, Error> {
    let encode = |picture| match coding {
        Coding::Whole => Ok::<_, Error>(vae.encode(picture)),
        Coding::InBands => Ok(vae.encode_in_bands(picture)?),
    };
    let posteriors = pictures.split(1, 0).into_iter().map(encode);
    let parts = posteriors.map(|posterior| posterior.map(|p| (p.mean, p.logvar)));
    let (means, logvars) = parts.collect::<Result<(Vec<_>, Vec<_>), _>>()?;
    Ok(Posterior {
        mean: Tensor::cat(means, 0),
        logvar: Tensor::cat(logvars, 0),
    })
}

/// Clean latents of pictures, scaled, with the next noise of the posterior's stream: `[n, 4, h, w]`.
#[must_use]
pub fn sampled(posterior: &Posterior, noise: &mut Noise, vae: &AutoencoderKL) -> Tensor<4> {
    let shape = posterior.mean.dims();
    let noise = drawn(noise, shape, &posterior.mean.device());
    posterior.sample(noise) * vae.scaling_factor()
}

/// Pictures of clean, scaled latents: `[n, 4, h, w]` → `[n, 3, 8h, 8w]`, about in `[-1, 1]`; one at a time.
///
/// # Errors
/// [`Error::Values`] if the device fails between bands.
pub fn decoded(
    latents: &Tensor<4>,
    vae: &AutoencoderKL,
    coding: Coding,
) -> Result<Tensor<4>, Error> {
    let latents = latents.clone() / vae.scaling_factor();
    let decode = |latents| match coding {
        Coding::Whole => Ok::<_, Error>(vae.decode(latents)),
        Coding::InBands => Ok(vae.decode_in_bands(latents)?),
    };
    let pictures = latents.split(1, 0).into_iter().map(decode);
    Ok(Tensor::cat(pictures.collect::<Result<_, _>>()?, 0))
}

/// Frames of clean, scaled latents `[n, 4, h, w]`.
///
/// # Errors
/// [`Error::Values`] if the network gives values that no picture can show.
pub fn decode(
    latents: &Tensor<4>,
    denoiser: &Denoiser,
    coding: Coding,
) -> Result<Vec<Frame>, Error> {
    Ok(frames_from_signed(decoded(
        latents,
        &denoiser.vae,
        coding,
    )?)?)
}

/// The next values of a stream as a tensor.
#[must_use]
pub fn drawn<const D: usize>(noise: &mut Noise, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values = noise.draw(shape.iter().product());
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The next values of a stream, for one frame, as the noise of all frames of a batch.
///
/// # Shapes
/// `[n, c, h, w]`.
#[must_use]
pub fn drawn_for_all(
    noise: &mut Noise,
    [n, channels, height, width]: [usize; 4],
    device: &Device,
) -> Tensor<4> {
    drawn(noise, [1, channels, height, width], device).repeat_dim(0, n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::noise::NoiseStream;
    use crate::models::vae::VaeConfig;
    use burn::tensor::Distribution;

    fn prompt(text: &str, quality: &str) -> Prompt {
        let extra = BTreeMap::from([(FrameIdx(3), ", eyes closed".to_owned())]);
        Prompt {
            text: text.into(),
            quality: quality.into(),
            negative: String::new(),
            extra,
        }
    }

    #[test]
    fn words_are_joined_by_one_comma() {
        let words = prompt("a fox", "sharp");
        let own = |prompt: &Prompt, frame| prompt_of(prompt, FrameIdx(frame), &Choices::OWN);
        assert_eq!(own(&words, 0), "a fox, sharp");
        assert_eq!(own(&words, 3), "a fox, sharp, eyes closed");
        assert_eq!(own(&prompt("a fox", ""), 0), "a fox");
        let reference = prompt_of(&words, FrameIdx(3), &Choices::REFERENCE);
        assert_eq!(reference, "a foxsharp, eyes closed");
    }

    #[test]
    fn one_look_at_pictures_gives_samples_that_differ_by_their_noise() {
        let device = Device::flex();
        device.seed(5);
        let json =
            r#"{"block_out_channels": [2, 2, 2, 2], "layers_per_block": 1, "norm_num_groups": 2}"#;
        let vae = AutoencoderKL::new(&VaeConfig::from_json(json.as_bytes()).unwrap(), &device);
        let pictures = Tensor::random([2, 3, 16, 16], Distribution::Normal(0.0, 1.0), &device);
        let posterior = encoded(pictures, &vae, Coding::Whole).unwrap();
        let shape = posterior.mean.dims();
        let stream = || Noise::new(NoiseStream::Posterior, 3);
        let (mut used, mut own) = (stream(), stream());
        for _ in 0..2 {
            let latents = sampled(&posterior, &mut used, &vae) / vae.scaling_factor();
            let deviation = (posterior.logvar.clone() / 2.0).exp();
            let noise = (latents - posterior.mean.clone()) / deviation;
            let apart = (noise - drawn(&mut own, shape, &device)).abs().max();
            let apart: f32 = apart.into_scalar();
            assert!(apart < 1e-3, "{apart}");
        }
    }

    #[test]
    fn weights_keep_the_mean() {
        let device = Device::flex();
        let data = TensorData::new(vec![1.0_f32, 2.0, 3.0, 5.0], [1, 2, 2]);
        let states = Tensor::<3>::from_data(data, &device);
        let weighted = weigh(states.clone(), &[vec![1.0, 2.0]], &device);
        let values: Vec<f32> = weighted.into_data().try_to_vec().unwrap();
        let factor = 11.0 / 19.0;
        for (value, want) in values
            .iter()
            .zip([factor, 2.0 * factor, 6.0 * factor, 10.0 * factor])
        {
            assert!((value - want).abs() < 1e-5, "{value} {want}");
        }
    }
}
