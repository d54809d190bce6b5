//! Timestamps of a file's packets, read without decoding: for checking what was written.

use std::path::Path;

use super::error::VideoError;
use super::ffmpeg::Ffmpeg;
use super::info::VideoInfo;
use super::probe;
use super::ratio::Ratio;

/// One compressed frame: when it is shown and for how long, in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub pts: i64,
    pub duration: Option<i64>,
    /// Decoded for the sake of others only: an edit list hides it.
    pub hidden: bool,
}

/// When the packets of a picture track are shown, in presentation order.
#[derive(Clone, Debug, PartialEq)]
pub struct PacketTimes {
    time_base: Ratio,
    pts: Vec<i64>,
    end: i64,
}

impl PacketTimes {
    pub(super) fn new(info: &VideoInfo, packets: &[Packet]) -> Self {
        let mut shown: Vec<_> = packets.iter().filter(|packet| !packet.hidden).collect();
        shown.sort_by_key(|packet| packet.pts);
        let pts: Vec<_> = shown.iter().map(|packet| packet.pts).collect();
        let last = pts.last().copied().unwrap_or(0);
        // A last packet without a duration stays as long as the one before.
        let previous = pts.iter().rev().nth(1).map(|before| last - before);
        let duration = shown.last().and_then(|packet| packet.duration).filter(|&ticks| ticks > 0);
        let measured = || last + duration.or(previous).unwrap_or(1).max(1);
        let end = info.stated_end.filter(|&end| end > last).unwrap_or_else(measured);
        Self { time_base: info.time_base, pts, end }
    }

    /// Number of packets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pts.is_empty()
    }

    /// Seconds at which each packet is shown, counted from the first.
    pub fn seconds(&self) -> impl Iterator<Item = f64> {
        let first = self.pts.first().copied().unwrap_or(0);
        self.pts.iter().map(move |pts| (pts - first) as f64 * self.time_base.as_f64())
    }

    /// Seconds from the first packet to the end of the last.
    #[must_use]
    pub fn duration_secs(&self) -> f64 {
        self.pts.first().map_or(0.0, |first| (self.end - first) as f64 * self.time_base.as_f64())
    }

    /// When the last packet is shown and when it ends, in ticks.
    pub(super) fn last(&self) -> Option<(i64, i64)> {
        self.pts.last().map(|&last| (last, self.end))
    }

    /// Whether the times are further from an even spacing than rounding to ticks, or milliseconds, explains.
    pub(super) fn is_variable(&self) -> bool {
        is_variable(self.time_base, &self.pts)
    }
}

/// Reads when the packets of a file's picture track are shown, without decoding them.
///
/// # Errors
/// As [`probe`](super::probe()), except that a single frame is accepted.
pub fn packet_times(ffmpeg: &Ffmpeg, path: &Path) -> Result<PacketTimes, VideoError> {
    let (info, _) = probe::inspect(ffmpeg, path)?;
    let packets = read_packets(ffmpeg, path, info.stream, None)?;
    Ok(PacketTimes::new(&info, &packets))
}

/// Packets of a stream in decoding order.
pub(super) fn read_packets(
    ffmpeg: &Ffmpeg,
    path: &Path,
    stream: u32,
    interval: Option<&str>,
) -> Result<Vec<Packet>, VideoError> {
    let stream = stream.to_string();
    let mut args = vec!["-select_streams", &stream, "-show_entries", "packet=pts,dts,duration,flags", "-of", "csv=p=0"];
    args.extend(interval.iter().flat_map(|interval| ["-read_intervals", interval]));
    match ffmpeg.ffprobe(&args, path)? {
        Ok(csv) => {
            let mut packets = Vec::new();
            for line in csv.lines().filter(|line| !line.trim().is_empty()) {
                packets.push(parse_packet(line, packets.last()));
            }
            Ok(packets)
        }
        Err(log) => Err(VideoError::Ffmpeg { path: path.to_owned(), log }),
    }
}

/// Reads `pts,dts,duration,flags`, where numbers may be `N/A`; without both times a packet follows the one before.
fn parse_packet(line: &str, previous: Option<&Packet>) -> Packet {
    let mut fields = line.split(',').map(str::trim);
    let mut next = || fields.next().and_then(|field| field.parse::<i64>().ok());
    let (pts, dts, duration) = (next(), next(), next());
    let hidden = fields.next().is_some_and(|flags| flags.contains('D'));
    let follow = || previous.map_or(0, |packet| packet.pts + packet.duration.unwrap_or(1).max(1));
    Packet { pts: pts.or(dts).unwrap_or_else(follow), duration, hidden }
}

/// Whether sorted times are further from an even spacing than rounding to ticks, or milliseconds, explains.
pub(super) fn is_variable(time_base: Ratio, pts: &[i64]) -> bool {
    let (Some(&first), Some(&last)) = (pts.first(), pts.last()) else { return false };
    let step = (last - first) as f64 / (pts.len() - 1).max(1) as f64;
    let tolerance = (0.0011 / time_base.as_f64()).min(step / 4.0).max(1.01);
    let even = pts.iter().enumerate().map(|(n, &pts)| (pts - first) as f64 - n as f64 * step);
    even.map(f64::abs).fold(0.0, f64::max) > tolerance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_to_ticks_is_not_a_variable_rate() {
        let ms = Ratio { num: 1, den: 1000 };
        let ntsc: Vec<_> = (0..100).map(|n| (f64::from(n) * 1001.0 / 30.0).round() as i64).collect();
        assert!(!is_variable(ms, &ntsc));
        assert!(is_variable(ms, &[0, 33, 66, 133, 166]));
        assert!(!is_variable(Ratio { num: 1, den: 25 }, &[0, 1, 2, 3]));
        assert!(is_variable(Ratio { num: 1, den: 25 }, &[0, 1, 2, 3, 7, 8, 9]));
        assert!(!is_variable(ms, &[]));
    }
}
