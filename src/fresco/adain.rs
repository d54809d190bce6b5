//! Adaptive instance normalisation: one map's content with another's statistics.
//!
//! # Source
//! Huang and Belongie, "Arbitrary style transfer in real-time with adaptive instance normalization", 2017.

use crate::tensor::Tensor;

/// Added to the variance of the content.
const CONTENT_EPSILON: f64 = 1e-5;

/// `content` with the mean and standard deviation of `style`, per map and channel, over space.
///
/// # Shapes
/// Both `[n, tokens, c]`, at least two tokens → `[n, tokens, c]`.
#[must_use]
pub fn adain(content: Tensor<3>, style: &Tensor<3>, style_epsilon: f64) -> Tensor<3> {
    let [content_mean, content_deviation] = mean_and_deviation(&content, CONTENT_EPSILON);
    let [style_mean, style_deviation] = mean_and_deviation(style, style_epsilon);
    (content - content_mean) * (style_deviation / content_deviation) + style_mean
}

/// Mean and standard deviation over space, `[n, 1, c]`: unbiased variance, plus `epsilon`, then the root.
#[must_use]
pub fn mean_and_deviation(x: &Tensor<3>, epsilon: f64) -> [Tensor<3>; 2] {
    let n_tokens = x.dims()[1];
    let mean = x.clone().mean_dim(1);
    let centred = x.clone() - mean.clone();
    let variance = centred.square().sum_dim(1) / (n_tokens - 1) as f64;
    [mean, (variance + epsilon).sqrt()]
}
