#[path = "../../../src/models/unet/config.rs"]
mod config;

pub use config::UNetConfig;
pub(super) use config::parse_network;
