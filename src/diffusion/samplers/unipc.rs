//! `UniPC` of second order: each step first corrects the sample that it is given, now that x̂₀ there is known.
//!
//! # Source
//! Zhao et al., "`UniPC`: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models", algorithms 5 and 6
//! with B₂(h) = e^h − 1, in terms of x̂₀.

use super::{Row, StepCoefficients};
use crate::diffusion::noise_schedule::{NoiseSchedule, ScheduleError};
use crate::diffusion::steps::Steps;

/// What is remembered: x̂₀ of the step before, x̂₀ of the one before that, and the corrected sample of the step before.
pub const MEMORY: usize = 3;

/// Places in the state of what is remembered; 0 is the sample.
const X0_BEFORE: usize = 1;
const X0_EARLIER: usize = 2;
const CORRECTED: usize = 3;

const ORDER: usize = 2;

/// Steps that share out all timesteps evenly.
///
/// # Errors
/// [`ScheduleError::Steps`] for none, or for more than there are timesteps.
pub fn steps(schedule: &NoiseSchedule, n: usize) -> Result<Steps, ScheduleError> {
    Steps::even(schedule, n)
}

/// The numbers of step `k` of a run that began with step `first`.
///
/// # Panics
/// If there is no step `k`.
#[must_use]
pub fn coefficients(steps: &Steps, first: usize, k: usize) -> StepCoefficients {
    let corrected = corrected(steps, first, k);
    let Leap { sample, gain, h } = Leap::new(steps, k);
    let mut next = corrected.scaled(sample);
    next.x0 += gain;
    if order(steps, first, k) == ORDER {
        // D₁ = (x̂₀ before − x̂₀)/r, at half weight.
        let ratio = (steps.lambda(k - 1) - steps.lambda(k)) / h;
        let slope = gain / (2.0 * ratio);
        next.state[X0_BEFORE] += slope;
        next.x0 -= slope;
    }
    let kept = [
        Row::of_x0(MEMORY),
        Row::of_state(X0_BEFORE, MEMORY),
        corrected,
    ];
    StepCoefficients::new(steps, k, std::iter::once(next).chain(kept).collect())
}

/// The order of the prediction of step `k`: low where little is remembered, and at the end.
fn order(steps: &Steps, first: usize, k: usize) -> usize {
    ORDER.min(steps.len() - k).min(k - first + 1)
}

/// A step from noise level `k` to the next without regard to how x̂₀ changes.
struct Leap {
    /// Of the sample, in the next.
    sample: f64,
    /// Of x̂₀, in the next; also the weight of its change: `α·(1 − e^−h)`.
    gain: f64,
    /// In half the logarithm of the signal-to-noise ratio.
    h: f64,
}

impl Leap {
    fn new(steps: &Steps, k: usize) -> Self {
        let next = steps.alpha(k + 1);
        let h = steps.lambda(k + 1) - steps.lambda(k);
        Self {
            sample: ((1.0 - next) / (1.0 - steps.alpha(k))).sqrt(),
            gain: -next.sqrt() * (-h).exp_m1(),
            h,
        }
    }
}

/// The sample of step `k`, corrected: what the step before would have made of its own corrected sample, had it known x̂₀ at
/// its end.
fn corrected(steps: &Steps, first: usize, k: usize) -> Row {
    if k == first {
        return Row::of_state(0, MEMORY);
    }
    let Leap { sample, gain, h } = Leap::new(steps, k - 1);
    let mut row = Row::of_state(CORRECTED, MEMORY).scaled(sample);
    row.state[X0_BEFORE] += gain;
    let end = if order(steps, first, k - 1) == ORDER {
        // Weights that make a quadratic x̂₀ exact: those of the change to the step before (at r), and to the end (at 1).
        let ratio = (steps.lambda(k - 2) - steps.lambda(k - 1)) / h;
        let [whole, moment] = moments(h);
        let before = (moment - whole) / (ratio - 1.0);
        row.state[X0_EARLIER] += gain * before / ratio;
        row.state[X0_BEFORE] -= gain * before / ratio;
        whole - before
    } else {
        0.5
    };
    row.x0 += gain * end;
    row.state[X0_BEFORE] -= gain * end;
    row
}

/// `∫ e^(u−h) u^i du` over the step for i = 1, 2, each by `h^i`, as shares of the integral for i = 0.
fn moments(h: f64) -> [f64; 2] {
    let step = -h;
    let base = step.exp_m1();
    let first = base / step - 1.0;
    let second = first / step - 0.5;
    [first / base, 2.0 * second / base]
}
