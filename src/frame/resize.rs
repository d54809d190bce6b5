//! The size that diffusion works at, and resampling of 8-bit pictures to it.
//!
//! Resampling follows OpenCV's rules for 8-bit pictures (Lanczos-4 enlarges, area averaging reduces), since keyframes
//! and optical flow are compared with results that were made from pictures so reduced.

use std::f64::consts::PI;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Frame, Size};

/// Both sides of a working size are multiples of this: the U-Net halves the latents, an eighth of it, three times.
const GRAIN: u32 = 64;

/// Fractions of a weight that OpenCV keeps for 8-bit pictures.
const WEIGHT_STEPS: f32 = 2048.0;

/// A frame size that diffusion can work at: both sides are multiples of 64 and not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Size", into = "Size")]
pub struct WorkingSize(Size);

/// The sides are not both multiples of 64 above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a working size of {0} is not possible; both sides must be multiples of 64")]
pub struct NotAWorkingSize(pub Size);

impl WorkingSize {
    /// Width and height in pixels.
    #[must_use]
    pub fn size(self) -> Size {
        self.0
    }

    /// Width and height of the latents: an eighth of the picture's.
    #[must_use]
    pub fn latent_size(self) -> Size {
        Size {
            width: self.0.width / 8,
            height: self.0.height / 8,
        }
    }
}

impl TryFrom<Size> for WorkingSize {
    type Error = NotAWorkingSize;

    fn try_from(size: Size) -> Result<Self, NotAWorkingSize> {
        let fits = |side: u32| side > 0 && side.is_multiple_of(GRAIN);
        if fits(size.width) && fits(size.height) {
            Ok(Self(size))
        } else {
            Err(NotAWorkingSize(size))
        }
    }
}

impl From<WorkingSize> for Size {
    fn from(working: WorkingSize) -> Self {
        working.0
    }
}

/// The working size of a video: its short side becomes `short_side`, then both sides the nearest multiple of 64.
///
/// The aspect ratio changes a little. Halfway cases go to the even multiple; no side is below 64.
#[must_use]
pub fn working_size(source: Size, short_side: u32) -> WorkingSize {
    let ratio = f64::from(short_side) / f64::from(source.width.min(source.height).max(1));
    let side = |length: u32| {
        let blocks = (f64::from(length) * ratio / f64::from(GRAIN)).round_ties_even();
        (blocks as u32).clamp(1, u32::MAX / GRAIN) * GRAIN
    };
    WorkingSize(Size {
        width: side(source.width),
        height: side(source.height),
    })
}

/// Resamples `frame` to another size; the same size gives the same picture.
///
/// Lanczos-4 without anti-aliasing if the short side grows, otherwise averages over areas.
///
/// # Panics
/// If one of the two sizes has no pixels.
///
/// # Source
/// OpenCV's `resize` with `INTER_LANCZOS4` and `INTER_AREA`; differs from it by one grey level at most.
#[must_use]
pub fn resize(frame: &Frame, to: Size) -> Frame {
    let from = frame.size();
    assert!(from.area() > 0 && to.area() > 0, "resizing {from} to {to}");
    if from == to {
        return frame.clone();
    }
    let method = Method::choose(from, to);
    let columns = method.taps(from.width, to.width);
    let rows = method.taps(from.height, to.height);
    let narrowed = resample_rows(frame, &columns);
    Frame::new(to, resample_columns(&narrowed, &rows, method.rounding()))
}

/// The source positions and weights that make one output position, along one axis.
type Taps = Vec<(usize, f32)>;

#[derive(Clone, Copy)]
enum Method {
    Lanczos,
    /// Exact averages; `quarter`: of two by two pixels, where OpenCV rounds halves up and not to even.
    Area {
        quarter: bool,
    },
    /// What OpenCV makes of an area average when one of the sides grows: two taps, wide flat parts.
    AreaLike,
}

impl Method {
    fn choose(from: Size, to: Size) -> Self {
        if to.width.min(to.height) > from.width.min(from.height) {
            Self::Lanczos
        } else if to.width <= from.width && to.height <= from.height {
            let quarter = (from.width, from.height) == (2 * to.width, 2 * to.height);
            Self::Area { quarter }
        } else {
            Self::AreaLike
        }
    }

