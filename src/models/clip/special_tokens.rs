//! What a vocabulary calls its start, end and padding token.

use serde::Deserialize;

/// The special tokens' names, as `special_tokens_map.json` and `tokenizer_config.json` give them.
#[derive(Default, Deserialize)]
pub(super) struct SpecialTokens {
    #[serde(rename = "bos_token")]
    start: Option<TokenName>,
    #[serde(rename = "eos_token")]
    end: Option<TokenName>,
    #[serde(rename = "pad_token")]
    pad: Option<TokenName>,
}

impl SpecialTokens {
    /// Names of start, end and padding. Without files they are CLIP's, and padding is the end token.
    pub(super) fn names(self) -> (String, String, String) {
        let name = |token: Option<TokenName>, default: &str| {
            token.map_or_else(|| default.to_owned(), TokenName::into_name)
        };
        let end = name(self.end, "<|endoftext|>");
        let pad = name(self.pad, &end);
        (name(self.start, "<|startoftext|>"), end, pad)
    }

    /// Takes from `other` what these files do not name.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            start: self.start.or(other.start),
            end: self.end.or(other.end),
            pad: self.pad.or(other.pad),
        }
    }
}

/// A token's name, bare or with flags that matter only to text that spells it out.
#[derive(Deserialize)]
#[serde(untagged)]
enum TokenName {
    Bare(String),
    Flagged { content: String },
}

impl TokenName {
    fn into_name(self) -> String {
        match self {
            Self::Bare(name) | Self::Flagged { content: name } => name,
        }
    }
}
