//! Pictures and masks moved along a flow, each pixel whole.

use rayon::prelude::*;

use super::super::Mask;
use crate::flow::field::FlowField;
use crate::frame::{Frame, Size};

/// Moves a picture along `cur_from_prev`: pixel `p` of the result is the one nearest to `p + flow(p)`, black outside.
///
/// Positions halfway between two pixels go to the even one.
///
/// Twin: `shaders/synth/warp_nearest.wgsl`.
///
/// # Panics
/// If the sizes differ.
#[must_use]
pub fn warp_nearest(previous: &Frame, cur_from_prev: &FlowField) -> Frame {
    assert_eq!(previous.size(), cur_from_prev.size(), "picture and flow");
    let pixels = previous.pixels().as_chunks::<3>().0;
    let moved = sources(cur_from_prev).map(|source| source.map_or([0; 3], |i| pixels[i]));
    let moved: Vec<[u8; 3]> = moved.collect();
    Frame::new(previous.size(), moved.into_flattened())
}

/// Moves a mask as [`warp_nearest`] does a picture; not set outside.
///
/// # Panics
/// If the sizes differ.
#[must_use]
pub fn warp_mask(previous: &Mask, cur_from_prev: &FlowField) -> Mask {
    assert_eq!(previous.size(), cur_from_prev.size(), "mask and flow");
    let values = previous.values();
    let moved = sources(cur_from_prev).map(|source| source.is_some_and(|i| values[i]));
    Mask::new(previous.size(), moved.collect())
}

/// For each pixel the index of the one that it comes from, if that is inside.
fn sources(flow: &FlowField) -> impl IndexedParallelIterator<Item = Option<usize>> {
    let Size { width, height } = flow.size();
    let vectors = flow.values().par_iter().enumerate();
    vectors.map(move |(i, vector)| {
        let own = [i % width as usize, i / width as usize];
        let [x, y] = [0, 1].map(|axis| (own[axis] as f32 + vector[axis]).round_ties_even());
        let inside = x >= 0.0 && y >= 0.0 && x < width as f32 && y < height as f32;
        inside.then(|| y as usize * width as usize + x as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 4,
        height: 3,
    };

    fn numbered() -> Frame {
        Frame::from_fn(SIZE, |x, y| [x as u8 + 1, y as u8 + 1, 7])
    }

    #[test]
    fn no_flow_moves_nothing() {
        let moved = warp_nearest(&numbered(), &FlowField::constant(SIZE, [0.0; 2]));
        assert_eq!(moved, numbered());
    }

    #[test]
    fn halves_go_to_the_even_pixel_and_outside_is_black() {
        let moved = warp_nearest(&numbered(), &FlowField::constant(SIZE, [0.5, -1.0]));
        assert_eq!(moved.at(0, 1), [1, 1, 7], "0.5 is nearest to 0");
        assert_eq!(moved.at(1, 1), [3, 1, 7], "1.5 is nearest to 2");
        assert_eq!(
            moved.at(3, 1),
            [0; 3],
            "3.5 is nearest to 4, which is outside"
        );
        assert_eq!(moved.at(0, 0), [0; 3]);
    }

    #[test]
    fn vectors_that_are_no_numbers_lead_outside() {
        let flow = FlowField::constant(SIZE, [f32::NAN, f32::INFINITY]);
        assert_eq!(warp_nearest(&numbered(), &flow).pixels(), [0; 36]);
        assert_eq!(
            warp_mask(&Mask::new(SIZE, vec![true; 12]), &flow).count(),
            0
        );
    }
}
