//! Prompts as the text encoder takes them: chunks of token ids, and the weight of each token.
//!
//! Weights are factors of hidden states: each token's state is multiplied by its weight, then the chunk is rescaled so that
//! its mean is what it was before.

use serde::{Deserialize, Serialize};

use super::tokenizer::Tokenizer;
use super::weighting::{WeightedSpan, parse};

/// How a prompt is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptGrammar {
    /// Brackets weigh, and a long prompt takes several chunks.
    #[default]
    Weighted,
    /// Brackets are text, and a long prompt is cut after one chunk: what the reference implementation does.
    Literal,
}

/// A prompt as the text encoder takes it: one or more chunks, each a whole sequence of its own.
///
/// # Shapes
/// `ids` and `weights` `[chunks][max_position_embeddings]`.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptChunks {
    /// Start, tokens, end and padding of each chunk.
    pub ids: Vec<Vec<u32>>,
    /// Factor of each token's hidden state; start, end and padding have 1.
    pub weights: Vec<Vec<f32>>,
}

impl PromptChunks {
    /// Reads a prompt into chunks of `length` ids, which is the text encoder's `max_position_embeddings`.
    ///
    /// An empty prompt is one empty chunk.
    #[must_use]
    pub fn new(tokenizer: &Tokenizer, prompt: &str, grammar: PromptGrammar, length: usize) -> Self {
        let room = length.saturating_sub(2);
        let (mut ids, mut weights) = weighted_ids(tokenizer, prompt, grammar);
        if grammar == PromptGrammar::Literal || room == 0 {
            ids.truncate(room);
            weights.truncate(room);
        }
        let mut chunks = Self {
            ids: Vec::new(),
            weights: Vec::new(),
        };
        for (ids, weights) in ids.chunks(room.max(1)).zip(weights.chunks(room.max(1))) {
            chunks.push(tokenizer, ids, weights, length);
        }
        if chunks.ids.is_empty() {
            chunks.push(tokenizer, &[], &[], length);
        }
        chunks
    }

    fn push(&mut self, tokenizer: &Tokenizer, ids: &[u32], weights: &[f32], length: usize) {
        self.ids.push(tokenizer.enclose(ids, length));
        let mut enclosed = vec![1.0; length];
        for (to, weight) in enclosed.iter_mut().skip(1).zip(weights) {
            *to = *weight;
        }
        self.weights.push(enclosed);
    }
}

/// Appends empty chunks until all prompts have as many as the longest.
///
/// Guidance runs all prompts of a batch, negative ones too, through one U-Net call, so their states must have one length.
pub fn equalise(prompts: &mut [PromptChunks], tokenizer: &Tokenizer) {
    let n_chunks = prompts.iter().map(|p| p.ids.len()).max().unwrap_or(0);
    for prompt in prompts {
        let length = prompt.ids.first().map_or(0, Vec::len);
        for _ in prompt.ids.len()..n_chunks {
            prompt.push(tokenizer, &[], &[], length);
        }
    }
}

/// How many tokens a prompt has, without start, end and padding, however many chunks that takes.
#[must_use]
pub fn count_tokens(tokenizer: &Tokenizer, prompt: &str, grammar: PromptGrammar) -> usize {
    weighted_ids(tokenizer, prompt, grammar).0.len()
}

/// Token ids of the whole prompt and the weight of each.
fn weighted_ids(
    tokenizer: &Tokenizer,
    prompt: &str,
    grammar: PromptGrammar,
) -> (Vec<u32>, Vec<f32>) {
    let spans = match grammar {
        PromptGrammar::Weighted => parse(prompt),
        PromptGrammar::Literal => vec![WeightedSpan {
            text: prompt.to_owned(),
            weight: 1.0,
        }],
    };
    let (mut ids, mut weights) = (Vec::new(), Vec::new());
    for span in spans {
        ids.extend(tokenizer.encode(&span.text));
        weights.resize(ids.len(), span.weight);
    }
    (ids, weights)
}

#[cfg(test)]
mod tests {
    use super::super::tokenizer::tests::byte_tokenizer;
    use super::*;
    use proptest::prelude::*;

    const A: u32 = 256 + b'a' as u32;
    const B: u32 = 256 + b'b' as u32;

    #[test]
    fn long_prompts_take_several_chunks() {
        let chunks = PromptChunks::new(
            &byte_tokenizer(),
            "a (b:2) a a (b) a",
            PromptGrammar::Weighted,
            6,
        );
        assert_eq!(
            chunks.ids,
            [[512, A, B, A, A, 513], [512, B, A, 513, 513, 513]]
        );
        assert_eq!(
            chunks.weights,
            [
                [1.0, 1.0, 2.0, 1.0, 1.0, 1.0],
                [1.0, 1.1, 1.0, 1.0, 1.0, 1.0]
            ]
        );
        assert_eq!(
            count_tokens(
                &byte_tokenizer(),
                "a (b:2) a a (b) a",
                PromptGrammar::Weighted
            ),
            6
        );
    }

    #[test]
    fn literal_prompts_are_cut() {
        let tokenizer = byte_tokenizer();
        let chunks = PromptChunks::new(&tokenizer, "(a:2) a a", PromptGrammar::Literal, 6);
        assert_eq!(chunks.ids, [tokenizer.encode_padded("(a:2) a a", 6)]);
        assert_eq!(chunks.weights, [[1.0; 6]]);
        assert_eq!(
            count_tokens(&tokenizer, "(a:2) a a", PromptGrammar::Literal),
            7
        );
    }

    #[test]
    fn the_shorter_prompt_gets_empty_chunks() {
        let tokenizer = byte_tokenizer();
        let read = |text| PromptChunks::new(&tokenizer, text, PromptGrammar::Weighted, 4);
        let mut prompts = [read(""), read("a b a b a"), read("a")];
        equalise(&mut prompts, &tokenizer);
        assert_eq!(prompts[1], read("a b a b a"));
        assert_eq!(prompts[0].ids, [[512, 513, 513, 513]; 3]);
        assert_eq!(prompts[2].ids[0], [512, A, 513, 513]);
        assert_eq!(prompts[2].ids[1..], [[512, 513, 513, 513]; 2]);
        assert!(prompts.iter().all(|p| p.weights == [[1.0; 4]; 3]));
    }

    #[test]
    fn a_length_without_room_still_gives_one_chunk() {
        for length in 0..3 {
            let chunks =
                PromptChunks::new(&byte_tokenizer(), "a b", PromptGrammar::Weighted, length);
            assert_eq!(
                (
                    chunks.ids.len(),
                    chunks.ids[0].len(),
                    chunks.weights[0].len()
                ),
                (1, length, length)
            );
        }
    }

    proptest! {
        #[test]
        fn chunks_hold_all_tokens_in_order(prompt in "[()a-c ]{0,60}", length in 3_usize..20) {
            let tokenizer = byte_tokenizer();
            let chunks = PromptChunks::new(&tokenizer, &prompt, PromptGrammar::Weighted, length);
            let is_text = |id: &u32| ![tokenizer.start(), tokenizer.end()].contains(id);
            let held: Vec<u32> = chunks.ids.iter().flatten().copied().filter(is_text).collect();
            let want: Vec<u32> = parse(&prompt).iter().flat_map(|s| tokenizer.encode(&s.text)).collect();
            prop_assert_eq!(held, want);
            prop_assert!(chunks.ids.iter().all(|c| c.len() == length && c[0] == tokenizer.start()));
        }
    }
}
