//! Cut detection: where one shot ends and the next begins.
//!
//! Two neighbouring frames belong to different shots when both their colours and their contents differ: colours by
//! histograms, contents by how badly the blocks of one are found again, shifted, in the other. Motion changes the
//! second a little and the first hardly; a pan moves blocks but brings the same colours; only a cut changes both
//! much, and more than the frames around it do. A single frame that is lit differently (a flash) is not a cut.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::frame::{Frame, FrameIdx, Size, resize};

/// Frames are compared at this size, whatever their own.
const THUMBNAIL: Size = Size {
    width: 32,
    height: 18,
};

/// Thumbnails are matched block by block; 4 × 3 blocks.
const BLOCK: Size = Size {
    width: 8,
    height: 6,
};

/// How far a block may have moved along each axis, in thumbnail pixels: a quarter of the picture.
const REACH: Size = Size {
    width: 8,
    height: 4,
};

/// The best of the blocks that count: the others may have come into view from outside.
const MATCHED_BLOCKS: usize = 9;

/// Bins of each of the three histograms: luma and two colour differences.
const BINS: usize = 16;

/// Mean absolute difference of matched blocks, and histogram distance, that together make a change of 1.
/// Within real shots the change was at most 0.3 (0.7 with three of four frames dropped), between shots at least 2.3.
const BLOCK_UNIT: f32 = 0.05;
const COLOUR_UNIT: f32 = 0.12;

/// Below this, a change is no cut.
const POSSIBLE_CUT: f32 = 1.0;
/// From this on, a change is a cut whatever the frames around it do: short shots may follow each other.
const CERTAIN_CUT: f32 = 2.5;
/// In between, it has to exceed the median change around it by this factor.
const PROMINENCE: f32 = 3.0;
/// Frames on either side that count as around.
const NEIGHBOURHOOD: usize = 6;

/// The frames before and after a flash differ by less than this share of the changes at the flash.
const FLASH_SHARE: f32 = 0.5;
/// A flash keeps the picture: its luma correlates this much with the frame before.
const FLASH_CORRELATION: f32 = 0.5;
/// Or drowns it: its luma varies less than this (standard deviation, of 255).
const FLASH_CONTRAST: f32 = 4.0;

/// Frames between two cuts; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Range<usize>", into = "Range<usize>")]
pub struct Shot(Range<usize>);

/// A shot without frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shot has at least one frame")]
pub struct EmptyShot;

impl Shot {
    /// Positions of its frames in the video.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.0.clone()
    }

    /// Its first frame.
    #[must_use]
    pub fn first(&self) -> FrameIdx {
        FrameIdx(self.0.start)
    }

    /// Its last frame.
    #[must_use]
    pub fn last(&self) -> FrameIdx {
        FrameIdx(self.0.end - 1)
    }

    /// How many frames it has: one at least.
    #[must_use]
    pub fn n_frames(&self) -> usize {
        self.0.len()
    }

    /// Whether `frame` is one of its frames.
    #[must_use]
    pub fn contains(&self, frame: FrameIdx) -> bool {
        self.0.contains(&frame.0)
    }
}

impl TryFrom<Range<usize>> for Shot {
    type Error = EmptyShot;

    fn try_from(range: Range<usize>) -> Result<Self, EmptyShot> {
        if range.is_empty() {
            Err(EmptyShot)
        } else {
            Ok(Self(range))
        }
    }
}

impl From<Shot> for Range<usize> {
    fn from(shot: Shot) -> Self {
        shot.0
    }
}

/// Splits `frames` before every frame of `cuts`; cuts at or outside the ends and repeated ones do nothing.
#[must_use]
pub fn shots_between(frames: Range<usize>, cuts: &[FrameIdx]) -> Vec<Shot> {
    let mut bounds: Vec<usize> = cuts.iter().map(|cut| cut.0).collect();
    bounds.retain(|cut| frames.contains(cut));
    bounds.extend([frames.start, frames.end]);
    bounds.sort_unstable();
    bounds
        .windows(2)
        .filter_map(|ends| Shot::try_from(ends[0]..ends[1]).ok())
        .collect()
}

