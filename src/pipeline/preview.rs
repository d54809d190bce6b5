//! Rough pictures of a batch while it is denoised.

use std::sync::Arc;

use super::error::Error;
use super::observer::{Observer, StepOf};
use crate::diffusion::latents::LatentColours;
use crate::frame::{Frame, FrameIdx, Size};
use crate::tensor::Tensor;
use crate::tensor::read::host_values;

/// Shows a batch's keyframes after each step, if anybody looks.
pub struct Previewer<'a> {
    /// Places of the frames in the video, anchors first.
    frames: &'a [FrameIdx],
    /// How many of them are anchors, which are finished.
    n_anchors: usize,
    sources: &'a [Frame],
    /// Latents of the sources `[n, 4, h, w]`.
    source: Tensor<4>,
    /// Fitted when first looked at.
    colours: Option<LatentColours>,
}

impl<'a> Previewer<'a> {
    /// Of the frames of a batch, whose pictures and latents `[n, 4, h, w]` are `sources` and `source`.
    #[must_use]
    pub fn new(
        frames: &'a [FrameIdx],
        n_anchors: usize,
        (sources, source): (&'a [Frame], Tensor<4>),
    ) -> Self {
        Self {
            frames,
            n_anchors,
            sources,
            source,
            colours: None,
        }
    }

    /// Shows predicted clean latents `[n, 4, h, w]`.
    ///
    /// # Errors
    /// [`Error::Values`] if they are infinite or not a number.
    pub fn show(
        &mut self,
        step: StepOf,
        latents: &Tensor<4>,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let [n, channels, height, width] = latents.dims();
        if !observer.preview_wanted() || channels != 4 {
            return Ok(());
        }
        let size = Size {
            width: width as u32,
            height: height as u32,
        };
        if self.colours.is_none() {
            let pictures: Vec<&Frame> = self.sources.iter().collect();
            let values = host_values(self.source.clone())?;
            self.colours = Some(LatentColours::fit(&pictures, &values, size));
        }
        let Some(colours) = &self.colours else {
            return Ok(());
        };
        let n_new = n - self.n_anchors;
        let values = host_values(latents.clone().narrow(0, self.n_anchors, n_new))?;
        let of_each = values.chunks_exact(channels * size.area());
        let pictures = of_each.map(|latents| Arc::new(colours.view(latents, size)));
        let frames = self.frames[self.n_anchors..].iter().copied();
        observer.batch_preview(step, frames.zip(pictures).collect());
        Ok(())
    }
}
