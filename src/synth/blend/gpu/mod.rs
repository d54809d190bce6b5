//! Blending on the graphics card: the same stages as [`Blender`](super::Blender), with one small read-back a frame.

mod kernels;
mod params;

pub use kernels::BlendKernels;

use self::params::{ChebyshevParams, ContrastParams, QuantiseParams, SelectParams, SumsParams};
use super::histogram::{self, Mix, Sums};
use super::lab::TABLES;
use super::poisson::{STEPS, WEIGHTS_SQUARED, chebyshev_factors};
use super::{BlendConfig, Gradients, Rounding};
use crate::frame::{Frame, Size};
use crate::gpu::grid::{tiles, unpacked};
use crate::gpu::{Bindings, Buffer, Context, GpuError, Grid, Kernel, Recorder};

/// Pixels that one workgroup adds up.
const PIXELS_PER_SUM: usize = 1 << 14;

/// One frame as either pass painted it, on the device; see [`Candidates`](super::Candidates).
#[derive(Clone, Copy, Debug)]
pub struct DeviceCandidates<'a> {
    /// Painted from the first keyframe, packed.
    pub forward: &'a Buffer<u32>,
    /// Painted from the second keyframe, packed.
    pub backward: &'a Buffer<u32>,
    /// Patch errors of `forward`.
    pub forward_error: &'a Buffer<u32>,
    /// Patch errors of `backward`, or of the frame that [`BlendConfig::backward_error_index`] says.
    pub backward_error: &'a Buffer<u32>,
    /// The flow on the frame's grid into the frame before.
    pub cur_from_prev: &'a Buffer<[f32; 2]>,
}

/// What the stages of one frame left on the device.
#[derive(Debug)]
pub struct Stages {
    /// 1 where the backward pass was chosen.
    pub mask: Buffer<u32>,
    /// The forward picture in Lab.
    pub forward: Buffer<u32>,
    /// The backward picture in Lab.
    pub backward: Buffer<u32>,
    /// The contrast-preserving blend in Lab.
    pub contrast: Buffer<u32>,
    /// Lightness and colour axes after gradient fusion; the fourth value is 0.
    pub solution: Buffer<[f32; 4]>,
    /// The frame.
    pub picture: Buffer<u32>,
    older_mask: Buffer<u32>,
    scratch: Buffer<u32>,
    sums: Buffer<u32>,
    residual: Buffer<[f32; 4]>,
    directions: [Buffer<[f32; 4]>; 2],
    tables: Buffer<i32>,
}

/// Blends the frames between two keyframes, in order, on the device.
#[derive(Debug)]
pub struct DeviceBlender<'a> {
    context: &'a Context,
    kernels: &'a BlendKernels,
    config: BlendConfig,
    size: Size,
    n_between: usize,
    index: usize,
    stages: Stages,
}

impl<'a> DeviceBlender<'a> {
    /// For a segment with `n_between` frames of this size between its keyframes.
    ///
    /// # Errors
    /// If the device has no memory for it.
    pub fn new(
        context: &'a Context,
        kernels: &'a BlendKernels,
        config: BlendConfig,
        size: Size,
        n_between: usize,
    ) -> Result<Self, GpuError> {
        let words = || Buffer::zeros(context, size.area());
        let values = || Buffer::zeros(context, size.area());
        let n_sums = size.area().div_ceil(PIXELS_PER_SUM) * 21;
        let stages = Stages {
            mask: words()?,
            forward: words()?,
            backward: words()?,
            contrast: words()?,
            solution: values()?,
            picture: words()?,
            older_mask: words()?,
            scratch: words()?,
            sums: Buffer::zeros(context, n_sums)?,
            residual: values()?,
            directions: [values()?, values()?],
            tables: Buffer::new(context, &table_words())?,
        };
        Ok(Self {
            context,
            kernels,
            config,
            size,
            n_between,
            index: 0,
            stages,
        })
    }

    /// What the last frame left on the device.
    #[must_use]
    pub fn stages(&self) -> &Stages {
        &self.stages
    }

