#[path = "../../../src/models/vae/config.rs"]
mod config;

pub use config::VaeConfig;
