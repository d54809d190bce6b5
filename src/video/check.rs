//! Timestamps of a file's packets, read without decoding: for checking what was written.

use std::path::Path;

use super::error::VideoError;
use super::ffmpeg::Ffmpeg;
use super::info::VideoInfo;
use super::probe;
use super::ratio::Ratio;

/// One compressed frame: when it is shown and for how long, in ticks.
#[derive(Clone, Copy, Debug)]
struct Packet {
    pts: i64,
    duration: Option<i64>,
    /// Decoded for the sake of others only: an edit list hides it.
    hidden: bool,
}

/// When the packets of a picture track are shown, in presentation order.
#[derive(Clone, Debug, PartialEq)]
pub struct PacketTimes {
    time_base: Ratio,
    pts: Vec<i64>,
    end: i64,
}

impl PacketTimes {
    /// Times of the packets that are shown, at most `limit` from the beginning of the file.
    pub(super) fn read(
        ffmpeg: &Ffmpeg,
        info: &VideoInfo,
        limit: Option<usize>,
    ) -> Result<Self, VideoError> {
        let (mut pts, mut last) = (Vec::new(), LastPacket::default());
        scan_packets(ffmpeg, info, limit, |packet| {
            pts.push(packet.pts);
            last.update(packet);
        })?;
        pts.sort_unstable();
        let end = last.times(info).map_or(0, |(_, end)| end);
        Ok(Self {
            time_base: info.time_base,
            pts,
            end,
        })
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
        self.pts
            .iter()
            .map(move |pts| (pts - first) as f64 * self.time_base.as_f64())
    }

    /// Seconds from the first packet to the end of the last.
    #[must_use]
    pub fn duration_secs(&self) -> f64 {
        self.pts.first().map_or(0.0, |first| {
            (self.end - first) as f64 * self.time_base.as_f64()
        })
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
    PacketTimes::read(ffmpeg, &info, None)
}

/// When the packet shown last begins and ends, in ticks; nothing if there is none.
pub(super) fn last_packet(
    ffmpeg: &Ffmpeg,
    info: &VideoInfo,
) -> Result<Option<(i64, i64)>, VideoError> {
    let mut last = LastPacket::default();
    scan_packets(ffmpeg, info, None, |packet| last.update(packet))?;
    Ok(last.times(info))
}

/// The packet shown last among those seen so far, and when the one before it is shown.
#[derive(Default)]
struct LastPacket {
    packet: Option<Packet>,
    before: Option<i64>,
}

impl LastPacket {
    fn update(&mut self, packet: Packet) {
        match self.packet {
            Some(last) if packet.pts <= last.pts => self.before = self.before.max(Some(packet.pts)),
            last => {
                self.before = last.map(|last| last.pts);
                self.packet = Some(packet);
            }
        }
    }

    /// Begin and end; without a stated end or duration it stays as long as the one before.
    fn times(&self, info: &VideoInfo) -> Option<(i64, i64)> {
        let Packet { pts, duration, .. } = self.packet?;
        let previous = self.before.map(|before| pts - before);
        let duration = duration.filter(|&ticks| ticks > 0).or(previous);
        let measured = pts + duration.unwrap_or(1).max(1);
        Some((
            pts,
            info.stated_end.filter(|&end| end > pts).unwrap_or(measured),
        ))
    }
}

/// Visits the packets of the picture track that are shown, in decoding order, at most `limit` of the file's first.
fn scan_packets(
    ffmpeg: &Ffmpeg,
    info: &VideoInfo,
    limit: Option<usize>,
    mut visit: impl FnMut(Packet),
) -> Result<(), VideoError> {
    let stream = info.stream.to_string();
    let interval = limit.map(|limit| format!("%+#{limit}"));
    let entries = "packet=pts,dts,duration,flags";
    let mut args = vec![
        "-select_streams",
        &stream,
        "-show_entries",
        entries,
        "-of",
        "csv=p=0",
    ];
    args.extend(
        interval
            .iter()
            .flat_map(|interval| ["-read_intervals", interval]),
    );
    let mut previous = None;
    ffmpeg.ffprobe_lines(&args, &info.path, |line| {
        if !line.trim().is_empty() {
            let packet = parse_packet(line, previous.as_ref());
            previous = Some(packet);
            if !packet.hidden {
                visit(packet);
            }
        }
    })
}

/// Reads `pts,dts,duration,flags`, where numbers may be `N/A`; without both times a packet follows the one before.
fn parse_packet(line: &str, previous: Option<&Packet>) -> Packet {
    let mut fields = line.split(',').map(str::trim);
    let mut next = || fields.next().and_then(|field| field.parse::<i64>().ok());
    let (pts, dts, duration) = (next(), next(), next());
    let hidden = fields.next().is_some_and(|flags| flags.contains('D'));
    let follow = || previous.map_or(0, |packet| packet.pts + packet.duration.unwrap_or(1).max(1));
    Packet {
        pts: pts.or(dts).unwrap_or_else(follow),
        duration,
        hidden,
    }
}

/// Whether sorted times are further from an even spacing than rounding to ticks, or milliseconds, explains.
pub(super) fn is_variable(time_base: Ratio, pts: &[i64]) -> bool {
    let (Some(&first), Some(&last)) = (pts.first(), pts.last()) else {
        return false;
    };
    let step = (last - first) as f64 / (pts.len() - 1).max(1) as f64;
    let tolerance = (0.0011 / time_base.as_f64()).min(step / 4.0).max(1.01);
    let even = pts
        .iter()
        .enumerate()
        .map(|(n, &pts)| (pts - first) as f64 - n as f64 * step);
    even.map(f64::abs).fold(0.0, f64::max) > tolerance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_to_ticks_is_not_a_variable_rate() {
        let ms = Ratio { num: 1, den: 1000 };
        let ntsc: Vec<_> = (0..100)
            .map(|n| (f64::from(n) * 1001.0 / 30.0).round() as i64)
            .collect();
        assert!(!is_variable(ms, &ntsc));
        assert!(is_variable(ms, &[0, 33, 66, 133, 166]));
        assert!(!is_variable(Ratio { num: 1, den: 25 }, &[0, 1, 2, 3]));
        assert!(is_variable(
            Ratio { num: 1, den: 25 },
            &[0, 1, 2, 3, 7, 8, 9]
        ));
        assert!(!is_variable(ms, &[]));
    }

    #[test]
    fn lines_of_packets_are_read_even_without_times() {
        let first = parse_packet("512,N/A,512,K__", None);
        assert_eq!(
            (first.pts, first.duration, first.hidden),
            (512, Some(512), false)
        );
        assert_eq!(parse_packet("N/A,40,N/A,_D_", None).pts, 40);
        assert!(parse_packet("N/A,40,N/A,_D_", None).hidden);
        assert_eq!(parse_packet("N/A,N/A,N/A,__", Some(&first)).pts, 1024);
    }
}
