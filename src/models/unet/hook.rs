//! The two places where a guide may touch the U-Net, and the guide that touches nothing.

pub use crate::models::attention::Attention;
use crate::tensor::Tensor;

/// Part of the network, in order of execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UNetPart {
    /// Down blocks, level 0 the finest.
    Encoder,
    /// The block between.
    Middle,
    /// Up blocks, level 0 the coarsest.
    Decoder,
}

/// Which self-attention asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttentionSite {
    /// Part of the network.
    pub part: UNetPart,
    /// Block within the part, in order of execution.
    pub level: usize,
    /// Transformer within the block.
    pub layer: usize,
    /// Rows and columns of the token grid.
    pub grid: [usize; 2],
}

/// Called by the U-Net at the input of each decoder block and in place of each self-attention.
pub trait UNetHook {
    /// Features entering decoder block `level` (0 the coarsest), before any skip connection joins them, the
    /// `ControlNet`'s middle residual included: `[n, c, h, w]` → the same shape.
    fn decoder_input(&mut self, level: usize, features: Tensor<4>) -> Tensor<4>;

    /// Self-attention of the layer-normed `tokens` `[n, h·w, c]` → `[n, h·w, c]`.
    fn self_attention(
        &mut self,
        site: AttentionSite,
        attention: &Attention,
        tokens: Tensor<3>,
    ) -> Tensor<3>;
}

/// Plain Stable Diffusion.
#[derive(Clone, Copy, Debug)]
pub struct NoHook;

impl UNetHook for NoHook {
    fn decoder_input(&mut self, _level: usize, features: Tensor<4>) -> Tensor<4> {
        features
    }

    fn self_attention(
        &mut self,
        _site: AttentionSite,
        attention: &Attention,
        tokens: Tensor<3>,
    ) -> Tensor<3> {
        attention.forward(tokens.clone(), tokens)
    }
}
