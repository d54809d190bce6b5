//! Asks `ffprobe` what a file holds.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

use crate::frame::Size;

use super::check::PacketTimes;
use super::colour::{self, Colour, Matrix};
use super::error::VideoError;
use super::ffmpeg::Ffmpeg;
use super::info::{AudioStream, SubtitleStream, VideoInfo};
use super::pixel_format;
use super::ratio::Ratio;

/// Frames by which [`probe`] judges whether the rate varies.
const SAMPLED_PACKETS: usize = 2000;

/// Reads the facts about a video file.
///
/// # Errors
/// [`VideoError::MissingFile`], [`VideoError::EmptyFile`], [`VideoError::NotMedia`], [`VideoError::NoPicture`],
/// [`VideoError::TooShort`] for a single picture, [`VideoError::Broken`] if the file is damaged beyond reading.
pub fn probe(ffmpeg: &Ffmpeg, path: &Path) -> Result<VideoInfo, VideoError> {
    let (info, n_packets) = inspect(ffmpeg, path)?;
    match n_packets {
        0 => Err(VideoError::Broken {
            path: path.to_owned(),
            readable: 0,
            total: info.claimed_frames,
        }),
        1 if info.claimed_frames.is_none_or(|n| n <= 1) => Err(VideoError::TooShort {
            path: path.to_owned(),
        }),
        _ => Ok(info),
    }
}

/// [`probe`] for a file of any length; also the number of packets at its beginning.
pub(super) fn inspect(ffmpeg: &Ffmpeg, path: &Path) -> Result<(VideoInfo, usize), VideoError> {
    let about_file = fs::metadata(path).map_err(|error| VideoError::opening(path, error))?;
    fs::File::open(path).map_err(|error| VideoError::opening(path, error))?;
    if about_file.is_file() && about_file.len() == 0 {
        return Err(VideoError::EmptyFile {
            path: path.to_owned(),
        });
    }
    let listing = read_listing(ffmpeg, path)?;
    let stream = listing
        .streams
        .iter()
        .find(|stream| stream.is_picture_track())
        .ok_or_else(|| VideoError::NoPicture {
            path: path.to_owned(),
        })?;
    let mut info = stream.describe(path, &listing);
    let packets = PacketTimes::read(ffmpeg, &info, Some(SAMPLED_PACKETS))?;
    info.variable_rate = packets.is_variable();
    info.notes = notes(ffmpeg, &info, stream);
    Ok((info, packets.len()))
}

fn read_listing(ffmpeg: &Ffmpeg, path: &Path) -> Result<Listing, VideoError> {
    let path_buf = || path.to_owned();
    let json = match ffmpeg.ffprobe(&["-show_streams", "-show_format", "-of", "json"], path)? {
        Ok(json) => json,
        Err(_) if begins_like_a_video(path) => {
            return Err(VideoError::Broken {
                path: path_buf(),
                readable: 0,
                total: None,
            });
        }
        Err(detail) => {
            return Err(VideoError::NotMedia {
                path: path_buf(),
                detail,
            });
        }
    };
    let listing: Listing = serde_json::from_str(&json).map_err(|error| VideoError::Ffmpeg {
        path: path_buf(),
        log: format!("unreadable listing: {error}"),
    })?;
    // A renderer of text art takes any text for a picture.
    if listing.format.names == "tty" {
        return Err(VideoError::NotMedia {
            path: path_buf(),
            detail: "plain text".to_owned(),
        });
    }
    Ok(listing)
}

/// Whether the first bytes are those of a common container, so that the rest must be damaged or missing.
///
/// An MP4 often has its index at the end and cannot be read at all once that is cut off.
fn begins_like_a_video(path: &Path) -> bool {
    let mut start = [0; 12];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    let mp4 = [b"ftyp", b"moov", b"mdat", b"wide", b"free"]
        .iter()
        .any(|name| &start[4..8] == *name);
    let matroska = start.starts_with(&[0x1A, 0x45, 0xDF, 0xA3]);
    let avi = start.starts_with(b"RIFF") && start.ends_with(b"AVI ");
    read.is_ok() && (mp4 || matroska || avi)
}

