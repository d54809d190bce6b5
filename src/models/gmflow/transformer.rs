//! Self- and cross-attention in windows, which makes the features of two frames comparable.
//!
//! Every other block shifts its windows by half a window, around the edges, and keeps apart what the shift has brought
//! together from opposite edges. The published network adds −100 to such scores; a weight of e⁻¹⁰⁰ is nothing in `f32`,
//! so what remains is plain attention inside smaller rectangles, which needs neither mask nor shift.
//!
//! Source: Xu et al., "GMFlow", 2022; the windows are those of Liu et al., "Swin Transformer", 2021.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::TensorData;
use burn::tensor::activation::gelu;

use super::{CHANNELS, to_map, to_tokens};
use crate::tensor::{Device, Tensor, attend};

/// Windows along each side.
pub(super) const WINDOWS: usize = 2;
const BLOCKS: usize = 6;
/// Growth of the hidden layer, relative to both inputs together.
const EXPANSION: usize = 4;

/// The blocks.
#[derive(Module, Debug)]
pub struct FeatureTransformer {
    /// In order of execution; those with an odd number have shifted windows.
    pub layers: Vec<Block>,
}

impl FeatureTransformer {
    pub(super) fn new(device: &Device) -> Self {
        Self {
            layers: (0..BLOCKS).map(|_| Block::new(device)).collect(),
        }
    }

    /// Features `[2n, 128, h, w]` of the first frames and then of the second → the same shape.
    pub(super) fn forward(&self, features: Tensor<4>) -> Tensor<4> {
        let [_, _, rows, columns] = features.dims();
        let tokens = to_tokens(with_positions(features));
        let blocks = self.layers.iter().enumerate();
        let tokens = blocks.fold(tokens, |tokens, (number, block)| {
            block.forward(tokens, [rows, columns], number % 2 == 1)
        });
        to_map(tokens, [rows, columns])
    }
}

/// Adds to each feature where it is in its window, in waves of growing length.
///
/// # Shapes
/// `[n, 128, h, w]`, `h` and `w` even → the same shape.
#[must_use]
pub fn with_positions(features: Tensor<4>) -> Tensor<4> {
    let [_, channels, rows, columns] = features.dims();
    let (y_channels, waves) = (channels / 2, channels / 2);
    let mut values = Vec::with_capacity(channels * rows * columns);
    for channel in 0..channels {
        let wave = channel % waves;
        for y in 0..rows {
            for x in 0..columns {
                let (at, side) = if channel < y_channels {
                    (y, rows)
                } else {
                    (x, columns)
                };
                values.push(position(at, side / WINDOWS, wave, waves));
            }
        }
    }
    let data = TensorData::new(values, [1, channels, rows, columns]);
    let positions = Tensor::<4>::from_data(data, &features.device());
    features + positions
}

fn position(at: usize, window: usize, wave: usize, waves: usize) -> f32 {
    let turn = (at % window + 1) as f64 / (window as f64 + 1e-6) * std::f64::consts::TAU;
    let pair = (wave / 2 * 2) as f64;
    let angle = turn / 10_000_f64.powf(pair / waves as f64);
    if wave.is_multiple_of(2) {
        angle.sin() as f32
    } else {
        angle.cos() as f32
    }
}

/// Attention inside each frame, then from each frame to its partner.
#[derive(Module, Debug)]
pub struct Block {
    self_attn: Layer,
    cross_attn_ffn: Layer,
}

impl Block {
    fn new(device: &Device) -> Self {
        Self {
            self_attn: Layer::new(None, device),
            cross_attn_ffn: Layer::new(Some(FeedForward::new(device)), device),
        }
    }

    /// # Shapes
    /// `tokens` `[2n, h·w, 128]` of the first frames and then of the second, with `grid` `[h, w]` → the same shape.
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>, grid: [usize; 2], is_shifted: bool) -> Tensor<3> {
        let cuts = grid.map(|side| cuts(side, is_shifted));
        let partners = Tensor::cat(tokens.clone().chunk(2, 0).into_iter().rev().collect(), 0);
        let tokens = self.self_attn.forward(tokens.clone(), tokens, &cuts);
        self.cross_attn_ffn.forward(tokens, partners, &cuts)
    }
}

/// Lengths of the pieces of a side whose tokens attend to each other.
fn cuts(side: usize, is_shifted: bool) -> Vec<usize> {
    let window = side / WINDOWS;
    let shift = if is_shifted { window / 2 } else { 0 };
    let pieces = [shift, window, side - window - shift];
    pieces.into_iter().filter(|&piece| piece > 0).collect()
}

/// One attention with a residual.
#[derive(Module, Debug)]
struct Layer {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    merge: Linear,
    norm1: LayerNorm,
    mlp: Option<FeedForward>,
}

impl Layer {
    fn new(mlp: Option<FeedForward>, device: &Device) -> Self {
        let project = || linear([CHANNELS, CHANNELS], device);
        Self {
            q_proj: project(),
            k_proj: project(),
            v_proj: project(),
            merge: project(),
            norm1: LayerNormConfig::new(CHANNELS).init(device),
            mlp,
        }
    }

