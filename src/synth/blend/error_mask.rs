//! Which of the two passes each pixel is taken from: the one whose patches fit better.

use rayon::prelude::*;

use super::lab::Lab;
use super::{Candidates, Mask};
use crate::flow::field::FlowField;
use crate::synth::guides::warp_mask;

/// How much the time between the keyframes counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeWeights {
    /// As far as the frame is along the segment: the first in-between has a little of the later keyframe, the last a
    /// little of the earlier.
    #[default]
    Centred,
    /// The reference's: the first in-between ignores the later keyframe.
    Reference,
}

impl TimeWeights {
    /// Weight of the later keyframe, from 0 to 1, at in-between `index` of `n_between`, counted from 0.
    #[must_use]
    pub fn backward_weight(self, index: usize, n_between: usize) -> f32 {
        match self {
            Self::Centred => (index + 1) as f32 / (n_between + 1) as f32,
            Self::Reference => index as f32 / n_between.max(1) as f32,
        }
    }
}

/// The pixels to take from the backward pass, at weight `u` of the later keyframe.
///
/// Errors are weighted by the time to the *other* keyframe. A pixel once taken from the backward pass stays so: what the
/// mask of the frame before, moved here along the flow, has set is set again. Equal errors take the backward pixel.
///
/// Twin: `shaders/blend/select.wgsl`.
///
/// # Panics
/// If the sizes differ.
#[must_use]
pub fn select(u: f32, candidates: &Candidates<'_>, previous: Option<(&Mask, &FlowField)>) -> Mask {
    let size = candidates.forward.size();
    let [forward, backward] = [candidates.forward_error, candidates.backward_error];
    assert_eq!(forward.len(), size.area(), "one forward error a pixel");
    assert_eq!(backward.len(), size.area(), "one backward error a pixel");
    let kept = previous.map(|(mask, cur_from_prev)| warp_mask(mask, cur_from_prev));
    let is_kept = |i: usize| kept.as_ref().is_some_and(|mask| mask.values()[i]);
    let errors = forward.par_iter().zip(backward).enumerate();
    let is_backward = |(i, (forward, backward)): (usize, (&f32, &f32))| {
        let forward_fits_better = u <= 0.0 || u * forward < (1.0 - u) * backward;
        is_kept(i) || !forward_fits_better
    };
    Mask::new(size, errors.map(is_backward).collect())
}

/// The picture of the chosen pixels.
///
/// # Panics
/// If the sizes differ.
#[must_use]
pub fn chosen(mask: &Mask, forward: &Lab, backward: &Lab) -> Lab {
    assert_eq!(mask.size(), forward.size(), "mask and picture");
    assert_eq!(forward.size(), backward.size(), "both pictures");
    let pixels = forward.pixels().par_iter().zip(backward.pixels());
    let pixels = pixels.zip(mask.values());
    let pixels = pixels.map(|((f, b), is_backward)| if *is_backward { *b } else { *f });
    Lab::new(mask.size(), pixels.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Frame, Size};

    const SIZE: Size = Size {
        width: 4,
        height: 1,
    };

    fn mask_at(u: f32, previous: Option<(&Mask, &FlowField)>) -> Vec<bool> {
        let picture = Frame::new(SIZE, vec![0; 12]);
        let candidates = Candidates {
            forward: &picture,
            backward: &picture,
            forward_error: &[1.0, 2.0, 3.0, 4.0],
            backward_error: &[4.0, 3.0, 2.0, 1.0],
        };
        select(u, &candidates, previous).values().to_vec()
    }

    #[test]
    fn the_better_pass_wins_and_time_tips_the_balance() {
        assert_eq!(mask_at(0.0, None), [false; 4]);
        assert_eq!(mask_at(0.5, None), [false, false, true, true]);
        assert_eq!(mask_at(0.9, None), [true; 4]);
    }

    #[test]
    fn what_was_backward_stays_backward_along_the_flow() {
        let flow = FlowField::constant(SIZE, [1.0, 0.0]);
        let previous = Mask::new(SIZE, vec![false, true, false, false]);
        let mask = mask_at(0.0, Some((&previous, &flow)));
        assert_eq!(mask, [true, false, false, false]);
    }

    #[test]
    fn weights_run_from_one_keyframe_to_the_other() {
        let twelfths = |weights: TimeWeights| {
            [0, 1, 2].map(|i| (weights.backward_weight(i, 3) * 12.0).round() as u8)
        };
        assert_eq!(twelfths(TimeWeights::Centred), [3, 6, 9]);
        assert_eq!(twelfths(TimeWeights::Reference), [0, 4, 8]);
    }
}
