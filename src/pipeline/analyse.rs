//! First stage: the video becomes frames at the working size, with what planning needs to know about them.

use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::job::Job;
use super::journal::Journal;
use super::keyframes::MotionMeter;
use super::observer::{Observer, Progress, Unit, Warning};
use super::shots::{Shot, ShotDetector, shots_between};
use crate::files::{self, ContentHash};
use crate::frame::{Frame, FrameIdx, Size, resize, working_size};
use crate::video::{self, Decoder, Ffmpeg, FrameStore, TimestampIndex, VideoError, VideoInfo};

/// What is known of a source once its frames are on disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Analysis {
    /// Facts from the container.
    pub info: VideoInfo,
    /// When each frame of the source is shown.
    pub timestamps: TimestampIndex,
    /// Frames of the source that the job covers.
    pub range: Range<usize>,
    /// Size at which frames are kept and worked on.
    pub size: Size,
    /// Stretches without a cut, which cover the range.
    pub shots: Vec<Shot>,
    /// How much each frame of the range differs from the one before; the first has 0.
    pub motion: Vec<f64>,
}

/// A source's analysis, its frames, and the identity of both.
pub struct Source {
    /// What is known of it.
    pub analysis: Analysis,
    /// Its frames at the working size.
    pub frames: FrameStore,
    /// Identity of everything above.
    pub key: ContentHash,
}

/// What to know of which video.
pub struct Wanted<'a> {
    /// The video.
    pub source: &'a Path,
    /// Its frames, all of them if absent.
    pub range: Option<Range<usize>>,
    /// Short side of the working size; frames keep the size at which they are shown if absent.
    pub short_side: Option<u32>,
    /// Folder for frames.
    pub work: &'a Path,
}

impl<'a> From<&'a Job> for Wanted<'a> {
    fn from(job: &'a Job) -> Self {
        Self {
            source: &job.source,
            range: job.range.clone(),
            short_side: Some(job.short_side),
            work: &job.work,
        }
    }
}

/// All that determines the frames on disk.
#[derive(Serialize)]
struct FramesKey<'a> {
    version: u32,
    source: ContentHash,
    range: &'a Option<Range<usize>>,
    short_side: Option<u32>,
}

/// Raised when frames or analysis change their meaning, so that older working folders are not trusted.
const VERSION: u32 = 1;

const PRODUCT: &str = "frames";

/// Decodes a source, or finds its frames from an earlier run.
///
/// # Errors
/// [`Error::Video`] if the file cannot be read or the range is outside of it, or the working folder cannot be written.
pub fn analyse(
    wanted: &Wanted<'_>,
    ffmpeg: &Ffmpeg,
    journal: &mut Journal,
    observer: &dyn Observer,
) -> Result<Source, Error> {
    let key = FramesKey {
        version: VERSION,
        source: content_hash(wanted.source)?,
        range: &wanted.range,
        short_side: wanted.short_side,
    };
    let key = ContentHash::of_value(&key);
    let frames = FrameStore::open_alone(&wanted.work.join("frames"))?;
    let path = wanted.work.join("analysis.json");
    if journal.find(PRODUCT, &key).is_some()
        && let Some(analysis) = read_analysis(&path)
    {
        return Ok(Source {
            analysis,
            frames,
            key,
        });
    }
    let analysis = decode(wanted, ffmpeg, &frames, observer)?;
    let json = serde_json::to_vec(&analysis)
        .unwrap_or_else(|error| unreachable!("an analysis is plain data: {error}"));
    files::write_atomic(&path, &json).map_err(|source| Error::Io {
        what: "write",
        path: path.clone(),
        source,
    })?;
    let mut products = vec![path];
    products.extend(analysis.range.clone().map(|i| frames.path(FrameIdx(i))));
    journal.record(PRODUCT, &key, &products)?;
    Ok(Source {
        analysis,
        frames,
        key,
    })
}

/// Identity of a file by its content.
///
/// # Errors
/// [`Error::Io`] if it cannot be read.
pub fn content_hash(path: &Path) -> Result<ContentHash, Error> {
    ContentHash::of_file(path).map_err(|source| Error::Io {
        what: "read",
        path: path.to_owned(),
        source,
    })
}

