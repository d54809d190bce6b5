//! CLIP's tokenizer: text → token ids, from the vocabulary files that come with a model.
//!
//! Nothing about the vocabulary is a constant: its size, its merges and the ids of start, end and padding are read from
//! the files, since small models have small vocabularies.
//!
//! # Source
//! Radford et al., "Learning transferable visual models from natural language supervision". Where implementations differ
//! (HTML entities, typographic quotes, control characters) this one goes with transformers' `CLIPTokenizerFast`: no text
//! is repaired, and letters are lowered one by one.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

use super::bpe::{Bpe, BpeError};
use super::special_tokens::SpecialTokens;

const VOCAB: &str = "vocab.json";
const MERGES: &str = "merges.txt";
const SPECIAL: &str = "special_tokens_map.json";
const CONFIG: &str = "tokenizer_config.json";

/// Contractions, words, single digits, runs of anything else that is no white space.
const PIECES: &str = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+";

/// Why a model's tokenizer files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// A file is missing or cannot be read.
    #[error(
        "cannot read a tokenizer file: {source}; fetch the model's tokenizer folder again: {path}"
    )]
    Read {
        /// What the file system said.
        source: io::Error,
        /// The file.
        path: PathBuf,
    },
    /// A file is not the JSON that it should be.
    #[error("malformed tokenizer file: {source}; fetch the model's tokenizer folder again: {path}")]
    Json {
        /// What the JSON reader said.
        source: serde_json::Error,
        /// The file.
        path: PathBuf,
    },
    /// The merge list is not text.
    #[error("the merge list is not UTF-8 text; fetch the model's tokenizer folder again: {path}")]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A line of the merge list is not two symbols.
    #[error(
        "line {line} is not a merge of two symbols; fetch the model's tokenizer folder again: {path}"
    )]
    MalformedMerge {
        /// The line, counted from 1.
        line: usize,
        /// The file.
        path: PathBuf,
    },
    /// A line of the merge list does not belong to the vocabulary.
    #[error(
        "line {line} needs the token \"{token}\", which the vocabulary lacks; \
         take both files from the same model: {path}"
    )]
    UnknownMerge {
        /// The line, counted from 1.
        line: usize,
        /// The token without an id.
        token: String,
        /// The file.
        path: PathBuf,
    },
    /// The vocabulary lacks the start, end or padding token, or one of the 512 byte symbols.
    #[error(
        "no token \"{token}\" in the vocabulary; fetch the model's tokenizer folder again: {path}"
    )]
    MissingToken {
        /// The token without an id.
        token: String,
        /// The vocabulary.
        path: PathBuf,
    },
}

/// Turns text into the token ids of one model.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    bpe: Bpe,
    pieces: Regex,
    /// The start and the end token where a text spells them out.
    spelled: Regex,
    spelled_start: String,
    start: u32,
    end: u32,
    pad: u32,
}

impl Tokenizer {
    /// Reads the contents of `vocab.json`, `merges.txt` and, where a model has one, `special_tokens_map.json` (or
    /// `tokenizer_config.json`, which names the special tokens by the same keys).
    ///
    /// # Errors
    /// Every [`TokenizerError`] but [`TokenizerError::Read`]; paths are the bare file names.
    pub fn from_files(
        vocab: &[u8],
        merges: &[u8],
        special: Option<&[u8]>,
    ) -> Result<Self, TokenizerError> {
        let special = match special {
            Some(bytes) => json(bytes, Path::new(SPECIAL))?,
            None => SpecialTokens::default(),
        };
        let ids = json(vocab, Path::new(VOCAB))?;
        Self::new(ids, merges, special, Path::new(""))
    }

    /// Reads a model's `tokenizer` folder.
    ///
    /// Special tokens are named by `special_tokens_map.json`, else by `tokenizer_config.json`, else they are CLIP's own.
    ///
    /// # Errors
    /// Any [`TokenizerError`].
    pub fn from_folder(folder: &Path) -> Result<Self, TokenizerError> {
        let map: SpecialTokens = optional_json(&folder.join(SPECIAL))?;
        let config: SpecialTokens = optional_json(&folder.join(CONFIG))?;
        let (vocab, merges) = (read(&folder.join(VOCAB))?, read(&folder.join(MERGES))?);
        let ids = json(&vocab, &folder.join(VOCAB))?;
        Self::new(ids, &merges, map.or(config), folder)
    }

