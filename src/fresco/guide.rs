//! What steps into the U-Net: first to record the input frames, then to guide the new ones.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;

use burn::tensor::Int;

use super::background::BackgroundFusion;
use super::correspondence::Correspondence;
use super::cross_frame_attention::cross_frame_attention;
use super::optimize::{Objective, OptimizerConfig, optimize_features_while, tokens_of};
use super::schedule::{Attentions, StepGuidance};
use super::spatial_attention::spatial_guided_queries;
use super::spatial_loss::spatial_target;
use super::temporal_attention::{PathTensors, temporal_guided_attention};
use crate::models::unet::hook::{Attention, AttentionSite, NoHook, UNetHook, UNetPart};
use crate::tensor::{GramTarget, Tensor, attend};

/// What is guided, besides what [`schedule()`](super::schedule()) says of each step.
#[derive(Clone, Debug, PartialEq)]
pub struct GuideConfig {
    /// How decoder features are optimised.
    pub optimizer: OptimizerConfig,
    /// Decoder levels whose features are optimised and fused, 0 the coarsest.
    pub levels: Vec<usize>,
    /// Whether queries are drawn to the likenesses within each input frame, so that its tokens are recorded.
    pub spatial_attention: bool,
    /// Whether features keep the likenesses within each input frame.
    pub spatial_loss: bool,
    /// Whether features keep to the flow between frames.
    pub temporal_loss: bool,
}

impl Default for GuideConfig {
    fn default() -> Self {
        Self {
            optimizer: OptimizerConfig::REFERENCE,
            levels: vec![0, 1, 2, 3],
            spatial_attention: true,
            spatial_loss: true,
            temporal_loss: true,
        }
    }
}

/// What the U-Net makes of the input frames.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    /// What entered the self-attention of each level and layer of the decoder: `[2n, tokens, c]`.
    pub tokens: BTreeMap<(usize, usize), Tensor<3>>,
    /// Likenesses within the features entering each decoder level.
    pub likenesses: BTreeMap<usize, GramTarget>,
}

/// The recording pass: changes nothing, and keeps what guidance will need of the input frames.
#[derive(Debug)]
pub struct Recorder<'a> {
    correspondence: &'a Correspondence,
    config: &'a GuideConfig,
    reference: Reference,
}

impl<'a> Recorder<'a> {
    /// Records for a batch.
    #[must_use]
    pub fn new(correspondence: &'a Correspondence, config: &'a GuideConfig) -> Self {
        Self {
            correspondence,
            config,
            reference: Reference::default(),
        }
    }

    /// What was recorded.
    #[must_use]
    pub fn finish(self) -> Reference {
        self.reference
    }
}

impl UNetHook for Recorder<'_> {
    fn decoder_input(&mut self, level: usize, features: Tensor<4>) -> Tensor<4> {
        let is_wanted = self.config.spatial_loss && self.config.levels.contains(&level);
        if is_wanted {
            let target = spatial_target(tokens_of(features.clone()));
            self.reference.likenesses.insert(level, target);
        }
        features
    }

    fn self_attention(
        &mut self,
        site: AttentionSite,
        attention: &Attention,
        tokens: Tensor<3>,
    ) -> Tensor<3> {
        let is_guided = guided_tokens(self.correspondence, site).is_some();
        if self.config.spatial_attention && is_guided {
            let key = (site.level, site.layer);
            self.reference.tokens.insert(key, tokens.clone());
        }
        NoHook.self_attention(site, attention, tokens)
    }
}

fn guided_tokens(
    correspondence: &Correspondence,
    site: AttentionSite,
) -> Option<&super::correspondence::TokenCorrespondence> {
    let is_decoder = site.part == UNetPart::Decoder;
    let level = correspondence.on_grid(site.grid).filter(|_| is_decoder)?;
    level.tokens.as_ref()
}

/// Asked before each iteration of the optimiser, which may wait in it, whether to go on.
pub type Checkpoint<'a> = dyn Fn() -> ControlFlow<()> + 'a;

/// Guides the denoising of a batch, one step at a time.
pub struct FrescoGuide<'a> {
    correspondence: &'a Correspondence,
    reference: &'a Reference,
    config: &'a GuideConfig,
    guidance: StepGuidance,
    checkpoint: Option<&'a Checkpoint<'a>>,
    was_stopped: bool,
}

impl fmt::Debug for FrescoGuide<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrescoGuide")
            .field("config", self.config)
            .field("guidance", &self.guidance)
            .field("was_stopped", &self.was_stopped)
            .finish_non_exhaustive()
    }
}

