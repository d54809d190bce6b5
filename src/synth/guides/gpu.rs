//! The guides on the graphics card; every method works on all layers of its buffers at once.

use super::fill::halved;
use crate::frame::Size;
use crate::gpu::grid::tiles;
use crate::gpu::{Access, Bindings, Buffer, Context, GpuError, Grid, Kernel, Recorder};

/// The compiled kernels.
#[derive(Debug)]
pub struct GuideKernels {
    edge: Kernel,
    warp_nearest: Kernel,
    occlusion: Kernel,
    push: Kernel,
    pull: Kernel,
}

impl GuideKernels {
    /// Compiles them.
    ///
    /// # Errors
    /// If the device refuses.
    pub fn new(context: &Context) -> Result<Self, GpuError> {
        use Access::{Read, Write};
        Ok(Self {
            edge: Kernel::new(context, "synth/edge", &[Read, Write])?,
            warp_nearest: Kernel::new(context, "synth/warp_nearest", &[Read, Read, Write])?,
            occlusion: Kernel::new(context, "synth/occlusion", &[Read, Read, Write])?,
            push: Kernel::new(context, "synth/push", &[Read, Write])?,
            pull: Kernel::new(context, "synth/pull", &[Write, Read])?,
        })
    }

    /// [`edge`](super::edge()) of each layer of `picture`.
    pub fn edge(
        &self,
        context: &Context,
        recorder: &mut Recorder<'_>,
        size: Size,
        picture: &Buffer<u32>,
        edges: &Buffer<u32>,
    ) {
        let bindings = self
            .edge
            .bind(context, &[picture.binding(), edges.binding()]);
        run(recorder, &self.edge, &bindings, size, picture.len());
    }

    /// [`warp_nearest`](super::warp_nearest) of `[previous, moved]`, each layer along its own flow.
    pub fn warp_nearest(
        &self,
        context: &Context,
        recorder: &mut Recorder<'_>,
        size: Size,
        flow: &Buffer<[f32; 2]>,
        [previous, moved]: [&Buffer<u32>; 2],
    ) {
        let buffers = [previous.binding(), flow.binding(), moved.binding()];
        let bindings = self.warp_nearest.bind(context, &buffers);
        run(recorder, &self.warp_nearest, &bindings, size, moved.len());
    }

    /// [`occlusion`](super::occlusion()) of `[cur_from_prev, prev_from_cur]`, 1 where occluded.
    pub fn occlusion(
        &self,
        context: &Context,
        recorder: &mut Recorder<'_>,
        size: Size,
        [there, back]: [&Buffer<[f32; 2]>; 2],
        occluded: &Buffer<u32>,
    ) {
        let buffers = [there.binding(), back.binding(), occluded.binding()];
        let bindings = self.occlusion.bind(context, &buffers);
        run(recorder, &self.occlusion, &bindings, size, occluded.len());
    }

    /// Fills what has weight 0 (fourth value) from the rest, as [`fill`](super::fill()) does.
    ///
    /// # Errors
    /// If the levels above do not fit into memory.
    pub fn fill(
        &self,
        context: &Context,
        recorder: &mut Recorder<'_>,
        size: Size,
        values: &Buffer<[f32; 4]>,
    ) -> Result<(), GpuError> {
        let half = halved(size);
        if half == size {
            return Ok(());
        }
        let n_layers = values.len() / size.area();
        let above = Buffer::zeros(context, half.area() * n_layers)?;
        let both = [values.binding(), above.binding()];
        let push = self.push.bind(context, &both);
        let workgroups = tiles(half, n_layers as u32);
        recorder.dispatch(&self.push, &push, Grid::from(size), workgroups);
        self.fill(context, recorder, half, &above)?;
        let pull = self.pull.bind(context, &both);
        run(recorder, &self.pull, &pull, size, values.len());
        Ok(())
    }
}

fn run(recorder: &mut Recorder<'_>, kernel: &Kernel, bindings: &Bindings, size: Size, len: usize) {
    let workgroups = tiles(size, (len / size.area()) as u32);
    recorder.dispatch(kernel, bindings, Grid::from(size), workgroups);
}
