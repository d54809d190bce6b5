//! Optical flow: which pixel of one frame is which of another, and which are hidden.
//!
//! [`estimate`] finds the flows of a ring of frames ([`FlowRing`]); [`warp`](warp()) moves pictures and features along
//! them. [`field`] is a flow on the host. [`tvl1`](mod@tvl1) measures results.

pub mod dis;
pub mod estimate;
pub mod field;
pub mod file;
pub mod occlusion;
mod plane;
pub mod resize;
pub mod ring;
pub mod tvl1;
mod warp;

pub use estimate::FlowEstimator;
pub use field::FlowField;
pub use ring::FlowRing;
pub use warp::warp;