/// What `ffprobe` prints, as far as it matters here.
#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Format {
    #[serde(rename = "format_name")]
    names: String,
    duration: Option<String>,
    start_time: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stream {
    index: u32,
    codec_type: String,
    codec_name: String,
    width: u32,
    height: u32,
    pix_fmt: String,
    sample_aspect_ratio: String,
    field_order: Option<String>,
    color_space: Option<String>,
    color_range: Option<String>,
    color_primaries: Option<String>,
    color_transfer: Option<String>,
    time_base: String,
    avg_frame_rate: String,
    duration: Option<String>,
    start_pts: Option<i64>,
    duration_ts: Option<i64>,
    nb_frames: Option<String>,
    sample_rate: Option<String>,
    channels: u32,
    disposition: BTreeMap<String, i32>,
    tags: BTreeMap<String, String>,
    side_data_list: Vec<SideData>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SideData {
    rotation: Option<f64>,
}

impl Stream {
    fn is_picture_track(&self) -> bool {
        let cover = self
            .disposition
            .get("attached_pic")
            .is_some_and(|&flag| flag != 0);
        self.codec_type == "video" && !cover && self.width > 0 && self.height > 0
    }

    fn language(&self) -> Option<String> {
        self.tags
            .get("language")
            .filter(|code| *code != "und")
            .cloned()
    }

    /// Degrees clockwise; FFmpeg counts the other way.
    fn rotation(&self) -> u32 {
        let counter_clockwise = self
            .side_data_list
            .iter()
            .find_map(|data| data.rotation)
            .unwrap_or(0.0);
        (-counter_clockwise).round().rem_euclid(360.0) as u32
    }

    fn describe(&self, path: &Path, listing: &Listing) -> VideoInfo {
        let tags = [
            &self.color_space,
            &self.color_range,
            &self.color_primaries,
            &self.color_transfer,
        ];
        let colour = Colour::from_tags(&self.pix_fmt, self.height, tags.map(Clone::clone));
        let coded_size = Size {
            width: self.width,
            height: self.height,
        };
        let sample_aspect_ratio = Ratio::parse(&self.sample_aspect_ratio).unwrap_or(Ratio::ONE);
        let rotation = self.rotation();
        let time_base = Ratio::parse(&self.time_base).unwrap_or(Ratio { num: 1, den: 1000 });
        let duration = self.duration.as_ref().or(listing.format.duration.as_ref());
        VideoInfo {
            path: path.to_owned(),
            container: listing.format.names.clone(),
            stream: self.index,
            codec: self.codec_name.clone(),
            coded_size,
            display_size: display_size(coded_size, sample_aspect_ratio, rotation),
            sample_aspect_ratio,
            rotation,
            pixel_format: self.pix_fmt.clone(),
            bit_depth: pixel_format::bit_depth(&self.pix_fmt),
            has_alpha: pixel_format::has_alpha(&self.pix_fmt) || self.has_separate_alpha(),
            hdr: colour.hdr(),
            colour,
            time_base,
            average_rate: Ratio::parse(&self.avg_frame_rate),
            variable_rate: false,
            duration_secs: seconds(duration),
            stated_end: self.stated_end(&listing.format.names, time_base),
            start_secs: seconds(listing.format.start_time.as_ref()),
            claimed_frames: self.nb_frames.as_ref().and_then(|n| n.parse().ok()),
            audio: listing.audio(),
            subtitles: listing.subtitles(),
            notes: Vec::new(),
        }
    }

    /// When the last frame ends: an MP4 stores the length of each track, a Matroska file often a tag with the end.
    fn stated_end(&self, container: &str, time_base: Ratio) -> Option<i64> {
        if container.starts_with("mov") {
            return Some(self.start_pts? + self.duration_ts?);
        }
        let tag = self
            .tags
            .get("DURATION")
            .filter(|_| container.starts_with("matroska"))?;
        let [hours, minutes, seconds] =
            <[&str; 3]>::try_from(tag.split(':').collect::<Vec<_>>()).ok()?;
        let minutes = hours.parse::<f64>().ok()? * 60.0 + minutes.parse::<f64>().ok()?;
        let seconds = minutes * 60.0 + seconds.parse::<f64>().ok()?;
        Some((seconds / time_base.as_f64()).round() as i64)
    }

    /// In the web's own container, alpha is a second picture beside the first, and a tag tells of it.
    fn has_separate_alpha(&self) -> bool {
        self.tags
            .iter()
            .any(|(key, value)| key.eq_ignore_ascii_case("alpha_mode") && value == "1")
    }
}

impl Listing {
    fn audio(&self) -> Vec<AudioStream> {
        let streams = self
            .streams
            .iter()
            .filter(|stream| stream.codec_type == "audio");
        let describe = |stream: &Stream| AudioStream {
            stream: stream.index,
            codec: stream.codec_name.clone(),
            channels: stream.channels,
            sample_rate: stream
                .sample_rate
                .as_ref()
                .and_then(|rate| rate.parse().ok())
                .unwrap_or(0),
            language: stream.language(),
        };
        streams.map(describe).collect()
    }

    fn subtitles(&self) -> Vec<SubtitleStream> {
        let streams = self
            .streams
            .iter()
            .filter(|stream| stream.codec_type == "subtitle");
        let describe = |stream: &Stream| SubtitleStream {
            stream: stream.index,
            codec: stream.codec_name.clone(),
            language: stream.language(),
        };
        streams.map(describe).collect()
    }
}

fn seconds(text: Option<&String>) -> f64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

fn display_size(coded: Size, pixel_shape: Ratio, rotation: u32) -> Size {
    let width = (f64::from(coded.width) * pixel_shape.as_f64())
        .round()
        .max(1.0) as u32;
    match rotation {
        // The tolerance with which FFmpeg turns pictures by a right angle.
        89..=91 | 269..=271 => Size {
            width: coded.height,
            height: width,
        },
        _ => Size {
            width,
            height: coded.height,
        },
    }
}

/// What reading will change, for people.
fn notes(ffmpeg: &Ffmpeg, info: &VideoInfo, stream: &Stream) -> Vec<String> {
    let mut notes = Vec::new();
    if info.hdr.is_some() {
        let note = if colour::can_tone_map(ffmpeg) {
            "HDR is tone-mapped to SDR (BT.709)."
        } else {
            "HDR is read as it is and will look pale: this FFmpeg build lacks the zscale filter."
        };
        notes.push(note.to_owned());
    }
    if info.bit_depth > 8 {
        notes.push(format!(
            "{} bits a channel are reduced to 8.",
            info.bit_depth
        ));
    }
    if info.has_alpha {
        notes.push("Transparent parts are placed on black.".to_owned());
    }
    if info.sample_aspect_ratio.num != info.sample_aspect_ratio.den {
        let Ratio { num, den } = info.sample_aspect_ratio;
        notes.push(format!(
            "Pixels of shape {num}:{den} are made square: {}.",
            info.display_size
        ));
    }
    if info.rotation != 0 {
        notes.push(format!(
            "The picture is turned upright by {}° clockwise.",
            info.rotation
        ));
    }
    if info.colour.matrix_assumed {
        let matrix = if info.colour.matrix == Matrix::Bt709 {
            "BT.709"
        } else {
            "BT.601"
        };
        notes.push(format!(
            "The file names no colour matrix; {matrix} is assumed from its height."
        ));
    }
    if stream
        .field_order
        .as_deref()
        .is_some_and(|order| !matches!(order, "progressive" | "unknown"))
    {
        notes.push("Interlaced frames are used as they are.".to_owned());
    }
    notes
}
