//! What the networks hold that look at the input frames, beside those of the steps: bytes of their widest layers.
//!
//! All of them compute in full precision. Counted as in [`super::memory_moments`].
//!
//! Source: the shapes of the published networks.

use super::annotator::DrawingNetwork;
use super::memory_moments::{CELL, FULL, RESNET_MAPS, SCORES};
use crate::annotators::DepthNetwork;
use crate::frame::Size;
use crate::models::depth_anything::DepthAnythingConfig;
use crate::models::midas::MidasConfig;
use crate::models::{gmflow, hed, u2net};

/// Channels times maps that the flow network holds, per cell of an eighth of a frame's side: in its first residual block,
/// which has 64 channels at half the frame's side,
const MOTION_ENTERING: u64 = 64 * 16 * RESNET_MAPS;
/// in its feed-forward layer, which widens 256 channels to 1024, before and after the gate,
const MOTION_FEED_FORWARD: u64 = 256 + 2 * 1024 + 4 * 128;
/// and in an attention of its 128 channels.
const MOTION_ATTENTION: u64 = 128 * 6;
/// Channels times maps of the saliency network at its finest level, a quarter of the frame's side: 128 channels of edges, of
/// what is fused, as in a residual block, and for each place of its widest kernel, as a convolution may be unrolled.
const SALIENCY_MAPS: u64 = 128 * (2 + RESNET_MAPS + 7 * 7);
/// Channels times maps of the other saliency network in its first block, which has 64 channels and works with 32.
const SQUARE_MAPS: u64 = 64 * (2 + RESNET_MAPS);
/// Maps of a convolution and its activation: what enters, the same in the order of the kernel, and before and after the
/// activation.
const CONVOLUTION_MAPS: u64 = 4;
/// Maps of an attention: tokens, the same normalised, queries, keys, values, and what attended.
const ATTENTION_MAPS: u64 = 6;

/// Of the flow network: its first residual blocks, the feed-forward layer of its transformer, or its attention to the whole
/// other frame.
pub(super) fn motion(size: Size) -> u64 {
    let frames = 2 * gmflow::pairs_at_once(size.area()) as u64;
    let in_frame = (size.area() as u64 / (CELL * CELL)).max(1);
    let cells = frames * in_frame * FULL;
    let scores = (cells * in_frame).min(SCORES);
    (MOTION_ENTERING * cells)
        .max(MOTION_FEED_FORWARD * cells)
        .max(scores + MOTION_ATTENTION * cells)
}

/// Of a saliency network: of `EGNet`, which is shown one frame at half its size, or of `U²-Net`, which is shown a square of
/// one size.
pub(super) fn saliency(size: Size) -> u64 {
    let square = (u2net::SIDE * u2net::SIDE) as u64;
    (SALIENCY_MAPS * size.area() as u64 / 16).max(SQUARE_MAPS * square) * FULL
}

/// Of a network that draws control images, which is shown one frame.
pub(super) fn drawing(network: DrawingNetwork, size: Size) -> u64 {
    let pixels = size.area() as u64;
    match network {
        // Its first stage has the size of the frame.
        DrawingNetwork::Hed => {
            let [(_, channels), ..] = hed::PUBLISHED;
            CONVOLUTION_MAPS * channels as u64 * pixels * FULL
        }
        // The first layer of the head at the size of the frame, from half of the channels that levels are fused in.
        DrawingNetwork::Depth(DepthNetwork::Midas) => {
            let config = MidasConfig::default();
            let head = head(config.features as u64 / 2, pixels);
            let vit = &config.vit;
            head.max(attention([vit.embed_dim, vit.heads], pixels / 256))
        }
        // The same, at the size that it sees best.
        DrawingNetwork::Depth(DepthNetwork::DepthAnything) => {
            let config = DepthAnythingConfig::default();
            let backbone = &config.backbone_config;
            let (side, short) = (backbone.image_size as u64, size.width.min(size.height));
            let short = u64::from(short.max(1));
            let seen = pixels * side * side / (short * short);
            let head = head(config.fusion_hidden_size as u64 / 2, seen);
            let tokens = seen / (backbone.patch_size * backbone.patch_size) as u64;
            let sizes = [backbone.hidden_size, backbone.num_attention_heads];
            head.max(attention(sizes, tokens))
        }
    }
}

/// From so many channels to the 32 before the last layer.
fn head(channels: u64, pixels: u64) -> u64 {
    (2 * channels + 2 * 32) * pixels * FULL
}

/// An attention of so many channels and heads.
fn attention([channels, heads]: [usize; 2], tokens: u64) -> u64 {
    let scores = (heads as u64 * tokens * tokens * FULL).min(SCORES);
    scores + ATTENTION_MAPS * channels as u64 * tokens * FULL
}