fn read_analysis(path: &Path) -> Option<Analysis> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn decode(
    wanted: &Wanted<'_>,
    ffmpeg: &Ffmpeg,
    store: &FrameStore,
    observer: &dyn Observer,
) -> Result<Analysis, Error> {
    let info = video::probe(ffmpeg, wanted.source)?;
    for note in &info.notes {
        observer.warning(Warning {
            summary: note.clone(),
            hint: None,
        });
    }
    observer.checkpoint()?;
    let end = wanted.range.as_ref().map(|range| range.end);
    let timestamps = usable_timestamps(ffmpeg, &info, end, observer)?;
    let range = wanted.range.clone().unwrap_or(0..timestamps.len());
    if range.end > timestamps.len() {
        return Err(Error::RangeOutside {
            range,
            n_frames: timestamps.len(),
        });
    }
    let shown = info.display_size;
    let size = wanted
        .short_side
        .map_or(shown, |short_side| working_size(shown, short_side).size());
    let mut detector = ShotDetector::default();
    let mut meter = MotionMeter::default();
    let mut motion = Vec::with_capacity(range.len());
    let sink = |frame: &Frame| {
        detector.push(frame);
        motion.push(meter.push(frame));
    };
    store_frames(
        &Clip {
            ffmpeg,
            info: &info,
            range: range.clone(),
            size,
        },
        store,
        observer,
        sink,
    )?;
    let cuts: Vec<FrameIdx> = detector
        .cuts()
        .into_iter()
        .map(|FrameIdx(cut)| FrameIdx(range.start + cut))
        .collect();
    let shots = shots_between(range.clone(), &cuts);
    Ok(Analysis {
        info,
        timestamps,
        range,
        size,
        shots,
        motion,
    })
}

/// When the frames of a video are shown. A damaged one serves if the frames before `end` can be read.
///
/// # Errors
/// [`Error::Video`] if it is too short, or damaged before `end`; [`Error::Cancelled`].
pub fn usable_timestamps(
    ffmpeg: &Ffmpeg,
    info: &VideoInfo,
    end: Option<usize>,
    observer: &dyn Observer,
) -> Result<TimestampIndex, Error> {
    let checkpoint = || observer.checkpoint().map_err(Error::from);
    let (index, damage) = TimestampIndex::read_stoppable(ffmpeg, info, checkpoint)?;
    match damage {
        Some(damage) if end.is_none_or(|end| end > index.len()) => Err(damage.into()),
        Some(damage) => {
            observer.warning(Warning {
                summary: damage.to_string(),
                hint: None,
            });
            Ok(index)
        }
        None if index.len() < 2 => Err(VideoError::TooShort {
            path: info.path.clone(),
        }
        .into()),
        None => Ok(index),
    }
}

/// Frames to decode, and the size to keep them at.
pub struct Clip<'a> {
    /// The programs.
    pub ffmpeg: &'a Ffmpeg,
    /// The file.
    pub info: &'a VideoInfo,
    /// Its frames.
    pub range: Range<usize>,
    /// Their size in the store.
    pub size: Size,
}

/// Decodes a clip into a store, one frame in memory at a time, and shows each to `sink`.
///
/// # Errors
/// [`Error::Video`] if reading or writing fails, [`Error::Cancelled`].
pub fn store_frames(
    clip: &Clip<'_>,
    store: &FrameStore,
    observer: &dyn Observer,
    mut sink: impl FnMut(&Frame),
) -> Result<(), Error> {
    let total = clip.range.len();
    let mut decoder = Decoder::open(clip.ffmpeg, clip.info, clip.range.clone())?;
    for (done, i) in clip.range.clone().enumerate() {
        observer.checkpoint()?;
        let Some(frame) = decoder.next_frame()? else {
            return Err(Error::RangeOutside {
                range: clip.range.clone(),
                n_frames: i,
            });
        };
        let frame = resize(&frame, clip.size);
        store.write(FrameIdx(i), &frame)?;
        sink(&frame);
        observer.progress(Progress {
            done: done + 1,
            total,
            unit: Unit::Frames,
        });
    }
    Ok(())
}
