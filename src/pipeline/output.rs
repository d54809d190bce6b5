//! Last stage: pictures in order, the source's timing and sound, one file that is checked before it gets its name.

use super::analyse::Source;
use super::error::Error;
use super::job::Job;
use super::observer::{Observer, Progress, Unit, Warning};
use super::plan::Plan;
use crate::files;
use crate::frame::{FrameIdx, resize};
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
    let index = shown_times(source, plan);
    let config = EncodeConfig::like(&source.analysis.info);
    let size = config.size;
    let mut encoder = Encoder::create(ffmpeg, &job.out, &index, 0..index.len(), &config)?;
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

/// Times of the keyframes, the last of which stays until the range ends.
fn shown_times(source: &Source, plan: &Plan) -> TimestampIndex {
    let all = source
        .analysis
        .timestamps
        .slice(source.analysis.range.clone());
    let first = source.analysis.range.start;
    let mut pts: Vec<i64> = plan
        .keyframes()
        .iter()
        .map(|&FrameIdx(i)| all.pts()[i - first])
        .collect();
    // A clip begins when its range does, also if the user's first keyframe comes later.
    if let (Some(start), Some(begin)) = (pts.first_mut(), all.pts().first()) {
        *start = *begin;
    }
    TimestampIndex::new(all.time_base(), pts, all.end())
}

fn copy_keyframes(job: &Job, plan: &Plan, pictures: &FrameStore) -> Result<(), Error> {
    let folder = job.keyframes_folder();
    let io = |what, path: &std::path::Path| {
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
