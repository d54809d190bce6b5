//! The estimators of optical flow behind one enum.

use rayon::prelude::*;

use super::dis::Pyramid;
use super::field::FlowField;
use super::ring::{FlowRing, colours, fields, next};
use crate::frame::Frame;
use crate::models::gmflow::GmFlow;
use crate::tensor::Device;
use crate::tensor::read::ReadError;

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

impl FlowEstimator {
    /// Flows between all consecutive frames, on the host: of each frame and the next, the one from the first to the
    /// second and the one back.
    ///
    /// # Errors
    /// [`ReadError`] if the network gives values that are no numbers, or the device could not be read.
    ///
    /// # Panics
    /// If there are fewer than two frames or their sizes differ.
    pub fn consecutive(
        &self,
        frames: &[Frame],
        device: &Device,
    ) -> Result<Vec<[FlowField; 2]>, ReadError> {
        assert!(frames.len() > 1, "a pair of frames");
        match self {
            Self::Dis => {
                let pyramids: Vec<Pyramid> = frames.par_iter().map(Pyramid::new).collect();
                let both = |pair: &[Pyramid]| {
                    let (there, back) =
                        rayon::join(|| pair[0].flow_to(&pair[1]), || pair[1].flow_to(&pair[0]));
                    [there, back]
                };
                Ok(pyramids.par_windows(2).map(both).collect())
            }
            Self::GmFlow(network) => {
                let colours = colours(frames, device);
                let n = frames.len() - 1;
                let [first, second] = [0, 1].map(|start| colours.clone().narrow(0, start, n));
                let there_and_back = fields(network.forward(first, second))?;
                let (there, back) = there_and_back.split_at(n);
                let pairs = there.iter().zip(back);
                Ok(pairs.map(|(a, b)| [a.clone(), b.clone()]).collect())
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
