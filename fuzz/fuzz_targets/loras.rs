//! Names of tensors in LoRAs, and the tags of prompts. A layer that was understood is understood again under the name
//! that the kohya layout gives it; a prompt without its tags has no letter that it did not have before.
#![no_main]

use fresco_studio_fuzz::loras::{LayerKey, Target, layer_of, malformed_tag, without_lora_tags};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for name in text.lines() {
        if let Some(layer) = layer_of(name) {
            check_layer(&layer);
        }
    }
    check_prompt(text);
});

fn check_layer(layer: &LayerKey) {
    assert!(!layer.path.contains('.'));
    let start = match layer.target {
        Target::UNet => "lora_unet_",
        Target::TextEncoder => "lora_te_",
    };
    let kohya = format!("{start}{}.lora_down.weight", layer.path);
    // Nothing where this begins like a layer of another family.
    assert!(layer_of(&kohya).is_none_or(|again| again == *layer));
    if layer.target == Target::UNet {
        let weight = format!("{}.weight", layer.path);
        assert_eq!(LayerKey::of_weight(Target::UNet, &weight).as_ref(), Some(layer));
    }
}

fn check_prompt(prompt: &str) {
    let (words, loras) = without_lora_tags(prompt);
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
    assert!(letters(&words) <= letters(prompt));
    assert!(loras.len() <= prompt.matches("<lora:").count());
    for lora in &loras {
        let name = lora.path.to_string_lossy();
        assert!(!name.is_empty() && name.trim() == name);
    }
    if loras.is_empty() {
        assert_eq!(words, prompt);
    }
    if let Some(tag) = malformed_tag(prompt) {
        // One without an end goes on to the end of the prompt, of which spaces are cut off.
        assert!(tag.starts_with("<lora:") && words.contains(tag.trim_end()));
    }
}
