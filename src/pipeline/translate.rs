//! One job from start to end: the stages in order and nothing else.

use std::time::Instant;

use super::analyse::{Source, analyse};
use super::batches::{self, Tools};
use super::compat::Choices;
use super::engine::{Engine, ModelFolders};
use super::error::Error;
use super::job::{Job, KeyframeChoice};
use super::journal::Journal;
use super::keyframes::select_keyframes;
use super::observer::{Observer, Stage, Summary, Warning};
use super::output;
use super::plan::Plan;
use super::shots::Shot;
use crate::files;
use crate::frame::FrameIdx;
use crate::video::{Ffmpeg, VideoError};

/// Translates a video as `job` says. What an earlier, interrupted run finished is not done again.
///
/// # Errors
/// [`Error`], one variant a stage; everything finished is kept in the working folder.
pub fn translate(
    job: &Job,
    engine: &mut Engine,
    observer: &dyn Observer,
) -> Result<Summary, Error> {
    job.check_files()?;
    check_writable(job)?;
    let folders = ModelFolders::resolve(&job.models, job.control.annotator().is_some())?;
    folders.check()?;
    let ffmpeg = Ffmpeg::find(None)?;
    let mut journal = Journal::open(&job.work, "translate")?;
    let mut clock = StageClock::default();

    clock.start(Stage::Analyse, observer);
    let source = analyse(job, &ffmpeg, &mut journal, observer)?;
    let plan = plan(job, &source)?;
    warn_of_idle_words(job, &plan, observer);
    observer.started(&plan);

    clock.start(Stage::Keyframes, observer);
    let mut tools = Tools {
        engine,
        ffmpeg: &ffmpeg,
        journal: &mut journal,
    };
    let keyframes = batches::translate(job, folders, (&source, &plan), &mut tools, observer)?;

    clock.start(Stage::Encode, observer);
    let result = output::write(job, &source, &plan, &keyframes.pictures, &ffmpeg, observer)?;
    Ok(Summary {
        out: job.out.clone(),
        frames: plan.keyframes().len(),
        keyframes: plan.keyframes().len(),
        duration_secs: result.duration_secs,
        stage_secs: clock.stop(),
        notes: [keyframes.notes, result.notes].concat(),
    })
}

/// Shots, keyframes and batches.
fn plan(job: &Job, source: &Source) -> Result<Plan, Error> {
    let analysis = &source.analysis;
    let choices = Choices::of(job.compat);
    let first = analysis.range.start;
    let in_shot = |shot: &Shot| match &job.keyframes {
        KeyframeChoice::Gap(gap) => {
            let range = shot.range();
            let scores = &analysis.motion[range.start - first..range.end - first];
            select_keyframes(shot, *gap, scores, choices.keyframes)
        }
        KeyframeChoice::Listed(frames) => frames
            .iter()
            .copied()
            .filter(|frame| shot.contains(*frame))
            .collect(),
    };
    if let KeyframeChoice::Listed(frames) = &job.keyframes
        && let Some(&FrameIdx(outside)) = frames.iter().find(|f| !analysis.range.contains(&f.0))
    {
        let range = outside..outside + 1;
        return Err(Error::RangeOutside {
            range,
            n_frames: analysis.timestamps.len(),
        });
    }
    let keyframes: Vec<Vec<FrameIdx>> = analysis.shots.iter().map(in_shot).collect();
    Ok(Plan::new(
        analysis.shots.clone(),
        &keyframes,
        job.batch_size,
        choices.partition,
    )?)
}

/// Words for a frame that is no keyframe have no effect.
fn warn_of_idle_words(job: &Job, plan: &Plan, observer: &dyn Observer) {
    for frame in job.prompt.extra.keys() {
        if !plan.keyframes().contains(frame) {
            observer.warning(Warning {
                summary: format!("frame {frame} has words of its own and is no keyframe"),
                hint: Some("name a keyframe with --extra".to_owned()),
            });
        }
    }
}

/// Finds out before the work, not after it, that the result cannot be written.
fn check_writable(job: &Job) -> Result<(), Error> {
    let folder = files::parent(&job.out);
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        Err(source) => Err(VideoError::NotWritable {
            path: folder.to_owned(),
            source,
        }
        .into()),
    }
}

/// Seconds of each stage.
#[derive(Default)]
struct StageClock {
    finished: Vec<(Stage, f64)>,
    running: Option<(Stage, Instant)>,
}

impl StageClock {
    fn start(&mut self, stage: Stage, observer: &dyn Observer) {
        self.lap();
        observer.stage(stage);
        self.running = Some((stage, Instant::now()));
    }

    fn lap(&mut self) {
        if let Some((stage, began)) = self.running.take() {
            self.finished.push((stage, began.elapsed().as_secs_f64()));
        }
    }

    fn stop(mut self) -> Vec<(Stage, f64)> {
        self.lap();
        self.finished
    }
}
