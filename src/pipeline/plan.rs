//! The plan of a video: its shots, their keyframes, and the batches in which keyframes are translated.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::shots::Shot;
use crate::frame::FrameIdx;

/// From the second batch of a shot on, a batch opens with this many frames that earlier batches have translated.
pub const N_ANCHORS: usize = 2;

/// Two anchors and one new frame.
pub const SMALLEST_BATCH: usize = N_ANCHORS + 1;

/// Position of a batch in the plan of a video, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchIdx(pub usize);

impl fmt::Display for BatchIdx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Keyframes of one shot that are translated together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Position of its shot in the plan.
    pub shot: usize,
    /// None in the first batch of a shot; later the shot's first keyframe and the last one of the batch before.
    ///
    /// The two are the same frame only in the reference partition, where the batch before holds a single keyframe:
    /// then it is processed twice, so that there are two recorded latents to restore in every later batch.
    pub anchors: Vec<FrameIdx>,
    /// What is translated and saved: one frame at least.
    pub new: Vec<FrameIdx>,
}

impl Batch {
    /// The frames that are processed, in order: the anchors, then the new ones.
    #[must_use]
    pub fn frames(&self) -> Vec<FrameIdx> {
        [self.anchors.as_slice(), self.new.as_slice()].concat()
    }
}

/// In-betweens that are filled together: those between two neighbouring keyframes of a shot, or between its first or
/// last keyframe and the shot's end, where there is a keyframe on one side only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Position of its shot in the plan.
    pub shot: usize,
    /// The keyframe before the in-betweens; at least one of the two is there.
    pub left: Option<FrameIdx>,
    /// The keyframe after them.
    pub right: Option<FrameIdx>,
    /// The in-betweens: one at least.
    pub frames: Range<usize>,
}

/// How keyframes are shared out among batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partition {
    /// Full batches, of which the last takes frames from the one before so that it has three new ones, or as many as
    /// fit. None is larger than allowed.
    ///
    /// Batches of even sizes calm less: with the demo model and *a cartoon*, Pixel-MSE of neighbouring keyframes was 1 % to
    /// 6 % higher with them in seven of seven runs of 10 and 16 frames, and colour drift went either way.
    #[default]
    Filled,
    /// As the reference implementation: the same, but the last batch has three new frames even where they do not fit,
    /// which is with a batch size of 3 or 4.
    Reference,
}

/// Why keyframes could not be planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A shot without keyframes.
    #[error("no keyframes in a shot; choose at least one in each")]
    NoKeyframes,
    /// No room for a new frame beside the anchors.
    #[error("batches of {batch_size} frames are too small; allow at least 3")]
    BatchTooSmall {
        /// The size asked for.
        batch_size: usize,
    },
    /// A keyframe does not come after the one before it.
    #[error("keyframe {0} is out of order; sort the keyframes and name each once")]
    OutOfOrder(FrameIdx),
    /// A keyframe lies in another shot, or in none.
    #[error("keyframe {frame} is not in shot {shot}; choose keyframes inside their shot")]
    OutsideShot {
        /// The keyframe.
        frame: FrameIdx,
        /// Position of the shot, counted from 0.
        shot: usize,
    },
}

/// Packs the keyframes of one shot into batches of at most `batch_size`, anchors included.
///
/// The first batch has no anchors. Every later one begins with the first keyframe of the shot and the last of the
/// batch before it. A single batch, even of one keyframe, is valid. Batches say that they belong to shot 0.
///
/// # Errors
/// [`PlanError::NoKeyframes`] for an empty list, [`PlanError::BatchTooSmall`] below three frames a batch,
/// [`PlanError::OutOfOrder`] if the keyframes do not ascend.
pub fn plan_batches(
    keyframes: &[FrameIdx],
    batch_size: usize,
    partition: Partition,
) -> Result<Vec<Batch>, PlanError> {
    if batch_size < SMALLEST_BATCH {
        return Err(PlanError::BatchTooSmall { batch_size });
    }
    if let Some(pair) = keyframes.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(PlanError::OutOfOrder(pair[1]));
    }
    if keyframes.is_empty() {
        return Err(PlanError::NoKeyframes);
    }
    let counts = counts(keyframes.len(), batch_size, batch_size, partition);
    Ok(pack(keyframes, &[], &counts))
}

/// Packs what `batches` hold anew, at most `batch_size` frames in each: where memory was too short for larger ones.
///
/// The first of them keeps its anchors, as the batches before it are translated.
///
/// # Panics
/// If there is no room for a new frame beside the anchors.
#[must_use]
pub fn repack(batches: &[Batch], batch_size: usize) -> Vec<Batch> {
    let shots = batches.chunk_by(|a, b| a.shot == b.shot);
    let packed = shots.flat_map(|of_shot| {
        let new: Vec<FrameIdx> = of_shot.iter().flat_map(|batch| batch.new.clone()).collect();
        let Batch { shot, anchors, .. } = &of_shot[0];
        let first = batch_size - anchors.len();
        let counts = counts(new.len(), first, batch_size, Partition::Filled);
        let of_shot = pack(&new, anchors, &counts);
        of_shot.into_iter().map(|batch| Batch {
            shot: *shot,
            ..batch
        })
    });
    packed.collect()
}

