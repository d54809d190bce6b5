#[path = "../../src/models/lora/keys.rs"]
mod keys;
#[path = "../../src/models/lora/notes.rs"]
mod notes;
#[path = "../../src/pipeline/job/loras.rs"]
mod tags;

pub use keys::{LayerKey, Target};
pub use notes::Notes;
pub use tags::{LoraSpec, without_lora_tags};

/// The layer that a tensor's name belongs to, if it is a part of a LoRA for the family.
pub fn layer_of(name: &str) -> Option<LayerKey> {
    match keys::read(name) {
        keys::Meaning::Part(layer, _) => Some(layer),
        _ => None,
    }
}

/// The first tag of a prompt that names no LoRA.
pub fn malformed_tag(prompt: &str) -> Option<&str> {
    tags::malformed_lora_tag(prompt)
}

/// The path of the module that a part of a delta is for.
pub fn module_of(name: &str) -> Option<&str> {
    keys::module_of(name)
}
