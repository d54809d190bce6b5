//! The program's own tree as far as configs need it, so that the paths in them hold here too.

/// The text encoder's.
pub mod clip;
#[path = "../../src/models/config.rs"]
mod config;
/// `ControlNet`'s.
pub mod controlnet;
/// Depth-Anything's.
pub mod depth_anything;
/// The U-Net's.
pub mod unet;
/// The autoencoder's.
pub mod vae;
