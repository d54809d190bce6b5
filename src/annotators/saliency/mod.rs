//! Which parts of a frame people look at, as a mask; the rest is background.

mod robust_background;
mod superpixels;

use burn::tensor::TensorData;
use rayon::prelude::*;

use super::ControlImage;
use crate::frame::{Frame, Size, resize};
use crate::tensor::{Device, Tensor};
use robust_background::{robust_background, segmented};
use superpixels::Superpixels;

/// How what is salient is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaliencyEstimator {
    /// By contrast with what lies on the picture's border: needs no network. It finds things that differ in colour from
    /// their surroundings; it misses some that do not, and marks meadows and rocks along with them.
    #[default]
    RobustBackground,
}

impl SaliencyEstimator {
    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RobustBackground => "contrast with the border",
        }
    }

    /// How salient each pixel is, at half the frame's size.
    ///
    /// # Panics
    /// If a side of the frame is below two pixels.
    #[must_use]
    pub fn mask(self, frame: &Frame) -> ControlImage {
        let half = Size {
            width: frame.size().width / 2,
            height: frame.size().height / 2,
        };
        let frame = resize(frame, half);
        match self {
            Self::RobustBackground => {
                let picture = Superpixels::of(&frame);
                let salient = segmented(&picture, &robust_background(&picture));
                let value = |&label: &usize| if salient[label] { 1.0 } else { 0.0 };
                ControlImage::new(half, picture.labels.iter().map(value).collect())
            }
        }
    }

    /// Masks of all frames of a batch.
    ///
    /// # Shapes
    /// `n` frames of one size → `[n, 1, height / 2, width / 2]` in `[0, 1]`.
    ///
    /// # Panics
    /// As [`Self::mask`], and if there are no frames.
    #[must_use]
    pub fn masks(self, frames: &[Frame], device: &Device) -> Tensor<4> {
        let masks: Vec<ControlImage> = frames.par_iter().map(|frame| self.mask(frame)).collect();
        let Size { width, height } = masks[0].size();
        let values: Vec<f32> = masks
            .iter()
            .flat_map(ControlImage::values)
            .copied()
            .collect();
        let shape = [masks.len(), 1, height as usize, width as usize];
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}