    fn taps(self, from: u32, to: u32) -> Vec<Taps> {
        let scale = 1.0 / (f64::from(to) / f64::from(from));
        (0..to)
            .map(|position| match self {
                Self::Lanczos => lanczos_taps(position, scale, from),
                Self::Area { .. } => area_taps(position, scale, from),
                Self::AreaLike => area_like_taps(position, scale, from),
            })
            .collect()
    }

    fn rounding(self) -> fn(f32) -> f32 {
        match self {
            Self::Area { quarter: false } => f32::round_ties_even,
            _ => |value| (value + 0.5).floor(),
        }
    }
}

/// Eight taps around the centre of the output pixel; taps outside repeat the edge pixel.
fn lanczos_taps(position: u32, scale: f64, from: u32) -> Taps {
    let centre = ((f64::from(position) + 0.5) * scale - 0.5) as f32;
    let base = centre.floor();
    let fraction = f64::from(centre - base);
    let distance = |tap: i32| fraction + 3.0 - f64::from(tap);
    let raw = |tap: i32| {
        let d = distance(tap);
        if d.abs() < f64::from(f32::EPSILON) {
            1.0
        } else {
            4.0 * (PI * d).sin() * (PI * d / 4.0).sin() / (PI * d).powi(2)
        }
    };
    let sum: f64 = (0..8).map(raw).sum();
    (0..8)
        .map(|tap| {
            let source = i64::from(base as i32 + tap - 3).clamp(0, i64::from(from) - 1);
            (source as usize, in_steps((raw(tap) / sum) as f32))
        })
        .collect()
}

/// Every source pixel under the output pixel, by the share that is covered.
fn area_taps(position: u32, scale: f64, from: u32) -> Taps {
    // OpenCV leaves out slivers below this width.
    const SLIVER: f64 = 1e-3;
    let start = f64::from(position) * scale;
    let end = (start + scale).min(f64::from(from));
    let covered = |source: u32| {
        let (left, right) = (f64::from(source), f64::from(source) + 1.0);
        right.min(end) - left.max(start)
    };
    (start as u32..(end.ceil() as u32).min(from))
        .filter(|&source| covered(source) > SLIVER)
        .map(|source| (source as usize, (covered(source) / (end - start)) as f32))
        .collect()
}

/// The pixel under the left end of the output pixel, mixed with the next one where the output pixel crosses into it.
fn area_like_taps(position: u32, scale: f64, from: u32) -> Taps {
    let last = from as usize - 1;
    let left = ((f64::from(position) * scale).floor() as usize).min(last);
    let beyond = (f64::from(position) + 1.0 - (left as f64 + 1.0) / scale) as f32;
    let second = if beyond <= 0.0 || left == last {
        0.0
    } else {
        in_steps(beyond.fract())
    };
    vec![(left, 1.0 - second), ((left + 1).min(last), second)]
}

fn in_steps(weight: f32) -> f32 {
    (weight * WEIGHT_STEPS).round_ties_even() / WEIGHT_STEPS
}

/// Rows of RGB in f32, each as wide as the output.
fn resample_rows(frame: &Frame, columns: &[Taps]) -> Vec<Vec<f32>> {
    let stride = frame.size().width as usize * 3;
    let pixels = frame.pixels();
    pixels
        .par_chunks_exact(stride)
        .map(|row| {
            let mut out = Vec::with_capacity(columns.len() * 3);
            for taps in columns {
                let mut colour = [0.0_f32; 3];
                for &(source, weight) in taps {
                    for (sum, &value) in colour.iter_mut().zip(&row[source * 3..source * 3 + 3]) {
                        *sum += weight * f32::from(value);
                    }
                }
                out.extend_from_slice(&colour);
            }
            out
        })
        .collect()
}

fn resample_columns(source: &[Vec<f32>], rows: &[Taps], rounding: fn(f32) -> f32) -> Vec<u8> {
    let stride = source[0].len();
    let mut out = vec![0; rows.len() * stride];
    out.par_chunks_exact_mut(stride)
        .zip(rows)
        .for_each(|(out, taps)| {
            let mut sums = vec![0.0_f32; stride];
            for &(row, weight) in taps {
                for (sum, value) in sums.iter_mut().zip(&source[row]) {
                    *sum += weight * value;
                }
            }
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = rounding(sum) as u8;
            }
        });
    out
}
