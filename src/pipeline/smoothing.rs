//! Background smoothing of the pictures that latents stand for.

use super::conditions::{Coding, decoded, encoded};
use super::error::Error;
use super::job::Consistency;
use crate::fresco::BackgroundFusion;
use crate::models::vae::AutoencoderKL;
use crate::tensor::Tensor;

/// What latents take over from their smoothed pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenOver {
    /// Everything, also where pictures only passed through the autoencoder; so it is in the reference.
    Everything,
    /// Cells of which any pixel was fused; all others stay, bit for bit.
    Fused,
}

impl TakenOver {
    /// What a job wants.
    #[must_use]
    pub fn of(consistency: Consistency) -> Self {
        if consistency.smooth_background_only {
            Self::Fused
        } else {
            Self::Everything
        }
    }
}

/// Clean latents whose pictures took over the background of the frame before: decoded, fused, and encoded again.
///
/// # Shapes
/// `x0` `[n, 4, h, w]`, scaled; `noise` of the posterior alike → the same.
///
/// # Errors
/// As [`decoded`] and [`encoded`].
///
/// # Source
/// FRESCO's reference implementation, which takes over everything.
pub fn smooth_background(
    x0: &Tensor<4>,
    fusion: &BackgroundFusion,
    (vae, coding): (&AutoencoderKL, Coding),
    noise: Tensor<4>,
    taken_over: TakenOver,
) -> Result<Tensor<4>, Error> {
    let pictures = fusion.fuse(decoded(x0, vae, coding)?);
    let stride = pictures.dims()[2] / x0.dims()[2];
    let posterior = encoded(pictures, vae, coding)?;
    let smoothed = posterior.sample(noise) * vae.scaling_factor();
    Ok(match taken_over {
        TakenOver::Everything => smoothed,
        TakenOver::Fused => {
            let cells = fusion.fused_cells(stride).expand(x0.dims());
            x0.clone().mask_where(cells, smoothed)
        }
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, TensorData};

    use super::*;
    use crate::flow::FlowRing;
    use crate::models::vae::VaeConfig;
    use crate::tensor::Device;
    use crate::tensor::read::host_values;

    #[test]
    fn only_cells_with_a_fused_pixel_are_taken_over_and_all_others_stay() {
        let device = Device::flex();
        device.seed(6);
        let json =
            r#"{"block_out_channels": [2, 2, 2, 2], "layers_per_block": 1, "norm_num_groups": 2}"#;
        let vae = AutoencoderKL::new(&VaeConfig::from_json(json.as_bytes()).unwrap(), &device);
        let (n, side, cells) = (3, 32, 4);
        let flow = || Tensor::zeros([n, 2, side, side], &device);
        let occlusion = || Tensor::zeros([n, side, side], &device);
        let ring = FlowRing {
            forward: flow(),
            backward: flow(),
            forward_occlusion: occlusion(),
            backward_occlusion: occlusion(),
        };
        // One pixel of a cell, the next cell whole, and the rest salient, in every frame.
        let mut background = vec![0.0_f32; side * side];
        background[0] = 0.01;
        for row in 0..8 {
            background[row * side + 8..][..8].fill(1.0);
        }
        let data = TensorData::new(background, [1, 1, side, side]);
        let background = Tensor::<4>::from_data(data, &device).repeat_dim(0, n);
        let fusion = BackgroundFusion::new(&background, &ring).unwrap();
        let normal = || {
            let shape = [n, 4, cells, cells];
            Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device)
        };
        let (x0, noise) = (normal(), normal());
        let smoothed = |taken_over| {
            let coder = (&vae, Coding::Whole);
            let smoothed = smooth_background(&x0, &fusion, coder, noise.clone(), taken_over);
            host_values(smoothed.unwrap()).unwrap()
        };
        let (all, fused) = (smoothed(TakenOver::Everything), smoothed(TakenOver::Fused));
        let x0 = host_values(x0.clone()).unwrap();
        assert!(all.iter().zip(&x0).all(|(a, b)| a.to_bits() != b.to_bits()));
        for (i, value) in fused.iter().enumerate() {
            let (frame, cell) = (i / (4 * cells * cells), i % (cells * cells));
            let is_fused = frame > 0 && cell < 2;
            let want = if is_fused { all[i] } else { x0[i] };
            assert_eq!(value.to_bits(), want.to_bits(), "{frame}, {cell}");
        }
    }
}
