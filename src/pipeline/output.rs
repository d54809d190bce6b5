//! Last stage: pictures in order, the source's timing and sound, one file that is checked before it gets its name.

use std::ops::Range;
use std::path::Path;

use super::analyse::{Analysis, Source};
use super::error::Error;
use super::job::Job;
use super::observer::{Observer, Progress, Unit, Warning};
use super::plan::Plan;
use crate::files;
use crate::frame::resize;
use crate::video::{EncodeConfig, Encoder, Ffmpeg, FrameStore, TimestampIndex, VideoInfo};

/// Writes the video of a job from its finished pictures, at the source's display size.
///
/// Without in-betweens it is a clip of the keyframes, each shown until the next, and the pictures are put beside it.
///
/// # Errors
/// [`Error::Video`] if encoding fails or the result is not what was asked for; an existing file is then unchanged.
pub fn write(
    job: &Job,
    source: &Source,
    plan: &Plan,
    pictures: &FrameStore,
    ffmpeg: &Ffmpeg,
    observer: &dyn Observer,
) -> Result<VideoInfo, Error> {
    let (index, place) = shown_times(source, plan);
    let config = EncodeConfig::like(&source.analysis.info);
    let size = config.size;
    clear_leftover(job)?;
    let mut encoder = Encoder::create(ffmpeg, &job.out, &index, place, &config)?;
    for note in encoder.notes() {
        observer.warning(Warning {
            summary: note.clone(),
            hint: None,
        });
    }
    let total = plan.keyframes().len();
    for (done, &frame) in plan.keyframes().iter().enumerate() {
        observer.checkpoint()?;
        encoder.push(&resize(&pictures.read(frame)?, size))?;
        observer.progress(Progress {
            done: done + 1,
            total,
            unit: Unit::Frames,
        });
    }
    let info = encoder.finish()?;
    if !job.fill {
        copy_keyframes(job, plan, pictures)?;
    }
    Ok(info)
}

/// Removes the unfinished video that a killed run left beside the result, and notes what this one is about to begin.
///
/// Only one run at a time uses a working folder, so the writer of the note has ended.
fn clear_leftover(job: &Job) -> Result<(), Error> {
    let note = job.work.join("unfinished");
    if let Ok(name) = std::fs::read_to_string(&note)
        && files::is_partial_name(&name)
    {
        // Gone already, unless the run was killed while encoding.
        let _ = std::fs::remove_file(job.out.with_file_name(name));
    }
    let partial = files::partial_path(&job.out);
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

fn copy_keyframes(job: &Job, plan: &Plan, pictures: &FrameStore) -> Result<(), Error> {
    let folder = job.keyframes_folder();
    let io = |what, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { what, path, source }
    };
    std::fs::create_dir_all(&folder).map_err(io("create the folder", &folder))?;
    for &frame in plan.keyframes() {
        let from = pictures.path(frame);
        let bytes = std::fs::read(&from).map_err(io("read", &from))?;
        let to = folder.join(format!("{:04}.png", frame.0));
        files::write_atomic(&to, &bytes).map_err(io("write", &to))?;
    }
    Ok(())
}
