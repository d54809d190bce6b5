//! What finds motion and salient things in the source: networks from the models folder, or what stands in for them.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::compat::Choices;
use super::error::Error;
use super::observer::{Observer, Warning};
use crate::annotators::{ChannelOrder, SaliencyEstimator, SaliencyNetwork};
use crate::files::ContentHash;
use crate::flow::FlowEstimator;
use crate::models::ModelError;
use crate::models::gmflow::{self, GmFlow};
use crate::models::library::{Helper, Places};
use crate::models::u2net;
use crate::tensor::Device;

/// The helpers of a job.
pub struct Helpers {
    /// Finds motion.
    pub flow: FlowEstimator,
    saliency: Saliency,
    /// Identity of the flow's weights, if it has any.
    weights: Option<ContentHash>,
}

/// What finds what is salient. The network is loaded for each batch and dropped after it: it is large, and idle while
/// pictures are denoised.
enum Saliency {
    RobustBackground,
    Network {
        network: SaliencyNetwork,
        file: PathBuf,
        weights: ContentHash,
        order: ChannelOrder,
    },
}

impl Saliency {
    /// Its name, for people.
    fn name(&self) -> &'static str {
        match self {
            Self::RobustBackground => "contrast with the border",
            Self::Network { network, .. } => network.name(),
        }
    }
}

/// All that determines what the helpers find.
#[derive(Debug, Serialize)]
pub struct HelpersKey<'a> {
    flow: &'static str,
    weights: Option<&'a ContentHash>,
    saliency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    saliency_weights: Option<(&'a ContentHash, ChannelOrder)>,
}

/// All that determines the flow between given frames.
#[derive(Debug, Serialize)]
pub struct FlowKey<'a> {
    estimator: &'static str,
    weights: Option<&'a ContentHash>,
}

impl Helpers {
    /// The best helpers for motion: `GMFlow` if its weights are there. Weights that cannot be used are warned
    /// of, and the classical method takes their place.
    #[must_use]
    pub fn find(places: &Places, device: &Device, observer: &dyn Observer) -> Self {
        let file = places.helper(Helper::GmFlow);
        let load = |file: &Path| Ok(GmFlow::load(file, device)?);
        let loaded = file.and_then(|file| usable("GMFlow", &file, load, observer));
        let (flow, weights) = match loaded {
            Some((network, hash)) => (FlowEstimator::GmFlow(Box::new(network)), Some(hash)),
            None => (FlowEstimator::Dis, None),
        };
        Self {
            flow,
            saliency: Saliency::RobustBackground,
            weights,
        }
    }

    /// Also looks for the best helper for what is salient in the same way: the network that `choices` prefer, or the other, if
    /// weights are there.
    #[must_use]
    pub fn with_saliency(
        self,
        places: &Places,
        choices: &Choices,
        device: &Device,
        observer: &dyn Observer,
    ) -> Self {
        let order = choices.saliency_channels;
        let found = SaliencyNetwork::find(places, choices.saliency_network);
        let Some((network, file)) = found else {
            return self;
        };
        let load = |file: &Path| SaliencyEstimator::load(network, file, order, device);
        match usable(network.name(), &file, load, observer) {
            None => self,
            Some((_, weights)) => Self {
                saliency: Saliency::Network {
                    network,
                    file,
                    weights,
                    order,
                },
                ..self
            },
        }
    }

    /// What finds what is salient, ready for use.
    ///
    /// # Errors
    /// [`Error::Model`] if the weights were changed since they were looked at.
    pub fn saliency(&self, device: &Device) -> Result<SaliencyEstimator, Error> {
        match &self.saliency {
            Saliency::RobustBackground => Ok(SaliencyEstimator::RobustBackground),
            Saliency::Network {
                network,
                file,
                order,
                ..
            } => Ok(SaliencyEstimator::load(*network, file, *order, device)?.0),
        }
    }

    /// What a batch's pictures depend on.
    #[must_use]
    pub fn key(&self) -> HelpersKey<'_> {
        HelpersKey {
            flow: self.flow.name(),
            weights: self.weights.as_ref(),
            saliency: self.saliency.name(),
            saliency_weights: match &self.saliency {
                Saliency::RobustBackground => None,
                Saliency::Network { weights, order, .. } => Some((weights, *order)),
            },
        }
    }

    /// What estimated flow depends on.
    #[must_use]
    pub fn flow_key(&self) -> FlowKey<'_> {
        FlowKey {
            estimator: self.flow.name(),
            weights: self.weights.as_ref(),
        }
    }

    /// Which helpers are at work, for people. `finds_background` says whether saliency is looked for.
    #[must_use]
    pub fn notes(&self, finds_background: bool) -> Vec<String> {
        let flow = match self.flow {
            FlowEstimator::Dis => format!(
                "Motion was found by {}, a classical method; with {} in the models folder it is GMFlow.",
                self.flow.name(),
                gmflow::FILES[0]
            ),
            FlowEstimator::GmFlow(_) => "Motion was found by GMFlow.".to_owned(),
        };
        let name = self.saliency.name();
        let background = match self.saliency {
            Saliency::RobustBackground => format!(
                "The background was found without a network, by {name}; with {} in the models folder it is U²-Net.",
                u2net::FILES[0]
            ),
            Saliency::Network { .. } => format!("The background was found by {name}."),
        };
        let background = finds_background.then_some(background);
        std::iter::once(flow).chain(background).collect()
    }
}

/// Name of the network that will find what is salient, if weights of one are there.
#[must_use]
pub fn salient_by(places: &Places, choices: &Choices) -> Option<&'static str> {
    let found = SaliencyNetwork::find(places, choices.saliency_network);
    found.map(|(network, _)| network.name())
}

/// A network and the identity of its weights, or a warning of why it is not used.
fn usable<T>(
    name: &str,
    file: &Path,
    load: impl Fn(&Path) -> Result<(T, Vec<String>), ModelError>,
    observer: &dyn Observer,
) -> Option<(T, ContentHash)> {
    let try_it = || -> Result<(T, ContentHash), String> {
        let hash = ContentHash::of_file(file).map_err(|error| error.to_string())?;
        let (network, unknown) = load(file).map_err(|error| error.to_string())?;
        if !unknown.is_empty() {
            tracing::warn!(?unknown, "tensors that {name} has no use for");
        }
        Ok((network, hash))
    };
    let warning = |reason: String| Warning {
        summary: format!("the weights of {name} are not used: {reason}"),
        hint: Some("get the file again, or remove it from the models folder".to_owned()),
    };
    try_it()
        .map_err(|reason| observer.warning(warning(reason)))
        .ok()
}
