//! Measures of a result: how steady it is along the motion of its source, and how steady its colours are.

use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::error::Error;
use super::observer::{Observer, Progress, Stage, Unit};
use crate::flow::FlowField;
use crate::flow::occlusion::{Occlusion, occlusion};
use crate::flow::ring::stack;
use crate::flow::tvl1::tvl1;
use crate::flow::warp;
use crate::frame::{Frame, lab, resize};
use crate::tensor::image::signed_from_frames;
use crate::tensor::read::{ReadError, host_values};
use crate::tensor::{Device, Tensor};
use crate::video::{self, Decoder, Ffmpeg, TimestampIndex, VideoInfo};

/// Pairs of frames whose flow is found at the same time, so that memory does not grow with the clip.
const PAIRS_AT_ONCE: usize = 8;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measures {
    /// Mean over consecutive pairs and unoccluded pixels of the squared difference between a frame and the one before
    /// it, moved along the source's flow; mean of the channels, which go from 0 to 1. None if there is no such pixel.
    pub pixel_mse: Option<f64>,
    /// Mean over frames of how far the frame's mean colour has moved since the first frame, less the source's own
    /// movement: a distance in CIELAB.
    pub colour_drift: f64,
    /// Frames of each clip.
    pub frames: usize,
    /// Seconds that the result lasts.
    pub duration_s: f64,
}

/// Compares `result` with the `source` that it was made from.
///
/// # Errors
/// [`Error::Video`] if one of them cannot be read, [`Error::Mismatch`] if they differ in length, [`Error::Cancelled`].
pub fn evaluate(
    source: &Path,
    result: &Path,
    ffmpeg: &Ffmpeg,
    observer: &dyn Observer,
) -> Result<Measures, Error> {
    observer.stage(Stage::Evaluate);
    let mut clips = Clips::open(ffmpeg, source, result)?;
    let total = clips.n_frames;
    let mut steadiness = Mean::default();
    let mut drift = Drift::default();
    let mut window: Vec<Pair> = Vec::new();
    while let Some(pair) = clips.next()? {
        observer.checkpoint()?;
        drift.add(&pair);
        window.push(pair);
        if window.len() > PAIRS_AT_ONCE {
            steadiness.join(&differences(&window)?);
            window.drain(..window.len() - 1);
        }
        observer.progress(Progress {
            done: drift.mean.count - window.len() + 1,
            total,
            unit: Unit::Frames,
        });
    }
    steadiness.join(&differences(&window)?);
    Ok(Measures {
        pixel_mse: steadiness.value(),
        colour_drift: drift.mean.value().unwrap_or_default(),
        frames: total,
        duration_s: clips.duration_secs,
    })
}

/// A frame of the source and that of the result, both of the result's size.
struct Pair {
    source: Frame,
    result: Frame,
}

/// Both clips, read side by side.
struct Clips {
    source: Decoder,
    result: Decoder,
    n_frames: usize,
    duration_secs: f64,
}

impl Clips {
    fn open(ffmpeg: &Ffmpeg, source: &Path, result: &Path) -> Result<Self, Error> {
        let look = |path: &Path| -> Result<(VideoInfo, TimestampIndex), Error> {
            let info = video::probe(ffmpeg, path)?;
            let index = TimestampIndex::read(ffmpeg, &info)?;
            Ok((info, index))
        };
        let (source_info, source_index) = look(source)?;
        let (info, index) = look(result)?;
        let n_frames = index.len();
        let (lasts, should_last) = (index.duration_secs(), source_index.duration_secs());
        // Containers round times; half a frame is no rounding.
        let frame_secs = should_last / source_index.len().max(1) as f64;
        if n_frames != source_index.len() || (lasts - should_last).abs() > frame_secs / 2.0 {
            return Err(Error::Mismatch {
                frames: [source_index.len(), n_frames],
                secs: [should_last, lasts],
                result: result.to_owned(),
            });
        }
        Ok(Self {
            source: Decoder::open(ffmpeg, &source_info, 0..n_frames)?,
            result: Decoder::open(ffmpeg, &info, 0..n_frames)?,
            n_frames,
            duration_secs: lasts,
        })
    }

    fn next(&mut self) -> Result<Option<Pair>, Error> {
        let (source, result) = (self.source.next_frame()?, self.result.next_frame()?);
        Ok(source.zip(result).map(|(source, result)| Pair {
            source: resize(&source, result.size()),
            result,
        }))
    }
}

/// A sum and what it is of.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn join(&mut self, other: &Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    fn value(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Squared differences of the consecutive pairs of a window.
fn differences(window: &[Pair]) -> Result<Mean, ReadError> {
    let flows: Vec<(FlowField, FlowField)> = window
        .par_windows(2)
        .map(|pair| {
            let (first, second) = (&pair[0].source, &pair[1].source);
            rayon::join(|| tvl1(first, second), || tvl1(second, first))
        })
        .collect();
    let mut mean = Mean::default();
    for (pair, (forward, backward)) in window.windows(2).zip(flows) {
        mean.join(&difference(&pair[0], &pair[1], forward, backward)?);
    }
    Ok(mean)
}

