//! Which pixels of a picture have no counterpart in another, judged from the flows between the two.
//!
//! # Source
//! N. Sundaram, T. Brox, K. Keutzer, "Dense Point Trajectories by GPU-Accelerated Large Displacement Optical Flow",
//! ECCV 2010, for the forward-backward check; its constants and the test of colours as FRESCO has them.

use burn::tensor::{Bool, Tensor};

use super::warp::warp;

/// Part of the length of both vectors by which they may fail to cancel.
const ALLOWED_PART: f32 = 0.01;
/// Pixels by which two short vectors may fail to cancel.
const ALLOWED_PIXELS: f32 = 0.5;
/// Mean difference of colour channels, in grey levels, above which two pixels are not the same thing: a quarter.
const ALLOWED_LEVELS: f32 = 63.75;

/// Masks of both pictures of each pair: 1 where a pixel has no counterpart, else 0.
#[derive(Clone, Debug)]
pub struct Occlusion {
    /// On the grid of the first picture, `[N, H, W]`: what cannot be found in the second.
    pub forward: Tensor<3>,
    /// On the grid of the second picture, `[N, H, W]`: what cannot be found in the first.
    pub backward: Tensor<3>,
}

/// Pixels whose flow leads to one that does not lead back, or to another colour.
///
/// The flow that leaves the picture does not lead back. How far off it may be is one field for both directions,
/// although the two flows live on different grids; so it is in FRESCO.
///
/// # Shapes
/// `first`, `second` `[N, 3, H, W]` in `[0, 255]`; `forward` from first to second and `backward` from second to first,
/// `[N, 2, H, W]` each.
#[must_use]
pub fn occlusion(
    first: &Tensor<4>,
    second: &Tensor<4>,
    forward: &Tensor<4>,
    backward: &Tensor<4>,
) -> Occlusion {
    let [inconsistent_forward, inconsistent_backward] = inconsistent(forward, backward);
    let forward = inconsistent_forward.bool_or(other_colour(first, second, forward));
    let backward = inconsistent_backward.bool_or(other_colour(second, first, backward));
    Occlusion {
        forward: forward.float(),
        backward: backward.float(),
    }
}

/// The forward-backward check alone.
///
/// # Shapes
/// As [`occlusion`].
#[must_use]
pub fn consistency(forward: &Tensor<4>, backward: &Tensor<4>) -> Occlusion {
    let [forward, backward] = inconsistent(forward, backward).map(Tensor::<3, Bool>::float);
    Occlusion { forward, backward }
}

fn inconsistent(forward: &Tensor<4>, backward: &Tensor<4>) -> [Tensor<3, Bool>; 2] {
    let lengths = length(forward.clone()) + length(backward.clone());
    let allowed = lengths * ALLOWED_PART + ALLOWED_PIXELS;
    let check = |flow: &Tensor<4>, back: &Tensor<4>| {
        length(flow.clone() + warp(back, flow)).greater(allowed.clone())
    };
    [check(forward, backward), check(backward, forward)]
}

fn other_colour(own: &Tensor<4>, other: &Tensor<4>, flow: &Tensor<4>) -> Tensor<3, Bool> {
    let difference = (own.clone() - warp(other, flow)).abs().mean_dim(1);
    difference.squeeze_dim::<3>(1).greater_elem(ALLOWED_LEVELS)
}

fn length(flow: Tensor<4>) -> Tensor<3> {
    let square = flow.clone() * flow;
    square.sum_dim(1).squeeze_dim::<3>(1).sqrt()
}

/// Sums a mask over a square window around each pixel, and clamps to `[0, 1]`; edges are repeated.
///
/// Of a mask of zeros and ones this is the dilation. Of one with small values in between it is not: they add up.
///
/// # Shapes
/// The last two dimensions are rows and columns; nothing changes its size.
///
/// # Panics
/// If `kernel`, the window's side in pixels, is even.
#[must_use]
pub fn dilate<const D: usize>(mask: &Tensor<D>, kernel: usize) -> Tensor<D> {
    assert!(kernel % 2 == 1, "a window has a middle");
    let rows = window_sum(mask.clone(), D - 2, kernel);
    window_sum(rows, D - 1, kernel).clamp(0.0, 1.0)
}

fn window_sum<const D: usize>(mask: Tensor<D>, axis: usize, kernel: usize) -> Tensor<D> {
    let length = mask.dims()[axis];
    let radius = kernel / 2;
    if radius == 0 {
        return mask;
    }
    let edge = |at: usize| mask.clone().narrow(axis, at, 1).repeat_dim(axis, radius);
    let padded = Tensor::cat(vec![edge(0), mask.clone(), edge(length - 1)], axis);
    let shifted = |start: usize| padded.clone().narrow(axis, start, length);
    (1..kernel).fold(shifted(0), |sum, start| sum + shifted(start))
}
