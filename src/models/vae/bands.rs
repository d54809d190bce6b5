//! The wide layers of the autoencoder, band by band, for pictures whose maps would not fit the device in one piece.
//!
//! This is exact, unlike tiles that are blended where they overlap: a convolution is given the row above and the row
//! below a band, and normalisation the statistics of the whole map, which follow from those of its bands. Only the order
//! of sums differs from a map in one piece. Finished bands lie in the host's memory and the device holds one at a time,
//! so how much it holds does not grow with the picture; the attention in the middle of the network, at an eighth of the
//! size, is left as it is.

use std::ops::Range;

use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::TensorData;
use burn::tensor::activation::silu;
use rayon::prelude::*;

use crate::models::resnet::{Downsample2D, ResnetBlock2D, Upsample2D};
use crate::tensor::read::{ReadError, host_values};
use crate::tensor::{Device, Tensor};

/// Pixels of a band. With 256 channels it takes 16 MiB, and about six times that while a block works on it.
const PIXELS: usize = 1 << 14;

/// A map `[1, channels, height, width]` in bands of rows.
pub(super) struct Bands {
    parts: Vec<Band>,
    rows_per_band: usize,
    channels: usize,
    height: usize,
    width: usize,
    device: Device,
}

/// Some rows of a map.
struct Band {
    /// `[channels, rows, width]`.
    values: Vec<f32>,
    /// Mean and variance of each channel.
    statistics: Vec<[f64; 2]>,
    n_rows: usize,
}

/// A normalisation whose statistics are known: tensors `[1, channels, 1, 1]`.
struct Norm {
    mean: Tensor<4>,
    scale: Tensor<4>,
    shift: Option<Tensor<4>>,
}

impl Bands {
    /// Cuts a map `[1, c, h, w]`.
    pub(super) fn of(map: Tensor<4>) -> Result<Self, ReadError> {
        let [_, _, height, width] = map.dims();
        let device = map.device();
        let cut = |rows: Range<usize>| map.clone().narrow(2, rows.start, rows.len());
        Self::new([height, width], &device, cut)
    }

    /// Makes every band of a map of this size.
    fn new(
        [height, width]: [usize; 2],
        device: &Device,
        rows: impl Fn(Range<usize>) -> Tensor<4>,
    ) -> Result<Self, ReadError> {
        let rows_per_band = (PIXELS / width.max(1)).max(1);
        let mut bands = Vec::new();
        let mut channels = 0;
        for start in (0..height).step_by(rows_per_band) {
            let end = (start + rows_per_band).min(height);
            let band = rows(start..end);
            channels = band.dims()[1];
            bands.push(Band::new(host_values(band)?, channels, end - start));
        }
        Ok(Self {
            parts: bands,
            rows_per_band,
            channels,
            height,
            width,
            device: device.clone(),
        })
    }

    /// The map in one piece.
    pub(super) fn joined(&self) -> Tensor<4> {
        self.rows(0..self.height)
    }

    /// Some rows of it: `[1, c, rows, w]`.
    fn rows(&self, rows: Range<usize>) -> Tensor<4> {
        let mut values = Vec::with_capacity(self.channels * rows.len() * self.width);
        for channel in 0..self.channels {
            let mut row = rows.start;
            while row < rows.end {
                let (index, first) = (row / self.rows_per_band, row % self.rows_per_band);
                let band = &self.parts[index];
                let n = (band.n_rows - first).min(rows.end - row);
                let start = (channel * band.n_rows + first) * self.width;
                values.extend_from_slice(&band.values[start..start + n * self.width]);
                row += n;
            }
        }
        let shape = [1, self.channels, rows.len(), self.width];
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }

    /// Mean and variance of each channel of the whole map.
    fn statistics(&self, channel: usize) -> [f64; 2] {
        let height = self.height as f64;
        let share = |band: &Band| band.n_rows as f64 / height;
        let of = |band: &Band| (share(band), band.statistics[channel]);
        let parts: Vec<_> = self.parts.iter().map(of).collect();
        let mean: f64 = parts.iter().map(|(share, [mean, _])| share * mean).sum();
        let variance = |(share, [own, variance]): &(f64, [f64; 2])| {
            share * (variance + (own - mean) * (own - mean))
        };
        [mean, parts.iter().map(variance).sum()]
    }

