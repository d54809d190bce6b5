//! *Try*: one frame translated with the current settings, without consistency. Nothing is kept of it but the frame's
//! pictures in clips of control images.

use super::batch::{BatchContext, BatchFrames};
use super::compat::Choices;
use super::conditions::PromptStates;
use super::control::{ControlSource, annotators};
use super::engine::Engine;
use super::error::Error;
use super::job::{ConsistencySpec, Job, JobSpec, Preset};
use super::memory::NetworkSizes;
use super::memory_meter::MemoryMeter;
use super::model_folders::ModelFolders;
use super::observer::Observer;
use crate::frame::{Frame, FrameIdx, resize, working_size};
use crate::video::{TimestampIndex, VideoInfo, frame_at};

/// What to try.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialSpec {
    /// The settings.
    pub spec: JobSpec,
    /// The source.
    pub info: VideoInfo,
    /// When its frames are shown.
    pub times: TimestampIndex,
    /// The frame.
    pub frame: FrameIdx,
}

/// Translates one frame. The networks stay loaded, so that the next *try* with the same model is quick.
///
/// # Errors
/// As a whole translation: settings, models, device, reading the frame; [`Error::Cancelled`].
pub fn try_frame(
    trial: &TrialSpec,
    engine: &mut Engine,
    observer: &dyn Observer,
) -> Result<Frame, Error> {
    let spec = JobSpec {
        guidance: ConsistencySpec {
            consistency: Preset::Off,
            ..trial.spec.guidance.clone()
        },
        ..trial.spec.clone()
    };
    let job = Job::new(&spec)?;
    let folders = ModelFolders::ready(&job.models, &job.control, engine.places())?;
    let ffmpeg = engine.ffmpeg()?;
    observer.checkpoint()?;
    let picture = frame_at(&ffmpeg, &trial.info, &trial.times, trial.frame)?;
    let size = working_size(trial.info.display_size, job.short_side);
    let picture = resize(&picture, size.size());
    observer.checkpoint()?;
    let device = engine.device_of(&job)?;
    let text = Engine::text_model(&folders, &device.device)?;
    let choices = Choices::of(job.compat);
    let prompts = PromptStates::new(&job, &choices, &text, &device.device);
    drop(text);
    let n_nets = folders.controlnets.len();
    let samples = || Ok(vec![picture.clone()]);
    let annotators = annotators(&job, engine, &device.device, &samples)?;
    let control = (annotators, n_nets);
    let control = ControlSource::of_frame(&job, control, (trial.frame, size), &ffmpeg, observer)?;
    observer.checkpoint()?;
    let context = BatchContext {
        job: &job,
        networks: NetworkSizes::of_job(&job, &folders, engine.places())?,
        folders,
        device,
        choices,
        prompts,
        control,
        helpers: None,
        preview_decoder: None,
        meter: MemoryMeter::default(),
        observer,
    };
    let batch = BatchFrames {
        frames: vec![trial.frame],
        sources: vec![picture],
        anchors: None,
    };
    let translated = context.translate(engine, &batch, &|_| {});
    let (pictures, _) = translated.map_err(|error| context.explained(error, &batch))?;
    let picture = pictures.into_iter().next();
    Ok(picture.unwrap_or_else(|| unreachable!("a picture for each frame")))
}
