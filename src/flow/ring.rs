//! Flows and occlusions between neighbours of a ring of frames.

use burn::tensor::{Tensor, TensorData};

use super::field::FlowField;
use super::occlusion::{Occlusion, occlusion};
use super::resize::{down_flow, max_pool};
use crate::frame::{Frame, Size};
use crate::tensor::Device;
use crate::tensor::image::signed_from_frames;
use crate::tensor::read::{ReadError, host_values};

/// The pairs of a ring of N frames: entry `i` joins frame `i` and frame `i + 1`, the last joins the last and the first.
#[derive(Clone, Debug)]
pub struct FlowRing {
    /// From each frame to the next, on the frame's own grid, `[N, 2, H, W]`: `frame i ≈ warp(frame i + 1, forward i)`.
    pub forward: Tensor<4>,
    /// From the next frame to each, on the next frame's grid, `[N, 2, H, W]`.
    pub backward: Tensor<4>,
    /// 1 where a pixel of a frame is not seen in the next, else 0, `[N, H, W]`.
    pub forward_occlusion: Tensor<3>,
    /// 1 where a pixel of the next frame is not seen in the frame, else 0, `[N, H, W]`.
    pub backward_occlusion: Tensor<3>,
}

impl FlowRing {
    /// Judges occlusion from flows in both directions.
    ///
    /// # Shapes
    /// `frames` `[N, 3, H, W]` in `[0, 255]`; flows as in the fields.
    #[must_use]
    pub fn new(frames: &Tensor<4>, forward: Tensor<4>, backward: Tensor<4>) -> Self {
        let Occlusion {
            forward: forward_occlusion,
            backward: backward_occlusion,
        } = occlusion(frames, &next(frames), &forward, &backward);
        Self {
            forward,
            backward,
            forward_occlusion,
            backward_occlusion,
        }
    }

    /// From flows on the host, one of each direction for each frame.
    ///
    /// # Panics
    /// If there are no frames, or not one flow of a frame's size for each of them and each direction.
    #[must_use]
    pub fn from_fields(
        frames: &[Frame],
        forward: &[FlowField],
        backward: &[FlowField],
        device: &Device,
    ) -> Self {
        let (forward, backward) = (stack(forward, device), stack(backward, device));
        Self::new(&colours(frames, device), forward, backward)
    }

    /// The same at `stride`: vectors shrink with the grid, and any occluded pixel occludes its cell.
    ///
    /// # Panics
    /// If the stride is odd and above 1, or does not divide both sides.
    #[must_use]
    pub fn at_stride(&self, stride: usize) -> Self {
        Self {
            forward: down_flow(&self.forward, stride),
            backward: down_flow(&self.backward, stride),
            forward_occlusion: max_pool(&self.forward_occlusion, stride),
            backward_occlusion: max_pool(&self.backward_occlusion, stride),
        }
    }

    /// Number of frames, which is that of pairs.
    #[must_use]
    pub fn n_frames(&self) -> usize {
        self.forward.dims()[0]
    }
}

/// Frames as a tensor `[n, 3, H, W]` in `[0, 255]`.
pub(super) fn colours(frames: &[Frame], device: &Device) -> Tensor<4> {
    let frames: Vec<&Frame> = frames.iter().collect();
    (signed_from_frames(&frames, device) + 1.0) * 127.5
}

/// Each frame's successor in its place, the first at the end.
pub(super) fn next(frames: &Tensor<4>) -> Tensor<4> {
    let n = frames.dims()[0];
    if n == 1 {
        return frames.clone();
    }
    let rest = frames.clone().narrow(0, 1, n - 1);
    Tensor::cat(vec![rest, frames.clone().narrow(0, 0, 1)], 0)
}

/// Flows of one size as a tensor.
///
/// # Shapes
/// `n` fields → `[n, 2, H, W]`.
///
/// # Panics
/// If there are no fields or their sizes differ.
#[must_use]
pub fn stack(fields: &[FlowField], device: &Device) -> Tensor<4> {
    let size = fields[0].size();
    let mut values = Vec::with_capacity(fields.len() * size.area() * 2);
    for field in fields {
        assert_eq!(field.size(), size, "flows of one ring have one size");
        for axis in 0..2 {
            values.extend(field.values().iter().map(|vector| vector[axis]));
        }
    }
    let shape = [fields.len(), 2, size.height as usize, size.width as usize];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The flows of a tensor on the host; waits for the device.
///
/// # Shapes
/// `[n, 2, H, W]` → `n` fields.
///
/// # Errors
/// [`ReadError`] if a value is infinite or not a number, or the device could not be read.
pub fn fields(flow: Tensor<4>) -> Result<Vec<FlowField>, ReadError> {
    let [_, _, height, width] = flow.dims();
    let size = Size {
        width: width as u32,
        height: height as u32,
    };
    let values = host_values(flow)?;
    let field = |planes: &[f32]| {
        let (x, y) = planes.split_at(size.area());
        FlowField::new(size, x.iter().zip(y).map(|(&x, &y)| [x, y]).collect())
    };
    Ok(values.chunks_exact(2 * size.area()).map(field).collect())
}
