//! One level of the pyramid on the graphics card: the twin of [`Level`](crate::synth::Level), for several chains at once.

use super::kernels::{InitNnf, Jump, Kernels, Measure, Random, UpsampleNnf, Vote};
use crate::frame::Size;
use crate::gpu::grid::tiles;
use crate::gpu::{Bindings, Buffer, Context, GpuError, Grid, Kernel, Params, Recorder};
use crate::synth::nnf::moment;
use crate::synth::patchmatch::n_radii;

/// A record as the shaders read it.
pub(super) type Words = [u32; 4];

/// Distances at which neighbours are asked, in order; odd in number, so the field ends in the other buffer.
const JUMPS: [u32; 3] = [4, 2, 1];

/// Buffers and bindings of one level; layer after layer, one a chain.
#[derive(Debug)]
pub(super) struct GpuLevel<'a> {
    context: &'a Context,
    kernels: &'a Kernels,
    size: Size,
    n_layers: u32,
    number: u32,
    pub canvas: Buffer<Words>,
    pub errors: Buffer<u32>,
    /// The field, and where a jump writes the next one.
    matches: [Buffer<u32>; 2],
    /// Which of the two is the field.
    front: usize,
    counts: Buffer<u32>,
    bound: Bound,
}

/// Buffers bound to kernels; two of a kind where the field is read, one for each of its buffers.
#[derive(Debug)]
struct Bound {
    init: Bindings,
    count: Bindings,
    tent: Bindings,
    error: [Bindings; 2],
    jump: [Bindings; 2],
    random: [Bindings; 2],
    vote: [Bindings; 2],
    dilate: Bindings,
}

/// What a level starts from.
pub(super) struct Inputs<'a> {
    pub size: Size,
    /// Number of the level, the coarsest being 0.
    pub number: u32,
    pub keyframe: &'a Buffer<Words>,
    pub canvas: Buffer<Words>,
    pub seeds: &'a Buffer<u32>,
}

impl<'a> GpuLevel<'a> {
    pub fn new(
        context: &'a Context,
        kernels: &'a Kernels,
        inputs: Inputs<'_>,
    ) -> Result<Self, GpuError> {
        let Inputs {
            size,
            number,
            keyframe,
            canvas,
            seeds,
        } = inputs;
        let zeros = || Buffer::<u32>::zeros(context, canvas.len());
        let matches = [zeros()?, zeros()?];
        let (errors, counts, occupancy, settled, marks) =
            (zeros()?, zeros()?, zeros()?, zeros()?, zeros()?);
        let (c, k, e, o, s) = (
            canvas.binding(),
            keyframe.binding(),
            errors.binding(),
            occupancy.binding(),
            settled.binding(),
        );
        let (n, m) = (counts.binding(), marks.binding());
        let field = |front: usize| matches[front].binding();
        let bind = |kernel: &Kernel, buffers: &[_]| kernel.bind(context, buffers);
        let bound = Bound {
            init: bind(&kernels.init_nnf, &[seeds.binding(), field(0)]),
            count: bind(&kernels.count, &[field(0), n.clone()]),
            tent: bind(&kernels.tent, &[n.clone(), o.clone()]),
            error: [0, 1].map(|front| {
                let buffers = [c.clone(), k.clone(), field(front), s.clone(), e.clone()];
                bind(&kernels.error, &buffers)
            }),
            jump: [0, 1].map(|front| {
                let read = [c.clone(), k.clone(), field(front), s.clone(), o.clone()];
                let written = [e.clone(), n.clone(), field(1 - front)];
                bind(&kernels.jump, &[&read[..], &written].concat())
            }),
            random: [0, 1].map(|front| {
                let first = [c.clone(), k.clone(), field(front), s.clone(), o.clone()];
                let rest = [e.clone(), n.clone(), seeds.binding()];
                bind(&kernels.random, &[&first[..], &rest].concat())
            }),
            vote: [0, 1].map(|front| {
                bind(
                    &kernels.vote_settle,
                    &[k.clone(), field(front), c.clone(), m.clone()],
                )
            }),
            dilate: bind(&kernels.dilate, &[m.clone(), s.clone()]),
        };
        Ok(Self {
            context,
            kernels,
            size,
            n_layers: (canvas.len() / size.area()) as u32,
            number,
            canvas,
            errors,
            matches,
            front: 0,
            counts,
            bound,
        })
    }

