//! x
pub mod keyframes;
pub mod plan;
pub mod shots;
