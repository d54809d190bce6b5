//! Keyframe selection: at a fixed interval, or where motion is strongest.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::shots::Shot;
use crate::annotators::blur::blur;
use crate::frame::{Frame, FrameIdx, Size};

/// Gaussian of nine taps, σ = 1.7, in 256ths: what OpenCV blurs 8-bit pictures with.
const BLUR_256THS: [f32; 9] = [4.0, 13.0, 30.0, 51.0, 60.0, 51.0, 30.0, 13.0, 4.0];

/// How many frames lie between neighbouring keyframes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum KeyframeGap {
    /// Every so many frames.
    Fixed(usize),
    /// Chosen by motion: at least `min` frames, at most `max` where possible.
    Range {
        /// Smallest gap.
        min: usize,
        /// Largest gap; longer ones stay only where every frame inside is too close to a keyframe.
        max: usize,
    },
}

/// A text that is no keyframe gap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyframeGapError {
    /// Neither `N` nor `MIN..MAX`.
    #[error("`{0}` is not a keyframe gap; write a number of frames, or two as in 5..20")]
    Malformed(String),
    /// Every frame would be a keyframe more than once.
    #[error("a keyframe gap of 0 is not possible; the smallest is 1")]
    Zero,
    /// The smallest gap is larger than the largest.
    #[error("a keyframe gap cannot be from {min} to {max}; write the smaller number first")]
    Reversed {
        /// The first number.
        min: usize,
        /// The second number.
        max: usize,
    },
}

impl KeyframeGap {
    /// Whether selection needs motion scores.
    #[must_use]
    pub fn follows_motion(self) -> bool {
        matches!(self, Self::Range { min, max } if min < max)
    }
}

impl Default for KeyframeGap {
    fn default() -> Self {
        Self::Range { min: 5, max: 20 }
    }
}

impl fmt::Display for KeyframeGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(every) => write!(f, "{every}"),
            Self::Range { min, max } => write!(f, "{min}..{max}"),
        }
    }
}

impl FromStr for KeyframeGap {
    type Err = KeyframeGapError;

    fn from_str(text: &str) -> Result<Self, KeyframeGapError> {
        let number = |part: &str| match part.trim().parse() {
            Ok(0) => Err(KeyframeGapError::Zero),
            Ok(frames) => Ok(frames),
            Err(_) => Err(KeyframeGapError::Malformed(text.to_owned())),
        };
        let Some((min, max)) = text.split_once("..") else {
            return Ok(Self::Fixed(number(text)?));
        };
        let (min, max) = (number(min)?, number(max)?);
        if min > max {
            return Err(KeyframeGapError::Reversed { min, max });
        }
        Ok(Self::Range { min, max })
    }
}

impl TryFrom<String> for KeyframeGap {
    type Error = KeyframeGapError;

    fn try_from(text: String) -> Result<Self, KeyframeGapError> {
        text.parse()
    }
}

impl From<KeyframeGap> for String {
    fn from(gap: KeyframeGap) -> Self {
        gap.to_string()
    }
}

/// Whose rule decides about the last frame of a shot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyframeRule {
    /// First and last frame of a shot are always keyframes, so that every frame lies between two.
    #[default]
    EndsIncluded,
    /// As the reference implementation: at a fixed gap the last frame is none, and frames after the last keyframe
    /// are lost.
    Reference,
}

/// Selects the keyframes of one shot, in order; its first frame is always one.
///
/// `scores` has the motion score of each frame of the shot; it is not looked at unless `gap` follows motion.
/// A gap of zero counts as one, and a minimum above the maximum as the maximum.
///
/// # Panics
/// If `gap` follows motion and there is not exactly one score for each frame.
///
/// # Source
/// FRESCO, algorithm 1, with the reference's half-open neighbourhoods: after a keyframe is set where motion is
/// strongest in the whole shot, no other comes within `min` frames of it, until no gap is longer than `max`.
#[must_use]
pub fn select_keyframes(
    shot: &Shot,
    gap: KeyframeGap,
    scores: &[f64],
    rule: KeyframeRule,
) -> Vec<FrameIdx> {
    let n_frames = shot.n_frames();
    let offsets: Vec<usize> = match gap {
        KeyframeGap::Range { min, max } if min < max => {
            assert_eq!(scores.len(), n_frames, "one motion score a frame");
            follow_motion(scores, min.max(1), max)
        }
        KeyframeGap::Fixed(every) | KeyframeGap::Range { max: every, .. } => {
            let mut offsets: Vec<usize> = (0..n_frames).step_by(every.max(1)).collect();
            if rule == KeyframeRule::EndsIncluded {
                offsets.push(n_frames - 1);
                offsets.dedup();
            }
            offsets
        }
    };
    offsets
        .into_iter()
        .map(|offset| FrameIdx(shot.first().0 + offset))
        .collect()
}

fn follow_motion(scores: &[f64], min: usize, max: usize) -> Vec<usize> {
    let last = scores.len() - 1;
    let mut keys = BTreeSet::from([0, last]);
    let is_long = |from: usize, to: usize| usize::from(to - from > max);
    let mut n_long = is_long(0, last);
    // Frames near the ends are barred; `last + 1 - min` would be below 0 only where all of them are.
    let eligible = min..(last + 1).saturating_sub(min);
    let mut barred = vec![false; scores.len()];
    let mut by_score: Vec<usize> = eligible.collect();
    by_score.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    for frame in by_score {
        if n_long == 0 {
            break;
        }
        if barred[frame] {
            continue;
        }
        barred[frame - min..frame + min].fill(true);
        let before = keys.range(..frame).next_back().copied().unwrap_or(0);
        let after = keys.range(frame..).next().copied().unwrap_or(last);
        n_long += is_long(before, frame) + is_long(frame, after);
        n_long -= is_long(before, after);
        keys.insert(frame);
    }
    keys.into_iter().collect()
}

/// Measures motion frame by frame, keeping only the blurred frame before.
#[derive(Default)]
pub struct MotionMeter {
    previous: Option<(Size, Vec<u8>)>,
}

impl MotionMeter {
    /// The motion score of the next frame: mean squared difference from the one before, both blurred and in `[-1, 1]`.
    ///
    /// 0 for the first frame. Give frames at the working size.
    ///
    /// # Panics
    /// If the size of frames changes.
    ///
    /// # Source
    /// FRESCO's keyframe selection.
    pub fn push(&mut self, frame: &Frame) -> f64 {
        let blurred = blur_u8(frame);
        let score = self.previous.as_ref().map_or(0.0, |(size, previous)| {
            assert_eq!(*size, frame.size(), "frames of one video have one size");
            mean_squared_difference(previous, &blurred)
        });
        self.previous = Some((frame.size(), blurred));
        score
    }
}

/// Rounded to 8 bits once, after both axes; all sums are exact in f32, so this equals OpenCV's fixed-point blur.
fn blur_u8(frame: &Frame) -> Vec<u8> {
    let kernel = BLUR_256THS.map(|weight| weight / 256.0);
    let pixels: Vec<f32> = frame
        .pixels()
        .iter()
        .map(|&value| f32::from(value))
        .collect();
    let blurred = blur(&pixels, frame.size(), &kernel);
    blurred
        .into_iter()
        .map(|value| (value + 0.5) as u8)
        .collect()
}

fn mean_squared_difference(a: &[u8], b: &[u8]) -> f64 {
    let squared = |(a, b): (&u8, &u8)| u64::from(a.abs_diff(*b)).pow(2);
    let sum: u64 = a.iter().zip(b).map(squared).sum();
    sum as f64 / (127.5 * 127.5) / a.len().max(1) as f64
}
