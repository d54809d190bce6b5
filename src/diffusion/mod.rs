//! Textbook diffusion; knows no video.

pub mod guidance;
pub mod latents;
pub mod noise;
pub mod noise_schedule;
pub mod samplers;
mod scheduler_config;
pub mod sdedit;
pub mod steps;
