//! One pass through a segment: frame after frame away from a keyframe, each painted in its style.
//!
//! A segment between two keyframes has two passes, which [`blend`](super::blend) joins; before the first keyframe and
//! after the last one there is a single pass. A pass is sequential, as each frame is guided by the one painted before;
//! different passes have nothing to do with each other.
//!
//! # Source
//! FRESCO's blending scripts, which drive EbSynth this way.

use super::guides::{PositionMap, edge, fill, fill_by_marching, ramp, warp_nearest};
use super::{Chain, Guides, Mask, Source, SynthError};
use crate::flow::field::FlowField;
use crate::frame::Frame;

/// How a pass carries what it knows from frame to frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carrying {
    /// Positions in full precision, from which each search starts; holes in what is carried are filled smoothly.
    #[default]
    Precise,
    /// As the reference does: positions as a picture, each search from a random field, holes repainted from their
    /// borders inwards. Slow.
    Reference,
}

/// How far one pass has come.
#[derive(Clone, Debug)]
pub struct Pass {
    source: Source,
    /// What was painted last; the keyframe at first.
    painted: Frame,
    /// Where in the keyframe each pixel of the last frame comes from.
    position: PositionMap,
    /// The same as a picture, as the reference carries it along.
    position_picture: Option<Frame>,
}

/// The guides of the next frame of a pass.
#[derive(Clone, Debug)]
pub struct Step {
    colour: Frame,
    edge: Frame,
    temporal: Frame,
    position: Frame,
    start: PositionMap,
}

impl Pass {
    /// A pass from a keyframe, painted over `frame` of the video.
    ///
    /// # Errors
    /// If the two differ in size, or are too small or too large for patches.
    pub fn new(keyframe: &Frame, frame: &Frame, carrying: Carrying) -> Result<Self, SynthError> {
        let size = keyframe.size();
        let guides = Guides {
            colour: frame,
            edge: &edge(frame),
            temporal: keyframe,
            position: &ramp(size),
        };
        let position_picture = match carrying {
            Carrying::Precise => None,
            Carrying::Reference => Some(ramp(size)),
        };
        Ok(Self {
            source: Source::new(keyframe, &guides)?,
            painted: keyframe.clone(),
            position: PositionMap::identity(size),
            position_picture,
        })
    }

    /// Guides for the next frame of the video; the flow and what it does not see are on its grid, and lead to the frame
    /// that was painted last.
    ///
    /// # Panics
    /// If the sizes differ.
    #[must_use]
    pub fn step(&self, frame: Frame, cur_from_prev: &FlowField, occluded: &Mask) -> Step {
        let start = self.position.advanced(cur_from_prev, occluded);
        let painted = warp_nearest(&self.painted, cur_from_prev);
        let (temporal, position) = match &self.position_picture {
            None => (fill(&painted, occluded), start.guide()),
            Some(position) => {
                let position = warp_nearest(position, cur_from_prev);
                rayon::join(
                    || fill_by_marching(&painted, occluded),
                    || fill_by_marching(&position, occluded),
                )
            }
        };
        Step {
            edge: edge(&frame),
            colour: frame,
            temporal,
            position,
            start,
        }
    }

    /// What is to be synthesised for a step of this pass.
    #[must_use]
    pub fn chain<'a>(&'a self, step: &'a Step) -> Chain<'a> {
        Chain {
            source: &self.source,
            target: Guides {
                colour: &step.colour,
                edge: &step.edge,
                temporal: &step.temporal,
                position: &step.position,
            },
            start: match self.position_picture {
                None => Some(step.start.values()),
                Some(_) => None,
            },
            seed: 0,
        }
    }

    /// Goes on to the frame after `step`, which came out as `painted`.
    pub fn advance(&mut self, step: Step, painted: Frame) {
        self.painted = painted;
        self.position = step.start;
        if let Some(position) = &mut self.position_picture {
            *position = step.position;
        }
    }
}
