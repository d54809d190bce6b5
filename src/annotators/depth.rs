//! Depth: how near everything is, by a network, as an image that is white in front.
//!
//! The networks give inverse depth up to scale and shift, so an image needs to know what to call near and far. The reference
//! asks each frame for itself, and then all of an image brightens when something comes into it from the front; one
//! [range](DepthRange) for a whole clip does not.

use std::path::PathBuf;

use burn::tensor::ops::PadMode;

use super::ControlImage;
use crate::frame::{Frame, Size};
use crate::models::ModelError;
use crate::models::depth_anything::DepthAnything;
use crate::models::library::{Helper, Places};
use crate::models::midas::{self, Midas};
use crate::tensor::image::{signed_from_frames, unit_from_frames};
use crate::tensor::read::{ReadError, host_values};
use crate::tensor::{Device, Resampling, Tensor, resize};

/// Which depth network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepthNetwork {
    /// Finer, and a fifth of the size.
    DepthAnything,
    /// The reference's.
    Midas,
}

impl DepthNetwork {
    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DepthAnything => "Depth-Anything V2 Small",
            Self::Midas => "MiDaS",
        }
    }

    fn helper(self) -> Helper {
        match self {
            Self::DepthAnything => Helper::DepthAnything,
            Self::Midas => Helper::Midas,
        }
    }
}

/// A depth network that is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthWeights {
    /// Which.
    pub network: DepthNetwork,
    /// Its weights.
    pub file: PathBuf,
}

impl DepthWeights {
    /// What is there: the preferred network, else the other, else nothing.
    #[must_use]
    pub fn find(places: &Places, preferred: DepthNetwork) -> Option<Self> {
        let found = |network: DepthNetwork| {
            let file = places.helper(network.helper())?;
            Some(Self { network, file })
        };
        let other = match preferred {
            DepthNetwork::DepthAnything => DepthNetwork::Midas,
            DepthNetwork::Midas => DepthNetwork::DepthAnything,
        };
        found(preferred).or_else(|| found(other))
    }

    /// Loads the network.
    ///
    /// # Errors
    /// [`ModelError`] if the file cannot be read, is damaged or is for another network.
    pub fn load(&self, device: &Device) -> Result<DepthEstimator, ModelError> {
        let (estimator, unknown) = match self.network {
            DepthNetwork::DepthAnything => {
                let (network, unknown) = DepthAnything::load(&self.file, device)?;
                (DepthEstimator::DepthAnything(Box::new(network)), unknown)
            }
            DepthNetwork::Midas => {
                let (network, unknown) = Midas::load(&self.file, device)?;
                (DepthEstimator::Midas(Box::new(network)), unknown)
            }
        };
        if !unknown.is_empty() {
            let name = self.network.name();
            tracing::warn!(?unknown, "tensors that {name} has no use for");
        }
        Ok(estimator)
    }
}

/// A depth network, on the device that it was loaded to.
#[derive(Debug)]
pub enum DepthEstimator {
    /// See [`DepthNetwork`].
    DepthAnything(Box<DepthAnything>),
    /// See [`DepthNetwork`].
    Midas(Box<Midas>),
}

impl DepthEstimator {
    /// Inverse depth of each pixel of `frame`, row by row: the nearer, the larger; scale and shift mean nothing.
    ///
    /// # Errors
    /// [`ReadError`] if the network gives values that are no numbers, or the device could not be read.
    pub fn inverse_depth(&self, frame: &Frame, device: &Device) -> Result<Vec<f32>, ReadError> {
        let Size { width, height } = frame.size();
        let size = [height as usize, width as usize];
        let depth = match self {
            Self::DepthAnything(network) => {
                let seen = seen_size(size, network.image_size(), network.patch_size());
                let picture = unit_from_frames(&[frame], device);
                let picture = resize(picture, seen, Resampling::CubicByEdges);
                let depth = network.forward(DepthAnything::pixel_values(picture));
                resize(depth, size, Resampling::CubicByEdges)
            }
            Self::Midas(network) => {
                let picture = padded(signed_from_frames(&[frame], device));
                let depth = network.forward(picture);
                depth.narrow(2, 0, size[0]).narrow(3, 0, size[1])
            }
        };
        host_values(depth)
    }
}

/// The size at which Depth-Anything looks at a picture: the short side becomes `short`, then both sides the nearest multiple
/// of `patch`, half a one the even multiple.
fn seen_size(size: [usize; 2], short: usize, patch: usize) -> [usize; 2] {
    let ratio = short as f64 / size[0].min(size[1]).max(1) as f64;
    size.map(|side| {
        let patches = (side as f64 * ratio / patch as f64).round_ties_even();
        (patches as usize).max(1) * patch
    })
}

