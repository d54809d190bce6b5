//! Dense optical flow without a network: dense inverse search, then variational refinement.
//!
//! From the coarsest level of a pyramid to the full resolution, three steps each:
//!
//! 1. `patches`: small patches on a grid look for their place in the other picture by gradient
//!    descent whose matrix depends on the first picture only (the *inverse* search).
//! 2. `densify`: each pixel averages the vectors of the patches that cover it, weighted by how well
//!    each explains the pixel.
//! 3. `variational`: the dense field minimises a robust energy of brightness, gradient and smoothness.
//!
//! The same pictures give the same field whatever the number of threads.
//!
//! # Source
//! T. Kroeger, R. Timofte, D. Dai, L. Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV
//! 2016; the refinement after T. Brox et al., "High Accuracy Optical Flow Estimation Based on a Theory
//! for Warping", ECCV 2004.

mod densify;
mod patches;
mod variational;

use super::field::FlowField;
use super::plane::Plane;
use crate::frame::{Frame, Size};
use patches::PATCH;

/// Flow from `first` to `second`: pixel `p` of `first` is found at `p + flow(p)` in `second`.
///
/// # Panics
/// If the pictures differ in size or have no pixels.
#[must_use]
pub fn dis(first: &Frame, second: &Frame) -> FlowField {
    let size = first.size();
    assert_eq!(size, second.size(), "one size");
    assert!(size.area() > 0, "pixels");
    let n_levels = n_levels(size);
    let first = Plane::brightness(first).pyramid(n_levels);
    let second = Plane::brightness(second).pyramid(n_levels);
    let mut flow = FlowField::constant(first[n_levels - 1].size(), [0.0; 2]);
    for (first, second) in first.iter().zip(&second).rev() {
        if flow.size() != first.size() {
            flow = flow.doubled(first.size());
        }
        let grid = patches::search(first, second, &flow);
        flow = densify::densify(first, second, &grid);
        variational::refine(first, second, &mut flow);
    }
    flow
}

/// As many levels as leave a patch inside the picture, and make two fifths of the width, the longest motion to be
/// expected, about as long as a patch.
fn n_levels(size: Size) -> usize {
    let longest = 2 * size.width as usize / 5;
    let patch_fits = |level: &usize| size.width.min(size.height) as usize >> level >= PATCH;
    let reaches = |level: &usize| 4 * (longest >> level) >= 3 * PATCH;
    1 + (1..usize::BITS as usize)
        .take_while(|level| patch_fits(level) && reaches(level))
        .count()
}
