//! Blending: two pictures of each frame, one painted from either keyframe, become one.
//!
//! Each pixel is [chosen](error_mask) from the pass whose patches fit better; the colours are then [those of the
//! average](histogram) of both with the contrast of one, so that the seam between the choices does not show; and the
//! [gradients](poisson) are those of the chosen pixels. All of it happens in [`lab`].
//!
//! # Source
//! FRESCO's blending, after O. Jamriška and others, "Stylizing Video by Example", SIGGRAPH 2019.

pub mod error_mask;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod histogram;
pub mod lab;
pub mod lsqr;
pub mod poisson;

use crate::flow::field::FlowField;
use crate::frame::Frame;

use super::Mask;

pub use error_mask::TimeWeights;
pub use histogram::Tone;
pub use poisson::{GradientField, Solver};

/// How two passes become one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlendConfig {
    /// How much the time between the keyframes counts.
    pub weights: TimeWeights,
    /// Whose brightness and contrast the result has.
    pub tone: Tone,
    /// How colours become bytes after gradient fusion.
    pub rounding: Rounding,
    /// Whether gradients are fused.
    pub gradients: Gradients,
    /// How the equation of fusion is solved.
    pub solver: Solver,
    /// Which of the backward pass's error maps judges a frame.
    pub backward_errors: BackwardErrors,
}

/// How colours become bytes after gradient fusion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest.
    #[default]
    Nearest,
    /// Down, which darkens by half a level, as the reference does.
    Down,
}

/// Whether gradients are fused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gradients {
    /// The result has the gradients of the chosen pixels: sharp, without seams.
    #[default]
    Fused,
    /// The result is the contrast-preserving blend alone: softer.
    Ignored,
}

/// Which of the backward pass's error maps judges a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackwardErrors {
    /// That of the same frame.
    #[default]
    Aligned,
    /// That of the frame as far from the other keyframe, which is what the reference does.
    Mirrored,
}

impl Default for BlendConfig {
    /// What the product ships.
    fn default() -> Self {
        Self::OWN
    }
}

impl BlendConfig {
    /// What the product ships.
    pub const OWN: Self = Self {
        weights: TimeWeights::Centred,
        tone: Tone::KeyLinear,
        rounding: Rounding::Nearest,
        gradients: Gradients::Fused,
        solver: Solver::Chebyshev,
        backward_errors: BackwardErrors::Aligned,
    };

    /// The reference's weights, tone, rounding and order of error maps, for comparisons.
    #[must_use]
    pub const fn reference() -> Self {
        Self {
            weights: TimeWeights::Reference,
            tone: Tone::MinError,
            rounding: Rounding::Down,
            gradients: Gradients::Fused,
            solver: Solver::Reference,
            backward_errors: BackwardErrors::Mirrored,
        }
    }

    /// Which frame's backward errors judge in-between `index` of `n_between`, both counted from 0 after the first
    /// keyframe.
    #[must_use]
    pub fn backward_error_index(&self, index: usize, n_between: usize) -> usize {
        match self.backward_errors {
            BackwardErrors::Aligned => index,
            BackwardErrors::Mirrored => n_between.saturating_sub(index + 1),
        }
    }
}

/// One frame as either pass painted it.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a> {
    /// Painted from the first keyframe.
    pub forward: &'a Frame,
    /// Painted from the second keyframe.
    pub backward: &'a Frame,
    /// Patch error of each pixel of `forward`; any unit, the same for both.
    pub forward_error: &'a [f32],
    /// Patch error of each pixel of `backward`, or of the frame that [`BlendConfig::backward_error_index`] says.
    pub backward_error: &'a [f32],
}

/// Blends the frames between two keyframes, in order.
#[derive(Clone, Debug)]
pub struct Blender {
    config: BlendConfig,
    n_between: usize,
    index: usize,
    mask: Option<Mask>,
}

impl Blender {
    /// For a segment with `n_between` frames between its keyframes.
    #[must_use]
    pub fn new(config: BlendConfig, n_between: usize) -> Self {
        Self {
            config,
            n_between,
            index: 0,
            mask: None,
        }
    }

    /// The next frame; `cur_from_prev` is the flow on its grid into the frame before.
    ///
    /// # Panics
    /// If the sizes differ, or after `n_between` frames.
    #[must_use]
    pub fn next(&mut self, candidates: &Candidates<'_>, cur_from_prev: &FlowField) -> Frame {
        assert!(self.index < self.n_between, "a frame between the keyframes");
        let u = self
            .config
            .weights
            .backward_weight(self.index, self.n_between);
        let Candidates {
            forward, backward, ..
        } = candidates;
        let previous = self.mask.take();
        let previous = previous.as_ref().map(|mask| (mask, cur_from_prev));
        let mask = error_mask::select(u, candidates, previous);
        let [forward, backward] = [forward, backward].map(|picture| lab::from_rgb(picture));
        let chosen = error_mask::chosen(&mask, &forward, &backward);
        let contrast = histogram::blend(u, &forward, &backward, &chosen, self.config.tone);
        let contrast = lab::to_rgb(&contrast);
        let picture = match self.config.gradients {
            Gradients::Ignored => contrast,
            Gradients::Fused => {
                let gradients = GradientField::of(&mask, &forward, &backward);
                let BlendConfig {
                    solver, rounding, ..
                } = self.config;
                poisson::fuse(&contrast, &gradients, solver, rounding)
            }
        };
        self.mask = Some(mask);
        self.index += 1;
        picture
    }
}

/// Pictures that the tests of both solvers share.
#[cfg(test)]
mod test_pictures {
    use super::lab::Lab;
    use crate::frame::Size;

    pub const SIZE: Size = Size {
        width: 23,
        height: 17,
    };

    /// A picture of noise, another for each seed.
    pub fn textured(seed: u32) -> Lab {
        let hash = |i: usize| ((i as u32 ^ seed).wrapping_mul(2_654_435_761) >> 25) as u8;
        let pixels = (0..SIZE.area()).map(|i| [hash(i), hash(i + 5) / 2, 100 + hash(i) / 4]);
        Lab::new(SIZE, pixels.collect())
    }
}
