//! CLIP's own vocabulary, for models that are published without one.
//!
//! The merge list says it all: the vocabulary is the bytes, the bytes that end a word, every merge in order, and the two
//! special tokens.

use std::collections::HashMap;
use std::path::Path;

use super::bpe::{END_OF_WORD, symbol};
use super::special_tokens::SpecialTokens;
use super::tokenizer::{Tokenizer, TokenizerError};

/// The merge list of the text model that Stable Diffusion 1.x was trained with.
pub const CLIP_MERGES: &[u8] = include_bytes!("../../../models/clip/merges.txt");

impl Tokenizer {
    /// A tokenizer whose vocabulary follows from its merge list, as CLIP's does.
    ///
    /// # Errors
    /// [`TokenizerError`] if it is not a merge list.
    pub fn from_merges(merges: &[u8]) -> Result<Self, TokenizerError> {
        let special = SpecialTokens::default();
        Self::new(vocabulary(merges), merges, special, Path::new(""))
    }
}

fn vocabulary(merges: &[u8]) -> HashMap<String, u32> {
    let merges = String::from_utf8_lossy(merges);
    // Symbols in the order of their characters, which puts the bytes that print first.
    let mut symbols: Vec<char> = (0..=u8::MAX).map(symbol).collect();
    symbols.sort_unstable();
    let bytes = symbols.iter().map(ToString::to_string);
    let ends = symbols
        .iter()
        .map(|symbol| format!("{symbol}{END_OF_WORD}"));
    let merged = merges
        .lines()
        .enumerate()
        .filter(|(index, line)| *index > 0 || !line.starts_with("#version"))
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(_, line)| line.split_ascii_whitespace().collect());
    let special = ["<|startoftext|>", "<|endoftext|>"].map(ToOwned::to_owned);
    let tokens = bytes.chain(ends).chain(merged).chain(special);
    let mut ids = HashMap::new();
    for (id, token) in (0..).zip(tokens) {
        ids.entry(token).or_insert(id);
    }
    ids
}
