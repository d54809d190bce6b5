//! Resampling to another grid, in the ways that published networks use.
//!
//! Burn and PyTorch disagree about the default, so each way has a name here.

use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};

use super::Tensor;

/// How a value between pixels is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resampling {
    /// From the two nearest along each axis; the corner pixels of both grids coincide.
    LinearByCorners,
    /// From the two nearest along each axis; the outer edges of both grids coincide. Nothing is averaged on the way down.
    LinearByEdges,
    /// From the four nearest along each axis by a cubic with a = −0.75; the outer edges of both grids coincide. Nothing is
    /// averaged on the way down.
    CubicByEdges,
}

/// Resamples every map of `x` to `[rows, columns]`; the same size gives the same values.
///
/// # Shapes
/// `[n, c, h, w]` → `[n, c, rows, columns]`.
///
/// # Source
/// PyTorch's `interpolate`, bilinear with and without `align_corners`, bicubic without; OpenCV's `INTER_CUBIC` on floats is
/// the last one too.
#[must_use]
pub fn resize(x: Tensor<4>, [rows, columns]: [usize; 2], how: Resampling) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    if [height, width] == [rows, columns] {
        return x;
    }
    let (mode, by_corners) = match how {
        Resampling::LinearByCorners => (InterpolateMode::Bilinear, true),
        Resampling::LinearByEdges => (InterpolateMode::Bilinear, false),
        Resampling::CubicByEdges => (InterpolateMode::Bicubic, false),
    };
    let options = InterpolateOptions::new(mode)
        .with_output_size([rows, columns])
        .with_align_corners(by_corners);
    interpolate(x, options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn resized(values: &[f32], columns: usize, how: Resampling) -> Vec<f32> {
        let data = TensorData::new(values.to_vec(), [1, 1, 1, values.len()]);
        let x = Tensor::<4>::from_data(data, &Device::flex());
        let out = resize(x, [1, columns], how).into_data();
        out.try_to_vec().unwrap()
    }

    #[test]
    fn each_way_places_its_pixels() {
        let close = |got: Vec<f32>, want: &[f32]| {
            assert_eq!(got.len(), want.len());
            let worst = got.iter().zip(want).map(|(g, w)| (g - w).abs());
            assert!(worst.fold(0.0, f32::max) < 1e-6, "{got:?} {want:?}");
        };
        let line = [0.0, 3.0];
        close(
            resized(&line, 4, Resampling::LinearByCorners),
            &[0.0, 1.0, 2.0, 3.0],
        );
        close(
            resized(&line, 4, Resampling::LinearByEdges),
            &[0.0, 0.75, 2.25, 3.0],
        );
        // A quarter of the way: −0.10546875, 0.87890625, 0.26171875, −0.03515625, beyond the edge the edge's value.
        let cubic = resized(&[0.0, 0.0, 1.0, 1.0], 8, Resampling::CubicByEdges);
        close(cubic[3..5].to_vec(), &[0.226_562_5, 0.773_437_5]);
        close(resized(&line, 2, Resampling::CubicByEdges), &line);
    }
}
