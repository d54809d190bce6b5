//! FRESCO Studio re-renders a video in a new style from a text prompt, on the user's own machine.

pub mod annotators;
pub mod diffusion;
pub mod files;
pub mod frame;
pub mod models;
pub mod pipeline;
pub mod tensor;
