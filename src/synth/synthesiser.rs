//! The one entry: guides of several chains in, pictures out, on the CPU or on the GPU.

use std::ops::ControlFlow;
#[cfg(feature = "gpu")]
use std::sync::Arc;

use rayon::prelude::*;

#[cfg(feature = "gpu")]
use super::gpu::GpuSynthesiser;
use super::level::{Level, Randomness};
use super::preset::{Schedule, Start};
use super::pyramid::Pyramid;
use super::record::{check, pack};
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
    /// A graphics card; it gives the same bytes.
    #[cfg(feature = "gpu")]
    Gpu(Arc<GpuSynthesiser>),
}

impl Synthesiser {
    /// Synthesises one picture for each chain; the chains do not influence each other.
    ///
    /// # Errors
    /// If the guides of a chain do not fit its source, or `checkpoint` asks to stop.
    ///
    /// # Panics
    /// If a start does not hold one position a pixel.
    pub fn synthesise(
        &self,
        chains: &[Chain<'_>],
        preset: Preset,
        checkpoint: Checkpoint<'_>,
    ) -> Result<Vec<Synthesis>, SynthError> {
        for chain in chains {
            check(chain.source.size(), &chain.target)?;
        }
        match self {
            Self::Cpu => chains
                .par_iter()
                .map(|chain| synthesise(chain, preset, checkpoint))
                .collect(),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.synthesise(chains, preset, checkpoint),
        }
    }
}

fn synthesise(
    chain: &Chain<'_>,
    preset: Preset,
    checkpoint: Checkpoint<'_>,
) -> Result<Synthesis, SynthError> {
    let schedule = preset.schedule();
    let first = first_level(chain, &schedule);
    let full = chain.source.size();
    let target = Pyramid::new(full, pack(None, &chain.target));
    let sources = chain.source.pyramid().levels();
    let levels = sources.iter().zip(target.levels()).zip(0..);
    let mut done: Option<Synthesis> = None;
    for ((source, target), level) in levels.skip(first) {
        let size = target.size;
        let nnf = match (&done, followed(chain, &schedule)) {
            (Some(coarser), _) => coarser.nnf.upsampled(size, source.size),
            (None, Some(positions)) => Nnf::from_positions(size, source, positions, full),
            (None, None) => Nnf::random(size, source, level, chain.seed),
        };
        let random = Randomness {
            level,
            seed: chain.seed,
        };
        let mut level = Level::new(source, target, nnf, random);
        let error = level.run(&schedule, checkpoint)?;
        done = Some(Synthesis {
            picture: level.picture(),
            error,
            nnf: level.nnf(),
        });
    }
    done.ok_or(SynthError::TooSmall(full))
}

/// The positions that a schedule starts from, if it does and there are any.
pub(super) fn followed<'a>(chain: &Chain<'a>, schedule: &Schedule) -> Option<&'a [[f32; 2]]> {
    chain.start.filter(|_| schedule.start != Start::Coarsest)
}

/// The coarsest level to run, counted from the coarsest there is.
pub(super) fn first_level(chain: &Chain<'_>, schedule: &Schedule) -> usize {
    let n_levels = chain.source.pyramid().levels().len();
    match (schedule.start, chain.start) {
        (Start::Flow { levels }, Some(_)) => n_levels.saturating_sub(levels),
        _ => 0,
    }
}
