//! Background smoothing: where nothing salient moves, each frame takes over what the frame before shows there.
//!
//! # Source
//! FRESCO's reference implementation; the paper mentions it in passing.

use crate::flow::occlusion::dilate;
use crate::flow::{FlowRing, warp};
use crate::tensor::{FloatDType, Tensor};

/// Side of the window over which saliency is summed. A few salient pixels in it are enough to leave a place alone.
const SALIENT_NEARBY: usize = 7;

/// How much of each pixel is background: 1 where nothing salient is near.
///
/// # Shapes
/// `saliency` `[n, 1, h, w]` in `[0, 1]` → the same.
#[must_use]
pub fn background_weight(saliency: &Tensor<4>) -> Tensor<4> {
    -dilate(saliency, SALIENT_NEARBY) + 1.0
}

/// What frames take over from their neighbours, at one size.
#[derive(Clone, Debug)]
pub struct BackgroundFusion {
    backward: Tensor<4>,
    /// Share that frame `i + 1` takes from frame `i`: `[n − 1, 1, h, w]`.
    shares: Tensor<4>,
    /// On the last frame, pointing into the first.
    wrap: Tensor<4>,
    /// Share that the last frame takes from the first.
    wrap_share: Tensor<4>,
}

impl BackgroundFusion {
    /// Shares from background weights and flow at the size of the stacks to fuse; nothing for fewer than two frames.
    ///
    /// # Shapes
    /// `background` `[n, 1, h, w]`, 1 = background; `ring` at the same size.
    #[must_use]
    pub fn new(background: &Tensor<4>, ring: &FlowRing) -> Option<Self> {
        let n = background.dims()[0];
        if n < 2 {
            return None;
        }
        let visible = |occlusion: &Tensor<3>, first, n| {
            let occlusion: Tensor<4> = occlusion.clone().narrow(0, first, n).unsqueeze_dim(1);
            -occlusion + 1.0
        };
        let part = |first, n| background.clone().narrow(0, first, n);
        let backward = ring.backward.clone().narrow(0, 0, n - 1);
        let shares = visible(&ring.backward_occlusion, 0, n - 1)
            * part(1, n - 1)
            * warp(&part(0, n - 1), &backward);
        let wrap = ring.forward.clone().narrow(0, n - 1, 1);
        let wrap_share =
            visible(&ring.forward_occlusion, n - 1, 1) * part(n - 1, 1) * warp(&part(0, 1), &wrap);
        Some(Self {
            backward,
            shares,
            wrap,
            wrap_share,
        })
    }

    /// Fuses each half of a stack, frame after frame: what a frame took over is handed on. The first frame stays.
    ///
    /// # Shapes
    /// `stack` `[n, c, h, w]` or `[2n, c, h, w]` of any float type → the same.
    #[must_use]
    pub fn fuse(&self, stack: Tensor<4>) -> Tensor<4> {
        let dtype = stack.dtype();
        let n = self.shares.dims()[0] + 1;
        let halves = stack.cast(FloatDType::F32).split(n, 0);
        let fused = halves
            .into_iter()
            .map(|half| self.fuse_half(half))
            .collect();
        Tensor::cat(fused, 0).cast(dtype)
    }

    fn fuse_half(&self, half: Tensor<4>) -> Tensor<4> {
        let mut frames = half.split(1, 0);
        let mix = |frame: Tensor<4>, other: &Tensor<4>, flow: Tensor<4>, share: Tensor<4>| {
            frame.clone() + (warp(other, &flow) - frame) * share
        };
        let last = frames.len() - 1;
        for i in 0..last {
            let flow = self.backward.clone().narrow(0, i, 1);
            let share = self.shares.clone().narrow(0, i, 1);
            frames[i + 1] = mix(frames[i + 1].clone(), &frames[i], flow, share);
        }
        frames[last] = mix(
            frames[last].clone(),
            &frames[0],
            self.wrap.clone(),
            self.wrap_share.clone(),
        );
        Tensor::cat(frames, 0)
    }
}
