//! What draws the control images of a job: a formula, or a network from the models folder.

use std::path::PathBuf;

use super::compat::Choices;
use super::depth::{DepthDrawer, DepthStyle};
use super::error::Error;
use super::job::{ControlKind, ControlNetSpec, ControlSettings, ModelFiles};
use crate::annotators::{Annotator, ControlImage, DepthNetwork, DepthWeights, hed};
use crate::files::ContentHash;
use crate::frame::Frame;
use crate::models::ModelError;
use crate::models::hed::{self as hed_model, Hed};
use crate::models::library::{Helper, Places};
use crate::tensor::image::unit_from_maps;
use crate::tensor::{Device, Tensor};

/// An annotator with all that it needs.
pub struct ReadyAnnotator {
    annotator: Annotator,
    network: Option<Network>,
}

/// A network that draws control images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawingNetwork {
    /// Soft edges.
    Hed,
    /// Depth.
    Depth(DepthNetwork),
}

impl DrawingNetwork {
    /// Those that draw the control images of a job and whose weights are there.
    #[must_use]
    pub fn of(
        files: &ModelFiles,
        control: &ControlSettings,
        choices: &Choices,
        places: &Places,
    ) -> Vec<Self> {
        let network = |annotator| match annotator {
            Annotator::Hed => find_hed(places).ok().map(|_| Self::Hed),
            Annotator::Depth => {
                let found = DepthDrawer::find(places, choices.depth_network).ok()?;
                Some(Self::Depth(found.network))
            }
            Annotator::SoftEdges | Annotator::Canny { .. } => None,
        };
        let wanted = ReadyAnnotator::wanted(files, control).into_iter();
        wanted.filter_map(network).collect()
    }
}

enum Network {
    Hed(Box<Hed>, ContentHash),
    Depth(DepthDrawer),
}

impl ReadyAnnotator {
    /// The annotators that are needed, each once: none where all control images come from clips.
    #[must_use]
    pub fn wanted(files: &ModelFiles, control: &ControlSettings) -> Vec<Annotator> {
        let unnamed = [ControlNetSpec::default()];
        let nets = match files.controlnets.as_slice() {
            [] => unnamed.as_slice(),
            named => named,
        };
        let mut wanted = Vec::new();
        for annotator in nets.iter().filter_map(|net| control.annotator(net)) {
            if !wanted.contains(&annotator) {
                wanted.push(annotator);
            }
        }
        wanted
    }

    /// Looks whether the weights are there that control images need, which takes no time.
    ///
    /// # Errors
    /// [`Error::NoAnnotatorWeights`].
    pub fn check(
        files: &ModelFiles,
        control: &ControlSettings,
        places: &Places,
    ) -> Result<(), Error> {
        let check = |annotator| match annotator {
            Annotator::Hed => find_hed(places).map(drop),
            Annotator::Depth => find_depth(places).map(drop),
            Annotator::SoftEdges | Annotator::Canny { .. } => Ok(()),
        };
        let mut wanted = Self::wanted(files, control).into_iter();
        wanted.try_for_each(check)
    }

    /// Makes an annotator ready. Depth also looks at samples of the clip.
    ///
    /// # Errors
    /// [`Error::NoAnnotatorWeights`], [`Error::Model`] for weights that cannot be used, and whatever reading the samples
    /// gives.
    pub fn new(
        annotator: Annotator,
        places: &Places,
        depth: DepthStyle<'_>,
        device: &Device,
    ) -> Result<Self, Error> {
        let network = match annotator {
            Annotator::Hed => {
                let (network, hash) = load_hed(places, device)?;
                Some(Network::Hed(Box::new(network), hash))
            }
            Annotator::Depth => {
                let drawer = DepthDrawer::new(places, depth, device)?;
                Some(Network::Depth(drawer))
            }
            Annotator::SoftEdges | Annotator::Canny { .. } => None,
        };
        Ok(Self { annotator, network })
    }

    /// The annotator itself.
    #[must_use]
    pub fn annotator(&self) -> Annotator {
        self.annotator
    }

    /// Identity of its weights, if it has any.
    #[must_use]
    pub fn weights(&self) -> Option<&ContentHash> {
        self.network.as_ref().map(|network| match network {
            Network::Hed(_, hash) => hash,
            Network::Depth(depth) => depth.weights(),
        })
    }

    /// Which of several networks draws, for people.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        match &self.network {
            Some(Network::Depth(depth)) => Some(depth.note()),
            Some(Network::Hed(..)) | None => None,
        }
    }

    /// Control images of frames of one size, in `[0, 1]`: `[n, 3, height, width]`.
    ///
    /// # Errors
    /// [`Error::Values`] if a network gives values that no picture can show, [`Error::Model`] if its weights were changed.
    pub fn draw(&self, frames: &[Frame], device: &Device) -> Result<Tensor<4>, Error> {
        let plain = |frame| match self.annotator.annotate(frame) {
            Some(image) => image,
            None => unreachable!("made ready with its network"),
        };
        let images: Vec<ControlImage> = match &self.network {
            Some(Network::Hed(network, _)) => {
                let draw = |frame| hed(frame, network, device);
                frames.iter().map(draw).collect::<Result<_, _>>()?
            }
            Some(Network::Depth(depth)) => depth.draw(frames, device)?,
            None => frames.iter().map(plain).collect(),
        };
        let maps: Vec<&[f32]> = images.iter().map(ControlImage::values).collect();
        Ok(unit_from_maps(&maps, frames[0].size(), device))
    }
}

/// Whether there is all that a control's images are drawn with.
#[must_use]
pub fn weights_are_there(control: ControlKind, places: &Places) -> bool {
    match control {
        ControlKind::Hed => find_hed(places).is_ok(),
        ControlKind::Depth => find_depth(places).is_ok(),
        ControlKind::SoftEdges | ControlKind::Canny | ControlKind::None => true,
    }
}

/// Any network for depth: which one is taken where there are two does not matter here.
fn find_depth(places: &Places) -> Result<DepthWeights, Error> {
    DepthDrawer::find(places, Choices::OWN.depth_network)
}

fn find_hed(places: &Places) -> Result<PathBuf, Error> {
    let found = places.helper(Helper::Hed);
    found.ok_or_else(|| Error::NoAnnotatorWeights {
        control: "hed",
        file: hed_model::FILES[0],
        hub: hed_model::HUB,
        folder: places.own().map(|models| models.join("hed")),
    })
}

fn load_hed(places: &Places, device: &Device) -> Result<(Hed, ContentHash), Error> {
    let file = find_hed(places)?;
    let hash = ContentHash::of_file(&file).map_err(|source| Error::Io {
        what: "read",
        path: file.clone(),
        source,
    })?;
    let (network, unknown) = Hed::load(&file, device).map_err(ModelError::from)?;
    if !unknown.is_empty() {
        tracing::warn!(?unknown, "tensors that HED has no use for");
    }
    Ok((network, hash))
}
