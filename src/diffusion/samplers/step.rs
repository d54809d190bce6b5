//! The numbers of one step, and the tensors that they are applied to.

use crate::diffusion::noise_schedule::Prediction;
use crate::diffusion::steps::Steps;
use crate::tensor::Tensor;

/// What a step starts from: the sample, and what the sampler remembers of earlier steps.
#[derive(Clone, Debug)]
pub struct SamplerState {
    tensors: Vec<Tensor<4>>,
}

impl SamplerState {
    /// The start of a run: `memory` tensors of nothing yet.
    pub(super) fn new(sample: Tensor<4>, memory: usize) -> Self {
        let nothing = std::iter::repeat_n(sample.zeros_like(), memory);
        let tensors = std::iter::once(sample.clone()).chain(nothing).collect();
        Self { tensors }
    }

    /// The noisy latents `[n, c, h, w]`.
    #[must_use]
    pub fn sample(&self) -> &Tensor<4> {
        &self.tensors[0]
    }

    /// The sample, then all that is remembered, each `[n, c, h, w]`.
    #[must_use]
    pub fn tensors(&self) -> &[Tensor<4>] {
        &self.tensors
    }

    /// Changes each tensor by its place among [`Self::tensors`].
    #[must_use]
    pub fn map(self, mut change: impl FnMut(usize, Tensor<4>) -> Tensor<4>) -> Self {
        let tensors = self.tensors.into_iter().enumerate();
        Self {
            tensors: tensors.map(|(i, tensor)| change(i, tensor)).collect(),
        }
    }
}

/// One sum: what multiplies x̂₀, new noise, and each tensor of the state.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Of x̂₀.
    pub x0: f64,
    /// Of new noise.
    pub noise: f64,
    /// Of the sample, then of what is remembered.
    pub state: Vec<f64>,
}

impl Row {
    /// x̂₀ as it is.
    pub(super) fn of_x0(memory: usize) -> Self {
        Self {
            x0: 1.0,
            noise: 0.0,
            state: vec![0.0; memory + 1],
        }
    }

    /// A tensor of the state as it is.
    pub(super) fn of_state(place: usize, memory: usize) -> Self {
        let mut row = Self {
            x0: 0.0,
            ..Self::of_x0(memory)
        };
        row.state[place] = 1.0;
        row
    }

    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self {
            x0: self.x0 * factor,
            noise: self.noise * factor,
            state: self.state.iter().map(|value| value * factor).collect(),
        }
    }

    fn of_tensors(
        &self,
        state: &SamplerState,
        x0: &Tensor<4>,
        noise: Option<&Tensor<4>>,
    ) -> Tensor<4> {
        let state = self.state.iter().copied().zip(&state.tensors);
        let terms = std::iter::once((self.x0, x0))
            .chain(state)
            .chain(noise.map(|noise| (self.noise, noise)));
        let terms = terms.filter(|(factor, _)| *factor != 0.0);
        let sum = terms
            .map(|(factor, tensor)| {
                let tensor = tensor.clone();
                if factor.to_bits() == 1.0_f64.to_bits() {
                    tensor
                } else {
                    tensor * factor
                }
            })
            .reduce(|sum, term| sum + term);
        sum.unwrap_or_else(|| x0.zeros_like())
    }

    #[cfg(test)]
    pub(super) fn of_numbers(&self, state: &[f64], x0: f64, noise: f64) -> f64 {
        let remembered: f64 = self.state.iter().zip(state).map(|(a, b)| a * b).sum();
        self.x0 * x0 + self.noise * noise + remembered
    }
}

/// The numbers of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepCoefficients {
    /// Of the sample, in the predicted clean latent x̂₀.
    pub x0_from_sample: f64,
    /// Of the network's output, in x̂₀.
    pub x0_from_output: f64,
    /// The next sample, then what is remembered next.
    pub(super) rows: Vec<Row>,
}

impl StepCoefficients {
    pub(super) fn new(steps: &Steps, k: usize, rows: Vec<Row>) -> Self {
        let (signal, noise) = (steps.alpha(k).sqrt(), (1.0 - steps.alpha(k)).sqrt());
        let (x0_from_sample, x0_from_output) = match steps.prediction() {
            Prediction::Noise => (1.0 / signal, -noise / signal),
            Prediction::Velocity => (signal, -noise),
        };
        Self {
            x0_from_sample,
            x0_from_output,
            rows,
        }
    }

    /// Of a sampler that remembers nothing: factors of x̂₀, the sample and new noise.
    pub(super) fn single(steps: &Steps, k: usize, [x0, sample, noise]: [f64; 3]) -> Self {
        let state = vec![sample];
        Self::new(steps, k, vec![Row { x0, noise, state }])
    }

    /// The predicted clean latents x̂₀ of noisy ones.
    ///
    /// # Shapes
    /// `sample` and the network's `output` `[n, c, h, w]` → the same.
    #[must_use]
    pub fn x0(&self, sample: &Tensor<4>, output: Tensor<4>) -> Tensor<4> {
        sample.clone() * self.x0_from_sample + output * self.x0_from_output
    }

    /// Whether the step adds noise, so that a draw must be made.
    #[must_use]
    pub fn draws_noise(&self) -> bool {
        self.rows.iter().any(|row| row.noise != 0.0)
    }

    /// What the next step starts from. `noise` is needed where [`Self::draws_noise`].
    ///
    /// # Shapes
    /// All `[n, c, h, w]`.
    #[must_use]
    pub fn advance(
        &self,
        state: &SamplerState,
        x0: &Tensor<4>,
        noise: Option<&Tensor<4>>,
    ) -> SamplerState {
        let rows = self.rows.iter();
        SamplerState {
            tensors: rows.map(|row| row.of_tensors(state, x0, noise)).collect(),
        }
    }
}
