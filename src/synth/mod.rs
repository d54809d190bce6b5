//! Patch synthesis between keyframes: a frame is painted in the style of a keyframe by copying small patches of it.
//!
//! Pictures that say which place of the frame resembles which place of the keyframe ([`Guides`]) come in, a picture in
//! the keyframe's style, its patch errors and its [`Nnf`] go out. A [`Synthesiser`] does it for several independent
//! [`Chain`]s at once. The energy is that of EbSynth in integers, so every device gives the same bytes.

pub mod blend;
mod error;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod guides;
mod level;
mod mask;
pub mod nnf;
pub mod occupancy;
pub mod patch;
pub mod patchmatch;
pub mod preset;
pub mod pyramid;
pub mod random;
pub mod record;
pub mod segment;
mod segment_blender;
mod synthesiser;
pub mod vote;

pub use error::SynthError;
pub use level::{Level, Randomness};
pub use mask::Mask;
pub use nnf::Nnf;
pub use preset::Preset;
pub use record::{Guides, Source};
pub use segment_blender::{Painted, SegmentBlender};
pub use synthesiser::{Chain, Checkpoint, Synthesis, Synthesiser};
