//! Group and instance normalisation whose sums never run over more than a row at a time.
//!
//! Burn's own reduce a whole group in one go: a million values in the autoencoder at 512×512. That is slow on a card,
//! loses digits in `f32`, and is wrong on a software Vulkan driver, which ends loops after 65 536 turns.

use burn::nn::GroupNorm;

use super::{FloatDType, Tensor};

/// Applies `norm` to `x` `[n, c, h, w]`, with statistics in `f32`.
///
/// # Source
/// Wu and He, "Group Normalization", 2018.
#[must_use]
pub fn group_norm(norm: &GroupNorm, x: Tensor<4>) -> Tensor<4> {
    let channels = x.dims()[1];
    let normed = standardised(x, norm.num_groups, norm.epsilon);
    match (&norm.gamma, &norm.beta) {
        (Some(gamma), Some(beta)) => {
            let spread = |values: Tensor<1>| values.reshape([1, channels, 1, 1]);
            normed * spread(gamma.val()) + spread(beta.val())
        }
        _ => normed,
    }
}

/// Makes each channel of each picture of `x` `[n, c, h, w]` have mean 0 and variance 1, with statistics in `f32`.
///
/// # Source
/// Ulyanov et al., "Instance Normalization", 2016.
#[must_use]
pub fn instance_norm(x: Tensor<4>, epsilon: f64) -> Tensor<4> {
    let channels = x.dims()[1];
    standardised(x, channels, epsilon)
}

fn standardised(x: Tensor<4>, groups: usize, epsilon: f64) -> Tensor<4> {
    let [n, channels, height, width] = x.dims();
    let dtype = x.dtype();
    let grouped = x.reshape([n, groups, channels / groups * height, width]);
    let mean = |values: Tensor<4>| values.mean_dim(3).mean_dim(2);
    // Widened anew for each use: a card then fuses it into that use, and holds no map in full precision.
    let wide = || grouped.clone().cast(FloatDType::F32);
    let centre = mean(wide());
    let variance = mean((wide() - centre.clone()).square());
    let normed = (wide() - centre) / (variance + epsilon).sqrt();
    normed.reshape([n, channels, height, width]).cast(dtype)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{GroupNormConfig, InstanceNormConfig};
    use burn::tensor::{Device, Distribution};

    #[test]
    fn it_equals_the_definition() {
        let device = Device::flex();
        device.seed(5);
        for (groups, shape) in [(2, [3, 8, 5, 7]), (1, [1, 4, 300, 301]), (4, [2, 4, 1, 1])] {
            let x = Tensor::<4>::random(shape, Distribution::Normal(3.0, 2.0), &device);
            let mut norm = GroupNormConfig::new(groups, shape[1])
                .with_epsilon(1e-6)
                .init(&device);
            norm.gamma = norm.gamma.map(|gamma| gamma.map(|gamma| gamma * 1.5));
            norm.beta = norm.beta.map(|beta| beta.map(|beta| beta + 0.25));
            let difference = (group_norm(&norm, x.clone()) - norm.forward(x)).abs().max();
            let difference: f32 = difference.into_scalar();
            assert!(difference < 1e-4, "{groups} {shape:?}: {difference}");
        }
    }

    #[test]
    fn a_group_for_each_channel_is_instance_normalisation() {
        let device = Device::flex();
        device.seed(6);
        let x = Tensor::<4>::random([2, 5, 30, 31], Distribution::Normal(3.0, 2.0), &device);
        let norm = InstanceNormConfig::new(5).with_epsilon(1e-5).init(&device);
        let difference = (instance_norm(x.clone(), 1e-5) - norm.forward(x))
            .abs()
            .max();
        let difference: f32 = difference.into_scalar();
        assert!(difference < 1e-4, "{difference}");
    }
}
