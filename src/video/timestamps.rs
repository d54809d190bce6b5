//! When each frame is shown: the only source of frame counts and times.

use std::io::{BufRead as _, BufReader};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::frame::FrameIdx;

use super::check;
use super::decode::source_args;
use super::error::VideoError;
use super::ffmpeg::Ffmpeg;
use super::info::VideoInfo;
use super::process::Process;
use super::ratio::Ratio;

/// Presentation timestamps of all frames, in presentation order, and the time at which the last one ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimestampIndex {
    time_base: Ratio,
    pts: Vec<i64>,
    end: i64,
}

impl TimestampIndex {
    /// Wraps timestamps in ticks of `time_base`; `end` is when the last frame ends.
    ///
    /// # Panics
    /// If the times decrease or `end` is not after the last one.
    #[must_use]
    pub fn new(time_base: Ratio, pts: Vec<i64>, end: i64) -> Self {
        assert!(pts.is_sorted(), "presentation order");
        assert!(
            pts.last().is_none_or(|&last| last < end),
            "the last frame has a duration"
        );
        Self {
            time_base,
            pts,
            end,
        }
    }

    /// `n_frames` frames at a constant rate, from 0.
    #[must_use]
    pub fn constant(rate: Ratio, n_frames: usize) -> Self {
        Self::new(
            rate.inverse(),
            (0..n_frames as i64).collect(),
            n_frames.max(1) as i64,
        )
    }

    /// Decodes the whole video and notes the time of every frame.
    ///
    /// # Errors
    /// [`VideoError::Broken`] if reading ends early, with the number of frames that can be used, and
    /// [`VideoError::TooShort`] for a single frame.
    pub fn read(ffmpeg: &Ffmpeg, info: &VideoInfo) -> Result<Self, VideoError> {
        match Self::read_usable(ffmpeg, info)? {
            (_, Some(error)) => Err(error),
            (index, None) if index.len() == 1 => Err(VideoError::TooShort {
                path: info.path.clone(),
            }),
            (index, None) => Ok(index),
        }
    }

    /// Like [`Self::read`], but a damaged video gives the frames that can be used together with the error.
    ///
    /// # Errors
    /// If no frame can be read, or FFmpeg does not start.
    pub fn read_usable(
        ffmpeg: &Ffmpeg,
        info: &VideoInfo,
    ) -> Result<(Self, Option<VideoError>), VideoError> {
        Self::read_stoppable(ffmpeg, info, || Ok(()))
    }

    /// Like [`Self::read_usable`], asking `checkpoint` at every frame whether to go on: this may take minutes.
    ///
    /// # Errors
    /// As [`Self::read_usable`], and what `checkpoint` gives.
    pub fn read_stoppable<E: From<VideoError>>(
        ffmpeg: &Ffmpeg,
        info: &VideoInfo,
        mut checkpoint: impl FnMut() -> Result<(), E>,
    ) -> Result<(Self, Option<VideoError>), E> {
        let mut command = ffmpeg.command();
        command.arg("-noautorotate");
        source_args(&mut command, ffmpeg, info);
        command.args([
            "-fps_mode",
            "passthrough",
            "-enc_time_base",
            &info.time_base.to_string(),
        ]);
        command.args(["-c:v", "rawvideo", "-f", "framecrc", "pipe:1"]);
        let mut process = Process::start(ffmpeg, &mut command)?;

        // A claim may be wrong, and may be absurd: it only saves growing.
        let likely = info.claimed_frames.unwrap_or(0).min(1 << 20);
        let mut pts: Vec<i64> = Vec::with_capacity(likely);
        let step = nominal_step(info);
        for line in process
            .take_stdout()
            .into_iter()
            .flat_map(|stdout| BufReader::new(stdout).lines())
        {
            checkpoint()?;
            let Ok(line) = line else { break };
            if let Some(read) = parse_frame(&line) {
                // A frame without a time, or with one before its predecessor's, follows it at the usual distance.
                let earliest = pts.last().map_or(NO_TIME / 2, |&last| last);
                let follow = || pts.last().map_or(0, |&last| last + step);
                let time = if read < earliest { follow() } else { read };
                pts.push(time);
            }
        }
        let ending = process.finish();

        let n_frames = pts.len();
        let last_packet = check::last_packet(ffmpeg, info)?;
        // A file may lack frames at its beginning or have hidden ones; what counts is whether its end is reached.
        let stopped =
            !ending.log.is_empty() && last_packet.map(|(pts, _)| pts) > pts.last().copied();
        let broken = || VideoError::Broken {
            path: info.path.clone(),
            readable: n_frames,
            total: info.claimed_frames.filter(|&claimed| claimed > n_frames),
        };
        let damaged = !ending.success || ending.truncated() || stopped;
        let Some(&last) = pts.last() else {
            let error = if damaged || ending.log.is_empty() {
                broken()
            } else {
                ending.error(&info.path)
            };
            return Err(error.into());
        };
        if damaged {
            tracing::warn!(
                n_frames,
                log = ending.log.join("; "),
                "the video is damaged"
            );
        }
        let end = match last_packet {
            Some((pts, end)) if pts == last && !damaged => end,
            _ => {
                last + pts
                    .iter()
                    .rev()
                    .nth(1)
                    .map_or(step, |before| last - before)
                    .max(1)
            }
        };
        Ok((Self::new(info.time_base, pts, end), damaged.then(broken)))
    }