    fn forward(&self, source: Tensor<3>, target: Tensor<3>, cuts: &[Vec<usize>; 2]) -> Tensor<3> {
        let q = self.q_proj.forward(source.clone());
        let k = self.k_proj.forward(target.clone());
        let v = self.v_proj.forward(target);
        let message = self.merge.forward(attend_in_rectangles([q, k, v], cuts));
        let mut message = self.norm1.forward(message);
        if let Some(mlp) = &self.mlp {
            message = mlp.forward(source.clone(), message);
        }
        source + message
    }
}

/// Mixes a token with what it was told.
#[derive(Module, Debug)]
struct FeedForward {
    expand: Linear,
    contract: Linear,
    norm: LayerNorm,
}

impl FeedForward {
    fn new(device: &Device) -> Self {
        let (inputs, hidden) = (2 * CHANNELS, 2 * CHANNELS * EXPANSION);
        Self {
            expand: linear([inputs, hidden], device),
            contract: linear([hidden, CHANNELS], device),
            norm: LayerNormConfig::new(CHANNELS).init(device),
        }
    }

    fn forward(&self, source: Tensor<3>, message: Tensor<3>) -> Tensor<3> {
        let both = Tensor::cat(vec![source, message], 2);
        self.norm
            .forward(self.contract.forward(gelu(self.expand.forward(both))))
    }
}

fn linear([from, to]: [usize; 2], device: &Device) -> Linear {
    LinearConfig::new(from, to).with_bias(false).init(device)
}

/// Attention of each rectangle of the grid to itself; `cuts` are the rectangles' heights and widths.
///
/// `q`, `k` and `v` are `[n, h·w, c]`, and so is the result.
fn attend_in_rectangles(qkv: [Tensor<3>; 3], [rows, columns]: &[Vec<usize>; 2]) -> Tensor<3> {
    let [n, tokens, channels] = qkv[0].dims();
    let grid = [rows.iter().sum(), columns.iter().sum()];
    let qkv = qkv.map(|tokens| tokens.reshape([n, grid[0], grid[1], channels]));
    let mut bands = Vec::with_capacity(rows.len());
    let mut top = 0;
    for &height in rows {
        let mut band = Vec::with_capacity(columns.len());
        let mut left = 0;
        for &width in columns {
            let cut = |grid: &Tensor<4>| {
                grid.clone()
                    .narrow(1, top, height)
                    .narrow(2, left, width)
                    .reshape([n, 1, height * width, channels])
            };
            let [q, k, v] = qkv.each_ref().map(cut);
            band.push(attend(q, k, v).reshape([n, height, width, channels]));
            left += width;
        }
        bands.push(Tensor::cat(band, 2));
        top += height;
    }
    Tensor::cat(bands, 1).reshape([n, tokens, channels])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;
    use burn::tensor::activation::softmax;

    #[test]
    fn pieces_cover_each_side() {
        assert_eq!(cuts(16, false), [8, 8]);
        assert_eq!(cuts(16, true), [4, 8, 4]);
        assert_eq!(cuts(6, true), [1, 3, 2]);
        assert_eq!(cuts(2, true), [1, 1]);
    }

    /// The window that a token is in after the shift, and the edge that it came from.
    fn label(at: usize, side: usize) -> (usize, bool) {
        let window = side / WINDOWS;
        let shift = window / 2;
        let shifted = (at + side - shift) % side;
        (shifted / window, shifted >= side - shift)
    }

    #[test]
    fn rectangles_equal_shifted_windows_with_a_mask() {
        let device = Device::flex();
        device.seed(3);
        let (grid, channels) = ([6, 8], 5);
        let tokens = grid[0] * grid[1];
        let random = |_| Tensor::<3>::random([2, tokens, channels], Distribution::Default, &device);
        let qkv = [0, 1, 2].map(random);
        let labels = |token: usize| {
            [
                label(token / grid[1], grid[0]),
                label(token % grid[1], grid[1]),
            ]
        };
        let mask = (0..tokens * tokens).map(|i| {
            let (a, b) = (labels(i / tokens), labels(i % tokens));
            let is_same_window = a.map(|l| l.0) == b.map(|l| l.0);
            match (a == b, is_same_window) {
                (true, _) => 0.0,
                (_, true) => -100.0,
                _ => f32::NEG_INFINITY,
            }
        });
        let mask = TensorData::new(mask.collect::<Vec<f32>>(), [1, tokens, tokens]);
        let [q, k, v] = qkv.clone();
        let scores = q.matmul(k.swap_dims(1, 2)) / (channels as f32).sqrt();
        let want = softmax(scores + Tensor::<3>::from_data(mask, &device), 2).matmul(v);
        let got = attend_in_rectangles(qkv, &grid.map(|side| cuts(side, true)));
        let difference: f32 = (got - want).abs().max().into_scalar();
        assert!(difference < 1e-5, "{difference}");
    }
}