impl<'a> FrescoGuide<'a> {
    /// A guide whose first step is guided by `guidance`.
    #[must_use]
    pub fn new(
        correspondence: &'a Correspondence,
        reference: &'a Reference,
        config: &'a GuideConfig,
        guidance: StepGuidance,
    ) -> Self {
        Self {
            correspondence,
            reference,
            config,
            guidance,
            checkpoint: None,
            was_stopped: false,
        }
    }

    /// The same, with somebody to ask between the iterations of the optimiser.
    #[must_use]
    pub fn with_checkpoint(self, checkpoint: &'a Checkpoint<'a>) -> Self {
        let checkpoint = Some(checkpoint);
        Self { checkpoint, ..self }
    }

    /// Whether the checkpoint said to stop. What the U-Net gives is of no use from then on, and guidance is over, so that
    /// the evaluation under way ends soon.
    #[must_use]
    pub fn was_stopped(&self) -> bool {
        self.was_stopped
    }

    /// What smooths the background of the decoded picture in this step, if anything does.
    #[must_use]
    pub fn picture_fusion(&self) -> Option<&'a BackgroundFusion> {
        let fusion = self.correspondence.picture_fusion();
        fusion.filter(|_| self.guidance.pixels)
    }

    /// Sets what guides the evaluations from here on.
    pub fn begin_step(&mut self, guidance: StepGuidance) {
        self.guidance = guidance;
    }
}

impl UNetHook for FrescoGuide<'_> {
    fn decoder_input(&mut self, level: usize, features: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = features.dims();
        let correspondence = self.correspondence.on_grid([height, width]);
        let is_guided =
            self.guidance.features && self.config.levels.contains(&level) && !self.was_stopped;
        let Some(correspondence) = correspondence.filter(|_| is_guided) else {
            return features;
        };
        let config = self.config;
        let objective = Objective {
            spatial: self
                .reference
                .likenesses
                .get(&level)
                .filter(|_| config.spatial_loss),
            temporal: correspondence
                .drift
                .as_ref()
                .filter(|_| config.temporal_loss),
        };
        let ask = || {
            self.checkpoint
                .map_or(ControlFlow::Continue(()), |ask| ask())
        };
        let optimised =
            optimize_features_while(features.clone(), objective, &config.optimizer, ask);
        let ControlFlow::Continue(features) = optimised else {
            self.was_stopped = true;
            return features;
        };
        match &correspondence.fusion {
            Some(fusion) => fusion.fuse(features),
            None => features,
        }
    }

    fn self_attention(
        &mut self,
        site: AttentionSite,
        attention: &Attention,
        tokens: Tensor<3>,
    ) -> Tensor<3> {
        let corresponding = guided_tokens(self.correspondence, site);
        let Some(corresponding) = corresponding.filter(|_| !self.was_stopped) else {
            return NoHook.self_attention(site, attention, tokens);
        };
        let Attentions {
            spatial,
            cross_frame,
            temporal,
        } = self.guidance.attentions;
        let recorded = self.reference.tokens.get(&(site.level, site.layer));
        let guides = AttentionGuides {
            recorded: recorded.filter(|_| spatial),
            token_set: cross_frame.then_some(&corresponding.token_set),
            paths: corresponding.paths.as_ref().filter(|_| temporal),
        };
        guided_attention(attention, tokens, guides)
    }
}

/// The three stages of a guided self-attention; any may be absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttentionGuides<'a> {
    /// What entered the same layer for the input frames: `[2n, tokens, c]`.
    pub recorded: Option<&'a Tensor<3>>,
    /// Tokens that all frames attend to.
    pub token_set: Option<&'a Tensor<1, Int>>,
    /// Paths through the frames.
    pub paths: Option<&'a PathTensors>,
}

/// Self-attention under guidance: averaged queries, shared keys and values, then attention along paths with the queries
/// and keys that the tokens had at first.
///
/// # Shapes
/// `tokens` `[2n, tokens, c]`, the negative half first → the same.
#[must_use]
pub fn guided_attention(
    attention: &Attention,
    tokens: Tensor<3>,
    guides: AttentionGuides<'_>,
) -> Tensor<3> {
    let own_queries = attention.queries(tokens.clone());
    let queries = match guides.recorded {
        Some(recorded) => spatial_guided_queries(attention, own_queries.clone(), recorded.clone()),
        None => own_queries.clone(),
    };
    let attended = match guides.token_set {
        Some(set) => cross_frame_attention(attention, queries, tokens.clone(), set),
        None => attend(
            queries,
            attention.keys(tokens.clone()),
            attention.values(tokens.clone()),
        ),
    };
    let attended = match guides.paths {
        Some(paths) => {
            temporal_guided_attention(own_queries, attention.keys(tokens), attended, paths)
        }
        None => attended,
    };
    attention.output(attended)
}
