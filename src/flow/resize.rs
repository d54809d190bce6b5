//! Maps, masks and flows at the strides of a network's levels.

use burn::tensor::Tensor;

/// Reduces by an even `stride`: the mean of the two by two pixels around the centre of each cell.
///
/// What bilinear resizing without anti-aliasing gives. A stride of 1 changes nothing.
///
/// # Shapes
/// `[N, C, H, W]` → `[N, C, H / stride, W / stride]`.
///
/// # Panics
/// If the stride is odd and above 1, or does not divide both sides.
#[must_use]
pub fn down(map: &Tensor<4>, stride: usize) -> Tensor<4> {
    if stride == 1 {
        return map.clone();
    }
    assert!(stride.is_multiple_of(2), "a cell has a centre");
    let [n, c, h, w] = map.dims();
    let cells = cells(map.clone().reshape([n * c, h, w]), stride);
    let centre = cells
        .narrow(2, stride / 2 - 1, 2)
        .narrow(4, stride / 2 - 1, 2);
    let mean = centre.mean_dim(2).mean_dim(4);
    mean.reshape([n, c, h / stride, w / stride])
}

/// Reduces a flow by an even `stride`, and its vectors with it: they are in pixels of their own grid.
///
/// # Shapes
/// `[N, 2, H, W]` → `[N, 2, H / stride, W / stride]`.
///
/// # Panics
/// As [`down`].
#[must_use]
pub fn down_flow(flow: &Tensor<4>, stride: usize) -> Tensor<4> {
    down(flow, stride) / stride as f32
}

/// Reduces a mask by `stride`: any set pixel sets its cell.
///
/// # Shapes
/// `[N, H, W]` → `[N, H / stride, W / stride]`.
///
/// # Panics
/// If the stride does not divide both sides.
#[must_use]
pub fn max_pool(mask: &Tensor<3>, stride: usize) -> Tensor<3> {
    if stride == 1 {
        return mask.clone();
    }
    let [n, h, w] = mask.dims();
    let most = cells(mask.clone(), stride).max_dim(2).max_dim(4);
    most.reshape([n, h / stride, w / stride])
}

/// Doubles the resolution: each pixel weighs three quarters of its nearest and one of the next, edges are repeated.
///
/// # Shapes
/// `[N, C, H, W]` → `[N, C, 2H, 2W]`.
#[must_use]
pub fn up2(map: &Tensor<4>) -> Tensor<4> {
    doubled(doubled(map.clone(), 2), 3)
}

fn doubled(map: Tensor<4>, axis: usize) -> Tensor<4> {
    let mut shape = map.dims();
    let length = shape[axis];
    let first = map.clone().narrow(axis, 0, 1);
    let last = map.clone().narrow(axis, length - 1, 1);
    // A single pixel has no other neighbour than itself.
    let inner = |start: usize| (length > 1).then(|| map.clone().narrow(axis, start, length - 1));
    let before = Tensor::cat(
        [Some(first), inner(0)].into_iter().flatten().collect(),
        axis,
    );
    let after = Tensor::cat([inner(1), Some(last)].into_iter().flatten().collect(), axis);
    let near = map * 0.75;
    let pair = vec![near.clone() + before * 0.25, near + after * 0.25];
    shape[axis] *= 2;
    Tensor::stack::<5>(pair, axis + 1).reshape(shape)
}

/// `[N, H, W]` → `[N, H / stride, stride, W / stride, stride]`.
fn cells(map: Tensor<3>, stride: usize) -> Tensor<5> {
    let [n, h, w] = map.dims();
    assert!(
        h.is_multiple_of(stride) && w.is_multiple_of(stride),
        "a stride of {stride} divides {w}×{h}"
    );
    map.reshape([n, h / stride, stride, w / stride, stride])
}
