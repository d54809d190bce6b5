#[path = "../../../src/models/clip/bpe.rs"]
mod bpe;
#[path = "../../../src/models/clip/config.rs"]
mod config;
#[path = "../../../src/models/clip/special_tokens.rs"]
mod special_tokens;
#[path = "../../../src/models/clip/tokenizer.rs"]
mod tokenizer;
#[path = "../../../src/models/clip/vocabulary.rs"]
mod vocabulary;

pub use config::TextEncoderConfig;
pub use tokenizer::Tokenizer;

/// The symbols that every vocabulary has: of bytes in a word, and of those that end one.
pub fn byte_symbols() -> impl Iterator<Item = String> {
    let of_byte = |byte| {
        let symbol = bpe::symbol(byte);
        [symbol.to_string(), format!("{symbol}{}", bpe::END_OF_WORD)]
    };
    (0..=u8::MAX).flat_map(of_byte)
}
