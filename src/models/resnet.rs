//! The residual block that U-Net, `ControlNet` and autoencoder share, and the layers around it.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{GroupNorm, GroupNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::silu;
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};

use crate::tensor::{Device, Tensor, group_norm};

/// A square convolution that keeps the size at stride 1.
pub(super) fn conv(channels: [usize; 2], kernel: usize, device: &Device) -> Conv2d {
    let pad = kernel / 2;
    Conv2dConfig::new(channels, [kernel, kernel])
        .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
        .init(device)
}

/// A 3×3 convolution with stride 2; `padding` is top, left, bottom, right.
pub(super) fn strided_conv(channels: [usize; 2], padding: [usize; 4], device: &Device) -> Conv2d {
    let [top, left, bottom, right] = padding;
    Conv2dConfig::new(channels, [3, 3])
        .with_stride([2, 2])
        .with_padding(PaddingConfig2d::Explicit(top, left, bottom, right))
        .init(device)
}

pub(super) fn norm_layer(
    groups: usize,
    channels: usize,
    epsilon: f64,
    device: &Device,
) -> GroupNorm {
    GroupNormConfig::new(groups, channels)
        .with_epsilon(epsilon)
        .init(device)
}

/// What residual blocks of one network have in common.
#[derive(Clone, Copy, Debug)]
pub struct ResnetConfig {
    /// Groups of every normalisation.
    pub norm_num_groups: usize,
    /// Added to every variance.
    pub norm_eps: f64,
    /// Width of the time embedding; the autoencoder has none.
    pub time_embed_dim: Option<usize>,
}

/// Two normalised convolutions around a shortcut, shifted by the time embedding in between.
#[derive(Module, Debug)]
pub struct ResnetBlock2D {
    pub(super) norm1: GroupNorm,
    pub(super) conv1: Conv2d,
    time_emb_proj: Option<Linear>,
    pub(super) norm2: GroupNorm,
    pub(super) conv2: Conv2d,
    pub(super) conv_shortcut: Option<Conv2d>,
}

impl ResnetBlock2D {
    pub(super) fn new(
        [channels_in, channels_out]: [usize; 2],
        config: &ResnetConfig,
        device: &Device,
    ) -> Self {
        let norm = |channels| norm_layer(config.norm_num_groups, channels, config.norm_eps, device);
        Self {
            norm1: norm(channels_in),
            conv1: conv([channels_in, channels_out], 3, device),
            time_emb_proj: config
                .time_embed_dim
                .map(|width| LinearConfig::new(width, channels_out).init(device)),
            norm2: norm(channels_out),
            conv2: conv([channels_out, channels_out], 3, device),
            conv_shortcut: (channels_in != channels_out)
                .then(|| conv([channels_in, channels_out], 1, device)),
        }
    }

    /// # Shapes
    /// `x` `[n, c_in, h, w]`, `time` `[1 or n, width]` → `[n, c_out, h, w]`.
    pub fn forward(&self, x: Tensor<4>, time: Option<&Tensor<2>>) -> Tensor<4> {
        let mut hidden = self.conv1.forward(silu(group_norm(&self.norm1, x.clone())));
        if let (Some(project), Some(time)) = (&self.time_emb_proj, time) {
            let shift = project.forward(silu(time.clone()));
            hidden = hidden + shift.unsqueeze_dims::<4>(&[2, 3]);
        }
        let hidden = self.conv2.forward(silu(group_norm(&self.norm2, hidden)));
        let shortcut = match &self.conv_shortcut {
            Some(conv) => conv.forward(x),
            None => x,
        };
        shortcut + hidden
    }
}

/// Halves the size with a strided convolution.
#[derive(Module, Debug)]
pub struct Downsample2D {
    conv: Conv2d,
}

impl Downsample2D {
    pub(super) fn new(channels: usize, padding: [usize; 4], device: &Device) -> Self {
        Self {
            conv: strided_conv([channels, channels], padding, device),
        }
    }

    /// # Shapes
    /// `[n, c, h, w]` → `[n, c, ⌈h/2⌉, ⌈w/2⌉]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.conv.forward(x)
    }
}

/// Enlarges by repeating pixels, then smooths with a convolution.
#[derive(Module, Debug)]
pub struct Upsample2D {
    conv: Conv2d,
}

impl Upsample2D {
    pub(super) fn new(channels: usize, device: &Device) -> Self {
        Self {
            conv: conv([channels, channels], 3, device),
        }
    }

    /// # Shapes
    /// `[n, c, h, w]` → `[n, c, size[0], size[1]]`; the target is twice the size, or one less where an odd size was
    /// halved on the way down.
    pub fn forward(&self, x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
        let nearest = InterpolateOptions::new(InterpolateMode::Nearest).with_output_size(size);
        self.conv.forward(interpolate(x, nearest))
    }
}
