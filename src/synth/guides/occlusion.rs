//! Which pixels of a frame were hidden in the one before.

use rayon::prelude::*;

use super::super::Mask;
use crate::flow::field::FlowField;
use crate::frame::Size;

/// Part of the length of both vectors by which they may fail to cancel.
const ALLOWED_PART: f32 = 0.01;
/// Pixels by which two short vectors may fail to cancel.
const ALLOWED_PIXELS: f32 = 0.5;

/// Pixels of the current frame whose flow leads to a pixel of the previous one that does not lead back.
///
/// How far off it may be is judged from both flows at the same place of the grid, although they belong to different
/// frames; so it is in the reference. Flow from outside the picture is zero.
///
/// Twin: `shaders/synth/occlusion.wgsl`.
///
/// # Panics
/// If the flows differ in size.
///
/// # Source
/// N. Sundaram, T. Brox, K. Keutzer, "Dense Point Trajectories by GPU-Accelerated Large Displacement Optical Flow",
/// ECCV 2010, with FRESCO's constants.
#[must_use]
pub fn occlusion(cur_from_prev: &FlowField, prev_from_cur: &FlowField) -> Mask {
    let size = cur_from_prev.size();
    assert_eq!(size, prev_from_cur.size(), "both flows");
    let width = size.width as usize;
    let both = cur_from_prev.values().par_iter();
    let both = both.zip(prev_from_cur.values()).enumerate();
    let hidden = both.map(|(i, (there, back_here))| {
        let [x, y] = [(i % width) as f32 + there[0], (i / width) as f32 + there[1]];
        let back = sample(prev_from_cur, x, y);
        let allowed = ALLOWED_PART * (length(*there) + length(*back_here)) + ALLOWED_PIXELS;
        // A vector that is no number is not consistent with anything.
        let is_consistent = length([there[0] + back[0], there[1] + back[1]]) <= allowed;
        !is_consistent
    });
    Mask::new(size, hidden.collect())
}

/// Bilinear, where each of the four pixels that is outside counts as zero.
fn sample(flow: &FlowField, x: f32, y: f32) -> [f32; 2] {
    let Size { width, height } = flow.size();
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = (x - left, y - top);
    let at = |x: f32, y: f32, weight: f32| {
        let inside = x >= 0.0 && y >= 0.0 && x < width as f32 && y < height as f32;
        let vector = if inside {
            flow.at(x as u32, y as u32)
        } else {
            [0.0; 2]
        };
        vector.map(|v| v * weight)
    };
    let corners = [
        at(left, top, (1.0 - across) * (1.0 - down)),
        at(left + 1.0, top, across * (1.0 - down)),
        at(left, top + 1.0, (1.0 - across) * down),
        at(left + 1.0, top + 1.0, across * down),
    ];
    [0, 1].map(|axis| corners.iter().map(|corner| corner[axis]).sum())
}

fn length(vector: [f32; 2]) -> f32 {
    (vector[0] * vector[0] + vector[1] * vector[1]).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 8,
        height: 5,
    };

    #[test]
    fn flows_that_cancel_hide_only_what_came_from_outside() {
        let there = FlowField::constant(SIZE, [-2.0, 0.0]);
        let back = FlowField::constant(SIZE, [2.0, 0.0]);
        let mask = occlusion(&there, &back);
        for (i, hidden) in mask.values().iter().enumerate() {
            assert_eq!(*hidden, i % 8 < 2, "column {}", i % 8);
        }
    }

    #[test]
    fn flows_that_contradict_hide_all() {
        let there = FlowField::constant(SIZE, [1.0, 1.0]);
        assert_eq!(occlusion(&there, &there).count(), SIZE.area());
        let nothing = FlowField::constant(SIZE, [f32::NAN, 0.0]);
        assert_eq!(occlusion(&nothing, &there).count(), SIZE.area());
    }
}