    /// The next frame.
    ///
    /// # Errors
    /// What has gone wrong on the device so far.
    ///
    /// # Panics
    /// After `n_between` frames.
    pub fn next(&mut self, candidates: &DeviceCandidates<'_>) -> Result<Frame, GpuError> {
        assert!(self.index < self.n_between, "a frame between the keyframes");
        let u = self
            .config
            .weights
            .backward_weight(self.index, self.n_between);
        let mut recorder = Recorder::new(self.context);
        self.choose(&mut recorder, candidates, u);
        recorder.submit()?;
        let sums = total(&self.stages.sums.read(self.context)?);
        let mixes = histogram::mixes(u, &sums, self.size.area(), self.config.tone);
        let mut recorder = Recorder::new(self.context);
        self.mix(&mut recorder, mixes);
        if self.config.gradients == Gradients::Fused {
            self.fuse(&mut recorder);
        }
        recorder.submit()?;
        self.index += 1;
        let words = self.stages.picture.read(self.context)?;
        Ok(unpacked(self.size, &words))
    }

    /// The mask, both passes in Lab, and the sums over them.
    fn choose(&mut self, recorder: &mut Recorder<'_>, candidates: &DeviceCandidates<'_>, u: f32) {
        let stages = &mut self.stages;
        std::mem::swap(&mut stages.mask, &mut stages.older_mask);
        let select = SelectParams {
            width: self.size.width,
            height: self.size.height,
            forward_weight: u,
            backward_weight: 1.0 - u,
            has_previous: u32::from(self.index > 0),
        };
        let stages = &self.stages;
        let buffers = [
            candidates.forward_error.binding(),
            candidates.backward_error.binding(),
            stages.older_mask.binding(),
            candidates.cur_from_prev.binding(),
            stages.mask.binding(),
        ];
        let bindings = self.kernels.select.bind(self.context, &buffers);
        recorder.dispatch(&self.kernels.select, &bindings, select, tiles(self.size, 1));
        self.convert(
            recorder,
            &self.kernels.lab,
            candidates.forward,
            &stages.forward,
        );
        self.convert(
            recorder,
            &self.kernels.lab,
            candidates.backward,
            &stages.backward,
        );
        let buffers = [
            &stages.forward,
            &stages.backward,
            &stages.mask,
            &stages.sums,
        ];
        let bindings = self
            .kernels
            .sums
            .bind(self.context, &buffers.map(Buffer::binding));
        let n_pixels = self.size.area();
        let workgroups = [n_pixels.div_ceil(PIXELS_PER_SUM) as u32, 1, 1];
        let params = SumsParams {
            n_pixels: n_pixels as u32,
        };
        recorder.dispatch(&self.kernels.sums, &bindings, params, workgroups);
    }

    /// The contrast-preserving blend, as the picture.
    fn mix(&self, recorder: &mut Recorder<'_>, mixes: [Mix; 3]) {
        let stages = &self.stages;
        let [forward, backward, offset] = [
            mixes.map(|m| m.forward),
            mixes.map(|m| m.backward),
            mixes.map(|m| m.offset),
        ];
        let params = ContrastParams {
            width: self.size.width,
            height: self.size.height,
            forward_0: forward[0],
            forward_1: forward[1],
            forward_2: forward[2],
            backward_0: backward[0],
            backward_1: backward[1],
            backward_2: backward[2],
            offset_0: offset[0],
            offset_1: offset[1],
            offset_2: offset[2],
        };
        let buffers = [&stages.forward, &stages.backward, &stages.contrast];
        let bindings = self
            .kernels
            .contrast
            .bind(self.context, &buffers.map(Buffer::binding));
        recorder.dispatch(
            &self.kernels.contrast,
            &bindings,
            params,
            tiles(self.size, 1),
        );
        self.convert(
            recorder,
            &self.kernels.unlab,
            &stages.contrast,
            &stages.picture,
        );
    }

