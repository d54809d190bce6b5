#[path = "../../../src/models/controlnet/config.rs"]
mod config;

pub use config::ControlNetConfig;
