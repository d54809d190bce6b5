//! Edges as the HED and soft-edge `ControlNets` were trained with.

use super::ControlImage;
use crate::frame::Frame;
use crate::models::hed::Hed;
use crate::tensor::image::signed_from_frames;
use crate::tensor::read::{ReadError, host_values};
use crate::tensor::{Device, Resampling, Tensor, resize};

/// How much of an edge there is at each pixel of `frame`, in 256 levels: the mean of what the network's five stages say,
/// each enlarged to the size of the frame.
///
/// Sides below 16 pixels are too small for the last stage; such a frame has no edges.
///
/// # Errors
/// [`ReadError`] if the network gives values that no picture can show.
///
/// # Source
/// ControlNet's HED annotator, which cuts off the fraction of a level.
pub fn hed(frame: &Frame, network: &Hed, device: &Device) -> Result<ControlImage, ReadError> {
    let size = frame.size();
    if size.width.min(size.height) < 16 {
        return Ok(ControlImage::new(size, vec![0.0; size.area()]));
    }
    let picture = (signed_from_frames(&[frame], device) + 1.0) * 127.5;
    let shape = [size.height as usize, size.width as usize];
    let enlarged = network
        .forward(picture)
        .map(|side| resize(side, shape, Resampling::LinearByEdges));
    let sum = enlarged.into_iter().reduce(|sum, side| sum + side);
    let logits = sum.map_or_else(|| Ok(Vec::new()), |sum: Tensor<4>| host_values(sum / 5.0))?;
    let level = |logit: f32| {
        let edge = 1.0 / (1.0 + (-f64::from(logit)).exp());
        (edge * 255.0).floor() as f32 / 255.0
    };
    let values = logits.into_iter().map(level).collect();
    Ok(ControlImage::new(size, values))
}
