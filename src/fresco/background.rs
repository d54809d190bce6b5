//! Background smoothing: where nothing salient moves, each frame takes over what the frame before shows there.
//!
//! # Source
//! FRESCO's reference implementation; the paper mentions it in passing.

use burn::tensor::Bool;

use crate::flow::occlusion::dilate;
use crate::flow::resize::max_pool;
use crate::flow::{FlowRing, warp};
use crate::tensor::{FloatDType, Tensor};

/// Side of the window over which saliency is summed. A few salient pixels in it are enough to leave a place alone.
const SALIENT_NEARBY: usize = 7;

/// Shares up to this are none: warping by whole pixels leaves rounding errors of 1e-7 beside them. A picture changes by less
/// than a hundredth of a level of 8 bits.
const NO_SHARE: f32 = 1e-5;

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

    /// Where a frame takes over anything: the cells of `stride` × `stride` pixels of which any has a share above 0, not
    /// counting what rounding makes of 0. There are none in the first frame.
    ///
    /// # Shapes
    /// → `[n, 1, h / stride, w / stride]`.
    ///
    /// # Panics
    /// If the stride does not divide both sides.
    #[must_use]
    pub fn fused_cells(&self, stride: usize) -> Tensor<4, Bool> {
        let [n_later, _, height, width] = self.shares.dims();
        let nothing = self.wrap_share.zeros_like();
        let mut wraps = vec![nothing.clone(); n_later];
        wraps.push(self.wrap_share.clone());
        let shares = Tensor::cat(vec![nothing, self.shares.clone()], 0) + Tensor::cat(wraps, 0);
        let most = max_pool(&shares.reshape([n_later + 1, height, width]), stride);
        most.greater_elem(NO_SHARE).unsqueeze_dim(1)
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

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, TensorData};

    use super::*;
    use crate::fresco::without_unrelated_wrap;
    use crate::tensor::Device;
    use crate::tensor::read::host_values;

    const GRID: [usize; 2] = [4, 6];
    const PIXELS: usize = GRID[0] * GRID[1];

    fn random<const D: usize>(shape: [usize; D], by: Distribution, device: &Device) -> Tensor<D> {
        Tensor::random(shape, by, device)
    }

    /// Occlusions on the host, forward and backward, and backgrounds, of a ring without motion.
    struct Still {
        n_frames: usize,
        occlusions: [Vec<f32>; 2],
        background: Vec<f32>,
    }

    impl Still {
        /// With the last pair occluded but for one pixel of its forward direction, if it is to be unrelated.
        fn new(n_frames: usize, is_unrelated: bool, device: &Device) -> Self {
            let [height, width] = GRID;
            let shape = [n_frames, height, width];
            let occlusion = |visible: usize| {
                let occlusion = random(shape, Distribution::Bernoulli(0.3), device);
                let mut values = host_values(occlusion).unwrap();
                if is_unrelated {
                    values[(n_frames - 1) * PIXELS + visible..].fill(1.0);
                    values[(n_frames - 1) * PIXELS..][..visible].fill(0.0);
                }
                values
            };
            let occlusions = [occlusion(1), occlusion(0)];
            // Somewhere none at all.
            let background = random(shape, Distribution::Uniform(-0.7, 1.0), device);
            let background = host_values(background.clamp(0.0, 1.0)).unwrap();
            Self {
                n_frames,
                occlusions,
                background,
            }
        }

        fn fusion(&self, drops_wrap: bool, device: &Device) -> BackgroundFusion {
            let [height, width] = GRID;
            let maps = |values: &Vec<f32>| {
                let data = TensorData::new(values.clone(), [self.n_frames, height, width]);
                Tensor::<3>::from_data(data, device)
            };
            let flow = || Tensor::zeros([self.n_frames, 2, height, width], device);
            let mut ring = FlowRing {
                forward: flow(),
                backward: flow(),
                forward_occlusion: maps(&self.occlusions[0]),
                backward_occlusion: maps(&self.occlusions[1]),
            };
            if drops_wrap {
                ring = without_unrelated_wrap(ring).unwrap();
            }
            BackgroundFusion::new(&maps(&self.background).unsqueeze_dim(1), &ring).unwrap()
        }

        /// Share that a frame takes from another at a pixel, by the occlusion of a pair in a direction.
        fn share(&self, (direction, pair): (usize, usize), ends: [usize; 2], pixel: usize) -> f32 {
            let visible = 1.0 - self.occlusions[direction][pair * PIXELS + pixel];
            let background = |frame: usize| self.background[frame * PIXELS + pixel];
            visible * background(ends[0]) * background(ends[1])
        }

        /// One channel of all frames, pixel by pixel as the definition has it.
        fn fused(&self, stack: &[f32], wraps: bool) -> Vec<f32> {
            let mut stack = stack.to_vec();
            let last = self.n_frames - 1;
            let pulls = (0..last).map(|i| ((1, i), [i + 1, i]));
            let pulls: Vec<_> = pulls
                .chain(wraps.then_some(((0, last), [last, 0])))
                .collect();
            for (pair, [to, from]) in pulls {
                for pixel in 0..PIXELS {
                    let share = self.share(pair, [to, from], pixel);
                    let taken = stack[from * PIXELS + pixel];
                    let own = &mut stack[to * PIXELS + pixel];
                    *own += share * (taken - *own);
                }
            }
            stack
        }
    }

    #[test]
    fn a_dropped_wrap_leaves_the_last_frame_to_the_one_before() {
        let device = Device::flex();
        device.seed(21);
        for n_frames in [2, 4] {
            let [height, width] = GRID;
            let shape = [n_frames, 1, height, width];
            let stack = random(shape, Distribution::Normal(0.0, 1.0), &device);
            let values = host_values(stack.clone()).unwrap();
            for (is_unrelated, drops) in [(false, false), (false, true), (true, true)] {
                let still = Still::new(n_frames, is_unrelated, &device);
                let got = host_values(still.fusion(drops, &device).fuse(stack.clone())).unwrap();
                let want = still.fused(&values, !is_unrelated);
                let apart = got.iter().zip(&want).map(|(a, b)| (a - b).abs());
                let apart = apart.fold(0.0_f32, f32::max);
                assert!(apart < 1e-5, "{n_frames}, {is_unrelated}, {drops}: {apart}");
            }
        }
    }

    #[test]
    fn a_cell_is_fused_if_any_of_its_pixels_is() {
        let device = Device::flex();
        device.seed(22);
        for n_frames in [2, 5] {
            let still = Still::new(n_frames, false, &device);
            let fusion = still.fusion(false, &device);
            for stride in [1, 2] {
                let cells = fusion.fused_cells(stride);
                let [rows, columns] = GRID.map(|side| side / stride);
                assert_eq!(cells.dims(), [n_frames, 1, rows, columns]);
                let got = host_values(cells.float()).unwrap();
                let mut want = vec![0.0; got.len()];
                for frame in 1..n_frames {
                    for pixel in 0..PIXELS {
                        let mut share = still.share((1, frame - 1), [frame, frame - 1], pixel);
                        if frame == n_frames - 1 {
                            share = share.max(still.share((0, frame), [frame, 0], pixel));
                        }
                        let (row, column) = (pixel / GRID[1] / stride, pixel % GRID[1] / stride);
                        if share > NO_SHARE {
                            want[(frame * rows + row) * columns + column] = 1.0;
                        }
                    }
                }
                assert_eq!(got, want, "{n_frames} frames, stride {stride}");
                assert!(stride > 1 || want[PIXELS..].contains(&0.0), "all are");
                assert!(want.contains(&1.0), "none is");
            }
        }
    }
}
