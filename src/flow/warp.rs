//! Moves pictures and features along a flow.

use burn::tensor::ops::{GridSampleOptions, GridSamplePaddingMode, InterpolateMode};
use burn::tensor::{FloatDType, Int, Tensor};

/// Moves `image` along `flow`: the result at `p` is `image` at `p + flow(p)`, bilinear, zero outside.
///
/// Zero counts as a value at the border: a sample half outside is half as bright. Always computes in `f32`.
///
/// # Shapes
/// `image` `[N, C, H, W]` (any range), `flow` `[N, 2, H, W]` in pixels of this grid, channel 0 along x → `[N, C, H, W]`.
///
/// # Panics
/// If the two differ in number or size.
///
/// # Source
/// Backward warping as GMFlow trains with.
#[must_use]
pub fn warp(image: &Tensor<4>, flow: &Tensor<4>) -> Tensor<4> {
    let [n, _, height, width] = image.dims();
    assert_eq!(flow.dims(), [n, 2, height, width], "a vector a pixel");
    let device = image.device();
    let axis = |length: usize| Tensor::<1, Int>::arange(0..length as i64, &device).float();
    let x = axis(width).reshape([1, 1, width, 1]);
    let y = axis(height).reshape([1, height, 1, 1]);
    let flow = flow.clone().cast(FloatDType::F32);
    let component = |axis: usize| {
        flow.clone()
            .narrow(1, axis, 1)
            .reshape([n, height, width, 1])
    };
    let x = normalized(component(0) + x, width);
    let y = normalized(component(1) + y, height);
    // Joined along the last axis and not permuted to it: the GPU's sampler reads the two as neighbours in memory.
    let grid = Tensor::cat(vec![x, y], 3);
    let options = GridSampleOptions::new(InterpolateMode::Bilinear)
        .with_padding_mode(GridSamplePaddingMode::Zeros)
        .with_align_corners(false);
    let image = image.clone().cast(FloatDType::F32);
    image.grid_sample_2d(grid, options)
}

/// Pixel coordinates to the sampler's: -1 and 1 are the outer edges of the picture, half a pixel beyond the centres of
/// its corners. Unlike corner-aligned ones, these are defined for a single row too; the samples are the same.
fn normalized(position: Tensor<4>, length: usize) -> Tensor<4> {
    (position * 2.0 + 1.0) / length as f32 - 1.0
}
