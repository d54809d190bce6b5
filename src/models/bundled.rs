//! The demo model, inside the program: what makes the first minute work without a download.

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../models/demo/", $path)))),+]
    };
}

/// Every file of the demo model by its path in the published folder layout.
pub(super) const FILES: &[(&str, &[u8])] = files![
    "controlnet/config.json",
    "controlnet/diffusion_pytorch_model.safetensors",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
];
