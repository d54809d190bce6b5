#[path = "../../../src/models/depth_anything/config.rs"]
mod config;

pub use config::DepthAnythingConfig;
