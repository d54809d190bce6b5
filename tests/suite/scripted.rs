//! A stand-in for the engine that does what a test tells it to.

use std::path::{Path, PathBuf};

use fresco_studio::frame::Frame;
use fresco_studio::pipeline::engine::DeviceStatus;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::evaluate::Measures;
use fresco_studio::pipeline::export::ExportSpec;
use fresco_studio::pipeline::job::{DeviceChoice, FillJob, Job, JobSpec};
use fresco_studio::pipeline::model_manager::Places;
use fresco_studio::pipeline::observer::{Observer, Stage, Summary};
use fresco_studio::pipeline::overlay::OverlaySpec;
use fresco_studio::pipeline::sample::Sample;
use fresco_studio::pipeline::trial::TrialSpec;
use fresco_studio::video::{PictureFolderError, VideoInfo};
use fresco_studio::worker::Work;

pub type Script = Box<dyn FnMut(&Job, &dyn Observer) -> Result<Summary, Error> + Send>;

pub type TryScript = Box<dyn FnMut(&TrialSpec, &dyn Observer) -> Result<Frame, Error> + Send>;
pub type OverlayScript = Box<dyn FnMut(&OverlaySpec, &dyn Observer) -> Result<Frame, Error> + Send>;
pub type ExportScript = Box<dyn FnMut(&ExportSpec, &dyn Observer) -> Result<Summary, Error> + Send>;

pub struct Scripted {
    pub script: Script,
    pub on_reset: Box<dyn FnMut() + Send>,
    pub on_try: TryScript,
    pub on_overlay: OverlayScript,
    pub on_export: ExportScript,
}

impl Scripted {
    pub fn new(
        script: impl FnMut(&Job, &dyn Observer) -> Result<Summary, Error> + Send + 'static,
    ) -> Self {
        Self {
            script: Box::new(script),
            on_reset: Box::new(|| {}),
            on_try: Box::new(|_, _| Err(Error::NoVideo)),
            on_overlay: Box::new(|_, _| Err(Error::NoVideo)),
            on_export: Box::new(|_, _| Err(Error::NoVideo)),
        }
    }
}

impl Work for Scripted {
    fn probe(&mut self, path: &Path) -> Result<VideoInfo, Error> {
        let source = std::io::ErrorKind::NotFound.into();
        Err(Error::Io {
            what: "open the video",
            path: path.to_owned(),
            source,
        })
    }

    fn translate(&mut self, job: &Job, observer: &dyn Observer) -> Result<Summary, Error> {
        (self.script)(job, observer)
    }

    fn fill(&mut self, job: &FillJob, _: &dyn Observer) -> Result<Summary, Error> {
        let path = job.keyframes.clone();
        Err(PictureFolderError::Empty { folder: path }.into())
    }

    fn evaluate(&mut self, _: &Path, result: &Path, _: &dyn Observer) -> Result<Measures, Error> {
        Err(Error::Mismatch {
            frames: [1, 2],
            secs: [1.0, 2.0],
            result: result.to_owned(),
        })
    }

    fn export(&mut self, spec: &ExportSpec, observer: &dyn Observer) -> Result<Summary, Error> {
        (self.on_export)(spec, observer)
    }

    fn sample(&mut self, sample: Sample<'_>, observer: &dyn Observer) -> Result<Frame, Error> {
        match sample {
            Sample::Try(trial) => (self.on_try)(trial, observer),
            Sample::Overlay(spec) => (self.on_overlay)(spec, observer),
        }
    }

    fn device(&mut self, choice: &DeviceChoice) -> Result<DeviceStatus, Error> {
        Ok(DeviceStatus {
            name: choice.to_string(),
            is_fallback: false,
            cards: Vec::new(),
            half: false,
            threads: 8,
        })
    }

    fn use_ffmpeg(&mut self, _: Option<PathBuf>) {}

    fn use_places(&mut self, _: Places) {}

    fn reset(&mut self) {
        (self.on_reset)();
    }
}

/// A folder with a source file, and a valid job on it.
pub struct Place {
    pub folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("clip.mp4"), b"not looked into").unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn spec(&self) -> JobSpec {
        JobSpec {
            source: self.path("clip.mp4"),
            out: self.path("out.mp4"),
            prompt: "a cartoon".into(),
            ..JobSpec::default()
        }
    }
}

pub fn summary(job: &Job) -> Summary {
    Summary {
        out: job.out.clone(),
        frames: 12,
        keyframes: 3,
        duration_secs: 0.5,
        stage_secs: vec![(Stage::Analyse, 1.0), (Stage::Keyframes, 119.0)],
        notes: vec!["The source has no sound.".into()],
    }
}
