//! The estimators of optical flow behind one enum.

use rayon::prelude::*;

use super::dis::dis;
use super::field::FlowField;
use super::ring::FlowRing;
use crate::frame::Frame;
use crate::tensor::Device;

/// How the flow between frames is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlowEstimator {
    /// Dense inverse search on the CPU: needs no network.
    #[default]
    Dis,
}

impl FlowEstimator {
    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dis => "DIS",
        }
    }

    /// Flows and occlusions of all neighbours of a ring of frames.
    ///
    /// # Panics
    /// If there are no frames or their sizes differ.
    #[must_use]
    pub fn estimate(self, frames: &[Frame], device: &Device) -> FlowRing {
        let (forward, backward) = match self {
            Self::Dis => dis_both_ways(frames),
        };
        FlowRing::from_fields(frames, &forward, &backward, device)
    }
}

fn dis_both_ways(frames: &[Frame]) -> (Vec<FlowField>, Vec<FlowField>) {
    let pair = |i: usize| (&frames[i], &frames[(i + 1) % frames.len()]);
    let both = |i: usize| {
        let (own, next) = pair(i);
        rayon::join(|| dis(own, next), || dis(next, own))
    };
    (0..frames.len()).into_par_iter().map(both).unzip()
}
