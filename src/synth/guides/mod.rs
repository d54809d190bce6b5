//! Guides: pictures that say which place of a frame resembles which place of the keyframe.
//!
//! The colour guide is the frame itself; [`edge`] is its detail; the temporal guide is what the previous step painted
//! and the positional guide the keyframe's own [coordinates](PositionMap), both moved here by the flow
//! ([`warp_nearest`]) and [filled](fill()) where the flow sees what was hidden ([`occlusion`](occlusion())).
//!
//! # Source
//! FRESCO's blending scripts, which drive EbSynth with these four guides.

mod edge;
mod fill;
#[cfg(feature = "gpu")]
pub mod gpu;
mod occlusion;
mod position;
mod telea;
mod warp;

pub use edge::edge;
pub use fill::fill;
pub use occlusion::occlusion;
pub use position::{PositionMap, ramp};
pub use telea::fill_by_marching;
pub use warp::{warp_mask, warp_nearest};
