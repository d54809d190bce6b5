//! The small types a [`JobSpec`](super::JobSpec) is made of, and how they are written on a command
//! line.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum as _;
use clap::builder::PossibleValue;
use serde::{Deserialize, Serialize};

use super::loras::LoraSpec;
use crate::annotators::Annotator;
use crate::frame::FrameIdx;
pub use crate::synth::Preset as FillPreset;

/// An option's text does not have the form it should have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{expected}, not \"{found}\"")]
pub struct ParseOptionError {
    /// The form it should have.
    pub expected: &'static str,
    /// What was given.
    pub found: String,
}

pub(super) fn unexpected(expected: &'static str, found: &str) -> ParseOptionError {
    ParseOptionError {
        expected,
        found: found.to_owned(),
    }
}

/// Control image: which structure of the source is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ControlKind {
    /// Edges at two scales; needs no weights.
    SoftEdges,
    /// Thin lines.
    Canny,
    /// Edges found by the network HED; needs ControlNetHED.pth in the models folder.
    Hed,
    /// How near everything is; needs a depth network in the models folder.
    Depth,
    /// No control image.
    None,
}

/// As it is named on a command line.
impl fmt::Display for ControlKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SoftEdges => "soft-edges",
            Self::Canny => "canny",
            Self::Hed => "hed",
            Self::Depth => "depth",
            Self::None => "none",
        })
    }
}

impl ControlKind {
    /// What draws it; nothing if there is nothing to draw.
    #[must_use]
    pub fn annotator(self, CannyThresholds { low, high }: CannyThresholds) -> Option<Annotator> {
        match self {
            Self::SoftEdges => Some(Annotator::SoftEdges),
            Self::Canny => Some(Annotator::Canny { low, high }),
            Self::Hed => Some(Annotator::Hed),
            Self::Depth => Some(Annotator::Depth),
            Self::None => None,
        }
    }
}

/// Another program whose choices are followed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Compat {
    /// The authors' implementation of FRESCO.
    Reference,
}

impl clap::ValueEnum for FillPreset {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Best => ("best", "closest to the optimum, about twice the time"),
            Self::Default => ("default", "hardly less, in half the time"),
            Self::Fast => ("fast", "for a result that is soon there"),
            Self::Draft => ("draft", "for a first look"),
            Self::Parity => (
                "parity",
                "every pixel searched every time, as the reference does",
            ),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// Words appended to the prompt of one keyframe; written `24=, eyes closed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraWords {
    /// The keyframe.
    pub frame: FrameIdx,
    /// Appended as it is, without a space or comma of its own.
    pub text: String,
}

impl FromStr for ExtraWords {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "expected a frame number, \"=\" and words";
        let (frame, words) = text.split_once('=').ok_or_else(|| unexpected(form, text))?;
        let frame = parse_frame(frame).map_err(|_| unexpected(form, text))?;
        Ok(Self {
            frame,
            text: words.to_owned(),
        })
    }
}

/// Frames `start` to `end`, counted from 0, without `end`; written `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRange {
    /// First frame.
    pub start: usize,
    /// One past the last frame.
    pub end: usize,
}

impl FromStr for FrameRange {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once("..").and_then(|(start, end)| {
            Some(Self {
                start: start.trim().parse().ok()?,
                end: end.trim().parse().ok()?,
            })
        });
        numbers.ok_or_else(|| unexpected("expected two frame numbers as in 0..48", text))
    }
}

impl From<FrameRange> for Range<usize> {
    fn from(range: FrameRange) -> Self {
        range.start..range.end
    }
}

/// First frames of all shots but the first; written as numbers with commas between, or `none`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CutList(pub Vec<FrameIdx>);

impl FromStr for CutList {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "none" {
            return Ok(Self::default());
        }
        let frames = text.split(',').map(parse_frame).collect::<Result<_, _>>();
        let form = "expected frame numbers with commas between, or \"none\"";
        frames.map(Self).map_err(|_| unexpected(form, text))
    }
}

