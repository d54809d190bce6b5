//! The guides on the graphics card.

use crate::frame::Size;
use crate::gpu::grid::tiles;
use crate::gpu::{Access, Buffer, Context, GpuError, Grid, Kernel, Recorder};

/// The compiled kernels.
#[derive(Debug)]
pub struct GuideKernels {
    edge: Kernel,
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
        let bindings = self.edge.bind(context, &[picture.binding(), edges.binding()]);
        let n_layers = (picture.len() / size.area()) as u32;
        recorder.dispatch(&self.edge, &bindings, Grid::from(size), tiles(size, n_layers));
    }
}
