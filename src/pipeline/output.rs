//! Last stage: pictures in order, the source's timing and sound, one file that is checked before it gets its name.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::analyse::{Analysis, Source};
use super::error::Error;
use super::job::Job;
use super::observer::{Observer, Progress, Unit, Warning};
use super::pictures::Pictures;
use super::plan::Plan;
use crate::files;
use crate::frame::{Frame, FrameIdx, Size, resize};
use crate::video::{
    EncodeConfig, Encoder, Ffmpeg, FrameStore, TimestampIndex, VideoError, VideoInfo,
};

/// A video to be written.
pub struct Film<'a> {
    /// The file.
    pub out: &'a Path,
    /// Times of the source's frames, and where those that are shown lie among them.
    pub index: TimestampIndex,
    /// See `index`.
    pub place: Range<usize>,
    /// Size, sound and quality.
    pub config: EncodeConfig,
    /// The working folder of the job.
    pub work: &'a Path,
}

/// Finished pictures of all frames that are shown.
pub struct Finished<'a> {
    /// Keyframes are among them.
    pub plan: &'a Plan,
    /// Their pictures.
    pub keyframes: &'a Pictures,
    /// The frames between them, if they are shown.
    pub filled: Option<&'a FrameStore>,
}

impl Finished<'_> {
    /// The file of a frame's picture.
    #[must_use]
    pub fn path(&self, frame: FrameIdx) -> PathBuf {
        match self.filled {
            Some(filled) if self.plan.keyframes().binary_search(&frame).is_err() => {
                filled.path(frame)
            }
            _ => self.keyframes.path(frame),
        }
    }

    /// Reads the picture of a frame at a size.
    ///
    /// # Errors
    /// [`Error::Frame`] if it is missing or damaged.
    pub fn read(&self, frame: FrameIdx, size: Size) -> Result<Frame, Error> {
        let picture = Frame::read(&self.path(frame))?;
        Ok(resize(&picture, size))
    }

    /// The frames that are shown, in order.
    #[must_use]
    pub fn frames(&self) -> Vec<FrameIdx> {
        if self.filled.is_none() {
            return self.plan.keyframes().to_vec();
        }
        let shots = self.plan.shots().iter();
        shots.flat_map(|shot| shot.range().map(FrameIdx)).collect()
    }
}

/// Finds out before the work, not after it, that a result cannot be written. The working folder is made if it is the place.
///
/// # Errors
/// [`VideoError::NotWritable`].
pub fn check_writable(folder: &Path, work: &Path) -> Result<(), Error> {
    let writable = if folder == work {
        fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder))
    } else {
        tempfile::tempfile_in(folder)
    };
    match writable {
        Ok(_) => Ok(()),
        Err(source) => Err(VideoError::NotWritable {
            path: folder.to_owned(),
            source,
        }
        .into()),
    }
}

/// Writes the video of a translation, at the source's display size.
///
/// Without in-betweens it is a clip of the keyframes, each shown until the next, and the pictures are put beside it.
///
/// # Errors
/// [`Error::Video`] if encoding fails or the result is not what was asked for; an existing file is then unchanged.
pub fn write(
    job: &Job,
    source: &Source,
    finished: &Finished<'_>,
    ffmpeg: &Ffmpeg,
    observer: &dyn Observer,
) -> Result<VideoInfo, Error> {
    let Analysis {
        info,
        timestamps,
        range,
        ..
    } = &source.analysis;
    let (index, place) = match finished.filled {
        Some(_) => (timestamps.clone(), range.clone()),
        None => shown_times(source, finished.plan),
    };
    let film = Film {
        out: &job.out,
        index,
        place,
        config: EncodeConfig::like(info),
        work: &job.work,
    };
    let info = encode(&film, finished, ffmpeg, observer)?;
    if finished.filled.is_none() {
        copy_keyframes(job, finished)?;
    }
    Ok(info)
}

/// Encodes pictures in order, one in memory at a time.
///
/// # Errors
/// As [`write()`].
pub fn encode(
    film: &Film<'_>,
    finished: &Finished<'_>,
    ffmpeg: &Ffmpeg,
    observer: &dyn Observer,
) -> Result<VideoInfo, Error> {
    clear_leftover(film)?;
    let place = film.place.clone();
    let mut encoder = Encoder::create(ffmpeg, film.out, &film.index, place, &film.config)?;
    for note in encoder.notes() {
        observer.warning(Warning {
            summary: note.clone(),
            hint: None,
        });
    }
    let frames = finished.frames();
    for (done, &frame) in frames.iter().enumerate() {
        observer.checkpoint()?;
        encoder.push(&finished.read(frame, film.config.size)?)?;
        observer.progress(Progress {
            done: done + 1,
            total: frames.len(),
            unit: Unit::Frames,
        });
    }
    Ok(encoder.finish()?)
}

/// Removes the unfinished video that a killed run left beside the result, and notes what this one is about to begin.
///
/// Only one run at a time uses a working folder, so the writer of the note has ended.
fn clear_leftover(film: &Film<'_>) -> Result<(), Error> {
    let note = film.work.join("unfinished");
    if let Ok(name) = std::fs::read_to_string(&note)
        && files::is_partial_name(&name)
    {
        // Gone already, unless the run was killed while encoding.
        let _ = std::fs::remove_file(film.out.with_file_name(name));
    }
    let partial = files::partial_path(film.out);
    let name = partial.file_name().unwrap_or_default().to_string_lossy();
    files::write_atomic(&note, name.as_bytes()).map_err(|source| Error::Io {
        what: "write",
        path: note,
        source,
    })
}

/// The source's times, with those of the keyframes in place of the range's, and where these lie among them: the
/// frames before and after say which part of the sound belongs to the range.
fn shown_times(source: &Source, plan: &Plan) -> (TimestampIndex, Range<usize>) {
    let Analysis {
        timestamps: all,
        range,
        ..
    } = &source.analysis;
    let shown = plan.keyframes();
    let mut shown: Vec<i64> = shown.iter().map(|frame| all.pts()[frame.0]).collect();
    // A clip begins when its range does, also if the user's first keyframe comes later.
    if let (Some(start), Some(begin)) = (shown.first_mut(), all.pts().get(range.start)) {
        *start = *begin;
    }
    let place = range.start..range.start + shown.len();
    let pts = [&all.pts()[..range.start], &shown, &all.pts()[range.end..]].concat();
    let times = TimestampIndex::new(all.time_base(), pts, all.end());
    (times, place)
}

/// Puts the keyframes beside the clip of them, in place of those of an earlier run.
fn copy_keyframes(job: &Job, finished: &Finished<'_>) -> Result<(), Error> {
    let folder = job.keyframes_folder();
    let io = |what, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { what, path, source }
    };
    std::fs::create_dir_all(&folder).map_err(io("create the folder", &folder))?;
    let mut names = BTreeSet::new();
    for &frame in finished.plan.keyframes() {
        let from = finished.path(frame);
        let bytes = std::fs::read(&from).map_err(io("read", &from))?;
        let name = format!("{:04}.png", frame.0);
        let to = folder.join(&name);
        files::write_atomic(&to, &bytes).map_err(io("write", &to))?;
        names.insert(name);
    }
    let entries = std::fs::read_dir(&folder).map_err(io("read the folder", &folder))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_keyframe_name(&name) && !names.contains(&*name) {
            std::fs::remove_file(&path).map_err(io("remove", &path))?;
        }
    }
    Ok(())
}

/// Whether a name is one that [`copy_keyframes`] gives.
fn is_keyframe_name(name: &str) -> bool {
    let digits = name.strip_suffix(".png").unwrap_or_default();
    digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
}
