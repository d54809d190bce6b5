//! The pair that closes the ring: the last frame of a batch with its first.
//!
//! Neighbours show nearly the same, but these two may be far apart, above all where the first is an anchor. The reference
//! joins them in any case, by whatever its flow of two unrelated pictures takes for visible.
//!
//! # Source
//! Our option; the paper compares neighbours, and its implementation closes the ring.

use crate::flow::FlowRing;
use crate::tensor::Tensor;
use crate::tensor::read::{ReadError, host_values};

/// Above this occluded share of both frames they count as unrelated.
const UNRELATED_PERCENT: usize = 90;

/// The ring, its last pair wholly occluded if the two frames are unrelated: if more than 90 % of their pixels are, counted
/// in both directions together.
///
/// The temporal loss and background smoothing then leave the pair out; paths and token sets do without it always. The loss
/// stays a mean over all pairs, one of which differs by nothing.
///
/// # Errors
/// [`ReadError`] if an occlusion is no number or the device could not be read.
pub fn without_unrelated_wrap(ring: FlowRing) -> Result<FlowRing, ReadError> {
    let last = ring.n_frames() - 1;
    if last == 0 {
        return Ok(ring);
    }
    let pair = |occlusion: &Tensor<3>| host_values(occlusion.clone().narrow(0, last, 1));
    let mut pixels = pair(&ring.forward_occlusion)?;
    pixels.extend(pair(&ring.backward_occlusion)?);
    let n_occluded = pixels.iter().filter(|&&occluded| occluded > 0.5).count();
    let is_unrelated = 100 * n_occluded > UNRELATED_PERCENT * pixels.len();
    let share = n_occluded as f32 / pixels.len() as f32;
    tracing::debug!(share, is_unrelated, "occluded between last frame and first");
    if !is_unrelated {
        return Ok(ring);
    }
    let hidden = |occlusion: Tensor<3>| {
        let wrap = occlusion.clone().narrow(0, last, 1).ones_like();
        Tensor::cat(vec![occlusion.narrow(0, 0, last), wrap], 0)
    };
    Ok(FlowRing {
        forward_occlusion: hidden(ring.forward_occlusion),
        backward_occlusion: hidden(ring.backward_occlusion),
        ..ring
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;
    use crate::tensor::Device;

    const FRAMES: usize = 3;
    const GRID: [usize; 2] = [10, 10];
    const PIXELS: usize = GRID[0] * GRID[1];

    /// A ring without motion, with so many pixels of its last pair occluded in each direction, and one of the pair before.
    fn ring(forward: usize, backward: usize) -> FlowRing {
        let device = Device::flex();
        let [height, width] = GRID;
        let flow = || Tensor::zeros([FRAMES, 2, height, width], &device);
        let occlusion = |n_occluded| {
            let mut values = vec![0.0_f32; FRAMES * PIXELS];
            values[PIXELS] = 1.0;
            values[(FRAMES - 1) * PIXELS..][..n_occluded].fill(1.0);
            Tensor::from_data(TensorData::new(values, [FRAMES, height, width]), &device)
        };
        FlowRing {
            forward: flow(),
            backward: flow(),
            forward_occlusion: occlusion(forward),
            backward_occlusion: occlusion(backward),
        }
    }

    /// Occluded pixels of each pair, forward and backward.
    fn occluded(ring: &FlowRing) -> [[usize; FRAMES]; 2] {
        [&ring.forward_occlusion, &ring.backward_occlusion].map(|occlusion| {
            let values = host_values(occlusion.clone()).unwrap();
            let of_pair = |pair| {
                let values = &values[pair * PIXELS..][..PIXELS];
                values.iter().filter(|&&occluded| occluded > 0.5).count()
            };
            [0, 1, 2].map(of_pair)
        })
    }

    #[test]
    fn the_wrap_is_dropped_above_nine_tenths_of_both_directions_together() {
        for (forward, backward) in [(0, 0), (90, 90), (100, 80), (80, 100)] {
            let kept = occluded(&without_unrelated_wrap(ring(forward, backward)).unwrap());
            let as_was = [forward, backward].map(|n| [0, 1, n]);
            assert_eq!(kept, as_was, "{forward}, {backward}");
        }
        for (forward, backward) in [(90, 91), (91, 90), (81, 100), (100, 100)] {
            let dropped = occluded(&without_unrelated_wrap(ring(forward, backward)).unwrap());
            let all = [[0, 1, PIXELS]; 2];
            assert_eq!(dropped, all, "{forward}, {backward}");
        }
    }

    #[test]
    fn a_single_frame_has_no_wrap() {
        let FlowRing {
            forward,
            backward,
            forward_occlusion,
            backward_occlusion,
        } = ring(100, 100);
        let last = FRAMES - 1;
        let alone = FlowRing {
            forward: forward.narrow(0, last, 1),
            backward: backward.narrow(0, last, 1),
            forward_occlusion: forward_occlusion.narrow(0, last, 1),
            backward_occlusion: backward_occlusion.narrow(0, last, 1) * 0.5,
        };
        let same = without_unrelated_wrap(alone).unwrap();
        let values = host_values(same.backward_occlusion).unwrap();
        assert!(values.iter().all(|&v| (v - 0.5).abs() < 1e-6), "{values:?}");
    }
}