    fn norm(&self, norm: &GroupNorm) -> Norm {
        let width = self.channels / norm.num_groups;
        let (mut means, mut scales) = (Vec::new(), Vec::new());
        for group in 0..norm.num_groups {
            let channels = group * width..(group + 1) * width;
            let parts: Vec<[f64; 2]> = channels.map(|channel| self.statistics(channel)).collect();
            let n = width as f64;
            let mean = parts.iter().map(|[mean, _]| mean).sum::<f64>() / n;
            let variance = |[own, variance]: &[f64; 2]| variance + (own - mean) * (own - mean);
            let variance = parts.iter().map(variance).sum::<f64>() / n;
            let scale = 1.0 / (variance + norm.epsilon).sqrt();
            means.extend(std::iter::repeat_n(mean as f32, width));
            scales.extend(std::iter::repeat_n(scale as f32, width));
        }
        let shape = [1, self.channels, 1, 1];
        let tensor = |values| Tensor::from_data(TensorData::new(values, shape), &self.device);
        let scale: Tensor<4> = tensor(scales);
        let gamma = norm.gamma.as_ref().map(|gamma| gamma.val().reshape(shape));
        Norm {
            mean: tensor(means),
            scale: match gamma {
                Some(gamma) => scale * gamma,
                None => scale,
            },
            shift: norm.beta.as_ref().map(|beta| beta.val().reshape(shape)),
        }
    }

    /// A 3×3 convolution.
    pub(super) fn convolved(&self, conv: &Conv2d) -> Result<Self, ReadError> {
        Self::new([self.height, self.width], &self.device, |rows| {
            self.convolve(rows, None, conv)
        })
    }

    /// A normalised 3×3 convolution.
    pub(super) fn normed_and_convolved(
        &self,
        norm: &GroupNorm,
        conv: &Conv2d,
    ) -> Result<Self, ReadError> {
        let norm = self.norm(norm);
        Self::new([self.height, self.width], &self.device, |rows| {
            self.convolve(rows, Some(&norm), conv)
        })
    }

    /// Rows of the convolution's result. The rows that its zeros at the edge of a band spoil are cut off.
    fn convolve(&self, rows: Range<usize>, norm: Option<&Norm>, conv: &Conv2d) -> Tensor<4> {
        let from = rows.start.saturating_sub(1);
        let part = self.rows(from..(rows.end + 1).min(self.height));
        let part = match norm {
            Some(norm) => silu(norm.apply(part)),
            None => part,
        };
        conv.forward(part).narrow(2, rows.start - from, rows.len())
    }

    pub(super) fn resnet(&self, block: &ResnetBlock2D) -> Result<Self, ReadError> {
        let hidden = self.normed_and_convolved(&block.norm1, &block.conv1)?;
        let norm = hidden.norm(&block.norm2);
        Self::new([self.height, self.width], &self.device, |rows| {
            let x = self.rows(rows.clone());
            let shortcut = match &block.conv_shortcut {
                Some(conv) => conv.forward(x),
                None => x,
            };
            shortcut + hidden.convolve(rows, Some(&norm), &block.conv2)
        })
    }

    /// Half the size, with zeros below and to the right, as the encoder has it.
    pub(super) fn downsampled(&self, layer: &Downsample2D) -> Result<Self, ReadError> {
        let size = [self.height / 2, self.width / 2];
        Self::new(size, &self.device, |rows| {
            let part = self.rows(2 * rows.start..(2 * rows.end + 1).min(self.height));
            layer.forward(part).narrow(2, 0, rows.len())
        })
    }

    /// Twice the size.
    pub(super) fn upsampled(&self, layer: &Upsample2D) -> Result<Self, ReadError> {
        let size = [self.height * 2, self.width * 2];
        Self::new(size, &self.device, |rows| {
            let from = rows.start.saturating_sub(1) / 2;
            let to = (rows.end / 2 + 1).min(self.height);
            let enlarged = layer.forward(self.rows(from..to), [(to - from) * 2, size[1]]);
            enlarged.narrow(2, rows.start - 2 * from, rows.len())
        })
    }
}

impl Band {
    fn new(values: Vec<f32>, channels: usize, n_rows: usize) -> Self {
        let length = (values.len() / channels.max(1)).max(1);
        let of = |values: &[f32]| {
            let n = values.len() as f64;
            let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / n;
            let square = |value: &f32| (f64::from(*value) - mean) * (f64::from(*value) - mean);
            [mean, values.iter().map(square).sum::<f64>() / n]
        };
        Self {
            statistics: values.par_chunks_exact(length).map(of).collect(),
            values,
            n_rows,
        }
    }
}

impl Norm {
    fn apply(&self, x: Tensor<4>) -> Tensor<4> {
        let normed = (x - self.mean.clone()) * self.scale.clone();
        match &self.shift {
            Some(shift) => normed + shift.clone(),
            None => normed,
        }
    }
}
