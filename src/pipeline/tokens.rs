//! How long a prompt is, as the model's own text encoder counts it.

use std::path::Path;

use super::compat::Choices;
use super::conditions::prompt_of;
use super::error::Error;
use super::job::{JobSpec, Prompt};
use super::model_folders::tokenizer;
use crate::frame::FrameIdx;
use crate::models::catalog::ModelFolder;
use crate::models::clip::prompt::count_tokens;
use crate::models::clip::{PromptGrammar, TextEncoderConfig, Tokenizer};

/// Counts the tokens of prompts for one model.
pub struct PromptCounter {
    tokenizer: Tokenizer,
    /// Tokens of a chunk, without its start and end.
    room: usize,
}

/// How long a prompt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCount {
    /// Its tokens.
    pub tokens: usize,
    /// Tokens of a chunk: the prompt is read in so many as it needs.
    pub chunk: usize,
    /// Whether only the first chunk is read.
    pub one_chunk_only: bool,
}

impl TokenCount {
    /// Room of the chunks that the prompt is read in.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.one_chunk_only {
            return self.chunk;
        }
        self.tokens.div_ceil(self.chunk.max(1)).max(1) * self.chunk
    }
}

impl PromptCounter {
    /// Reads the vocabulary of a model, or of the bundled one.
    ///
    /// # Errors
    /// [`Error::Model`] if the files are missing or damaged.
    pub fn of(model: Option<&Path>) -> Result<Self, Error> {
        let folder = match model {
            Some(path) => ModelFolder::open(path, None)?,
            None => ModelFolder::bundled(),
        };
        let text = folder.part("text_encoder");
        let config = text.config(TextEncoderConfig::from_json)?;
        Ok(Self {
            tokenizer: tokenizer(&folder.part("tokenizer"))?,
            room: config.max_position_embeddings.saturating_sub(2),
        })
    }

    /// Counts what the text encoder will read for a frame without words of its own: the prompt, the words of the look
    /// and the quality words.
    #[must_use]
    pub fn count(&self, spec: &JobSpec) -> TokenCount {
        let choices = Choices::of(spec.compat);
        let prompt = Prompt {
            extra: std::collections::BTreeMap::new(),
            ..Prompt::of(spec)
        };
        let text = prompt_of(&prompt, FrameIdx(0), &choices);
        TokenCount {
            tokens: count_tokens(&self.tokenizer, &text, choices.grammar),
            chunk: self.room,
            one_chunk_only: choices.grammar == PromptGrammar::Literal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::job::Compat;

    fn spec(prompt: &str) -> JobSpec {
        JobSpec {
            prompt: prompt.to_owned(),
            ..JobSpec::default()
        }
    }

    #[test]
    fn weights_and_start_and_end_do_not_count() {
        let counter = PromptCounter::of(None).unwrap();
        let count = |text: &str| counter.count(&spec(text)).tokens;
        assert_eq!(count(""), 0);
        let plain = count("neon outlines");
        assert!(plain >= 2);
        assert_eq!(count("(neon outlines:1.3)"), plain);
        assert_eq!(counter.count(&spec("neon")).chunk, 75);
    }

    #[test]
    fn quality_words_and_the_look_count_too() {
        let counter = PromptCounter::of(None).unwrap();
        let mut with = spec("neon");
        let alone = counter.count(&with).tokens;
        with.quality = "sharp".to_owned();
        let with_quality = counter.count(&with).tokens;
        assert!(with_quality > alone);
        with.look = Some("snow".to_owned());
        assert!(counter.count(&with).tokens > with_quality);
    }

    #[test]
    fn long_prompts_take_more_chunks_unless_the_reference_is_followed() {
        let counter = PromptCounter::of(None).unwrap();
        let mut long = spec(&"neon ".repeat(80));
        let count = counter.count(&long);
        assert!(count.tokens >= 80);
        assert_eq!(count.room(), count.tokens.div_ceil(75) * 75);
        assert_eq!(counter.count(&spec("")).room(), 75);
        long.compat = Some(Compat::Reference);
        assert_eq!(counter.count(&long).room(), 75);
    }
}
