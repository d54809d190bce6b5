//! What a batch needs before its first step, control images apart: embedded prompts and latents of the source.

use std::collections::BTreeMap;

use burn::tensor::TensorData;

use super::engine::{Denoiser, TextModel};
use super::error::Error;
use super::job::{Compat, Prompt};
use crate::diffusion::noise::{Noise, NoiseStream};
use crate::frame::{Frame, FrameIdx};
use crate::models::clip::{PromptChunks, PromptGrammar, equalise};
use crate::tensor::image::{frames_from_signed, signed_from_frames};
use crate::tensor::{Device, Tensor};

/// Embeddings of all prompts of a job, of one length.
pub struct PromptStates {
    negative: Tensor<3>,
    positive: Tensor<3>,
    extra: BTreeMap<FrameIdx, Tensor<3>>,
}

/// What a frame is to become, in full: prompt, quality words and the frame's own extra words.
#[must_use]
pub fn prompt_of(prompt: &Prompt, frame: FrameIdx, compat: Option<Compat>) -> String {
    let comma = match compat {
        Some(Compat::Reference) => "",
        None if prompt.text.is_empty() || prompt.quality.is_empty() => "",
        None => ", ",
    };
    let extra = prompt.extra.get(&frame).map_or("", String::as_str);
    format!("{}{comma}{}{extra}", prompt.text, prompt.quality)
}

impl PromptStates {
    /// Embeds the negative prompt, the prompt, and the prompts of frames with extra words.
    #[must_use]
    pub fn new(prompt: &Prompt, compat: Option<Compat>, text: &TextModel, device: &Device) -> Self {
        let grammar = match compat {
            Some(Compat::Reference) => PromptGrammar::Literal,
            None => PromptGrammar::Weighted,
        };
        let plain = Prompt {
            extra: BTreeMap::new(),
            ..prompt.clone()
        };
        let mut texts = vec![
            prompt.negative.clone(),
            prompt_of(&plain, FrameIdx(0), compat),
        ];
        texts.extend(
            prompt
                .extra
                .keys()
                .map(|&frame| prompt_of(prompt, frame, compat)),
        );
        let chunks =
            |words: &String| PromptChunks::new(&text.tokenizer, words, grammar, text.chunk_length);
        let mut chunks: Vec<PromptChunks> = texts.iter().map(chunks).collect();
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
        }
    }

    /// Embeddings of a batch, the negative half first: `[2n, tokens, width]`.
    #[must_use]
    pub fn of_frames(&self, frames: &[FrameIdx]) -> Tensor<3> {
        let positive = |frame| self.extra.get(frame).unwrap_or(&self.positive).clone();
        let negative = std::iter::repeat_n(self.negative.clone(), frames.len());
        Tensor::cat(negative.chain(frames.iter().map(positive)).collect(), 0)
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

/// Clean latents of the source frames, scaled: `[n, 4, h, w]`. One frame at a time, since the encoder at full size is
/// the most memory a job ever needs.
#[must_use]
pub fn source_latents(
    frames: &[Frame],
    denoiser: &Denoiser,
    seed: u64,
    device: &Device,
) -> Tensor<4> {
    let mut noise = Noise::new(NoiseStream::Posterior, seed);
    let encode = |frame: &Frame| {
        let posterior = denoiser.vae.encode(signed_from_frames(&[frame], device));
        let shape = posterior.mean.dims();
        let drawn = TensorData::new(noise.draw(shape.iter().product()), shape);
        posterior.sample(Tensor::from_data(drawn, device))
    };
    Tensor::cat(frames.iter().map(encode).collect(), 0) * denoiser.vae.scaling_factor()
}

/// Pictures of clean, scaled latents `[n, 4, h, w]`, one at a time.
///
/// # Errors
/// [`Error::NotFinite`] if the network gives values that no picture can show.
pub fn decode(latents: &Tensor<4>, denoiser: &Denoiser) -> Result<Vec<Frame>, Error> {
    let latents = latents.clone() / denoiser.vae.scaling_factor();
    let mut pictures = Vec::new();
    for i in 0..latents.dims()[0] {
        let picture = denoiser.vae.decode(latents.clone().narrow(0, i, 1));
        pictures.extend(frames_from_signed(picture)?);
    }
    Ok(pictures)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(prompt_of(&words, FrameIdx(0), None), "a fox, sharp");
        assert_eq!(
            prompt_of(&words, FrameIdx(3), None),
            "a fox, sharp, eyes closed"
        );
        assert_eq!(prompt_of(&prompt("a fox", ""), FrameIdx(0), None), "a fox");
        let reference = prompt_of(&words, FrameIdx(3), Some(Compat::Reference));
        assert_eq!(reference, "a foxsharp, eyes closed");
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
