//! CLIP: from a prompt to the embeddings that steer the U-Net.

mod bpe;
mod config;
pub mod prompt;
mod special_tokens;
mod text_encoder;
mod tokenizer;
mod vocabulary;
pub mod weighting;

pub use config::{HiddenAct, TextEncoderConfig};
pub use prompt::{PromptChunks, PromptGrammar, equalise};
pub use text_encoder::{ClipTextModel, KEYS};
pub use tokenizer::{Tokenizer, TokenizerError};
pub use vocabulary::CLIP_MERGES;
