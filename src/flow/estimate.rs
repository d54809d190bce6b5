//! The estimators of optical flow behind one enum.

use rayon::prelude::*;

use super::dis::Pyramid;
use super::field::FlowField;
use super::ring::{FlowRing, colours, next};
use crate::frame::Frame;
use crate::models::gmflow::GmFlow;
use crate::tensor::Device;

/// How the flow between frames is found.
#[derive(Debug, Default)]
pub enum FlowEstimator {
    /// Dense inverse search on the CPU: needs no network.
    #[default]
    Dis,
    /// The network, on the device that it was loaded to.
    GmFlow(Box<GmFlow>),
}

impl FlowEstimator {
    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dis => "DIS",
            Self::GmFlow(_) => "GMFlow",
        }
    }

    /// Flows and occlusions of all neighbours of a ring of frames.
    ///
    /// # Panics
    /// If there are no frames or their sizes differ.
    #[must_use]
    pub fn estimate(&self, frames: &[Frame], device: &Device) -> FlowRing {
        match self {
            Self::Dis => {
                let (forward, backward) = dis_both_ways(frames);
                FlowRing::from_fields(frames, &forward, &backward, device)
            }
            Self::GmFlow(network) => {
                let colours = colours(frames, device);
                let flow = network.forward(colours.clone(), next(&colours));
                let n = frames.len();
                let [forward, backward] = [0, n].map(|first| flow.clone().narrow(0, first, n));
                FlowRing::new(&colours, forward, backward)
            }
        }
    }
}

fn dis_both_ways(frames: &[Frame]) -> (Vec<FlowField>, Vec<FlowField>) {
    let pyramids: Vec<Pyramid> = frames.par_iter().map(Pyramid::new).collect();
    let both = |i: usize| {
        let (own, next) = (&pyramids[i], &pyramids[(i + 1) % pyramids.len()]);
        rayon::join(|| own.flow_to(next), || next.flow_to(own))
    };
    (0..frames.len()).into_par_iter().map(both).unzip()
}
