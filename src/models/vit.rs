//! What the two vision transformers have in common: feed-forward layers, attention, and a table of positions that serves
//! pictures of any size.
//!
//! Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021.

use burn::module::{Module, Param};
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::activation::gelu;

use super::tokens::{to_map, to_tokens};
use crate::tensor::{Device, Resampling, Tensor, attend, resize};

/// Two linear layers around a GELU, applied to each token.
#[derive(Module, Debug)]
pub(super) struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

impl Mlp {
    pub(super) fn new([width, hidden]: [usize; 2], device: &Device) -> Self {
        Self {
            fc1: LinearConfig::new(width, hidden).init(device),
            fc2: LinearConfig::new(hidden, width).init(device),
        }
    }

    pub(super) fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        self.fc2.forward(gelu(self.fc1.forward(tokens)))
    }
}

/// Attention among the tokens of a picture, each head on its own share of the channels: `[n, tokens, c]` each →
/// `[n, tokens, c]`.
pub(super) fn attend_in_heads([queries, keys, values]: [Tensor<3>; 3], heads: usize) -> Tensor<3> {
    let [n, tokens, channels] = queries.dims();
    let split = |x: Tensor<3>| {
        x.reshape([n, tokens, heads, channels / heads])
            .swap_dims(1, 2)
    };
    attend(split(queries), split(keys), split(values))
        .swap_dims(1, 2)
        .reshape([n, tokens, channels])
}

/// What goes before the tokens of a picture, and what is added to say where each is.
#[derive(Module, Debug)]
pub(super) struct Positions {
    cls_token: Param<Tensor<3>>,
    table: Param<Tensor<3>>,
    side: usize,
    #[module(skip)]
    resampling: Resampling,
}

impl Positions {
    /// For pictures of `side × side` tokens of `width` channels; others take resampled positions.
    pub(super) fn new([side, width]: [usize; 2], resampling: Resampling, device: &Device) -> Self {
        Self {
            cls_token: Initializer::Zeros.init([1, 1, width], device),
            table: Initializer::Zeros.init([1, 1 + side * side, width], device),
            side,
            resampling,
        }
    }

    /// Tokens of patches with a class token before them, placed: `[n, c, h, w]` → `[n, 1 + h·w, c]`.
    pub(super) fn place(&self, patches: Tensor<4>) -> Tensor<3> {
        let [n, _, rows, columns] = patches.dims();
        let tokens = Tensor::cat(
            vec![self.cls_token.val().repeat_dim(0, n), to_tokens(patches)],
            1,
        );
        tokens + self.of_grid([rows, columns])
    }

    fn of_grid(&self, grid: [usize; 2]) -> Tensor<3> {
        let (table, area) = (self.table.val(), self.side * self.side);
        if grid == [self.side; 2] {
            return table;
        }
        let square = to_map(table.clone().narrow(1, 1, area), [self.side; 2]);
        let patches = to_tokens(resize(square, grid, self.resampling));
        Tensor::cat(vec![table.narrow(1, 0, 1), patches], 1)
    }
}
