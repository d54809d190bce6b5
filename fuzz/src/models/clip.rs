#[path = "../../../src/models/clip/config.rs"]
mod config;

pub use config::TextEncoderConfig;
