//! Pictures to tensors and back. Each name carries the range of its values.

use burn::tensor::{Device, Tensor, TensorData};

use super::read::{ReadError, host_values};
use crate::frame::{Frame, Size};

/// Frames as network input in `[-1, 1]`.
///
/// # Shapes
/// `n` frames of equal size → `[n, 3, height, width]`, `f32`.
///
/// # Panics
/// If there are no frames or their sizes differ.
#[must_use]
pub fn signed_from_frames(frames: &[&Frame], device: &Device) -> Tensor<4> {
    let size = frames[0].size();
    let mut values = Vec::with_capacity(frames.len() * size.area() * 3);
    for frame in frames {
        assert_eq!(frame.size(), size, "frames of one batch have one size");
        for channel in 0..3 {
            let plane = frame.pixels().iter().skip(channel).step_by(3);
            values.extend(plane.map(|&v| f32::from(v) / 127.5 - 1.0));
        }
    }
    planes(values, [frames.len(), 3], size, device)
}

/// Decoded pictures in `[-1, 1]`, clamped and rounded to 8 bits.
///
/// # Shapes
/// `[n, 3, height, width]` → `n` frames.
///
/// # Errors
/// [`ReadError`], also if a value is infinite or not a number, which a picture would hide.
pub fn frames_from_signed(pictures: Tensor<4>) -> Result<Vec<Frame>, ReadError> {
    let [n, _, height, width] = pictures.dims();
    let size = Size {
        width: width as u32,
        height: height as u32,
    };
    let values = host_values(pictures)?;
    let area = size.area();
    let frame = |i: usize| {
        let planes = &values[i * area * 3..(i + 1) * area * 3];
        let pixel = |p: usize| [0, 1, 2].map(|channel| byte(planes[channel * area + p]));
        Frame::new(size, (0..area).flat_map(pixel).collect())
    };
    Ok((0..n).map(frame).collect())
}

fn byte(signed: f32) -> u8 {
    ((signed.clamp(-1.0, 1.0) / 2.0 + 0.5) * 255.0).round() as u8
}

/// Frames as control images in `[0, 1]`.
///
/// # Shapes
/// `n` frames of equal size → `[n, 3, height, width]`, `f32`.
#[must_use]
pub fn unit_from_frames(frames: &[&Frame], device: &Device) -> Tensor<4> {
    (signed_from_frames(frames, device) + 1.0) / 2.0
}

/// Single-channel maps in `[0, 1]`, repeated to the three channels that a ControlNet takes.
///
/// # Shapes
/// `n` maps of `size` → `[n, 3, height, width]`, `f32`.
#[must_use]
pub fn unit_from_maps(maps: &[&[f32]], size: Size, device: &Device) -> Tensor<4> {
    let values = maps.iter().flat_map(|map| map.iter().copied()).collect();
    planes(values, [maps.len(), 1], size, device).repeat_dim(1, 3)
}

fn planes(values: Vec<f32>, [n, c]: [usize; 2], size: Size, device: &Device) -> Tensor<4> {
    let shape = [n, c, size.height as usize, size.width as usize];
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_round_trip() {
        let size = Size {
            width: 16,
            height: 17,
        };
        let frame = Frame::from_fn(size, |x, y| [(y * 16 + x) as u8, x as u8, y as u8]);
        let tensor = signed_from_frames(&[&frame, &frame], &Device::flex());
        assert_eq!(tensor.dims(), [2, 3, 17, 16]);
        assert_eq!(frames_from_signed(tensor), Ok(vec![frame.clone(), frame]));
    }

    #[test]
    fn a_value_that_is_no_number_is_refused() {
        let tensor = Tensor::<4>::full([1, 3, 2, 2], f32::NAN, &Device::flex());
        assert_eq!(frames_from_signed(tensor), Err(ReadError::NotFinite));
    }
}
