//! What a batch holds on the device, moment by moment: the arithmetic behind the estimate.
//!
//! Each moment is the sum of the weights that are loaded then, of what is kept through it, and of what is held while its
//! widest layer works. Maps are counted in the layers' own channels; how many of them a layer holds at once was counted
//! in the code and compared with the allocator's figures, as `docs/MEMORY.md` tells.
//!
//! Source: the shapes of SD 1.5's networks, and of FRESCO's guidance in [`crate::fresco`].

use std::fmt;

use super::annotator::DrawingNetwork;
use super::conditions::Coding;
use super::memory::{BatchLoad, Drawing, NetworkSizes};
use super::memory_helpers;

/// Pixels of a side that become one cell of the latents.
pub(super) const CELL: u64 = 8;
/// Bytes of a number in full precision, in which the autoencoder, the text model and the optimiser compute.
pub(super) const FULL: u64 = 4;
/// Most bytes that the scores of attention take: see [`crate::tensor::attend`].
pub(super) const SCORES: u64 = 512 << 20;
/// Most bytes of likenesses that are kept: see [`crate::tensor::GramTarget`].
const KEPT_LIKENESSES: u64 = 256 << 20;
/// Most bytes of likenesses that are compared at once: see [`crate::tensor::gram_difference`].
const PIECE_OF_LIKENESSES: u64 = 128 << 20;
/// Pieces of likenesses that are there at once: those of the features, the wanted ones, the difference, how large it is, and
/// its signs.
const PIECES_OF_LIKENESSES: u64 = 5;
/// Maps that one iteration of the optimiser holds: features, both moments, gradient, step, the features as they were,
/// their directions, and what those are derived by.
const OPTIMISER_MAPS: u64 = 8;
/// Maps of a transformer's feed-forward layer, in units of its channels: eight before the gate, four after, the input.
const FEED_FORWARD_MAPS: u64 = 13;
/// Maps of a guided self-attention: tokens, queries, keys and values, those along paths, and what attended.
const ATTENTION_MAPS: u64 = 12;
/// Maps of a residual block, in units of what enters it: the input, the same normalised in full precision, and before
/// and after a convolution.
pub(super) const RESNET_MAPS: u64 = 5;
/// Maps of the autoencoder's widest block, in units of its finest channels: twice as many in, and as in a residual block.
const VAE_MAPS: u64 = 10;
/// Most bytes that are held while a block of the autoencoder works on a band.
const BAND_BYTES: u64 = 128 << 20;
/// Added for what the allocator cannot hand out again, in per cent.
const SLACK: u64 = 20;

/// Up to which the autoencoder may go through a picture in one piece, whatever else is held: that is faster.
const ROOM_OF_A_PICTURE: u64 = 2 << 30;

/// When most is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Prompts are embedded.
    Text,
    /// Motion between the input frames is found.
    Motion,
    /// What is salient in the input frames is found.
    Saliency,
    /// Pictures become latents.
    Encoding,
    /// The U-Net is shown the input frames.
    Recording,
    /// A network draws the control images.
    Drawing,
    /// The `ControlNets` look at the control images.
    Control,
    /// The U-Net predicts, with the prompt and with the negative prompt.
    Evaluation,
    /// Features entering a decoder level are optimised; 0 is the finest.
    Optimisation(usize),
    /// Latents become pictures.
    Decoding,
}

/// What is held in one moment, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// When.
    pub moment: Moment,
    /// Weights that are loaded.
    pub weights: u64,
    /// What is kept through it.
    pub kept: u64,
    /// What is held while it works.
    pub working: u64,
}

impl Holding {
    /// All of it, with room for the allocator.
    #[must_use]
    pub fn total(&self) -> u64 {
        let moving = self.kept + self.working;
        self.weights + moving + moving * SLACK / 100
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.pad("text"),
            Self::Motion => f.pad("motion"),
            Self::Saliency => f.pad("what is salient"),
            Self::Encoding => f.pad("VAE encode"),
            Self::Recording => f.pad("recording the source"),
            Self::Drawing => f.pad("drawing control images"),
            Self::Control => f.pad("ControlNet"),
            Self::Evaluation => f.pad("U-Net"),
            Self::Optimisation(level) => f.pad(&format!("optimisation, level {level}")),
            Self::Decoding => f.pad("VAE decode"),
        }
    }
}

/// A row of a table, in megabytes: weights, kept, working, total.
impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mega = |bytes: u64| bytes as f64 / 1e6;
        write!(
            f,
            "{:24} {:8.0} {:8.0} {:8.0} {:8.0}",
            self.moment,
            mega(self.weights),
            mega(self.kept),
            mega(self.working),
            mega(self.total())
        )
    }
}

