//! Blends the two passes of a segment where they were painted: on the processor or on the graphics card.

use super::blend::{BlendConfig, Blender, Candidates};
use super::{SynthError, Synthesiser};
use crate::flow::field::FlowField;
use crate::frame::{Frame, Size};

/// A frame as one pass painted it.
#[derive(Clone, Copy, Debug)]
pub struct Painted<'a> {
    /// The picture.
    pub picture: &'a Frame,
    /// Patch error of each pixel, as [`Synthesis`](super::Synthesis) has it; of the backward pass, that of the frame
    /// which [`BlendConfig::backward_error_index`] says.
    pub error: &'a [u32],
}

/// Gives the next frame between two keyframes from its forward and its backward painting, and the flow on its grid into
/// the frame before.
pub type SegmentBlender<'a> =
    Box<dyn FnMut([Painted<'_>; 2], &FlowField) -> Result<Frame, SynthError> + 'a>;

impl Synthesiser {
    /// A blender for a segment with `n_between` frames of `size` between its keyframes. The graphics card may differ
    /// from the processor by a level. The reference's solver runs on the processor alone.
    ///
    /// # Errors
    /// If the device has no memory for it, and later whatever goes wrong on the device.
    #[cfg_attr(
        not(feature = "gpu"),
        expect(unused_variables, reason = "only a graphics card has to know the size")
    )]
    pub fn blender(
        &self,
        config: BlendConfig,
        size: Size,
        n_between: usize,
    ) -> Result<SegmentBlender<'_>, SynthError> {
        match self {
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) if config.solver == super::blend::Solver::Chebyshev => {
                Ok(gpu.blender(config, size, n_between)?)
            }
            _ => Ok(on_the_processor(config, n_between)),
        }
    }
}

fn on_the_processor<'a>(config: BlendConfig, n_between: usize) -> SegmentBlender<'a> {
    let mut blender = Blender::new(config, n_between);
    // Only their proportions matter.
    let errors = |painted: Painted<'_>| -> Vec<f32> {
        painted.error.iter().map(|error| *error as f32).collect()
    };
    Box::new(move |[forward, backward], flow| {
        let candidates = Candidates {
            forward: forward.picture,
            backward: backward.picture,
            forward_error: &errors(forward),
            backward_error: &errors(backward),
        };
        Ok(blender.next(&candidates, flow))
    })
}
