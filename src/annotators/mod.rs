//! Annotators turn a frame into a map: the control image that tells a ControlNet where things are, or what is
//! [salient](SaliencyEstimator).

pub mod blur;
mod canny;
mod depth;
mod hed;
mod saliency;
mod soft_edges;

use serde::{Deserialize, Serialize};

pub use canny::canny;
pub use depth::{DepthEstimator, DepthNetwork, DepthRange, DepthScale, DepthWeights};
pub use hed::hed;
pub use saliency::{
    ChannelOrder, SaliencyEstimator, SaliencyNetwork, contrast_with_border, egnet_input,
};
pub use soft_edges::soft_edges;

use crate::frame::{Frame, Size};

/// What an annotator makes of a frame: one channel in `[0, 1]`, rows from top to bottom.
///
/// A ControlNet gets it repeated to three channels.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlImage {
    size: Size,
    values: Vec<f32>,
}

impl ControlImage {
    /// Wraps one value a pixel.
    ///
    /// # Panics
    /// If `values` does not hold exactly one value for each pixel of `size`.
    #[must_use]
    pub fn new(size: Size, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), size.area(), "one value a pixel");
        Self { size, values }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// One value in `[0, 1]` a pixel, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// How a control image is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Annotator {
    /// Soft edges at two scales, of even contrast: what the demo model was trained with.
    SoftEdges,
    /// Thin binary edges.
    Canny {
        /// Edges weaker than this are dropped; those between the two thresholds stay where they join a strong one.
        low: u8,
        /// Edges stronger than this always stay.
        high: u8,
    },
    /// Soft edges as a [network](crate::models::hed::Hed) finds them.
    Hed,
    /// How near everything is, as a [network](DepthEstimator) finds it.
    Depth,
}

impl Annotator {
    /// Makes the control image of `frame`, of the same size, unless that takes a network.
    #[must_use]
    pub fn annotate(&self, frame: &Frame) -> Option<ControlImage> {
        match *self {
            Self::SoftEdges => Some(soft_edges(frame)),
            Self::Canny { low, high } => Some(canny(frame, low, high)),
            Self::Hed | Self::Depth => None,
        }
    }
}
