//! The parsers that stand on their own, taken from the program's sources, so that fuzzing them needs no network code.
#![allow(dead_code, reason = "their files hold more than what is fuzzed")]

/// Noise schedules.
pub mod diffusion;

/// Files of weights, looked at before a reader takes them in.
pub mod inspect;

/// Names in LoRAs, and the tags that name LoRAs.
pub mod loras;

/// Manifests of the catalogue.
#[path = "../../src/models/library/manifest.rs"]
pub mod manifest;

/// Configs of networks.
pub mod models;

/// Weights in prompts.
#[path = "../../src/models/clip/weighting.rs"]
pub mod weighting;