/// The two thresholds of Canny's hysteresis; written `low,high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CannyThresholds {
    /// Gradients below are no edge.
    pub low: u8,
    /// Gradients above are an edge.
    pub high: u8,
}

impl fmt::Display for CannyThresholds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.low, self.high)
    }
}

impl FromStr for CannyThresholds {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once(',').and_then(|(low, high)| {
            Some(Self {
                low: low.trim().parse().ok()?,
                high: high.trim().parse().ok()?,
            })
        });
        numbers.ok_or_else(|| unexpected("expected two numbers from 1 to 255 as in 50,100", text))
    }
}

/// A ControlNet and how it is used; written `path,weight=1,start=0,end=1,control=depth,clip=file`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ControlNetSpec {
    /// Its folder.
    pub path: PathBuf,
    /// Factor on its residuals, on top of the job's control strength.
    pub weight: f32,
    /// Share of the denoising steps after which it begins to act.
    pub start: f32,
    /// Share of the denoising steps after which it no longer acts.
    pub end: f32,
    /// What its control images show, if not what those of the job do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlKind>,
    /// Video of ready-made control images; without one they are made from the source.
    pub clip: Option<PathBuf>,
}

impl Default for ControlNetSpec {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            weight: 1.0,
            start: 0.0,
            end: 1.0,
            control: None,
            clip: None,
        }
    }
}

impl FromStr for ControlNetSpec {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "expected PATH[,weight=X][,start=X][,end=X][,control=KIND][,clip=FILE], \
                    with commas in paths written \"\\,\"";
        let mut parts = split_unescaped(text).into_iter();
        let path = parts.next().filter(|path| !path.is_empty());
        let mut spec = Self {
            path: path.ok_or_else(|| unexpected(form, text))?.into(),
            ..Self::default()
        };
        for part in parts {
            spec.set(&part).ok_or_else(|| unexpected(form, text))?;
        }
        Ok(spec)
    }
}

impl ControlNetSpec {
    /// The control that is drawn for it, where `usual` is that of the job; nothing if it has a clip.
    #[must_use]
    pub fn drawn(&self, usual: ControlKind) -> Option<ControlKind> {
        let control = self.control.unwrap_or(usual);
        self.clip.is_none().then_some(control)
    }

    fn set(&mut self, part: &str) -> Option<()> {
        let (name, value) = part.split_once('=')?;
        match name.trim() {
            "weight" => self.weight = value.trim().parse().ok()?,
            "start" => self.start = value.trim().parse().ok()?,
            "end" => self.end = value.trim().parse().ok()?,
            "control" => self.control = Some(ControlKind::from_str(value.trim(), false).ok()?),
            "clip" if !value.is_empty() => self.clip = Some(value.into()),
            _ => return None,
        }
        Some(())
    }
}

impl FromStr for LoraSpec {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "expected PATH=STRENGTH, as in style.safetensors=0.8";
        let (path, strength) = text.rsplit_once('=').unwrap_or((text, "1"));
        let strength = strength.trim().parse();
        match strength {
            Ok(strength) if !path.is_empty() => Ok(Self {
                path: path.into(),
                strength,
            }),
            _ => Err(unexpected(form, text)),
        }
    }
}

/// Splits at commas, except at `\,`, which becomes a plain comma; other backslashes stay, as paths
/// have them.
fn split_unescaped(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ',' => parts.push(String::new()),
            '\\' if characters.peek() == Some(&',') => {
                characters.next();
                append(&mut parts, ',');
            }
            other => append(&mut parts, other),
        }
    }
    parts
}

fn append(parts: &mut [String], character: char) {
    if let Some(last) = parts.last_mut() {
        last.push(character);
    }
}

/// Reads a frame number of the command line.
pub(super) fn parse_frame(text: &str) -> Result<FrameIdx, ParseOptionError> {
    text.trim()
        .parse()
        .map(FrameIdx)
        .map_err(|_| unexpected("expected a frame number, counted from 0", text))
}