/// Finds cuts in frames given one at a time; keeps two thumbnails, and a few bytes for each frame.
#[derive(Default)]
pub struct ShotDetector {
    /// What happened at each frame so far.
    steps: Vec<Step>,
    before_last: Option<Look>,
    last: Option<Look>,
}

#[derive(Clone, Copy)]
struct Step {
    /// How much the frame differs from the one before it; 0 for the first.
    change: f32,
    flash: bool,
}

impl ShotDetector {
    /// Takes the next frame, of any size.
    pub fn push(&mut self, frame: &Frame) {
        let look = Look::of(frame);
        let change = self.last.as_ref().map_or(0.0, |last| last.change_to(&look));
        if let (Some(before), Some(last), Some(step)) =
            (&self.before_last, &self.last, self.steps.last_mut())
        {
            step.flash = is_flash(before, last, &look, step.change.min(change));
        }
        self.steps.push(Step {
            change,
            flash: false,
        });
        self.before_last = self.last.replace(look);
    }

    /// First frames of all shots but the first, counted from 0 for the first frame given.
    #[must_use]
    pub fn cuts(&self) -> Vec<FrameIdx> {
        (1..self.steps.len())
            .filter(|&frame| self.is_cut(frame))
            .map(FrameIdx)
            .collect()
    }

    fn is_cut(&self, frame: usize) -> bool {
        let change = self.steps[frame].change;
        if change < POSSIBLE_CUT || self.steps[frame].flash || self.steps[frame - 1].flash {
            return false;
        }
        change >= CERTAIN_CUT || change >= PROMINENCE * self.median_around(frame)
    }

    fn median_around(&self, frame: usize) -> f32 {
        let first = frame.saturating_sub(NEIGHBOURHOOD).max(1);
        let end = (frame + NEIGHBOURHOOD + 1).min(self.steps.len());
        let around = (first..end).filter(|&other| other != frame);
        let mut changes: Vec<f32> = around.map(|other| self.steps[other].change).collect();
        changes.sort_by(f32::total_cmp);
        changes.get(changes.len() / 2).copied().unwrap_or(0.0)
    }
}

/// Whether `middle` is a picture of the same scene in another light; `change` is the smaller change on its two sides.
fn is_flash(before: &Look, middle: &Look, after: &Look, change: f32) -> bool {
    change >= POSSIBLE_CUT
        && before.change_to(after) < (FLASH_SHARE * change).min(POSSIBLE_CUT)
        && (middle.luma_deviation() < FLASH_CONTRAST
            || before.luma_correlation(middle) > FLASH_CORRELATION)
}

/// What is kept of a frame to compare it with others.
struct Look {
    thumbnail: Frame,
    luma: Vec<f32>,
    histograms: [[f32; BINS]; 3],
}

impl Look {
    fn of(frame: &Frame) -> Self {
        let thumbnail = resize(frame, THUMBNAIL);
        let mut histograms = [[0.0; BINS]; 3];
        let mut luma = Vec::with_capacity(THUMBNAIL.area());
        for pixel in thumbnail.pixels().chunks_exact(3) {
            let [r, g, b] = [0, 1, 2].map(|c| f32::from(pixel[c]) / 255.0);
            // BT.601; colour differences rarely leave the middle half of their range, which the bins divide.
            let y = 0.299 * r + 0.587 * g + 0.114 * b;
            count(&mut histograms[0], y);
            count(&mut histograms[1], 0.5 + 2.0 * 0.564 * (b - y));
            count(&mut histograms[2], 0.5 + 2.0 * 0.713 * (r - y));
            luma.push(y * 255.0);
        }
        Self {
            thumbnail,
            luma,
            histograms,
        }
    }

    /// The geometric mean of the two distances, each in its own unit: both have to be large.
    fn change_to(&self, next: &Self) -> f32 {
        let content = self.block_distance(next) / BLOCK_UNIT;
        let colour = self.colour_distance(next) / COLOUR_UNIT;
        (content * colour).sqrt()
    }

