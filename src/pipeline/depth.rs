//! Control images of depth: which network draws them, and what it calls near and far.
//!
//! The network is loaded for each batch and dropped after it, so that it takes no memory while pictures are denoised.

use std::sync::OnceLock;

use super::analyse::Source;
use super::error::Error;
use crate::annotators::{
    ControlImage, DepthEstimator, DepthNetwork, DepthRange, DepthScale, DepthWeights,
};
use crate::files::ContentHash;
use crate::frame::{Frame, FrameIdx};
use crate::models::depth_anything;
use crate::models::library::Places;
use crate::tensor::Device;

/// Frames of a clip that are looked at to know what is near and far in it.
const SAMPLES: usize = 8;

/// Reads frames that stand for a whole clip.
pub type DepthSamples<'a> = &'a dyn Fn() -> Result<Vec<Frame>, Error>;

/// How control images of depth are drawn.
#[derive(Clone, Copy)]
pub struct DepthStyle<'a> {
    /// The network, where both are there.
    pub preferred: DepthNetwork,
    /// What is called near and far.
    pub scale: DepthScale,
    /// Where the range of a whole clip is seen.
    pub samples: DepthSamples<'a>,
}

/// A depth network and what it calls near and far.
pub struct DepthDrawer {
    weights: DepthWeights,
    hash: ContentHash,
    scale: DepthScale,
    /// Of the whole clip.
    samples: Vec<Frame>,
    /// What the samples say, once something was drawn.
    range: OnceLock<DepthRange>,
}

impl DepthDrawer {
    /// The network in the models folder; `preferred` where both are there.
    ///
    /// # Errors
    /// [`Error::NoAnnotatorWeights`].
    pub fn find(places: &Places, preferred: DepthNetwork) -> Result<DepthWeights, Error> {
        let [file, ..] = depth_anything::FILES;
        let (folder, file) = file.split_once('/').unwrap_or(("", file));
        let found = DepthWeights::find(places, preferred);
        found.ok_or_else(|| Error::NoAnnotatorWeights {
            control: "depth",
            file,
            hub: depth_anything::HUB,
            folder: places.own().map(|models| models.join(folder)),
        })
    }

    /// Looks for the network, and whether it can be loaded.
    ///
    /// # Errors
    /// [`Error::NoAnnotatorWeights`], [`Error::Model`] for weights that cannot be used, and whatever reading the samples
    /// gives.
    pub fn new(places: &Places, style: DepthStyle<'_>, device: &Device) -> Result<Self, Error> {
        let weights = Self::find(places, style.preferred)?;
        let hash = ContentHash::of_file(&weights.file).map_err(|source| Error::Io {
            what: "read",
            path: weights.file.clone(),
            source,
        })?;
        drop(weights.load(device)?);
        Ok(Self {
            weights,
            hash,
            scale: style.scale,
            samples: match style.scale {
                DepthScale::OfClip => (style.samples)()?,
                DepthScale::OfFrame => Vec::new(),
            },
            range: OnceLock::new(),
        })
    }

    /// Identity of the weights.
    #[must_use]
    pub fn weights(&self) -> &ContentHash {
        &self.hash
    }

    /// Which network draws, for people.
    #[must_use]
    pub fn note(&self) -> String {
        format!("Depth was drawn by {}.", self.weights.network.name())
    }

    /// Control images of frames.
    ///
    /// # Errors
    /// [`Error::Values`], or [`Error::Model`] if the weights were changed since they were looked at.
    pub fn draw(&self, frames: &[Frame], device: &Device) -> Result<Vec<ControlImage>, Error> {
        let estimator = self.weights.load(device)?;
        let clip = match self.scale {
            DepthScale::OfFrame => None,
            DepthScale::OfClip => Some(self.range(&estimator, device)?),
        };
        let draw = |frame: &Frame| {
            let depth = estimator.inverse_depth(frame, device)?;
            let range = clip.unwrap_or_else(|| DepthRange::of_frame(&depth));
            Ok(range.image(frame.size(), &depth))
        };
        frames.iter().map(draw).collect()
    }

    fn range(&self, estimator: &DepthEstimator, device: &Device) -> Result<DepthRange, Error> {
        if let Some(range) = self.range.get() {
            return Ok(*range);
        }
        let mut depth = Vec::new();
        for frame in &self.samples {
            depth.extend(estimator.inverse_depth(frame, device)?);
        }
        Ok(*self.range.get_or_init(|| DepthRange::of_clip(depth)))
    }
}

/// Some frames of a source, evenly spaced from its first to its last.
///
/// # Errors
/// [`Error::Video`] if one cannot be read.
pub fn samples(source: &Source) -> Result<Vec<Frame>, Error> {
    let range = &source.analysis.range;
    let n = SAMPLES.min(range.len());
    let frame = |i: usize| FrameIdx(range.start + i * (range.len() - 1) / (n - 1).max(1));
    let read = |i| Ok(source.frames.read(frame(i))?);
    (0..n).map(read).collect()
}
