//! Multi-head attention as the diffusion networks use it, split so that a guide can step in between.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};

use crate::tensor::{Device, Tensor, attend};

/// Projections to queries, keys and values, and back.
#[derive(Module, Debug)]
pub struct Attention {
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
    heads: usize,
}

/// Sizes of an [`Attention`].
#[derive(Clone, Copy, Debug)]
pub struct AttentionConfig {
    /// Channels of the tokens that ask.
    pub query_dim: usize,
    /// Channels of the tokens that answer.
    pub context_dim: usize,
    /// Heads, each with an equal share of `query_dim`.
    pub heads: usize,
    /// Whether queries, keys and values have a bias (the autoencoder's have).
    pub qkv_bias: bool,
}

impl Attention {
    /// Projections of the given sizes, uninitialised.
    #[must_use]
    pub fn new(config: AttentionConfig, device: &Device) -> Self {
        let AttentionConfig {
            query_dim,
            context_dim,
            heads,
            qkv_bias,
        } = config;
        let project = |from| {
            LinearConfig::new(from, query_dim)
                .with_bias(qkv_bias)
                .init(device)
        };
        Self {
            to_q: project(query_dim),
            to_k: project(context_dim),
            to_v: project(context_dim),
            to_out: LinearConfig::new(query_dim, query_dim).init(device),
            heads,
        }
    }

    /// Queries of `tokens`: `[n, tokens, c]` → `[n, heads, tokens, c/heads]`.
    #[must_use]
    pub fn queries(&self, tokens: Tensor<3>) -> Tensor<4> {
        self.split_heads(self.to_q.forward(tokens))
    }

    /// Keys of `context`: `[n, tokens, c]` → `[n, heads, tokens, c/heads]`.
    #[must_use]
    pub fn keys(&self, context: Tensor<3>) -> Tensor<4> {
        self.split_heads(self.to_k.forward(context))
    }

    /// Values of `context`: `[n, tokens, c]` → `[n, heads, tokens, c/heads]`.
    #[must_use]
    pub fn values(&self, context: Tensor<3>) -> Tensor<4> {
        self.split_heads(self.to_v.forward(context))
    }

    /// Joins the heads and projects back: `[n, heads, tokens, c/heads]` → `[n, tokens, c]`.
    #[must_use]
    pub fn output(&self, attended: Tensor<4>) -> Tensor<3> {
        let [n, heads, tokens, width] = attended.dims();
        self.to_out
            .forward(attended.swap_dims(1, 2).reshape([n, tokens, heads * width]))
    }

    /// Plain attention of `tokens` `[n, tokens, c]` on `context` `[n, m, c']` → `[n, tokens, c]`.
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>, context: Tensor<3>) -> Tensor<3> {
        let (q, k) = (self.queries(tokens), self.keys(context.clone()));
        self.output(attend(q, k, self.values(context)))
    }

    fn split_heads(&self, projected: Tensor<3>) -> Tensor<4> {
        let [n, tokens, channels] = projected.dims();
        projected
            .reshape([n, tokens, self.heads, channels / self.heads])
            .swap_dims(1, 2)
    }
}
