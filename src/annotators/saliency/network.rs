//! What is salient according to `EGNet`.

use burn::tensor::TensorData;
use burn::tensor::activation::sigmoid;
use serde::Serialize;

use crate::frame::Frame;
use crate::models::egnet::{EgNet, MEANS};
use crate::tensor::{Device, Tensor};

/// How the network is shown colours. It was trained on blue, green and red, each less its own mean.
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

/// How salient each pixel of each frame is, one frame after the other, so that memory does not grow with a batch:
/// `[n, 1, height / 2, width / 2]` in `[0, 1]`.
pub(super) fn masks(
    network: &EgNet,
    frames: &[Frame],
    order: ChannelOrder,
    device: &Device,
) -> Tensor<4> {
    let mask = |frame| sigmoid(network.forward(egnet_input(frame, order, device)));
    Tensor::cat(frames.iter().map(mask).collect(), 0)
}
