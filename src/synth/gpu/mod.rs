//! Synthesis on the graphics card, with the same bytes as on the processor.
//!
//! Chains of one size advance together: each is a layer of every buffer and of every dispatch, since small levels cost
//! little but the launches. One vote round is one submission.

mod kernels;
mod level;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::kernels::{Downsample, Kernels};
use self::level::{GpuLevel, Inputs, Words};
use super::blend::BlendConfig;
use super::blend::gpu::{BlendKernels, DeviceBlender, DeviceCandidates};
use super::preset::Schedule;
use super::pyramid::{Pyramid, sizes};
use super::record::Record;
use super::synthesiser::{Chain, Checkpoint, Synthesis, first_level, followed};
use super::{Nnf, Painted, Preset, SegmentBlender, SynthError};
use crate::frame::{Frame, Size};
use crate::gpu::grid::{packed, tiles};
use crate::gpu::{Buffer, Context, GpuError, Grid, Recorder};

/// Device memory for each pixel of a chain, the coarser levels included, in bytes.
const BYTES_A_PIXEL: u64 = 100;
/// What the chains that advance together may take of the device's memory, in bytes.
const BYTES_AT_ONCE: u64 = 1 << 29;

/// A device with the compiled kernels.
#[derive(Debug)]
pub struct GpuSynthesiser {
    context: Context,
    kernels: Kernels,
    blending: BlendKernels,
}

impl GpuSynthesiser {
    /// Compiles the kernels.
    ///
    /// # Errors
    /// If the device refuses.
    pub fn new(context: Context) -> Result<Self, GpuError> {
        let kernels = Kernels::new(&context)?;
        let blending = BlendKernels::new(&context)?;
        Ok(Self {
            context,
            kernels,
            blending,
        })
    }