    /// Seconds a tick lasts.
    #[must_use]
    pub fn time_base(&self) -> Ratio {
        self.time_base
    }

    /// Number of frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pts.len()
    }

    /// Whether there are no frames.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pts.is_empty()
    }

    /// Timestamps in ticks, one a frame.
    #[must_use]
    pub fn pts(&self) -> &[i64] {
        &self.pts
    }

    /// When the last frame ends, in ticks.
    #[must_use]
    pub fn end(&self) -> i64 {
        self.end
    }

    /// When a frame is shown, in seconds on the clock of the file.
    ///
    /// # Panics
    /// If there is no such frame.
    #[must_use]
    pub fn seconds(&self, frame: FrameIdx) -> f64 {
        self.pts[frame.0] as f64 * self.time_base.as_f64()
    }

    /// Seconds from the first frame to the end of the last.
    #[must_use]
    pub fn duration_secs(&self) -> f64 {
        self.pts.first().map_or(0.0, |first| {
            (self.end - first) as f64 * self.time_base.as_f64()
        })
    }

    /// The frame on screen at `seconds` on the clock of the file; the first or last beyond the ends.
    ///
    /// Nothing if there are no frames.
    #[must_use]
    pub fn frame_at_secs(&self, seconds: f64) -> Option<FrameIdx> {
        // Times are rounded: half a tick early still counts.
        let ticks = (seconds / self.time_base.as_f64() + 0.5).floor() as i64;
        let after = self.pts.partition_point(|&pts| pts <= ticks);
        (!self.is_empty()).then(|| FrameIdx(after.saturating_sub(1)))
    }

    /// Frames a second on average.
    #[must_use]
    pub fn average_rate(&self) -> f64 {
        self.len() as f64 / self.duration_secs().max(f64::MIN_POSITIVE)
    }

    /// Whether the time between frames varies by more than rounding explains.
    #[must_use]
    pub fn is_variable(&self) -> bool {
        check::is_variable(self.time_base, &self.pts)
    }

    /// The frames of a half-open range, with their times unchanged.
    ///
    /// # Panics
    /// If the range is not within the index.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = self.pts.get(range.end).copied().unwrap_or(self.end);
        Self {
            time_base: self.time_base,
            pts: self.pts[range].to_vec(),
            end,
        }
    }
}

/// Stands for a frame without a time.
const NO_TIME: i64 = i64::MIN;

/// The time in a line `stream, dts, pts, duration, size, checksum`; nothing for lines that tell of no frame.
fn parse_frame(line: &str) -> Option<i64> {
    let mut fields = line.split(',').map(str::trim);
    fields.next()?.parse::<u32>().ok()?;
    let pts = fields.nth(1)?;
    Some(pts.parse().unwrap_or(NO_TIME))
}

/// Ticks between frames at the average rate, at least one.
fn nominal_step(info: &VideoInfo) -> i64 {
    let rate = info.average_rate.map_or(25.0, Ratio::as_f64);
    ((1.0 / (rate * info.time_base.as_f64())).round() as i64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_frames_are_told_from_headers() {
        assert_eq!(parse_frame("#tb 0: 1/12800"), None);
        assert_eq!(
            parse_frame("0,       512,       513,      256,     9216, 0x6688cfd8"),
            Some(513)
        );
        assert_eq!(
            parse_frame("0, NOPTS, NOPTS, 1, 9216, 0x6688cfd8"),
            Some(NO_TIME)
        );
    }

    #[test]
    fn the_frame_on_screen_is_found_by_time() {
        let index = TimestampIndex::new(Ratio { num: 1, den: 10 }, vec![5, 10, 20], 25);
        let at = |seconds| index.frame_at_secs(seconds).map(|frame| frame.0);
        assert_eq!(
            [0.0, 0.5, 0.94, 1.0, 1.9, 2.0, 9.0].map(at),
            [0, 0, 0, 1, 1, 2, 2].map(Some)
        );
        assert!((index.duration_secs() - 2.0).abs() < 1e-9);
        assert_eq!(index.slice(0..2).end(), 20);
        assert_eq!(index.slice(1..3).end(), 25);
    }

    #[test]
    fn a_constant_rate_has_its_ticks() {
        let index = TimestampIndex::constant(
            Ratio {
                num: 30000,
                den: 1001,
            },
            3,
        );
        assert_eq!((index.pts(), index.end()), (&[0, 1, 2][..], 3));
        assert!((index.average_rate() - 30000.0 / 1001.0).abs() < 1e-9);
        assert!(!index.is_variable());
    }
}
