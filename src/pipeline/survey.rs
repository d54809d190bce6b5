//! A first look at a whole source: its shots, its motion and small pictures, before anything is written to disk.
//!
//! The window opens with this; a translation looks again at its own frames, which are kept.

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::keyframes::{KeyframeGap, KeyframeRule, MotionMeter, select_keyframes};
use super::observer::Cancelled;
use super::shots::{Shot, ShotDetector, shots_between};
use crate::frame::{Frame, FrameIdx, Size, resize, working_size};
use crate::video::{Decoder, Ffmpeg, TimestampIndex, VideoInfo};

/// Short side at which frames are looked at, if theirs is not shorter.
const LOOK_SIDE: u32 = 480;

/// Short side at which motion is measured: the order of the scores hardly depends on it.
const MOTION_SIDE: u32 = 256;

/// Long side of the small pictures.
const THUMBNAIL_SIDE: u32 = 160;

/// Small pictures of a video, spread evenly.
const MOST_THUMBNAILS: usize = 400;

/// What planning needs to know of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// Stretches without a cut, which cover the frames.
    shots: Vec<Shot>,
    /// How much each frame differs from the one before; the first has 0.
    motion: Vec<f64>,
}

impl Survey {
    /// Wraps the first frames of all shots but the first, and a motion score for each frame.
    #[must_use]
    pub fn new(cuts: &[FrameIdx], motion: Vec<f64>) -> Self {
        Self {
            shots: shots_between(0..motion.len(), cuts),
            motion,
        }
    }

    /// How many frames there are.
    #[must_use]
    pub fn n_frames(&self) -> usize {
        self.motion.len()
    }

    /// Stretches without a cut.
    #[must_use]
    pub fn shots(&self) -> &[Shot] {
        &self.shots
    }

    /// First frames of all shots but the first.
    #[must_use]
    pub fn cuts(&self) -> Vec<FrameIdx> {
        self.shots.iter().skip(1).map(Shot::first).collect()
    }

    /// How much each frame differs from the one before.
    #[must_use]
    pub fn motion(&self) -> &[f64] {
        &self.motion
    }

    /// The keyframes of some shots, as their gap and a rule suggest.
    #[must_use]
    pub fn suggest_keyframes(
        &self,
        shots: &[Shot],
        gap: KeyframeGap,
        rule: KeyframeRule,
    ) -> Vec<FrameIdx> {
        let in_shot = |shot: &Shot| match self.motion.get(shot.range()) {
            Some(scores) => select_keyframes(shot, gap, scores, rule),
            None => Vec::new(),
        };
        shots.iter().flat_map(in_shot).collect()
    }

    /// The frame within `reach` of another at which motion is least: there a keyframe is sharpest.
    #[must_use]
    pub fn calmest_near(&self, frame: FrameIdx, reach: usize) -> FrameIdx {
        let first = frame.0.saturating_sub(reach);
        let end = (frame.0 + reach + 1).min(self.n_frames());
        let calm = |a: &usize, b: &usize| {
            let scores = self.motion[*a].total_cmp(&self.motion[*b]);
            scores.then(a.abs_diff(frame.0).cmp(&b.abs_diff(frame.0)))
        };
        FrameIdx((first..end).min_by(calm).unwrap_or(frame.0))
    }
}

/// What is given of a frame that was looked at.
#[derive(Debug)]
pub struct Look {
    /// Which frame.
    pub frame: FrameIdx,
    /// Its picture, with a short side of at most 480 pixels.
    pub picture: Frame,
    /// Now and then, a much smaller one.
    pub thumbnail: Option<Frame>,
}

/// Looks at every frame that `times` knows. `watch` is given each, and says whether to go on.
///
/// FFmpeg reduces the frames, which is quicker than to hand them over whole.
///
/// # Errors
/// [`Error::Video`] if reading fails, [`Error::Cancelled`].
pub fn survey(
    ffmpeg: &Ffmpeg,
    info: &VideoInfo,
    times: &TimestampIndex,
    watch: &mut dyn FnMut(Look) -> Result<(), Cancelled>,
) -> Result<Survey, Error> {
    let n_frames = times.len();
    let motion_size = working_size(info.display_size, MOTION_SIDE).size();
    let small = thumbnail_size(info.display_size);
    let every = n_frames.div_ceil(MOST_THUMBNAILS).max(1);
    let (mut detector, mut meter) = (ShotDetector::default(), MotionMeter::default());
    let mut motion = Vec::with_capacity(n_frames);
    let reduced = VideoInfo {
        display_size: look_size(info.display_size),
        ..info.clone()
    };
    let mut decoder = Decoder::open(ffmpeg, &reduced, 0..n_frames)?;
    while let Some(picture) = decoder.next_frame()? {
        let frame = FrameIdx(motion.len());
        let measured = resize(&picture, motion_size);
        detector.push(&measured);
        motion.push(meter.push(&measured));
        let thumbnail = (frame.0.is_multiple_of(every)).then(|| resize(&picture, small));
        watch(Look {
            frame,
            picture,
            thumbnail,
        })?;
    }
    Ok(Survey::new(&detector.cuts(), motion))
}

/// The size at which frames of a video are looked at.
fn look_size(shown: Size) -> Size {
    let short = shown.width.min(shown.height).max(1);
    shown.scaled((f64::from(LOOK_SIDE) / f64::from(short)).min(1.0))
}

/// The size of small pictures of a video.
fn thumbnail_size(shown: Size) -> Size {
    shown.scaled(f64::from(THUMBNAIL_SIDE) / f64::from(shown.width.max(shown.height).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbnails_keep_the_shape() {
        let size = |width, height| thumbnail_size(Size { width, height });
        let found = |size: Size| (size.width, size.height);
        assert_eq!(found(size(1920, 1080)), (160, 90));
        assert_eq!(found(size(1080, 1920)), (90, 160));
        assert_eq!(found(size(4000, 10)), (160, 1));
    }

    #[test]
    fn frames_are_looked_at_small_but_never_enlarged() {
        let size = |width, height| look_size(Size { width, height });
        let found = |size: Size| (size.width, size.height);
        assert_eq!(found(size(1920, 1080)), (853, 480));
        assert_eq!(found(size(2160, 3840)), (480, 853));
        assert_eq!(found(size(640, 360)), (640, 360));
    }

    #[test]
    fn the_calmest_frame_is_found_and_the_nearest_of_equals() {
        let survey = Survey::new(&[], vec![0.0, 3.0, 1.0, 5.0, 1.0, 2.0]);
        let near = |frame, reach| survey.calmest_near(FrameIdx(frame), reach).0;
        assert_eq!((near(3, 1), near(5, 1), near(1, 1)), (2, 4, 0));
        assert_eq!((near(3, 0), near(9, 1)), (3, 9));
    }
}
