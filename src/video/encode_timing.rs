//! Times of what is written: of the frames of a range, and of the sound to them.

use std::ops::Range;

use ffmpeg_sidecar::command::FfmpegCommand;

use crate::frame::FrameIdx;

use super::encode_plan::Container;
use super::info::VideoInfo;
use super::timestamps::TimestampIndex;

/// The times of a range and how they lie to the sound.
pub(super) struct Timing {
    pub index: TimestampIndex,
    /// Whether frames of the source before the range are left out.
    pub cut: bool,
    /// Seconds by which the pictures begin after the output.
    pub delay_secs: f64,
    /// Seconds of the source, from its first sample, before the output begins.
    pub skip_secs: f64,
    /// Length of the sound; nothing for all of it.
    pub sound_secs: Option<f64>,
}

impl Timing {
    pub fn new(whole: &TimestampIndex, range: Range<usize>, source: Option<&VideoInfo>) -> Self {
        let to_end = range.end == whole.len();
        let first = range.start;
        let index = whole.slice(range);
        let begin = index.seconds(FrameIdx(0));
        let Some(source) = source else {
            return Self {
                index,
                cut: false,
                delay_secs: 0.0,
                skip_secs: 0.0,
                sound_secs: None,
            };
        };
        // Sound before 0 primes a decoder and is not heard.
        let origin = if first == 0 {
            source.start_secs.max(0.0).min(begin)
        } else {
            begin
        };
        let delay_secs = begin - origin;
        let skip_secs = (origin - source.start_secs).max(0.0);
        let sound_secs = (!to_end).then(|| delay_secs + index.duration_secs());
        Self {
            index,
            cut: first > 0,
            delay_secs,
            skip_secs,
            sound_secs,
        }
    }

    /// Nanoseconds from the first frame to each frame and to the end, strictly increasing.
    pub fn frame_times_ns(&self) -> Vec<u64> {
        let ticks = self.index.pts().iter().copied().chain([self.index.end()]);
        let base = self.index.time_base();
        let first = self.index.pts()[0];
        let mut next_tick = first;
        let mut times = Vec::with_capacity(self.index.len() + 1);
        for tick in ticks {
            // Two frames at one time cannot be written: the second comes a tick later.
            let tick = tick.max(next_tick);
            next_tick = tick + 1;
            let scaled = i128::from(tick - first) * i128::from(base.num) * 1_000_000_000;
            let den = i128::from(base.den);
            times.push(((scaled + den / 2) / den) as u64);
        }
        times
    }

    /// Nanoseconds a frame lasts on average.
    pub fn usual_ns(&self) -> u64 {
        (1e9 / self.index.average_rate()).round() as u64
    }
}

/// Keeps the ticks of the source and gives the last frame its own duration.
pub(super) fn time_args(command: &mut FfmpegCommand, container: Container, timing: &Timing) {
    let index = &timing.index;
    command.args([
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        &index.time_base().to_string(),
    ]);
    command.args([
        "-bsf:v",
        &last_duration_filter(&timing.frame_times_ns(), timing.usual_ns()),
    ]);
    if container != Container::Matroska {
        command.args(["-video_track_timescale", &index.time_base().den.to_string()]);
        command.args(["-movflags", "+faststart"]);
    }
}

/// A bitstream filter that sets the duration of the last packet; the others last until the next and are given a tick.
/// With the encoder's constant one, an early packet could seem to end after the last, which moves the file's end.
///
/// It measures a tick by the packets' own times, since FFmpeg 5.1 tells this filter another time base than theirs.
fn last_duration_filter(times_ns: &[u64], usual_ns: u64) -> String {
    let last = times_ns.len().saturating_sub(2);
    let (span, length) = match times_ns {
        [.., last, end] => (*last, end - last),
        _ => (0, usual_ns),
    };
    let ticks = if span > 0 {
        format!("(PTS-STARTPTS)*{:.12}", length as f64 / span as f64)
    } else {
        format!("DURATION*{:.12}", length as f64 / usual_ns as f64)
    };
    format!("setts=duration=if(eq(N\\,{last})\\,round({ticks})\\,1)")
}
