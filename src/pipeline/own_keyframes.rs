//! Fills the frames between keyframes that the user painted: no model is needed.
//!
//! The source is a video or a folder of pictures, and so is the result. A keyframe counts for the frame in its name.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::analyse::{Analysis, Wanted, analyse, content_hash};
use super::compat::Choices;
use super::engine::Engine;
use super::error::Error;
use super::fill::{FillInput, FillTools, SourceFrames, fill};
use super::flows::Flows;
use super::helpers::Helpers;
use super::job::{FillJob, FillOutput};
use super::journal::Journal;
use super::observer::{Observer, Progress, Stage, StageClock, Summary, Unit, Warning};
use super::output::{self, Film, Finished};
use super::pictures::Pictures;
use super::plan::Plan;
use super::shots::{Shot, ShotDetector, shots_between};
use super::warnings::warn_of_fallback;
use crate::files::{self, ContentHash};
use crate::frame::{Frame, FrameIdx, Size};
use crate::tensor::Device;
use crate::video::{
    EncodeConfig, Ffmpeg, Ratio, TimestampIndex, VideoInfo, numbered_pictures, picture_sequence,
};

/// Frames a second of a video made from a folder of pictures, which says nothing about it.
const FOLDER_RATE: Ratio = Ratio { num: 25, den: 1 };

/// Fills the frames between the keyframes of `job`. What an earlier, interrupted run finished is not done again.
///
/// # Errors
/// [`Error::Pictures`], [`Error::KeyframeOutside`] or [`Error::SizeDiffers`] for pictures that cannot be used, and
/// whatever reading, filling and writing give; finished segments are kept.
pub fn fill_own(
    job: &FillJob,
    engine: &mut Engine,
    observer: &dyn Observer,
) -> Result<Summary, Error> {
    job.check_files()?;
    output::check_writable(files::parent(job.out.path()), &job.work)?;
    let keyframes = numbered_pictures(&job.keyframes)?;
    for path in keyframes.values() {
        Frame::read(path)?;
    }
    let device = engine.device(&job.device)?;
    warn_of_fallback(&device, observer);
    let mut journal = Journal::open(&job.work, "fill")?;
    let mut clock = StageClock::default();

    clock.start(Stage::Analyse, observer);
    let material = Material::read(job, engine, &mut journal, observer)?;
    let plan = plan(job, &material, &keyframes, observer)?;
    observer.started(&plan);
    for (&frame, path) in &keyframes {
        observer.keyframe(frame, path);
    }

    if plan.n_in_betweens() > 0 {
        clock.start(Stage::InBetweens, observer);
    }
    let keyframes = Pictures::Files(keyframes);
    let input = FillInput {
        plan: &plan,
        source: SourceFrames {
            pictures: &material.frames,
            size: material.size,
            key: &material.key,
        },
        keyframes: &keyframes,
        settings: &job.settings,
        work: &job.work,
    };
    let (flows, notes) = flows(job, engine, device.device, observer)?;
    let mut tools = FillTools {
        flows: &flows,
        synthesiser: &engine.synthesiser(&job.device, observer)?,
        journal: &mut journal,
    };
    let filled = fill(&input, &mut tools, observer)?;

    clock.start(Stage::Encode, observer);
    let finished = Finished {
        plan: &plan,
        keyframes: &keyframes,
        filled: Some(&filled),
    };
    let duration_secs = write(job, engine, &material, &finished, observer)?;
    Ok(Summary {
        out: job.out.path().to_owned(),
        frames: material.n_frames(),
        keyframes: plan.keyframes().len(),
        duration_secs,
        stage_secs: clock.stop(),
        notes,
    })
}

/// Where flow comes from, and what is worth knowing about it.
fn flows(
    job: &FillJob,
    engine: &Engine,
    device: Device,
    observer: &dyn Observer,
) -> Result<(Flows, Vec<String>), Error> {
    if let Some(folder) = &job.flow {
        return Ok((Flows::given(folder), Vec::new()));
    }
    let helpers = Helpers::find(engine.places(), &device, observer);
    let notes = helpers.notes(false);
    let folder = job.work.join("flow");
    Ok((Flows::estimated(&folder, helpers, device)?, notes))
}

/// What is filled.
struct Material {
    frames: Pictures,
    size: Size,
    /// Stretches without a cut.
    shots: Vec<Shot>,
    /// Identity of the frames.
    key: ContentHash,
    index: TimestampIndex,
    /// The source, if it is a video.
    video: Option<VideoInfo>,
}

impl Material {
    fn read(
        job: &FillJob,
        engine: &Engine,
        journal: &mut Journal,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        // Pictures need no FFmpeg.
        if job.source.is_dir() {
            Self::of_folder(&job.source, observer)
        } else {
            Self::of_video(job, &engine.ffmpeg()?, journal, observer)
        }
    }

    fn of_video(
        job: &FillJob,
        ffmpeg: &Ffmpeg,
        journal: &mut Journal,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let wanted = Wanted {
            source: &job.source,
            range: None,
            short_side: None,
            work: &job.work,
        };
        let source = analyse(&wanted, ffmpeg, journal, observer)?;
        let Analysis {
            info,
            timestamps,
            size,
            shots,
            ..
        } = source.analysis;
        Ok(Self {
            frames: Pictures::Store(source.frames),
            size,
            shots,
            key: source.key,
            index: timestamps,
            video: Some(info),
        })
    }

