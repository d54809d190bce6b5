//! Everything that one batch of input frames knows about what corresponds to what, computed once.

use burn::tensor::{Int, TensorData};

use super::background::BackgroundFusion;
use super::paths::{Links, PairPlanes, Paths, link, token_set};
use super::temporal_attention::PathTensors;
use super::temporal_loss::TemporalDrift;
use crate::flow::FlowRing;
use crate::flow::occlusion::dilate;
use crate::flow::resize::{down, down_flow, up2};
use crate::tensor::read::{ReadError, host_values};
use crate::tensor::{Device, Tensor};

/// Pixels per cell of the decoder's levels, coarse to fine.
const STRIDES: [usize; 4] = [64, 32, 16, 8];
/// The coarsest cells whose self-attention is guided.
const GUIDED_STRIDE: usize = 16;
/// Of the pixels that a cell is made of, the share that must be occluded for it to be.
const OCCLUDED: f32 = 0.5;

/// Side of the square by which occlusion of whole pictures grows: flow is least sure at its rims.
pub const GROWTH: usize = 13;

/// Correspondences of a batch at every size that guidance works at.
#[derive(Clone, Debug)]
pub struct Correspondence {
    n_frames: usize,
    levels: Vec<LevelCorrespondence>,
    picture_fusion: Option<BackgroundFusion>,
}

/// Correspondences on one grid.
#[derive(Clone, Debug)]
pub struct LevelCorrespondence {
    grid: [usize; 2],
    /// Differences between neighbours; a single frame has none.
    pub drift: Option<TemporalDrift>,
    /// Background to fuse, if there are saliency masks.
    pub fusion: Option<BackgroundFusion>,
    /// Tokens that attention corresponds by, where it is guided.
    pub tokens: Option<TokenCorrespondence>,
}

/// Correspondences of the tokens of one grid.
#[derive(Clone, Debug)]
pub struct TokenCorrespondence {
    /// Tokens that all frames attend to, as indices into the batch.
    pub token_set: Tensor<1, Int>,
    /// Paths through the frames; a single frame has none.
    pub paths: Option<PathTensors>,
}

impl Correspondence {
    /// Computes all correspondences of a batch.
    ///
    /// # Shapes
    /// `pictures` `[n, 3, h, w]` in `[-1, 1]`, both sides multiples of 64; `ring` at that size; `background`
    /// `[n, 1, h/2, w/2]`, 1 = background.
    ///
    /// # Errors
    /// [`ReadError`] if the flow holds a value that is no place.
    pub fn new(
        pictures: &Tensor<4>,
        ring: &FlowRing,
        background: Option<&Tensor<4>>,
    ) -> Result<Self, ReadError> {
        let levels = STRIDES
            .iter()
            .map(|&stride| LevelCorrespondence::new(stride, pictures, ring, background));
        let picture_fusion = background.and_then(|background| {
            let ring = FlowRing {
                forward_occlusion: dilate(&ring.forward_occlusion, GROWTH),
                backward_occlusion: dilate(&ring.backward_occlusion, GROWTH),
                ..ring.clone()
            };
            BackgroundFusion::new(&up2(background), &ring)
        });
        Ok(Self {
            n_frames: pictures.dims()[0],
            levels: levels.collect::<Result<_, _>>()?,
            picture_fusion,
        })
    }

    /// Frames of the batch.
    #[must_use]
    pub fn n_frames(&self) -> usize {
        self.n_frames
    }

    /// Correspondences on a grid of these rows and columns.
    #[must_use]
    pub fn on_grid(&self, grid: [usize; 2]) -> Option<&LevelCorrespondence> {
        self.levels.iter().find(|level| level.grid == grid)
    }

    /// Background smoothing of pictures, if there are saliency masks.
    #[must_use]
    pub fn picture_fusion(&self) -> Option<&BackgroundFusion> {
        self.picture_fusion.as_ref()
    }
}

impl LevelCorrespondence {
    fn new(
        stride: usize,
        pictures: &Tensor<4>,
        ring: &FlowRing,
        background: Option<&Tensor<4>>,
    ) -> Result<Self, ReadError> {
        let [n_frames, _, height, width] = pictures.dims();
        let level_ring = ring.at_stride(stride);
        let fusion = background.and_then(|background| {
            BackgroundFusion::new(&down(background, stride / 2), &level_ring)
        });
        let drift = (n_frames > 1).then(|| TemporalDrift::new(&level_ring));
        let tokens =
            (stride <= GUIDED_STRIDE).then(|| TokenCorrespondence::new(stride, pictures, ring));
        Ok(Self {
            grid: [height / stride, width / stride],
            drift: drift.transpose()?,
            fusion,
            tokens: tokens.transpose()?,
        })
    }
}

impl TokenCorrespondence {
    fn new(stride: usize, pictures: &Tensor<4>, ring: &FlowRing) -> Result<Self, ReadError> {
        let device = pictures.device();
        let (set, paths) = correspond(stride, pictures, ring)?;
        Ok(Self {
            token_set: upload(&set, &device),
            paths: (paths.n_frames() > 1).then(|| PathTensors::new(&paths, &device)),
        })
    }
}

/// Token indices on the device.
#[must_use]
pub fn upload(indices: &[usize], device: &Device) -> Tensor<1, Int> {
    let indices: Vec<i32> = indices.iter().map(|&index| index as i32).collect();
    let n = indices.len();
    Tensor::from_data(TensorData::new(indices, [n]), device)
}

/// The token set of a batch and the paths through it, on cells of `stride` pixels.
///
/// # Errors
/// [`ReadError`] if the flow holds a value that is no place.
pub fn correspond(
    stride: usize,
    pictures: &Tensor<4>,
    ring: &FlowRing,
) -> Result<(Vec<usize>, Paths), ReadError> {
    let [n_frames, _, height, width] = pictures.dims();
    let grid = [height / stride, width / stride];
    let n_tokens = grid[0] * grid[1];
    let flow = host_values(down_flow(&ring.backward, stride))?;
    let colours = host_values(down(pictures, stride))?;
    let occlusion = ring.backward_occlusion.clone().unsqueeze_dim(1);
    let occluded: Vec<bool> = host_values(down(&occlusion, stride))?
        .into_iter()
        .map(|share| share > OCCLUDED)
        .collect();
    let colours_of = |frame: usize| &colours[frame * 3 * n_tokens..][..3 * n_tokens];
    let occluded: Vec<Vec<bool>> = occluded
        .chunks(n_tokens)
        .take(n_frames - 1)
        .map(<[bool]>::to_vec)
        .collect();
    let links: Vec<Links> = occluded
        .iter()
        .enumerate()
        .map(|(pair, occluded)| {
            link(&PairPlanes {
                grid,
                flow: &flow[pair * 2 * n_tokens..][..2 * n_tokens],
                occluded,
                earlier: colours_of(pair),
                later: colours_of(pair + 1),
            })
        })
        .collect();
    Ok((token_set(n_tokens, &occluded), Paths::new(n_tokens, &links)))
}
