//! What is salient according to a network.

use std::path::PathBuf;

use burn::tensor::TensorData;
use burn::tensor::activation::sigmoid;
use serde::Serialize;

use crate::frame::{Frame, Size, resize};
use crate::models::egnet::{EgNet, MEANS};
use crate::models::library::{Helper, Places};
use crate::models::u2net::{SIDE, U2Net};
use crate::tensor::image::unit_from_frames;
use crate::tensor::{self, Device, Resampling, Tensor};

/// Which saliency network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaliencyNetwork {
    /// Published under a permissive licence.
    U2Net,
    /// The reference's.
    EgNet,
}

impl SaliencyNetwork {
    /// The one that is used and its weights: the preferred one if they are there, else the other, else none.
    #[must_use]
    pub fn find(places: &Places, preferred: Self) -> Option<(Self, PathBuf)> {
        let all = [preferred, Self::U2Net, Self::EgNet].into_iter();
        let mut there = all.filter_map(|network| Some((network, places.helper(network.helper())?)));
        there.next()
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::U2Net => "U²-Net",
            Self::EgNet => "EGNet",
        }
    }

    fn helper(self) -> Helper {
        match self {
            Self::U2Net => Helper::U2Net,
            Self::EgNet => Helper::EgNet,
        }
    }
}

/// How `EGNet` is shown colours. It was trained on blue, green and red, each less its own mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelOrder {
    /// As in training.
    Trained,
    /// Red where blue should be and blue where red, less the mean of what should be there, as FRESCO's reference does.
    Reference,
}

/// A frame as the network is shown it: half as large, each pixel the mean of four, less the means of training.
///
/// # Shapes
/// One frame → `[1, 3, height / 2, width / 2]`.
#[must_use]
pub fn egnet_input(frame: &Frame, order: ChannelOrder, device: &Device) -> Tensor<4> {
    let stride = frame.size().width as usize * 3;
    let [rows, columns] = [frame.size().height, frame.size().width].map(|side| side as usize / 2);
    let channels = match order {
        ChannelOrder::Trained => [2, 1, 0],
        ChannelOrder::Reference => [0, 1, 2],
    };
    let mut values = Vec::with_capacity(3 * rows * columns);
    for (channel, mean) in channels.into_iter().zip(MEANS) {
        for y in 0..rows {
            let lines = [2 * y, 2 * y + 1].map(|y| &frame.pixels()[y * stride..][..stride]);
            for x in (0..columns).map(|x| x * 6 + channel) {
                let sum: u16 = lines
                    .iter()
                    .map(|line| u16::from(line[x]) + u16::from(line[x + 3]))
                    .sum();
                values.push(f32::from(sum) / 4.0 - mean);
            }
        }
    }
    Tensor::from_data(TensorData::new(values, [1, 3, rows, columns]), device)
}

/// How salient each pixel of a frame is by `EGNet`, `[1, 1, height / 2, width / 2]` in `[0, 1]`.
pub(super) fn by_egnet(
    network: &EgNet,
    frame: &Frame,
    order: ChannelOrder,
    device: &Device,
) -> Tensor<4> {
    sigmoid(network.forward(egnet_input(frame, order, device)))
}

/// The same by `U²-Net`, which is shown a square of the size of its training, as bright as the frame can be. What it says is
/// taken as it is: its authors stretch it to the whole range, which finds something in every picture.
pub(super) fn by_u2net(network: &U2Net, frame: &Frame, device: &Device) -> Tensor<4> {
    let square = Size {
        width: SIDE as u32,
        height: SIDE as u32,
    };
    let brightest = frame.pixels().iter().copied().max().unwrap_or(0).max(1);
    let picture =
        unit_from_frames(&[&resize(frame, square)], device) * (255.0 / f32::from(brightest));
    let half = [frame.size().height, frame.size().width].map(|side| side as usize / 2);
    let logits = network.forward(picture);
    tensor::resize(sigmoid(logits), half, Resampling::LinearByEdges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{egnet, u2net};

    #[test]
    fn the_preferred_network_is_found_first_and_the_other_without_it() {
        let models = tempfile::tempdir().unwrap();
        let places = Places::from(models.path().to_owned());
        let both = [SaliencyNetwork::U2Net, SaliencyNetwork::EgNet];
        let find = |preferred| SaliencyNetwork::find(&places, preferred).map(|(found, _)| found);
        assert_eq!(both.map(find), [None, None]);
        std::fs::write(models.path().join(egnet::FILES[0]), b"").unwrap();
        assert_eq!(both.map(find), [Some(SaliencyNetwork::EgNet); 2]);
        std::fs::write(models.path().join(u2net::FILES[0]), b"").unwrap();
        assert_eq!(both.map(find), both.map(Some));
    }
}
