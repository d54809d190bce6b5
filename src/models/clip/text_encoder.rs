//! The CLIP text model: token ids to the embeddings that the U-Net attends to.
//!
//! Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021.

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, sigmoid};
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Int, TensorData};

use super::config::{HiddenAct, TextEncoderConfig};
use crate::models::keymap::KeyMap;
use crate::tensor::{Device, Tensor};

/// Names in a published `text_encoder/model.safetensors`.
pub const KEYS: KeyMap = KeyMap {
    rules: &[(r"^text_model\.", ""), (r"^embeddings\.", "")],
    ignored: &[r"(^|\.)position_ids$"],
};

/// The text model without any projection.
#[derive(Module, Debug)]
pub struct ClipTextModel {
    token_embedding: Embedding,
    position_embedding: Embedding,
    encoder: Layers,
    final_layer_norm: LayerNorm,
}

#[derive(Module, Debug)]
struct Layers {
    layers: Vec<Layer>,
}

#[derive(Module, Debug)]
#[allow(clippy::struct_field_names, reason = "the published names")]
struct Layer {
    layer_norm1: LayerNorm,
    self_attn: SelfAttention,
    layer_norm2: LayerNorm,
    mlp: Mlp,
}

#[derive(Module, Debug)]
struct SelfAttention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    heads: usize,
}

#[derive(Module, Debug)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
    #[module(skip)]
    activation: HiddenAct,
}

impl ClipTextModel {
    /// An uninitialised network of the given sizes.
    #[must_use]
    pub fn new(config: &TextEncoderConfig, device: &Device) -> Self {
        let width = config.hidden_size;
        let layer = |_| Layer::new(config, device);
        Self {
            token_embedding: EmbeddingConfig::new(config.vocab_size, width).init(device),
            position_embedding: EmbeddingConfig::new(config.max_position_embeddings, width)
                .init(device),
            encoder: Layers {
                layers: (0..config.num_hidden_layers).map(layer).collect(),
            },
            final_layer_norm: norm(config, device),
        }
    }

    /// Last hidden state with the final norm: what Stable Diffusion 1.5 is conditioned on.
    ///
    /// # Shapes
    /// `n` rows of `tokens` ids → `[n, tokens, hidden_size]`.
    #[must_use]
    pub fn forward(&self, ids: &[Vec<u32>], device: &Device) -> Tensor<3> {
        let states = self.hidden_states(ids, device);
        self.final_layer_norm
            .forward(states[states.len() - 1].clone())
    }

    /// The embeddings, and the output of each layer before the final norm: each `[n, tokens, hidden_size]`.
    #[must_use]
    pub fn hidden_states(&self, ids: &[Vec<u32>], device: &Device) -> Vec<Tensor<3>> {
        let tokens = ids[0].len();
        let flat: Vec<i64> = ids.iter().flatten().map(|&id| i64::from(id)).collect();
        let ids = Tensor::<2, Int>::from_data(TensorData::new(flat, [ids.len(), tokens]), device);
        let positions = Tensor::<1, Int>::arange(0..tokens as i64, device).unsqueeze::<2>();
        let embedded =
            self.token_embedding.forward(ids) + self.position_embedding.forward(positions);
        let mut states = vec![embedded];
        for layer in &self.encoder.layers {
            states.push(layer.forward(states[states.len() - 1].clone()));
        }
        states
    }

    /// The final norm, to apply to a chosen hidden state.
    #[must_use]
    pub fn normalise(&self, state: Tensor<3>) -> Tensor<3> {
        self.final_layer_norm.forward(state)
    }
}

fn norm(config: &TextEncoderConfig, device: &Device) -> LayerNorm {
    LayerNormConfig::new(config.hidden_size)
        .with_epsilon(config.layer_norm_eps)
        .init(device)
}

impl Layer {
    fn new(config: &TextEncoderConfig, device: &Device) -> Self {
        let width = config.hidden_size;
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self {
            layer_norm1: norm(config, device),
            self_attn: SelfAttention {
                q_proj: linear(width, width),
                k_proj: linear(width, width),
                v_proj: linear(width, width),
                out_proj: linear(width, width),
                heads: config.num_attention_heads,
            },
            layer_norm2: norm(config, device),
            mlp: Mlp {
                fc1: linear(width, config.intermediate_size),
                fc2: linear(config.intermediate_size, width),
                activation: config.hidden_act,
            },
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = self.self_attn.forward(self.layer_norm1.forward(x.clone())) + x;
        self.mlp.forward(self.layer_norm2.forward(x.clone())) + x
    }
}

impl SelfAttention {
    /// Each token sees itself and those before it; padding is not masked, as Stable Diffusion was trained.
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [n, tokens, width] = x.dims();
        let split = |projected: Tensor<3>| {
            projected
                .reshape([n, tokens, self.heads, width / self.heads])
                .swap_dims(1, 2)
        };
        let q = split(self.q_proj.forward(x.clone()));
        let k = split(self.k_proj.forward(x.clone()));
        let v = split(self.v_proj.forward(x));
        let causal = AttentionModuleOptions {
            is_causal: true,
            ..Default::default()
        };
        let attended = attention(q, k, v, None, None, causal);
        self.out_proj
            .forward(attended.swap_dims(1, 2).reshape([n, tokens, width]))
    }
}

impl Mlp {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let hidden = self.fc1.forward(x);
        let hidden = match self.activation {
            HiddenAct::QuickGelu => hidden.clone() * sigmoid(hidden * 1.702),
            HiddenAct::Gelu => gelu(hidden),
        };
        self.fc2.forward(hidden)
    }
}
