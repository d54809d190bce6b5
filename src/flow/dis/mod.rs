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
use super::plane::{Plane, coarse_to_fine};
use crate::frame::{Frame, Size};
use patches::PATCH;

/// Flow from `first` to `second`: pixel `p` of `first` is found at `p + flow(p)` in `second`.
///
/// # Panics
/// If the pictures differ in size or have no pixels.
#[must_use]
pub fn dis(first: &Frame, second: &Frame) -> FlowField {
    Pyramid::new(first).flow_to(&Pyramid::new(second))
}

/// A picture at all sizes that the search goes through: made once for all flows from and to it.
#[derive(Clone, Debug)]
pub struct Pyramid {
    /// Brightness, finest first.
    levels: Vec<Plane>,
}

impl Pyramid {
    /// # Panics
    /// If the picture has no pixels.
    #[must_use]
    pub fn new(picture: &Frame) -> Self {
        let size = picture.size();
        assert!(size.area() > 0, "pixels");
        Self {
            levels: Plane::brightness(picture).pyramid(n_levels(size)),
        }
    }

    /// Flow from this picture to another: pixel `p` here is found at `p + flow(p)` there.
    ///
    /// # Panics
    /// If the pictures differ in size.
    #[must_use]
    pub fn flow_to(&self, other: &Self) -> FlowField {
        coarse_to_fine(&self.levels, &other.levels, |own, other, flow| {
            let grid = patches::search(own, other, &flow);
            let mut flow = densify::densify(own, other, &grid);
            variational::refine(own, other, &mut flow);
            flow
        })
    }
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