    fn of_folder(folder: &Path, observer: &dyn Observer) -> Result<Self, Error> {
        let (first, paths) = picture_sequence(folder)?;
        if first > 0 {
            observer.warning(Warning {
                summary: format!(
                    "the pictures of the source are numbered from {first}, and keyframes count from 0: a keyframe 0 \
                     belongs to picture {first}"
                ),
                hint: Some("number both from 0 to be sure".to_owned()),
            });
        }
        let total = paths.len();
        let mut size = None;
        let mut hashes = Vec::with_capacity(total);
        let mut detector = ShotDetector::default();
        for (i, path) in paths.iter().enumerate() {
            observer.checkpoint()?;
            let picture = Frame::read(path)?;
            let (expected, found) = (*size.get_or_insert(picture.size()), picture.size());
            if found != expected {
                let path = path.clone();
                return Err(Error::SizeDiffers {
                    expected,
                    found,
                    path,
                });
            }
            detector.push(&picture);
            hashes.push(content_hash(path)?);
            observer.progress(Progress {
                done: i + 1,
                total,
                unit: Unit::Frames,
            });
        }
        let Some(size) = size else {
            unreachable!("a sequence has a picture");
        };
        let frames = paths.into_iter().enumerate();
        Ok(Self {
            frames: Pictures::Files(frames.map(|(i, path)| (FrameIdx(i), path)).collect()),
            size,
            shots: shots_between(0..total, &detector.cuts()),
            key: ContentHash::of_value(&hashes),
            index: TimestampIndex::constant(FOLDER_RATE, total),
            video: None,
        })
    }

    fn n_frames(&self) -> usize {
        self.index.len()
    }
}

/// Nothing is filled across a cut, unless a shot has no keyframe: then it is filled from its neighbours.
fn plan(
    job: &FillJob,
    material: &Material,
    keyframes: &BTreeMap<FrameIdx, PathBuf>,
    observer: &dyn Observer,
) -> Result<Plan, Error> {
    let n_frames = material.n_frames();
    if let Some((&frame, path)) = keyframes.iter().find(|(frame, _)| frame.0 >= n_frames) {
        return Err(Error::KeyframeOutside {
            frame,
            n_frames,
            path: path.clone(),
        });
    }
    let keyframes: Vec<FrameIdx> = keyframes.keys().copied().collect();
    let cuts = if Choices::of(job.settings.compat).finds_cuts {
        material.shots.iter().skip(1).map(Shot::first).collect()
    } else {
        Vec::new()
    };
    let (cuts, without) = useful_cuts(n_frames, &cuts, &keyframes);
    for shot in without {
        observer.warning(Warning {
            summary: format!(
                "there is a cut beside the frames {} to {} and no keyframe among them: they are filled across the cut",
                shot.start,
                shot.end - 1
            ),
            hint: Some("paint one of them".to_owned()),
        });
    }
    Ok(Plan::of_finished(
        shots_between(0..n_frames, &cuts),
        keyframes,
    )?)
}

/// Cuts that have a keyframe on both sides before the next such cut, and the stretches without a keyframe.
fn useful_cuts(
    n_frames: usize,
    cuts: &[FrameIdx],
    keyframes: &[FrameIdx],
) -> (Vec<FrameIdx>, Vec<Range<usize>>) {
    let mut useful: Vec<FrameIdx> = Vec::new();
    let mut without = Vec::new();
    for shot in shots_between(0..n_frames, cuts) {
        let holds = |shot: &Shot| keyframes.iter().any(|&frame| shot.contains(frame));
        if !holds(&shot) {
            without.push(shot.range());
            continue;
        }
        let is_first = !keyframes.iter().any(|&frame| frame < shot.first());
        if !is_first {
            useful.push(shot.first());
        }
    }
    (useful, without)
}

/// Writes the result and says how long it is.
fn write(
    job: &FillJob,
    engine: &Engine,
    material: &Material,
    finished: &Finished<'_>,
    observer: &dyn Observer,
) -> Result<f64, Error> {
    match &job.out {
        FillOutput::Video(out) => {
            let config = match &material.video {
                Some(info) => EncodeConfig::like(info),
                None => EncodeConfig::new(material.size),
            };
            let film = Film {
                out,
                index: material.index.clone(),
                place: 0..material.n_frames(),
                config,
                work: &job.work,
            };
            let info = output::encode(&film, finished, &engine.ffmpeg()?, observer)?;
            Ok(info.duration_secs)
        }
        FillOutput::Folder(out) => {
            write_pictures(out, material.size, finished, observer)?;
            Ok(material.index.duration_secs())
        }
    }
}

fn write_pictures(
    folder: &Path,
    size: Size,
    finished: &Finished<'_>,
    observer: &dyn Observer,
) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Io {
        what: "create the folder",
        path: folder.to_owned(),
        source,
    })?;
    let frames = finished.frames();
    for (done, &frame) in frames.iter().enumerate() {
        observer.checkpoint()?;
        let picture = finished.read(frame, size)?;
        picture.write_png(&folder.join(format!("{:04}.png", frame.0)))?;
        observer.progress(Progress {
            done: done + 1,
            total: frames.len(),
            unit: Unit::Frames,
        });
    }
    Ok(())
}
