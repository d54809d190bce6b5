//! Tokenizer files, the three of them with a zero byte between: what is taken encodes any text, into ids that the
//! vocabulary has, and always as many as asked for.
#![no_main]

use fresco_studio_fuzz::models::clip::{Tokenizer, byte_symbols};
use libfuzzer_sys::fuzz_target;

/// Ids of a sequence.
const LENGTH: usize = 77;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(4, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let (vocabulary, merges, special, text) = (part(), part(), part(), part());
    let text = String::from_utf8_lossy(text);
    let special = (!special.is_empty()).then_some(special);
    // As it is, and with every byte in it, without which no vocabulary is taken.
    for vocabulary in [vocabulary.to_vec(), whole(vocabulary)] {
        if let Ok(tokenizer) = Tokenizer::from_files(&vocabulary, merges, special) {
            check(&tokenizer, &text);
        }
    }
    if let Ok(tokenizer) = Tokenizer::from_merges(merges) {
        check(&tokenizer, &text);
    }
});

/// A vocabulary with the bytes and the special tokens that it lacks.
fn whole(vocabulary: &[u8]) -> Vec<u8> {
    let Ok(mut ids) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(vocabulary)
    else {
        return Vec::new();
    };
    let special = ["<|startoftext|>", "<|endoftext|>"].map(str::to_owned);
    for (id, token) in (1_u32 << 20..).zip(byte_symbols().chain(special)) {
        ids.entry(token).or_insert_with(|| id.into());
    }
    serde_json::to_vec(&ids).unwrap_or_default()
}

fn check(tokenizer: &Tokenizer, text: &str) {
    let ids = tokenizer.encode(text);
    let padded = tokenizer.encode_padded(text, LENGTH);
    assert_eq!(padded.len(), LENGTH);
    assert_eq!(padded[0], tokenizer.start());
    let n_kept = ids.len().min(LENGTH - 2);
    assert_eq!(padded[1..=n_kept], ids[..n_kept]);
    assert_eq!(padded[n_kept + 1], tokenizer.end());
    assert!(padded[n_kept + 2..].iter().all(|id| *id == tokenizer.pad()));
    // Every byte is at most one token.
    assert!(ids.len() <= 4 * text.len() + 4);
}
