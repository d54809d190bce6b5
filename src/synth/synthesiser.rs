//! The one entry: guides of several chains in, pictures out, on the CPU or on the GPU.

use std::ops::ControlFlow;

use super::{Guides, Nnf, Preset, Source, SynthError};
use crate::frame::Frame;

/// One picture to synthesise: a pass of a segment advances by one of these.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    /// The keyframe to copy from, packed once for the whole pass.
    pub source: &'a Source,
    /// The guides of the frame to paint.
    pub target: Guides<'a>,
    /// Where in the keyframe each pixel of the frame lies, `[x, y]` row by row, by accumulated flow.
    pub start: Option<&'a [[f32; 2]]>,
    /// Seed of the random search.
    pub seed: u32,
}

/// What a synthesis gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synthesis {
    /// The frame in the keyframe's style.
    pub picture: Frame,
    /// Patch error of each pixel, [`SCALE`](super::record::SCALE) times the reference's, against the picture before the
    /// last vote.
    pub error: Vec<u32>,
    /// Where in the keyframe the patch around each pixel comes from.
    pub nnf: Nnf,
}

/// Asked now and then whether to go on; it may wait, while paused.
pub type Checkpoint<'a> = &'a (dyn Fn() -> ControlFlow<()> + Sync);

/// Which device synthesises.
#[derive(Clone, Debug, Default)]
pub enum Synthesiser {
    /// All cores of the processor.
    #[default]
    Cpu,
}

impl Synthesiser {
    /// Synthesises one picture for each chain; the chains do not influence each other.
    ///
    /// # Errors
    /// If the guides of a chain do not fit its source, or `checkpoint` asks to stop.
    pub fn synthesise(
        &self,
        chains: &[Chain<'_>],
        preset: Preset,
        checkpoint: Checkpoint<'_>,
    ) -> Result<Vec<Synthesis>, SynthError> {
        todo!()
    }
}