    /// Share of pixels that changed their bin, averaged over the three histograms.
    fn colour_distance(&self, other: &Self) -> f32 {
        let pairs = self
            .histograms
            .iter()
            .flatten()
            .zip(other.histograms.iter().flatten());
        pairs.map(|(a, b)| (a - b).abs()).sum::<f32>() / 6.0
    }

    /// Mean absolute difference of `next`'s blocks from where they fit best in this picture, in `[0, 1]`.
    fn block_distance(&self, next: &Self) -> f32 {
        let padded = self.padded();
        let columns = (0..THUMBNAIL.width).step_by(BLOCK.width as usize);
        let rows = (0..THUMBNAIL.height).step_by(BLOCK.height as usize);
        let mut fits: Vec<u32> = rows
            .flat_map(|y| columns.clone().map(move |x| (x, y)))
            .map(|(x, y)| best_fit(&padded, next.thumbnail.pixels(), x as usize, y as usize))
            .collect();
        fits.sort_unstable();
        let sum: u32 = fits[..MATCHED_BLOCKS].iter().sum();
        sum as f32 / (MATCHED_BLOCKS * BLOCK.area() * 3) as f32 / 255.0
    }

    /// The thumbnail with its edges repeated as far as blocks may move.
    fn padded(&self) -> Vec<u8> {
        let inside =
            |position: u32, reach: u32, length: u32| position.saturating_sub(reach).min(length - 1);
        (0..THUMBNAIL.height + 2 * REACH.height)
            .flat_map(|y| (0..PADDED_WIDTH as u32).map(move |x| (x, y)))
            .flat_map(|(x, y)| {
                let x = inside(x, REACH.width, THUMBNAIL.width);
                self.thumbnail
                    .at(x, inside(y, REACH.height, THUMBNAIL.height))
            })
            .collect()
    }

    fn luma_mean(&self) -> f32 {
        self.luma.iter().sum::<f32>() / self.luma.len() as f32
    }

    fn luma_deviation(&self) -> f32 {
        self.luma_product(self).sqrt()
    }

    fn luma_correlation(&self, other: &Self) -> f32 {
        let scale = self.luma_deviation() * other.luma_deviation();
        self.luma_product(other) / scale.max(f32::MIN_POSITIVE)
    }

    fn luma_product(&self, other: &Self) -> f32 {
        let (mean, other_mean) = (self.luma_mean(), other.luma_mean());
        let products = self.luma.iter().zip(&other.luma);
        let sum: f32 = products.map(|(a, b)| (a - mean) * (b - other_mean)).sum();
        sum / self.luma.len() as f32
    }
}

const PADDED_WIDTH: usize = (THUMBNAIL.width + 2 * REACH.width) as usize;

/// Adds one pixel, shared between the two nearest bins so that a small shift of brightness stays a small distance.
fn count(histogram: &mut [f32; BINS], value: f32) {
    let position = (value * BINS as f32 - 0.5).clamp(0.0, (BINS - 1) as f32);
    let bin = (position as usize).min(BINS - 2);
    let share = (position - bin as f32) / THUMBNAIL.area() as f32;
    histogram[bin] += 1.0 / THUMBNAIL.area() as f32 - share;
    histogram[bin + 1] += share;
}

/// The smallest sum of absolute differences between the block at `(x, y)` and the padded picture around that place.
fn best_fit(padded: &[u8], picture: &[u8], x: usize, y: usize) -> u32 {
    let shifts_down = 0..=2 * REACH.height as usize;
    let shifts = shifts_down.flat_map(|dy| (0..=2 * REACH.width as usize).map(move |dx| (dx, dy)));
    let n = BLOCK.width as usize * 3;
    let misfit = |(dx, dy): (usize, usize)| -> u32 {
        let row_misfit = |row: usize| -> u32 {
            let there = &padded[((y + row + dy) * PADDED_WIDTH + x + dx) * 3..][..n];
            let here = &picture[((y + row) * THUMBNAIL.width as usize + x) * 3..][..n];
            there
                .iter()
                .zip(here)
                .map(|(a, b)| u32::from(a.abs_diff(*b)))
                .sum()
        };
        (0..BLOCK.height as usize).map(row_misfit).sum()
    };
    shifts.map(misfit).min().unwrap_or(0)
}