    /// As [`Synthesiser::blender`](super::Synthesiser::blender), on this card.
    pub(super) fn blender(
        &self,
        config: BlendConfig,
        size: Size,
        n_between: usize,
    ) -> Result<SegmentBlender<'_>, GpuError> {
        let context = &self.context;
        let mut blender = DeviceBlender::new(context, &self.blending, config, size, n_between)?;
        Ok(Box::new(move |[forward, backward], flow| {
            let picture = |painted: Painted<'_>| Buffer::new(context, &packed(painted.picture));
            let error = |painted: Painted<'_>| Buffer::new(context, painted.error);
            Ok(blender.next(&DeviceCandidates {
                forward: &picture(forward)?,
                backward: &picture(backward)?,
                forward_error: &error(forward)?,
                backward_error: &error(backward)?,
                cur_from_prev: &Buffer::new(context, flow.values())?,
            })?)
        }))
    }

    /// As [`Synthesiser::synthesise`](super::Synthesiser::synthesise), which checks the guides.
    pub(super) fn synthesise(
        &self,
        chains: &[Chain<'_>],
        preset: Preset,
        checkpoint: Checkpoint<'_>,
    ) -> Result<Vec<Synthesis>, SynthError> {
        let schedule = preset.schedule();
        let mut alike: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (i, chain) in chains.iter().enumerate() {
            let Size { width, height } = chain.source.size();
            let kind = (width, height, first_level(chain, &schedule));
            alike.entry(kind).or_default().push(i);
        }
        let mut done: Vec<(usize, Synthesis)> = Vec::with_capacity(chains.len());
        for ((width, height, first), members) in alike {
            let area = u64::from(width) * u64::from(height);
            let records = self.context.max_buffer_bytes() / size_of::<Record>() as u64;
            let at_once = (BYTES_AT_ONCE / BYTES_A_PIXEL).min(records) / area;
            for members in members.chunks(at_once.max(1) as usize) {
                let batch: Vec<Chain<'_>> = members.iter().map(|i| chains[*i]).collect();
                let pictures = self.batch(&batch, first, &schedule, checkpoint)?;
                done.extend(members.iter().copied().zip(pictures));
            }
        }
        done.sort_by_key(|(i, _)| *i);
        Ok(done.into_iter().map(|(_, synthesis)| synthesis).collect())
    }

    /// Chains of one size that start at the same level.
    fn batch(
        &self,
        chains: &[Chain<'_>],
        first: usize,
        schedule: &Schedule,
        checkpoint: Checkpoint<'_>,
    ) -> Result<Vec<Synthesis>, SynthError> {
        let full = chains[0].source.size();
        let seeds: Vec<u32> = chains.iter().map(|chain| chain.seed).collect();
        let seeds = Buffer::new(&self.context, &seeds)?;
        let targets = self.pack_targets(chains, full)?;
        let mut coarser: Option<GpuLevel<'_>> = None;
        for (number, size) in sizes(full).into_iter().enumerate().skip(first) {
            let keyframe = self.upload_sources(chains, number)?;
            let inputs = Inputs {
                size,
                number: number as u32,
                keyframe: &keyframe,
                canvas: self.downsample(&targets, full, size)?,
                seeds: &seeds,
            };
            let mut level = GpuLevel::new(&self.context, &self.kernels, inputs)?;
            let mut recorder = Recorder::new(&self.context);
            match &coarser {
                Some(coarser) => level.upsample(&mut recorder, coarser),
                None => start(chains, &level, &mut recorder, number, schedule),
            }
            self.run(&mut level, recorder, schedule, checkpoint)?;
            coarser = Some(level);
        }
        coarser.map_or(Err(SynthError::TooSmall(full)), |finest| {
            self.results(&finest, full)
        })
    }

    /// All rounds of a level, as [`Level::run`](super::Level::run).
    fn run<'a>(
        &'a self,
        level: &mut GpuLevel<'_>,
        mut recorder: Recorder<'a>,
        schedule: &Schedule,
        checkpoint: Checkpoint<'_>,
    ) -> Result<(), SynthError> {
        level.count(&mut recorder);
        level.vote(&mut recorder, None);
        for round in 0..schedule.rounds {
            if checkpoint().is_break() {
                return Err(SynthError::Cancelled);
            }
            level.measure(&mut recorder, false);
            for i in 0..schedule.iterations {
                let iteration = round * schedule.iterations + i;
                level.iterate(&mut recorder, iteration, schedule.uniformity);
            }
            if round + 1 == schedule.rounds {
                level.measure(&mut recorder, true);
                level.vote(&mut recorder, None);
            } else {
                level.vote(&mut recorder, schedule.settle_below);
            }
            recorder.submit()?;
            recorder = Recorder::new(&self.context);
        }
        // Bounds what is queued, so that a checkpoint stops soon.
        self.context.wait()?;
        Ok(())
    }

    /// The targets' guides, packed at full size; their style is zero.
    fn pack_targets(&self, chains: &[Chain<'_>], full: Size) -> Result<Buffer<Words>, GpuError> {
        let stack = |picture: &dyn Fn(&Chain<'_>) -> Vec<u32>| {
            let layers: Vec<Vec<u32>> = chains.iter().map(picture).collect();
            Buffer::new(&self.context, &layers.concat())
        };
        let style = Buffer::<u32>::zeros(&self.context, full.area() * chains.len())?;
        let pictures = [
            style,
            stack(&|chain| packed(chain.target.colour))?,
            stack(&|chain| packed(chain.target.edge))?,
            stack(&|chain| packed(chain.target.temporal))?,
            stack(&|chain| packed(chain.target.position))?,
        ];
        let records = Buffer::zeros(&self.context, full.area() * chains.len())?;
        let mut buffers: Vec<_> = pictures.iter().map(Buffer::binding).collect();
        buffers.push(records.binding());
        let bindings = self.kernels.pack.bind(&self.context, &buffers);
        let mut recorder = Recorder::new(&self.context);
        let groups = tiles(full, chains.len() as u32);
        recorder.dispatch(&self.kernels.pack, &bindings, Grid::from(full), groups);
        recorder.submit()?;
        Ok(records)
    }

    fn downsample(
        &self,
        records: &Buffer<Words>,
        full: Size,
        size: Size,
    ) -> Result<Buffer<Words>, GpuError> {
        let n_layers = records.len() / full.area();
        let coarse = Buffer::zeros(&self.context, size.area() * n_layers)?;
        let kernel = &self.kernels.downsample;
        let bindings = kernel.bind(&self.context, &[records.binding(), coarse.binding()]);
        let params = Downsample {
            full_width: full.width,
            full_height: full.height,
            width: size.width,
            height: size.height,
        };
        let mut recorder = Recorder::new(&self.context);
        recorder.dispatch(kernel, &bindings, params, tiles(size, n_layers as u32));
        recorder.submit()?;
        Ok(coarse)
    }

    /// The keyframes' records at one level; they were packed on the host once for the whole pass.
    fn upload_sources(
        &self,
        chains: &[Chain<'_>],
        number: usize,
    ) -> Result<Buffer<Words>, GpuError> {
        let level = |chain: &Chain<'_>| {
            let pyramid: &Pyramid = chain.source.pyramid();
            pyramid.levels()[number]
                .records
                .iter()
                .map(words_of)
                .collect::<Vec<Words>>()
        };
        let layers: Vec<Vec<Words>> = chains.iter().map(level).collect();
        Buffer::new(&self.context, &layers.concat())
    }

    fn results(&self, finest: &GpuLevel<'_>, size: Size) -> Result<Vec<Synthesis>, SynthError> {
        let records = finest.canvas.read(&self.context)?;
        let errors = finest.errors.read(&self.context)?;
        let matches = finest.matches().read(&self.context)?;
        let layers = records.chunks(size.area()).zip(errors.chunks(size.area()));
        let synthesis = |((records, errors), matches): ((&[Words], &[u32]), &[u32])| {
            let colour = |words: &Words| {
                let [r, g, b, _] = words[0].to_le_bytes();
                [r, g, b]
            };
            let pixels: Vec<[u8; 3]> = records.iter().map(colour).collect();
            Synthesis {
                picture: Frame::new(size, pixels.into_flattened()),
                error: errors.to_vec(),
                nnf: Nnf::new(size, matches.to_vec()),
            }
        };
        Ok(layers
            .zip(matches.chunks(size.area()))
            .map(synthesis)
            .collect())
    }
}

/// The field of the first level: along the flow where a chain has one, else random.
fn start(
    chains: &[Chain<'_>],
    level: &GpuLevel<'_>,
    recorder: &mut Recorder<'_>,
    number: usize,
    schedule: &Schedule,
) {
    if chains
        .iter()
        .all(|chain| followed(chain, schedule).is_none())
    {
        level.init_random(recorder);
        return;
    }
    let field = |chain: &Chain<'_>| {
        let source = &chain.source.pyramid().levels()[number];
        let (size, full) = (source.size, chain.source.size());
        let nnf = match followed(chain, schedule) {
            Some(positions) => Nnf::from_positions(size, source, positions, full),
            None => Nnf::random(size, source, number as u32, chain.seed),
        };
        nnf.into_matches()
    };
    level.write_matches(&chains.iter().map(field).collect::<Vec<_>>().concat());
}

fn words_of(record: &Record) -> Words {
    let words = record.as_chunks::<4>().0;
    std::array::from_fn(|i| u32::from_le_bytes(words[i]))
}