    pub(super) fn new(
        ids: HashMap<String, u32>,
        merges: &[u8],
        special: SpecialTokens,
        folder: &Path,
    ) -> Result<Self, TokenizerError> {
        let (vocab_path, merges_path) = (folder.join(VOCAB), folder.join(MERGES));
        let merges = std::str::from_utf8(merges).map_err(|_| TokenizerError::NotText {
            path: merges_path.clone(),
        })?;
        let missing = |token: &str| TokenizerError::MissingToken {
            token: token.to_owned(),
            path: vocab_path.clone(),
        };
        let id = |token: &str| ids.get(token).copied().ok_or_else(|| missing(token));
        let (start_name, end_name, pad_name) = special.names();
        let bpe = Bpe::new(&ids, merges).map_err(|error| match error {
            BpeError::MissingToken(token) => missing(&token),
            BpeError::MalformedMerge(line) => TokenizerError::MalformedMerge {
                line,
                path: merges_path.clone(),
            },
            BpeError::UnknownMerge(line, token) => TokenizerError::UnknownMerge {
                line,
                token,
                path: merges_path.clone(),
            },
        })?;
        let (spelled_start, spelled_end) = (normalise(&start_name), normalise(&end_name));
        Ok(Self {
            bpe,
            pieces: pattern(PIECES),
            spelled: pattern(&format!(
                "{}|{}",
                regex::escape(&spelled_start),
                regex::escape(&spelled_end)
            )),
            spelled_start,
            start: id(&start_name)?,
            end: id(&end_name)?,
            pad: id(&pad_name)?,
        })
    }

    /// Ids of a text, without start, end and padding.
    ///
    /// A start or end token that the text spells out is that token.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let text = normalise(text);
        let mut ids = Vec::new();
        let mut rest = 0;
        for special in self.spelled.find_iter(&text) {
            self.encode_plain(&text[rest..special.start()], &mut ids);
            ids.push(if special.as_str() == self.spelled_start {
                self.start
            } else {
                self.end
            });
            rest = special.end();
        }
        self.encode_plain(&text[rest..], &mut ids);
        ids
    }

    /// Exactly `length` ids: start, as much of the text as fits, end, padding.
    #[must_use]
    pub fn encode_padded(&self, text: &str, length: usize) -> Vec<u32> {
        let ids = self.encode(text);
        self.enclose(&ids[..ids.len().min(length.saturating_sub(2))], length)
    }

    /// Puts ids between start and end and pads them to `length`; what goes beyond it is cut.
    pub(super) fn enclose(&self, ids: &[u32], length: usize) -> Vec<u32> {
        let mut enclosed = Vec::with_capacity(length);
        enclosed.push(self.start);
        enclosed.extend_from_slice(ids);
        enclosed.push(self.end);
        enclosed.resize(length, self.pad);
        enclosed
    }

    /// Id of the token that opens every sequence.
    #[must_use]
    pub fn start(&self) -> u32 {
        self.start
    }

    /// Id of the token that closes every sequence.
    #[must_use]
    pub fn end(&self) -> u32 {
        self.end
    }

    /// Id of the token that fills a sequence up; in Stable Diffusion 1.x it is the end token.
    #[must_use]
    pub fn pad(&self) -> u32 {
        self.pad
    }

    fn encode_plain(&self, text: &str, ids: &mut Vec<u32>) {
        for piece in self.pieces.find_iter(text) {
            self.bpe.encode_word(piece.as_str(), ids);
        }
    }
}

/// Canonical composition, runs of white space to one blank, lower case letter by letter.
fn normalise(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for c in text.nfc() {
        if !c.is_whitespace() {
            normal.extend(c.to_lowercase());
        } else if !normal.ends_with(' ') {
            normal.push(' ');
        }
    }
    normal
}

/// Compiles a pattern of our own: text from files enters it escaped.
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| unreachable!("patterns are our own: {error}"))
}

fn read(path: &Path) -> Result<Vec<u8>, TokenizerError> {
    std::fs::read(path).map_err(|source| TokenizerError::Read {
        source,
        path: path.to_owned(),
    })
}

fn json<T: for<'a> Deserialize<'a>>(bytes: &[u8], path: &Path) -> Result<T, TokenizerError> {
    serde_json::from_slice(bytes).map_err(|source| TokenizerError::Json {
        source,
        path: path.to_owned(),
    })
}

