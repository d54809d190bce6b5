//! Weights in prompts: any text is a prompt, and no letter of it is lost that is no bracket.
#![no_main]

use fresco_studio_fuzz::weighting::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|prompt: &str| {
    let spans = parse(prompt);
    assert!(spans.iter().all(|span| !span.text.is_empty()));
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
    let kept: usize = spans.iter().map(|span| letters(&span.text)).sum();
    assert!(kept <= letters(prompt));
});