/// Batches of `counts` new frames each; the first opens with `opening`, the others with the shot's first keyframe and
/// the one before their own.
fn pack(keyframes: &[FrameIdx], opening: &[FrameIdx], counts: &[usize]) -> Vec<Batch> {
    let first = opening.first().unwrap_or(&keyframes[0]);
    let mut batches: Vec<Batch> = Vec::with_capacity(counts.len());
    let mut rest = keyframes;
    for &count in counts {
        let (new, later) = rest.split_at(count);
        rest = later;
        let last = batches.last().and_then(|batch| batch.new.last());
        batches.push(Batch {
            shot: 0,
            anchors: last.map_or(opening.to_vec(), |&last| vec![*first, last]),
            new: new.to_vec(),
        });
    }
    batches
}

/// New frames of each batch: at most `first` in the first, and in later ones what the anchors leave of `batch_size`.
fn counts(n_frames: usize, first: usize, batch_size: usize, partition: Partition) -> Vec<usize> {
    /// New frames that the last batch has if there are more batches.
    const LEAST: usize = 3;
    let room = batch_size - N_ANCHORS;
    let least = match partition {
        Partition::Filled => LEAST.min(room),
        Partition::Reference => LEAST,
    };
    let mut counts = vec![n_frames.min(first)];
    let mut rest = n_frames - counts[0];
    while rest > 0 {
        counts.push(rest.min(room));
        rest -= rest.min(room);
    }
    if let [.., before, last] = counts.as_mut_slice() {
        let moved = least.saturating_sub(*last).min(*before);
        *before -= moved;
        *last += moved;
    }
    counts.retain(|&count| count > 0);
    counts
}

/// What will be done for a whole video; shots are independent of each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    shots: Vec<Shot>,
    keyframes: Vec<FrameIdx>,
    batches: Vec<Batch>,
}

impl Plan {
    /// Plans the batches of every shot; `keyframes` has one list for each of `shots`.
    ///
    /// # Errors
    /// Those of [`plan_batches`], and [`PlanError::OutsideShot`] if a keyframe is not inside its shot.
    ///
    /// # Panics
    /// If there is not one list for each shot.
    pub fn new(
        shots: Vec<Shot>,
        keyframes: &[Vec<FrameIdx>],
        batch_size: usize,
        partition: Partition,
    ) -> Result<Self, PlanError> {
        assert_eq!(shots.len(), keyframes.len(), "keyframes for each shot");
        let mut batches = Vec::new();
        for (index, (shot, keyframes)) in shots.iter().zip(keyframes).enumerate() {
            if let Some(&frame) = keyframes.iter().find(|&&frame| !shot.contains(frame)) {
                return Err(PlanError::OutsideShot { frame, shot: index });
            }
            let of_shot = plan_batches(keyframes, batch_size, partition)?;
            batches.extend(of_shot.into_iter().map(|batch| Batch {
                shot: index,
                ..batch
            }));
        }
        Ok(Self {
            shots,
            keyframes: keyframes.concat(),
            batches,
        })
    }

    /// The plan for keyframes that exist: only the frames between them are to be made.
    ///
    /// # Errors
    /// [`PlanError::NoKeyframes`] for a shot without one, [`PlanError::OutOfOrder`], and [`PlanError::OutsideShot`] for
    /// a keyframe that is in none of `shots`.
    pub fn of_finished(shots: Vec<Shot>, keyframes: Vec<FrameIdx>) -> Result<Self, PlanError> {
        if let Some(pair) = keyframes.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(PlanError::OutOfOrder(pair[1]));
        }
        let holds = |shot: &Shot| keyframes.iter().any(|&frame| shot.contains(frame));
        if !shots.iter().all(holds) {
            return Err(PlanError::NoKeyframes);
        }
        let outside = |&&frame: &&FrameIdx| !shots.iter().any(|shot| shot.contains(frame));
        if let Some(&frame) = keyframes.iter().find(outside) {
            let shot = shots.len().saturating_sub(1);
            return Err(PlanError::OutsideShot { frame, shot });
        }
        Ok(Self {
            shots,
            keyframes,
            batches: Vec::new(),
        })
    }

    /// The shots, in order.
    #[must_use]
    pub fn shots(&self) -> &[Shot] {
        &self.shots
    }

    /// The keyframes of all shots, in order.
    #[must_use]
    pub fn keyframes(&self) -> &[FrameIdx] {
        &self.keyframes
    }

    /// The batches of all shots, in the order in which they are translated.
    #[must_use]
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// All stretches of frames that are no keyframes, in order.
    pub fn segments(&self) -> impl Iterator<Item = Segment> {
        let shots = self.shots.iter().enumerate();
        shots.flat_map(|(index, shot)| self.segments_of(index, shot))
    }

    /// Frames that are filled in: all that are no keyframes.
    #[must_use]
    pub fn n_in_betweens(&self) -> usize {
        self.segments().map(|segment| segment.frames.len()).sum()
    }

    fn segments_of(&self, index: usize, shot: &Shot) -> Vec<Segment> {
        let inside = |frame: &&FrameIdx| shot.contains(**frame);
        let keyframes: Vec<FrameIdx> = self.keyframes.iter().filter(inside).copied().collect();
        let before = std::iter::once(None).chain(keyframes.iter().copied().map(Some));
        let after = keyframes.iter().copied().map(Some).chain([None]);
        let range = shot.range();
        let segment = |(left, right): (Option<FrameIdx>, Option<FrameIdx>)| Segment {
            shot: index,
            left,
            right,
            frames: left.map_or(range.start, |left| left.0 + 1)
                ..right.map_or(range.end, |right| right.0),
        };
        let segments = before.zip(after).map(segment);
        segments
            .filter(|segment| !segment.frames.is_empty())
            .collect()
    }
}