fn optional_json(path: &Path) -> Result<SpecialTokens, TokenizerError> {
    match read(path) {
        Ok(bytes) => json(&bytes, path),
        Err(TokenizerError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(SpecialTokens::default())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::bpe::tests::alphabet;
    use super::*;

    fn vocab(names: &[&str]) -> Vec<u8> {
        let mut ids = alphabet();
        ids.extend(
            (512..)
                .zip(names)
                .map(|(id, name)| ((*name).to_owned(), id)),
        );
        serde_json::to_vec(&ids).unwrap()
    }

    /// A tokenizer without merges: each byte is a token, start 512, end and padding 513.
    pub(in super::super) fn byte_tokenizer() -> Tokenizer {
        Tokenizer::from_files(&vocab(&["<|startoftext|>", "<|endoftext|>"]), b"", None).unwrap()
    }

    #[test]
    fn special_tokens_are_found_by_name() {
        let names = vocab(&["<s>", "</s>", "<pad>"]);
        let special = br#"{"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>",
            "unk_token": "x", "pad_token": "<pad>"}"#;
        let tokenizer = Tokenizer::from_files(&names, b"", Some(special)).unwrap();
        assert_eq!(
            (tokenizer.start(), tokenizer.end(), tokenizer.pad()),
            (512, 513, 514)
        );
        assert_eq!(
            tokenizer.encode_padded("b", 5),
            [512, 256 + 98, 513, 514, 514]
        );
        let tokenizer = byte_tokenizer();
        assert_eq!(
            (tokenizer.start(), tokenizer.end(), tokenizer.pad()),
            (512, 513, 513)
        );
    }

    #[test]
    fn text_may_spell_special_tokens_out() {
        let tokenizer = byte_tokenizer();
        let [a, bang] = [b'a', b'!'].map(|b| 256 + u32::from(b));
        assert_eq!(
            tokenizer.encode("a!<|ENDoftext|>a<|startoftext|>"),
            [a, bang, 513, a, 512]
        );
    }

    #[test]
    fn a_length_too_short_for_start_and_end_is_kept() {
        let tokenizer = byte_tokenizer();
        assert_eq!(tokenizer.encode_padded("abc", 3).len(), 3);
        assert_eq!(tokenizer.encode_padded("abc", 2), [512, 513]);
        assert_eq!(tokenizer.encode_padded("abc", 0), [0_u32; 0]);
    }

    #[test]
    fn a_missing_special_token_is_named() {
        let error = Tokenizer::from_files(&vocab(&["<|startoftext|>"]), b"", None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no token \"<|endoftext|>\" in the vocabulary; fetch the model's tokenizer folder again: vocab.json"
        );
    }

    #[test]
    fn bad_files_are_refused_with_their_name() {
        let good = vocab(&["<|startoftext|>", "<|endoftext|>"]);
        let refuse = |vocab: &[u8], merges: &[u8], special: Option<&[u8]>| {
            Tokenizer::from_files(vocab, merges, special)
                .unwrap_err()
                .to_string()
        };
        assert!(refuse(b"[1, 2]", b"", None).ends_with("again: vocab.json"));
        assert!(
            refuse(&good, b"", Some(b"{\"bos_token\": 3}")).ends_with("special_tokens_map.json")
        );
        assert!(refuse(&good, b"\xff", None).ends_with("again: merges.txt"));
        assert!(refuse(&good, b"a b c", None).starts_with("line 1 is not a merge"));
        assert!(refuse(&good, b"a b", None).starts_with("line 1 needs the token \"ab\""));
    }

    #[test]
    fn folders_may_lack_the_maps_but_not_the_vocabulary() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("merges.txt", b"");
        let error = Tokenizer::from_folder(folder.path()).unwrap_err();
        assert!(
            matches!(&error, TokenizerError::Read { path, .. } if path.ends_with("vocab.json")),
            "{error}"
        );
        write("vocab.json", &vocab(&["<|startoftext|>", "<|endoftext|>"]));
        assert_eq!(Tokenizer::from_folder(folder.path()).unwrap().pad(), 513);
        write(
            "tokenizer_config.json",
            br#"{"pad_token": "!", "model_max_length": 77}"#,
        );
        assert_eq!(Tokenizer::from_folder(folder.path()).unwrap().pad(), 33);
        write("special_tokens_map.json", br##"{"pad_token": "#"}"##);
        assert_eq!(Tokenizer::from_folder(folder.path()).unwrap().pad(), 35);
    }
}
