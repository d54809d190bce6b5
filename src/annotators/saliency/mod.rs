//! Which parts of a frame people look at, as a mask; the rest is background.

mod network;
mod robust_background;
mod superpixels;

use std::path::Path;

use burn::tensor::TensorData;
use rayon::prelude::*;

use super::ControlImage;
use crate::frame::{Frame, Size, resize};
use crate::models::ModelError;
use crate::models::egnet::EgNet;
use crate::models::u2net::U2Net;
use crate::tensor::read::{ReadError, host_values};
use crate::tensor::{Device, Tensor};
pub use network::{ChannelOrder, SaliencyNetwork, egnet_input};
use robust_background::{robust_background, segmented};
use superpixels::Superpixels;

/// How what is salient is found.
#[derive(Debug, Default)]
pub enum SaliencyEstimator {
    /// By [contrast with the border](contrast_with_border): needs no network.
    #[default]
    RobustBackground,
    /// By the network, on the device that it was loaded to.
    EgNet(Box<EgNet>, ChannelOrder),
    /// By the network, on the device that it was loaded to.
    U2Net(Box<U2Net>),
}

impl SaliencyEstimator {
    /// Loads a network; `order` is of [`EgNet`] alone. Also gives the file's names that nobody wanted.
    ///
    /// # Errors
    /// [`ModelError`] if the file cannot be read, is damaged or is for another network.
    pub fn load(
        network: SaliencyNetwork,
        file: &Path,
        order: ChannelOrder,
        device: &Device,
    ) -> Result<(Self, Vec<String>), ModelError> {
        Ok(match network {
            SaliencyNetwork::EgNet => {
                let (network, unknown) = EgNet::load(file, device)?;
                (Self::EgNet(Box::new(network), order), unknown)
            }
            SaliencyNetwork::U2Net => {
                let (network, unknown) = U2Net::load(file, device)?;
                (Self::U2Net(Box::new(network)), unknown)
            }
        })
    }

    /// How salient each pixel of all frames of a batch is, at half their size.
    ///
    /// # Shapes
    /// `n` frames of one size → `[n, 1, height / 2, width / 2]` in `[0, 1]`.
    ///
    /// # Errors
    /// [`ReadError`] if the network gives values that are no numbers, or the device could not be read.
    ///
    /// # Panics
    /// If there are no frames, their sizes differ, or a side is below two pixels.
    pub fn masks(&self, frames: &[Frame], device: &Device) -> Result<Tensor<4>, ReadError> {
        // One frame after the other, so that memory does not grow with a batch.
        let masks = match self {
            Self::RobustBackground => return Ok(Self::without_network(frames, device)),
            Self::EgNet(network, order) => {
                let mask = |frame| network::by_egnet(network, frame, *order, device);
                frames.iter().map(mask).collect()
            }
            Self::U2Net(network) => {
                let mask = |frame| network::by_u2net(network, frame, device);
                frames.iter().map(mask).collect()
            }
        };
        let masks = Tensor::cat(masks, 0);
        host_values(masks.clone())?;
        Ok(masks)
    }

    fn without_network(frames: &[Frame], device: &Device) -> Tensor<4> {
        let masks: Vec<ControlImage> = frames.par_iter().map(contrast_with_border).collect();
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

/// What is salient by its contrast with what lies on the picture's border, at half the frame's size. Finds things that differ
/// in colour from their surroundings; misses some that do not, and marks meadows and rocks along with them.
///
/// # Panics
/// If a side of the frame is below two pixels.
#[must_use]
pub fn contrast_with_border(frame: &Frame) -> ControlImage {
    let half = Size {
        width: frame.size().width / 2,
        height: frame.size().height / 2,
    };
    let picture = Superpixels::of(&resize(frame, half));
    let salient = segmented(&picture, &robust_background(&picture));
    let value = |&label: &usize| if salient[label] { 1.0 } else { 0.0 };
    ControlImage::new(half, picture.labels.iter().map(value).collect())
}
