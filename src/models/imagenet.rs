//! The scale of pictures for networks that grew from one trained on ImageNet.

use crate::tensor::Tensor;

const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// By the mean and deviation of the pictures that such networks were trained on.
///
/// # Shapes
/// `[n, 3, h, w]`, RGB in `[0, 1]` → the same shape, about in `[-2, 3]`.
pub(super) fn normalised(unit: Tensor<4>) -> Tensor<4> {
    let device = unit.device();
    let spread = |values| Tensor::<1>::from_floats(values, &device).reshape([1, 3, 1, 1]);
    (unit - spread(MEAN)) / spread(DEVIATION)
}
