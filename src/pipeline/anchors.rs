//! What one batch leaves for the next: latents of its first and last frame at the start of every step, and what the
//! sampler remembered of them.
//!
//! The next batch opens with these two frames and restores them before each of its steps, so both follow the very
//! trajectories that made the pictures already written.
//!
//! Source: FRESCO, "Long video translation"; `recorded` in the design's denoising loop.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::files;
use crate::tensor::read::{ReadError, host_values};
use crate::tensor::{Device, Tensor};

/// Anchor latents of one batch, on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Anchors {
    /// Executed steps, 2, channels, h, w.
    shape: [usize; 5],
    /// Latents, then each tensor that the sampler remembers.
    values: Vec<Vec<f32>>,
}

/// Name in the file of latents (`place` 0) and of what the sampler remembers.
fn name(place: usize) -> String {
    match place {
        0 => "latents".to_owned(),
        place => format!("memory.{place}"),
    }
}

/// Why a file of anchors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The file system refused.
    #[error("cannot {what} the anchor latents {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The file is not one that this program wrote.
    #[error("the anchor latents are damaged; delete the working folder to start over: {}", .0.display())]
    Damaged(PathBuf),
}

impl Anchors {
    /// Collects what was recorded: for each executed step the sampler's state, tensors `[2, c, h, w]`.
    ///
    /// # Errors
    /// [`ReadError`] if a latent is.
    ///
    /// # Panics
    /// If no step was executed.
    pub fn from_steps(steps: &[Vec<Tensor<4>>]) -> Result<Self, ReadError> {
        let [pair, channels, height, width] = steps[0][0].dims();
        let shape = [steps.len(), pair, channels, height, width];
        let of_place = |place: usize| {
            let tensors = steps.iter().map(|state| state[place].clone());
            host_values(Tensor::stack::<5>(tensors.collect(), 0))
        };
        let values = (0..steps[0].len())
            .map(of_place)
            .collect::<Result<_, _>>()?;
        Ok(Self { shape, values })
    }

    /// The state of the two anchors at the start of executed step `step`: tensors `[2, c, h, w]`.
    #[must_use]
    pub fn at_step(&self, step: usize, device: &Device) -> Vec<Tensor<4>> {
        let [_, pair, channels, height, width] = self.shape;
        let length = pair * channels * height * width;
        let tensor = |values: &Vec<f32>| {
            let values = values[step * length..(step + 1) * length].to_vec();
            Tensor::from_data(
                TensorData::new(values, [pair, channels, height, width]),
                device,
            )
        };
        self.values.iter().map(tensor).collect()
    }

    /// Writes a `.safetensors` file, atomically.
    ///
    /// # Errors
    /// [`AnchorError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), AnchorError> {
        let damaged = |_| AnchorError::Damaged(path.to_owned());
        let bytes = |values: &Vec<f32>| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let bytes: Vec<Vec<u8>> = self.values.iter().map(bytes).collect();
        let view = |(place, bytes)| {
            let view = TensorView::new(Dtype::F32, self.shape.to_vec(), bytes)?;
            Ok((name(place), view))
        };
        let views = bytes.iter().map(Vec::as_slice).enumerate().map(view);
        let views: Vec<_> = views.collect::<Result<_, _>>().map_err(damaged)?;
        let file = safetensors::serialize(views, None::<HashMap<_, _>>).map_err(damaged)?;
        files::write_atomic(path, &file).map_err(|source| AnchorError::Io {
            what: "write",
            path: path.to_owned(),
            source,
        })
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// [`AnchorError`] if the file is missing or damaged.
    pub fn read(path: &Path) -> Result<Self, AnchorError> {
        let bytes = std::fs::read(path).map_err(|source| AnchorError::Io {
            what: "read",
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&bytes).ok_or_else(|| AnchorError::Damaged(path.to_owned()))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let file = SafeTensors::deserialize(bytes).ok()?;
        let shape = file.tensor(&name(0)).ok()?.shape().try_into().ok()?;
        let values = (0..file.len()).map(|place| {
            let view = file.tensor(&name(place)).ok()?;
            let (words, rest) = view.data().as_chunks::<4>();
            let fits = view.dtype() == Dtype::F32 && rest.is_empty() && view.shape() == shape;
            let values = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
            fits.then_some(values)
        });
        let values = values.collect::<Option<_>>()?;
        Some(Self { shape, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let device = Device::flex();
        let step = |v| Tensor::<4>::full([2, 4, 3, 5], v, &device);
        let steps = [vec![step(1.0), step(2.0)], vec![step(0.1), step(0.2)]];
        let anchors = Anchors::from_steps(&steps).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        anchors.write(&path).unwrap();
        let read = Anchors::read(&path).unwrap();
        assert_eq!(read, anchors);
        let second = read.at_step(1, &device);
        assert_eq!(second.len(), 2);
        for (found, want) in second.into_iter().zip([0.1, 0.2]) {
            assert_eq!(found.into_data(), step(want).into_data());
        }
        std::fs::write(&path, b"no").unwrap();
        assert!(matches!(Anchors::read(&path), Err(AnchorError::Damaged(_))));
    }
}