    /// The picture, which is the blend, with the gradients of the chosen pixels.
    fn fuse(&self, recorder: &mut Recorder<'_>) {
        let stages = &self.stages;
        // Converted anew from bytes, as the reference does: colours that RGB has not are cut off before.
        self.convert(
            recorder,
            &self.kernels.lab,
            &stages.picture,
            &stages.scratch,
        );
        let [start, other] = &stages.directions;
        let buffers = [
            stages.forward.binding(),
            stages.backward.binding(),
            stages.mask.binding(),
            stages.scratch.binding(),
            stages.residual.binding(),
            start.binding(),
        ];
        let bindings = self.kernels.divergence.bind(self.context, &buffers);
        let grid = Grid::from(self.size);
        recorder.dispatch(
            &self.kernels.divergence,
            &bindings,
            grid,
            tiles(self.size, 1),
        );
        let step = |from: &Buffer<[f32; 4]>, to: &Buffer<[f32; 4]>| {
            let buffers = [from, &stages.residual, &stages.solution, to];
            self.kernels
                .chebyshev
                .bind(self.context, &buffers.map(Buffer::binding))
        };
        self.iterate(recorder, &[step(start, other), step(other, start)]);
        let quantise = QuantiseParams {
            width: self.size.width,
            height: self.size.height,
            rounds_down: u32::from(self.config.rounding == Rounding::Down),
        };
        let buffers = [stages.solution.binding(), stages.scratch.binding()];
        let bindings = self.kernels.quantise.bind(self.context, &buffers);
        recorder.dispatch(
            &self.kernels.quantise,
            &bindings,
            quantise,
            tiles(self.size, 1),
        );
        self.convert(
            recorder,
            &self.kernels.unlab,
            &stages.scratch,
            &stages.picture,
        );
    }

    fn iterate(&self, recorder: &mut Recorder<'_>, bindings: &[Bindings; 2]) {
        let factors = [0, 1, 2].map(|c| chebyshev_factors(WEIGHTS_SQUARED[c], STEPS[c]));
        for step in 0..STEPS[0] {
            // A channel that has had its steps stands still.
            let of = |c: usize| factors[c].get(step).copied().unwrap_or([0.0; 2]);
            let [[keep_0, turn_0], [keep_1, turn_1], [keep_2, turn_2]] = [0, 1, 2].map(of);
            let params = ChebyshevParams {
                width: self.size.width,
                height: self.size.height,
                is_first: u32::from(step == 0),
                weight_0: WEIGHTS_SQUARED[0],
                weight_1: WEIGHTS_SQUARED[1],
                weight_2: WEIGHTS_SQUARED[2],
                keep_0,
                keep_1,
                keep_2,
                turn_0,
                turn_1,
                turn_2,
            };
            let workgroups = tiles(self.size, 1);
            recorder.dispatch(
                &self.kernels.chebyshev,
                &bindings[step % 2],
                params,
                workgroups,
            );
        }
    }

    fn convert(
        &self,
        recorder: &mut Recorder<'_>,
        kernel: &Kernel,
        from: &Buffer<u32>,
        to: &Buffer<u32>,
    ) {
        let buffers = [from.binding(), self.stages.tables.binding(), to.binding()];
        let bindings = kernel.bind(self.context, &buffers);
        recorder.dispatch(
            kernel,
            &bindings,
            Grid::from(self.size),
            tiles(self.size, 1),
        );
    }
}

/// The tables of the conversions in one piece, as `shaders/shared/lab_tables.wgsl` finds them.
fn table_words() -> Vec<i32> {
    let linear = TABLES.linear.iter().map(|v| i32::from(*v));
    let root = TABLES.root.iter().map(|v| i32::from(*v));
    let lightness = TABLES.lightness.iter().flatten().copied();
    let display = TABLES.display.iter().map(|v| i32::from(*v));
    linear.chain(root).chain(lightness).chain(display).collect()
}

/// The sums of all workgroups.
fn total(partial: &[u32]) -> Sums {
    let mut sums = [[0_u64; 3]; 7];
    for (i, value) in partial.iter().enumerate() {
        sums[i % 21 / 3][i % 3] += u64::from(*value);
    }
    let [
        forward,
        backward,
        chosen,
        forward_squared,
        backward_squared,
        chosen_squared,
        product,
    ] = sums;
    Sums {
        forward,
        backward,
        chosen,
        forward_squared,
        backward_squared,
        chosen_squared,
        product,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_lie_where_the_shaders_look() {
        let starts = [256, 256 + 2041, 256 + 2041 + 512];
        assert_eq!(TABLES.root.len(), 2041);
        let source = crate::gpu::shader::assemble("blend/lab").unwrap();
        for (name, start) in ["ROOT", "LIGHTNESS", "DISPLAY"].iter().zip(starts) {
            assert!(
                source.contains(&format!("const {name}: u32 = {start}u;")),
                "{name}"
            );
        }
    }
}
