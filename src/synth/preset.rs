//! How much work a synthesis is worth: the named presets and what they set.

use serde::{Deserialize, Serialize};

/// How much work a synthesis is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Settles later than the default; about twice its time.
    Best,
    /// Within two percent of the reference's energy.
    #[default]
    Default,
    /// For a quick look that is close to final.
    Fast,
    /// For a first look.
    Draft,
    /// Every pixel is searched in every round, from a random field at the coarsest level, as the reference does.
    Parity,
}

/// What a [`Preset`] sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Rounds of search and vote at each level.
    pub rounds: u32,
    /// PatchMatch iterations in each round.
    pub iterations: u32,
    /// A pixel is no longer searched once a vote changes it by less than this in every channel.
    pub settle_below: Option<u8>,
    /// Where the field comes from.
    pub start: Start,
    /// Cost of one more patch over a source pixel, in units of the integer energy.
    pub uniformity: u32,
}

/// Where the field of the first level comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Random at the coarsest level.
    Coarsest,
    /// From the accumulated flow, where there is one, with so many levels left.
    Flow {
        /// Levels to run, counted from the finest.
        levels: usize,
    },
}

/// The reference's 3500 × occupancy, in integer units (× 30) and per unit of patch-summed occupancy (÷ 25²).
pub const UNIFORMITY: u32 = 3500 * 30 / 625;

impl Preset {
    /// Every preset, from the most work to the least; the last one is for comparisons.
    pub const ALL: [Self; 5] = [
        Self::Best,
        Self::Default,
        Self::Fast,
        Self::Draft,
        Self::Parity,
    ];

    /// What the preset sets.
    #[must_use]
    pub fn schedule(self) -> Schedule {
        let (rounds, iterations, settle_below) = match self {
            Self::Best => (12, 6, Some(2)),
            Self::Default => (12, 3, Some(3)),
            Self::Fast => (8, 2, Some(3)),
            Self::Draft => (6, 2, Some(3)),
            Self::Parity => (12, 6, None),
        };
        let start = match self {
            Self::Parity => Start::Coarsest,
            _ => Start::Flow { levels: 3 },
        };
        Schedule {
            rounds,
            iterations,
            settle_below,
            start,
            uniformity: UNIFORMITY,
        }
    }
}
