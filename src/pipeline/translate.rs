//! One job from start to end: the stages in order and nothing else.

use super::analyse::{Source, analyse};
use super::batches::{self, Tools};
use super::compat::Choices;
use super::engine::Engine;
use super::error::Error;
use super::fill::{FillInput, FillTools, SourceFrames, fill};
use super::flows::Flows;
use super::foretold::foretell;
use super::helpers::Helpers;
use super::job::{Job, KeyframeChoice, Sampler};
use super::journal::Journal;
use super::keyframes::select_keyframes;
use super::memory::NetworkSizes;
use super::model_folders::ModelFolders;
use super::observer::{Observer, Stage, StageClock, Summary, Warning};
use super::output::{self, Finished};
use super::pictures::Pictures;
use super::plan::Plan;
use super::shots::{Shot, shots_between};
use super::warnings::unsuited_controls;
use crate::files;
use crate::frame::FrameIdx;
use crate::tensor::OpenDevice;
use crate::video::FrameStore;

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
    output::check_writable(files::parent(&job.out), &job.work)?;
    let folders = ModelFolders::ready(&job.models, &job.control, engine.places())?;
    engine.device_of(job)?;
    let ffmpeg = engine.ffmpeg()?;
    let mut journal = Journal::open(&job.work, "translate")?;
    let mut clock = StageClock::default();

    clock.start(Stage::Analyse, observer);
    let source = analyse(&job.into(), &ffmpeg, &mut journal, observer)?;
    let plan = plan(job, &source)?;
    warn_of_idle_words(job, &plan, observer);
    warn_of_sampling(job, observer);
    for warning in unsuited_controls(job) {
        observer.warning(warning);
    }
    observer.started(&plan);

    clock.start(Stage::Keyframes, observer);
    let mut tools = Tools {
        engine,
        ffmpeg: &ffmpeg,
        journal: &mut journal,
    };
    let sizes = NetworkSizes::of_job(job, &folders, tools.engine.places())?;
    let size = source.analysis.size;
    foretell(job, &sizes, (&plan, size), tools.engine, observer)?;
    let networks = (folders, sizes);
    let keyframes = batches::translate(job, networks, (&source, &plan), &mut tools, observer)?;
    tools.engine.drop_denoiser();
    let mut notes = keyframes.notes;
    let pictures = Pictures::Store(keyframes.pictures);

    let mut filled = None;
    if let Some(settings) = &job.fill {
        if plan.n_in_betweens() > 0 {
            clock.start(Stage::InBetweens, observer);
        }
        let input = FillInput {
            plan: &plan,
            source: SourceFrames {
                pictures: &Pictures::Store(source.frames.clone()),
                size: source.analysis.size,
                key: &source.key,
            },
            keyframes: &pictures,
            settings,
            work: &job.work,
        };
        let (store, more) = fill_between(job, &input, keyframes.helpers, &mut tools, observer)?;
        filled = Some(store);
        notes.extend(more);
    }

    clock.start(Stage::Encode, observer);
    let finished = Finished {
        plan: &plan,
        keyframes: &pictures,
        filled: filled.as_ref(),
    };
    let result = output::write(job, &source, &finished, &ffmpeg, observer)?;
    Ok(Summary {
        out: job.out.clone(),
        frames: finished.frames().len(),
        keyframes: plan.keyframes().len(),
        duration_secs: result.duration_secs,
        stage_secs: clock.stop(),
        notes: [notes, result.notes].concat(),
    })
}

/// Paints the frames between the keyframes. Their motion is found by `helpers`, or by others if there are none yet.
fn fill_between(
    job: &Job,
    input: &FillInput<'_>,
    helpers: Option<Helpers>,
    tools: &mut Tools<'_>,
    observer: &dyn Observer,
) -> Result<(FrameStore, Vec<String>), Error> {
    let OpenDevice { device, .. } = tools.engine.device(&job.device)?;
    let mut notes = Vec::new();
    let helpers = helpers.unwrap_or_else(|| {
        let helpers = Helpers::find(tools.engine.places(), &device, observer);
        notes = helpers.notes(false);
        helpers
    });
    let mut tools = FillTools {
        flows: &Flows::estimated(&job.work.join("flow"), helpers, device)?,
        synthesiser: &tools.engine.synthesiser(&job.device, observer)?,
        journal: tools.journal,
    };
    Ok((fill(input, &mut tools, observer)?, notes))
}

/// Shots, keyframes and batches.
fn plan(job: &Job, source: &Source) -> Result<Plan, Error> {
    let analysis = &source.analysis;
    let choices = Choices::of(job.compat);
    let shots = match &job.cuts {
        Some(cuts) => shots_between(analysis.range.clone(), cuts),
        None if choices.finds_cuts => analysis.shots.clone(),
        None => shots_between(analysis.range.clone(), &[]),
    };
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
    let keyframes: Vec<Vec<FrameIdx>> = shots.iter().map(in_shot).collect();
    Ok(Plan::new(
        shots,
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

/// LCM makes other networks, and too much guidance, garish; more steps than it wants are wasted.
fn warn_of_sampling(job: &Job, observer: &dyn Observer) {
    let settings = &job.sampling;
    if settings.sampler == Sampler::Lcm && (settings.steps > 8 || settings.guidance_scale > 2.0) {
        observer.warning(Warning {
            summary: "lcm is made for 4 to 8 steps and a guidance scale of 1 to 2".to_owned(),
            hint: Some(
                "use --steps 8 --guidance-scale 1.5, with a model or LoRA made for lcm".to_owned(),
            ),
        });
    }
}
