//! FRESCO-aware feature optimisation: a few steps of Adam on decoder features, then back to their statistics.
//!
//! # Source
//! FRESCO (Yang et al., 2024), "FRESCO-aware feature optimization"; constants, and the return to the old statistics, are
//! the reference implementation's.

use std::convert::Infallible;
use std::ops::ControlFlow;

use super::adain::adain;
use super::spatial_loss::spatial_loss;
use super::temporal_loss::TemporalDrift;
use crate::tensor::{FloatDType, GramTarget, Tensor};

/// How features are optimised.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerConfig {
    /// Steps of Adam.
    pub iterations: usize,
    /// Step size, in units of the features.
    pub learning_rate: f64,
    /// Weight of the spatial loss.
    pub spatial_weight: f64,
    /// Weight of the temporal loss.
    pub temporal_weight: f64,
    /// Added to the variance of the features before they were optimised, when it is given back.
    pub adain_style_epsilon: f64,
}

impl OptimizerConfig {
    /// The reference implementation's numbers.
    ///
    /// Its style epsilon is 1, seemingly by a slip of arguments, and raises the contrast of quiet channels at every step.
    pub const REFERENCE: Self = Self {
        iterations: 20,
        learning_rate: 0.2,
        spatial_weight: 100.0,
        temporal_weight: 2.0,
        adain_style_epsilon: 1.0,
    };
}

/// What features are to be consistent with; either may be absent.
#[derive(Clone, Copy, Debug)]
pub struct Objective<'a> {
    /// Likenesses within each frame.
    pub spatial: Option<&'a GramTarget>,
    /// Neighbours along flow.
    pub temporal: Option<&'a TemporalDrift>,
}

/// Decay of the mean of the gradients.
const BETA_1: f64 = 0.9;
/// Decay of the mean of their squares.
const BETA_2: f64 = 0.999;
/// Not negligible: gradients of means over whole batches are around 1e-7.
const ADAM_EPSILON: f64 = 1e-8;

/// Optimises `features` and gives the result the mean and deviation that they had.
///
/// Features come back as they are without an objective, and from maps of a single token, which has no statistics.
///
/// # Shapes
/// `features` `[2n, c, h, w]` of any float type → the same.
#[must_use]
pub fn optimize_features(
    features: Tensor<4>,
    objective: Objective<'_>,
    config: &OptimizerConfig,
) -> Tensor<4> {
    let on = || ControlFlow::<Infallible>::Continue(());
    let ControlFlow::Continue(features) = optimize_features_while(features, objective, config, on);
    features
}

/// [`optimize_features`], unless `checkpoint`, asked before each iteration, says to stop.
///
/// # Errors
/// A break, if the checkpoint gave one.
pub fn optimize_features_while<B>(
    features: Tensor<4>,
    objective: Objective<'_>,
    config: &OptimizerConfig,
    mut checkpoint: impl FnMut() -> ControlFlow<B>,
) -> ControlFlow<B, Tensor<4>> {
    let [n_maps, channels, height, width] = features.dims();
    let has_objective = objective.spatial.is_some() || objective.temporal.is_some();
    if !has_objective || height * width < 2 {
        return ControlFlow::Continue(features);
    }
    let dtype = features.dtype();
    let before = tokens_of(features);
    let mut adam = Adam::new(before.clone());
    for _ in 0..config.iterations {
        checkpoint()?;
        (adam, _) = adam.stepped(objective, config);
    }
    let after = adain(adam.features, &before, config.adain_style_epsilon)
        .swap_dims(1, 2)
        .reshape([n_maps, channels, height, width]);
    ControlFlow::Continue(after.cast(dtype))
}

/// Maps as tokens in `f32`: `[n, c, h, w]` → `[n, h·w, c]`.
#[must_use]
pub fn tokens_of(features: Tensor<4>) -> Tensor<3> {
    let [n, channels, height, width] = features.dims();
    features
        .cast(FloatDType::F32)
        .reshape([n, channels, height * width])
        .swap_dims(1, 2)
}

/// Sum of the losses that an objective names, and its gradient; nothing if it names none.
#[must_use]
pub fn loss_and_gradient(
    features: &Tensor<3>,
    objective: Objective<'_>,
    config: &OptimizerConfig,
) -> Option<(Tensor<1>, Tensor<3>)> {
    let temporal = objective
        .temporal
        .map(|drift| drift.loss(features, config.temporal_weight));
    let spatial = objective
        .spatial
        .map(|target| spatial_loss(features, target, config.spatial_weight));
    match (temporal, spatial) {
        (Some((a, da)), Some((b, db))) => Some((a + b, da + db)),
        (one, other) => one.or(other),
    }
}

/// Runs Adam from `features` `[2n, tokens, c]`, `f32`. `watch` sees each loss, before the step, and the result of the step.
#[must_use]
pub fn minimize(
    features: Tensor<3>,
    objective: Objective<'_>,
    config: &OptimizerConfig,
    watch: &mut dyn FnMut(Tensor<1>, &Tensor<3>),
) -> Tensor<3> {
    let mut adam = Adam::new(features);
    for _ in 0..config.iterations {
        let (stepped, loss) = adam.stepped(objective, config);
        adam = stepped;
        if let Some(loss) = loss {
            watch(loss, &adam.features);
        }
    }
    adam.features
}

/// Features on their way, and what Adam remembers of their gradients.
struct Adam {
    features: Tensor<3>,
    mean: Tensor<3>,
    mean_square: Tensor<3>,
    decays: [f64; 2],
}

impl Adam {
    fn new(features: Tensor<3>) -> Self {
        Self {
            mean: features.zeros_like(),
            mean_square: features.zeros_like(),
            features,
            decays: [1.0; 2],
        }
    }

    /// Moves the features; also gives the loss where they were, if there is an objective.
    fn stepped(
        self,
        objective: Objective<'_>,
        config: &OptimizerConfig,
    ) -> (Self, Option<Tensor<1>>) {
        let Some((loss, gradient)) = loss_and_gradient(&self.features, objective, config) else {
            return (self, None);
        };
        let [decay_1, decay_2] = [self.decays[0] * BETA_1, self.decays[1] * BETA_2];
        let mean = self.mean * BETA_1 + gradient.clone() * (1.0 - BETA_1);
        let mean_square = self.mean_square * BETA_2 + gradient.square() * (1.0 - BETA_2);
        let root = (mean_square.clone() / (1.0 - decay_2)).sqrt() + ADAM_EPSILON;
        let rate = config.learning_rate / (1.0 - decay_1);
        let stepped = Self {
            features: self.features - mean.clone() / root * rate,
            mean,
            mean_square,
            decays: [decay_1, decay_2],
        };
        (stepped, Some(loss))
    }
}