    /// The field.
    pub fn matches(&self) -> &Buffer<u32> {
        &self.matches[self.front]
    }

    /// Starts from a random field.
    pub fn init_random(&self, recorder: &mut Recorder<'_>) {
        let params = InitNnf {
            width: self.size.width,
            height: self.size.height,
            moment: moment(self.number, u32::from(u16::MAX)),
        };
        self.dispatch(recorder, &self.kernels.init_nnf, &self.bound.init, params);
    }

    /// Starts from a field made on the host.
    pub fn write_matches(&self, matches: &[u32]) {
        self.matches[0].write(self.context, 0, matches);
    }

    /// Starts from the field of the next coarser level.
    pub fn upsample(&self, recorder: &mut Recorder<'_>, coarser: &Self) {
        let kernel = &self.kernels.upsample_nnf;
        let buffers = [coarser.matches().binding(), self.matches[0].binding()];
        let params = UpsampleNnf {
            coarse_width: coarser.size.width,
            coarse_height: coarser.size.height,
            width: self.size.width,
            height: self.size.height,
        };
        self.dispatch(
            recorder,
            kernel,
            &kernel.bind(self.context, &buffers),
            params,
        );
    }

    /// Counts the matches of the starting field.
    pub fn count(&self, recorder: &mut Recorder<'_>) {
        recorder.clear(&self.counts);
        let size = Grid::from(self.size);
        self.dispatch(recorder, &self.kernels.count, &self.bound.count, size);
        self.tent(recorder);
    }

    /// Measures the energy of the pixels that are searched, or of all.
    pub fn measure(&self, recorder: &mut Recorder<'_>, everywhere: bool) {
        let params = Measure {
            width: self.size.width,
            height: self.size.height,
            everywhere: u32::from(everywhere),
        };
        self.dispatch(
            recorder,
            &self.kernels.error,
            &self.bound.error[self.front],
            params,
        );
    }

    /// One PatchMatch iteration.
    pub fn iterate(&mut self, recorder: &mut Recorder<'_>, iteration: u32, uniformity: u32) {
        let Size { width, height } = self.size;
        for distance in JUMPS {
            let params = Jump {
                width,
                height,
                distance,
                uniformity,
            };
            self.dispatch(
                recorder,
                &self.kernels.jump,
                &self.bound.jump[self.front],
                params,
            );
            self.front = 1 - self.front;
            self.tent(recorder);
        }
        let radii = n_radii(self.size);
        for pair in 0..radii.div_ceil(2) {
            let params = Random {
                width,
                height,
                moment: moment(self.number, iteration),
                pair,
                radii,
                uniformity,
            };
            self.dispatch(
                recorder,
                &self.kernels.random,
                &self.bound.random[self.front],
                params,
            );
            self.tent(recorder);
        }
    }

    /// Repaints from the field; with a threshold, only what changed by at least that is searched again.
    pub fn vote(&self, recorder: &mut Recorder<'_>, settle_below: Option<u8>) {
        let params = Vote {
            width: self.size.width,
            height: self.size.height,
            threshold: settle_below.map_or(0, u32::from),
        };
        self.dispatch(
            recorder,
            &self.kernels.vote_settle,
            &self.bound.vote[self.front],
            params,
        );
        if settle_below.is_some() {
            let size = Grid::from(self.size);
            self.dispatch(recorder, &self.kernels.dilate, &self.bound.dilate, size);
        }
    }

    fn tent(&self, recorder: &mut Recorder<'_>) {
        let size = Grid::from(self.size);
        self.dispatch(recorder, &self.kernels.tent, &self.bound.tent, size);
    }

    fn dispatch(
        &self,
        recorder: &mut Recorder<'_>,
        kernel: &Kernel,
        bindings: &Bindings,
        params: impl Params,
    ) {
        recorder.dispatch(kernel, bindings, params, tiles(self.size, self.n_layers));
    }
}
