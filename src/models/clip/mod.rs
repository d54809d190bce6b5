//! CLIP: from a prompt to the embeddings that steer the U-Net.

mod bpe;
pub mod prompt;
mod special_tokens;
mod text_encoder;
mod tokenizer;
mod vocabulary;
pub mod weighting;

pub use prompt::{PromptChunks, PromptGrammar, equalise};
pub use text_encoder::{ClipTextModel, HiddenAct, KEYS, TextEncoderConfig};
pub use tokenizer::{Tokenizer, TokenizerError};
pub use vocabulary::CLIP_MERGES;