/// With its last rows and columns repeated, until the sides are multiples of what `MiDaS` needs. Working sizes are.
fn padded(picture: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = picture.dims();
    let missing = |side: usize| (0, side.next_multiple_of(midas::MULTIPLE) - side);
    match (missing(height), missing(width)) {
        ((0, 0), (0, 0)) => picture,
        (rows, columns) => picture.pad([rows, columns], PadMode::Edge),
    }
}

/// What is called near and far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepthScale {
    /// The same in every frame of a clip.
    OfClip,
    /// The nearest and the farthest pixel of each frame.
    OfFrame,
}

/// The inverse depths that become black and white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DepthRange {
    far: f32,
    near: f32,
}

/// Share of all pixels of a clip that may be farther than black, and nearer than white.
const OUTLIERS: f64 = 0.01;

impl DepthRange {
    /// From the farthest to the nearest pixel.
    #[must_use]
    pub fn of_frame(depth: &[f32]) -> Self {
        let far = depth.iter().copied().fold(f32::INFINITY, f32::min);
        let near = depth.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Self { far, near }
    }

    /// From what nearly all pixels of some frames of a clip are nearer than, to what nearly all are farther than.
    #[must_use]
    pub fn of_clip(mut depth: Vec<f32>) -> Self {
        let Some(last) = depth.len().checked_sub(1) else {
            return Self::of_frame(&depth);
        };
        let rank = (OUTLIERS * last as f64) as usize;
        let mut at = |rank: usize| *depth.select_nth_unstable_by(rank, f32::total_cmp).1;
        Self {
            far: at(rank),
            near: at(last - rank),
        }
    }

    /// An image of inverse depths, in 256 levels; black where there is no range.
    ///
    /// # Panics
    /// If there is not one value for each pixel.
    ///
    /// # Source
    /// ControlNet's MiDaS annotator, which cuts off the fraction of a level.
    #[must_use]
    pub fn image(self, size: Size, depth: &[f32]) -> ControlImage {
        let span = self.near - self.far;
        let level = |&value: &f32| {
            let share = (value - self.far) / span;
            let share = if span > 0.0 {
                share.clamp(0.0, 1.0)
            } else {
                0.0
            };
            (share * 255.0).floor() / 255.0
        };
        ControlImage::new(size, depth.iter().map(level).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::depth_anything;

    #[test]
    fn depth_anything_sees_multiples_of_its_patches() {
        for (size, seen) in [
            ([512, 512], [518, 518]),
            ([512, 896], [518, 910]),
            ([896, 512], [910, 518]),
            ([256, 256], [518, 518]),
            ([2, 1], [1036, 518]),
        ] {
            assert_eq!(seen_size(size, 518, 14), seen, "{size:?}");
        }
        assert_eq!(seen_size([0, 100], 70, 14), [14, 7000]);
    }

    #[test]
    fn outliers_do_not_stretch_the_range_of_a_clip() {
        let mut depth: Vec<f32> = (0..=1000).map(|i| i as f32).collect();
        depth[1000] = 1e9;
        let range = DepthRange::of_clip(depth.clone());
        assert_eq!((range.far, range.near), (10.0, 990.0));
        let size = Size {
            width: 1001,
            height: 1,
        };
        let image = range.image(size, &depth);
        assert!(image.values()[..=10].iter().all(|&v| v < 1e-6));
        assert!(
            image.values()[990..]
                .iter()
                .all(|&v| (v - 1.0).abs() < 1e-6)
        );
        let whole = DepthRange::of_frame(&depth);
        assert_eq!((whole.far, whole.near), (0.0, 1e9));
    }

    #[test]
    fn a_wall_is_black() {
        let size = Size {
            width: 3,
            height: 2,
        };
        let wall = [4.0; 6];
        for range in [
            DepthRange::of_frame(&wall),
            DepthRange::of_clip(wall.into()),
        ] {
            assert!(range.image(size, &wall).values().iter().all(|&v| v < 1e-6));
        }
    }

    #[test]
    fn the_preferred_network_is_found_first_and_the_other_without_it() {
        let models = tempfile::tempdir().unwrap();
        let places = Places::from(models.path().to_owned());
        let find = |preferred| DepthWeights::find(&places, preferred);
        let both = [DepthNetwork::DepthAnything, DepthNetwork::Midas];
        assert_eq!(both.map(find), [None, None]);
        std::fs::write(models.path().join(midas::FILES[0]), b"").unwrap();
        for preferred in both {
            assert_eq!(find(preferred).unwrap().network, DepthNetwork::Midas);
        }
        for file in depth_anything::FILES.iter().rev() {
            let file = models.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, b"").unwrap();
            let network = DepthNetwork::DepthAnything;
            assert_eq!(find(network), Some(DepthWeights { network, file }));
        }
        for preferred in both {
            let broken = find(preferred).unwrap();
            assert_eq!(broken.network, preferred);
            assert!(broken.load(&Device::flex()).is_err());
        }
    }
}
