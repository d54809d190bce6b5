//! What finds motion and salient things in the source: networks from the models folder, or what stands in for them.

use std::path::Path;

use serde::Serialize;

use super::observer::{Observer, Warning};
use crate::annotators::SaliencyEstimator;
use crate::files::ContentHash;
use crate::flow::FlowEstimator;
use crate::models::checkpoint::CheckpointError;
use crate::models::gmflow::{self, GmFlow};
use crate::tensor::Device;

/// The helpers of a job.
pub struct Helpers {
    /// Finds motion.
    pub flow: FlowEstimator,
    /// Finds what is salient.
    pub saliency: SaliencyEstimator,
    /// Identity of the flow's weights, if it has any.
    weights: Option<ContentHash>,
}

/// All that determines what the helpers find.
#[derive(Debug, Serialize)]
pub struct HelpersKey<'a> {
    flow: &'static str,
    weights: Option<&'a ContentHash>,
    saliency: &'static str,
}

/// All that determines the flow between given frames.
#[derive(Debug, Serialize)]
pub struct FlowKey<'a> {
    estimator: &'static str,
    weights: Option<&'a ContentHash>,
}

impl Helpers {
    /// The best helpers there are: `GMFlow` if its weights are in the models folder. Weights that cannot be used are
    /// warned of, and the classical method takes their place.
    #[must_use]
    pub fn find(models: Option<&Path>, device: &Device, observer: &dyn Observer) -> Self {
        let file = models.and_then(gmflow::find);
        let loaded = file.and_then(|file| {
            let loaded = load(&file, device);
            let warning = |reason: String| Warning {
                summary: format!("the weights of GMFlow are not used: {reason}"),
                hint: Some("get the file again, or remove it from the models folder".to_owned()),
            };
            loaded
                .map_err(|reason| observer.warning(warning(reason)))
                .ok()
        });
        let (flow, weights) = match loaded {
            Some((network, hash)) => (FlowEstimator::GmFlow(Box::new(network)), Some(hash)),
            None => (FlowEstimator::Dis, None),
        };
        Self {
            flow,
            saliency: SaliencyEstimator::default(),
            weights,
        }
    }

    /// What a batch's pictures depend on.
    #[must_use]
    pub fn key(&self) -> HelpersKey<'_> {
        HelpersKey {
            flow: self.flow.name(),
            weights: self.weights.as_ref(),
            saliency: self.saliency.name(),
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
        let background = format!(
            "The background was found without a network, by {}.",
            self.saliency.name()
        );
        let background = finds_background.then_some(background);
        std::iter::once(flow).chain(background).collect()
    }
}

fn load(file: &Path, device: &Device) -> Result<(GmFlow, ContentHash), String> {
    let hash = ContentHash::of_file(file).map_err(|error| error.to_string())?;
    let text = |error: CheckpointError| error.to_string();
    let (network, unknown) = GmFlow::load(file, device).map_err(text)?;
    if !unknown.is_empty() {
        tracing::warn!(?unknown, "tensors that GMFlow has no use for");
    }
    Ok((network, hash))
}