/// How the autoencoder goes through pictures: in one piece where that holds no more than the U-Net does anyway.
#[must_use]
pub fn coding(networks: &NetworkSizes, load: &BatchLoad) -> Coding {
    let batch = Sizes { networks, load };
    let in_steps = batch.of_steps().iter().map(Holding::total).max();
    let whole = batch.picture(Moment::Decoding, Coding::Whole);
    if whole.working <= ROOM_OF_A_PICTURE || Some(whole.total()) <= in_steps {
        Coding::Whole
    } else {
        Coding::InBands
    }
}

/// All moments of a batch, in their order.
#[must_use]
pub fn moments(networks: &NetworkSizes, load: &BatchLoad) -> Vec<Holding> {
    let batch = Sizes { networks, load };
    let coding = coding(networks, load);
    let mut moments = vec![batch.text()];
    moments.extend(batch.of_helpers());
    moments.push(batch.picture(Moment::Encoding, coding));
    moments.extend(batch.of_steps());
    moments.push(batch.picture(Moment::Decoding, coding));
    moments
}

struct Sizes<'a> {
    networks: &'a NetworkSizes,
    load: &'a BatchLoad,
}

impl Sizes<'_> {
    fn pixels(&self) -> u64 {
        u64::from(self.load.size.width) * u64::from(self.load.size.height)
    }

    /// Each frame is evaluated with the prompt and with the negative prompt.
    fn maps(&self) -> u64 {
        2 * self.load.frames as u64
    }

    /// Bytes of a number in U-Net and `ControlNets`.
    fn number(&self) -> u64 {
        if self.load.half { 2 } else { FULL }
    }

    fn cells(&self, level: usize) -> u64 {
        ((self.pixels() / (CELL * CELL)) >> (2 * level)).max(1)
    }

    /// Bytes of a feature map of a level, in numbers of so many bytes, with so many channels.
    fn map(&self, level: usize, channels: u64, number: u64) -> u64 {
        channels * self.cells(level) * self.maps() * number
    }

    /// Channels of a level of the U-Net.
    fn channels(&self, level: usize) -> u64 {
        let channels = &self.networks.channels;
        let last = channels.last().copied().unwrap_or_default();
        channels.get(level).copied().unwrap_or(last) as u64
    }

    fn levels(&self) -> std::ops::Range<usize> {
        0..self.networks.channels.len()
    }

    /// Weights of everything that the steps need, and of what stays loaded beside it from batch to batch.
    fn weights(&self) -> u64 {
        let networks = self.networks;
        (networks.unet + networks.controlnets) * self.number()
            + (networks.vae + self.kept_motion() + self.kept_drawing()) * FULL
    }

    /// Weights of the network that finds motion, if the batch needs it.
    fn kept_motion(&self) -> u64 {
        when(!self.load.consistency.is_off(), self.networks.motion)
    }

    /// Weights of the networks that draw control images and stay loaded.
    fn kept_drawing(&self) -> u64 {
        let drawing = self.networks.drawing.iter();
        drawing.filter(|d| stays(d)).map(|d| d.weights).sum()
    }

    fn text(&self) -> Holding {
        Holding {
            moment: Moment::Text,
            weights: self.networks.text_encoder * FULL,
            kept: 0,
            working: 0,
        }
    }

    /// The networks that look at the input frames before a batch begins, while those of the steps are there already.
    fn of_helpers(&self) -> Vec<Holding> {
        let (networks, size) = (self.networks, self.load.size);
        let holding = |moment, more, working| Holding {
            moment,
            weights: self.weights() + more * FULL,
            kept: 0,
            working,
        };
        let mut moments = Vec::new();
        if self.kept_motion() > 0 {
            moments.push(holding(Moment::Motion, 0, memory_helpers::motion(size)));
        }
        if networks.saliency > 0 && self.load.consistency.background_smoothing {
            let working = memory_helpers::saliency(size);
            moments.push(holding(Moment::Saliency, networks.saliency, working));
        }
        moments
    }

    /// The networks that draw control images, one after the other, after the input frames were recorded.
    fn drawing(&self) -> impl Iterator<Item = Holding> {
        self.networks.drawing.iter().map(|drawing| {
            let more = if stays(drawing) { 0 } else { drawing.weights };
            Holding {
                moment: Moment::Drawing,
                weights: self.weights() + more * FULL,
                kept: self.recorded(),
                working: memory_helpers::drawing(drawing.network, self.load.size),
            }
        })
    }

    fn picture(&self, moment: Moment, coding: Coding) -> Holding {
        let networks = self.networks;
        let whole = VAE_MAPS * networks.vae_channels as u64 * self.pixels() * FULL;
        Holding {
            moment,
            weights: self.weights(),
            kept: when(moment == Moment::Decoding, self.recorded()),
            working: match coding {
                Coding::Whole => whole,
                Coding::InBands => whole.min(BAND_BYTES) + self.middle_of_picture(),
            },
        }
    }

    /// The middle block of the autoencoder: four times the finest channels, an eighth of the size, attention with one
    /// head.
    fn middle_of_picture(&self) -> u64 {
        let cells = self.cells(0);
        let map = 4 * self.networks.vae_channels as u64 * cells * FULL;
        RESNET_MAPS * map + (cells * cells * FULL).min(SCORES)
    }

    /// What is recorded of the input frames: tokens of the two finest levels, and likenesses of all.
    fn recorded(&self) -> u64 {
        let consistency = self.load.consistency;
        let layers = self.networks.layers_per_block as u64 + 1;
        let tokens = (0..2).map(|level| self.map(level, self.channels(level), self.number()));
        let likenesses = self.levels().map(|level| {
            let square = self.maps() * self.cells(level) * self.cells(level) * FULL;
            let vectors = self.map(level, self.channels(level + 1), FULL);
            if square <= KEPT_LIKENESSES {
                square
            } else {
                vectors
            }
        });
        when(consistency.spatial_attention, layers * tokens.sum::<u64>())
            + when(consistency.spatial_loss, likenesses.sum())
    }

    /// Skip connections that a level of the encoder keeps for the decoder.
    fn skips(&self, level: usize) -> u64 {
        let layers = self.networks.layers_per_block as u64 + 1;
        layers * self.map(level, self.channels(level), self.number())
    }

    fn all_skips(&self) -> u64 {
        self.levels().map(|level| self.skips(level)).sum()
    }

    /// The widest layer of the encoder.
    fn encoder(&self) -> u64 {
        let finest = self.map(0, self.channels(0), self.number());
        (FEED_FORWARD_MAPS * finest).max(self.scores() + 4 * finest)
    }

    /// The widest layer of the decoder, which also takes skip connections.
    fn decoder(&self) -> u64 {
        let finest = self.map(0, self.channels(0), self.number());
        let entering = self.map(0, self.channels(1) + self.channels(0), self.number());
        let attention = self.scores() + ATTENTION_MAPS * finest;
        attention
            .max(FEED_FORWARD_MAPS * finest)
            .max(RESNET_MAPS * entering)
    }

    fn scores(&self) -> u64 {
        let cells = self.cells(0);
        (self.networks.heads as u64 * self.maps() * cells * cells * FULL).min(SCORES)
    }

    /// Everything that is done again in each step, and once before the first.
    fn of_steps(&self) -> Vec<Holding> {
        let (weights, recorded) = (self.weights(), self.recorded());
        let consistency = self.load.consistency;
        let has_control = self.networks.n_controlnets > 0;
        let residuals = when(has_control, self.all_skips());
        let holding = |moment, kept, working| Holding {
            moment,
            weights,
            kept,
            working,
        };
        let mut moments = Vec::new();
        if consistency.records() {
            let kept = recorded + self.skips(0);
            moments.push(holding(Moment::Recording, kept, self.decoder()));
        }
        moments.extend(self.drawing());
        if has_control {
            let more = when(self.networks.n_controlnets > 1, residuals);
            let kept = recorded + more + self.skips(0);
            moments.push(holding(Moment::Control, kept, self.encoder()));
        }
        // The encoder begins with all residuals of the control; the decoder ends with its own skip connections alone.
        let encoder = residuals + self.skips(0) + self.encoder();
        let decoder = self.skips(0) + self.decoder();
        moments.push(holding(Moment::Evaluation, recorded, encoder.max(decoder)));
        if consistency.spatial_loss || consistency.temporal_loss {
            moments.extend(self.levels().map(|level| {
                let kept = recorded + (0..=level).map(|finer| self.skips(finer)).sum::<u64>();
                holding(Moment::Optimisation(level), kept, self.optimisation(level))
            }));
        }
        moments
    }

    /// An iteration of the optimiser on what enters a level of the decoder.
    fn optimisation(&self, level: usize) -> u64 {
        let features = self.map(level, self.channels(level + 1), FULL);
        let square = self.maps() * self.cells(level) * self.cells(level) * FULL;
        let pieces = PIECES_OF_LIKENESSES * square.min(PIECE_OF_LIKENESSES);
        OPTIMISER_MAPS * features + when(self.load.consistency.spatial_loss, pieces)
    }
}

/// Whether a network that draws stays loaded from batch to batch; the others are loaded for each batch and dropped after it.
fn stays(drawing: &Drawing) -> bool {
    drawing.network == DrawingNetwork::Hed
}

fn when(is_on: bool, bytes: u64) -> u64 {
    if is_on { bytes } else { 0 }
}