/// Sum of the squared differences of one pair of frames, and how many pixels are not occluded.
fn difference(
    first: &Pair,
    second: &Pair,
    forward: FlowField,
    backward: FlowField,
) -> Result<Mean, ReadError> {
    let device = Device::flex();
    let levels = |frame: &Frame| (signed_from_frames(&[frame], &device) + 1.0) * 127.5;
    let (forward, backward) = (stack(&[forward], &device), stack(&[backward], &device));
    let Occlusion {
        backward: hidden, ..
    } = occlusion(
        &levels(&first.source),
        &levels(&second.source),
        &forward,
        &backward,
    );
    let moved = warp(&levels(&first.result), &backward);
    let difference: Tensor<4> = (moved - levels(&second.result)) / 255.0;
    let squares = host_values((difference.clone() * difference).mean_dim(1))?;
    let mut mean = Mean::default();
    for (square, hidden) in squares.iter().zip(host_values(hidden)?) {
        if hidden < 0.5 {
            mean.sum += f64::from(*square);
            mean.count += 1;
        }
    }
    Ok(mean)
}

/// How mean colours move away from those of the first frame.
#[derive(Default)]
struct Drift {
    /// Mean colour of the first result frame less that of the first source frame.
    start: Option<[f64; 3]>,
    mean: Mean,
}

impl Drift {
    fn add(&mut self, pair: &Pair) {
        let (source, result) = (mean_lab(&pair.source), mean_lab(&pair.result));
        let apart = [0, 1, 2].map(|c| result[c] - source[c]);
        let start = *self.start.get_or_insert(apart);
        let moved = [0, 1, 2].map(|c| (apart[c] - start[c]).powi(2));
        self.mean.join(&Mean {
            sum: moved.iter().sum::<f64>().sqrt(),
            count: 1,
        });
    }
}

/// The mean of a frame's pixels in CIELAB.
fn mean_lab(frame: &Frame) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for pixel in lab(frame) {
        for (sum, value) in sums.iter_mut().zip(pixel) {
            *sum += value;
        }
    }
    sums.map(|sum| sum / frame.size().area() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    const SIZE: Size = Size {
        width: 48,
        height: 40,
    };

    fn flat(colour: [u8; 3]) -> Frame {
        Frame::from_fn(SIZE, |_, _| colour)
    }

    fn textured(shift: u32, light: u8) -> Frame {
        Frame::from_fn(SIZE, |x, y| {
            let (x, y) = ((x + shift) as f32, y as f32);
            let wave = (0.31 * x + 0.2 * y).sin() + (0.47 * y - 0.23 * x).cos();
            [(90.0 + 40.0 * wave) as u8 + light; 3]
        })
    }

    #[test]
    fn known_colours_have_their_lab_values() {
        for (colour, want) in [
            ([255, 255, 255], [100.0, 0.0, 0.0]),
            ([0, 0, 0], [0.0, 0.0, 0.0]),
            ([255, 0, 0], [53.24, 80.09, 67.20]),
        ] {
            let got = mean_lab(&flat(colour));
            for (got, want) in got.iter().zip(want) {
                assert!((got - want).abs() < 0.02, "{colour:?}: {got} for {want}");
            }
        }
    }

    #[test]
    fn drift_is_the_result_s_own_movement() {
        let mut drift = Drift::default();
        let levels = [(100, 50), (120, 50), (100, 90)];
        for (source, result) in levels {
            drift.add(&Pair {
                source: flat([source; 3]),
                result: flat([result; 3]),
            });
        }
        let lightness = |level: u8| mean_lab(&flat([level; 3]))[0];
        let own = lightness(120) - lightness(100);
        let want = (own + lightness(90) - lightness(50)) / 3.0;
        assert!((drift.mean.value().unwrap() - want).abs() < 1e-6);
    }

    #[test]
    fn a_flicker_is_measured_where_the_motion_is_known() {
        let pair = |shift, light| Pair {
            source: textured(shift, 0),
            result: textured(shift, light),
        };
        let steady = differences(&[pair(0, 0), pair(2, 0), pair(4, 0)]).unwrap();
        assert!(steady.count > 2 * SIZE.area() / 2, "most pixels are seen");
        assert!(
            steady.value().unwrap() < 3e-5,
            "{}",
            steady.value().unwrap()
        );
        let flicker = differences(&[pair(0, 0), pair(2, 51), pair(4, 0)]).unwrap();
        assert!(
            (flicker.value().unwrap() - 0.04).abs() < 2e-3,
            "{}",
            flicker.value().unwrap()
        );
    }
}
