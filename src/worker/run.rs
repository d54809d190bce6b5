//! The worker's loop: receive, run under `catch_unwind`, answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::handle::Outbox;
use super::message::{Command, DeviceStatus, Event, ExportSpec, JobEvent, JobId, Report};
use super::report::guarded;
use super::reporter::Reporter;
use super::samples::{self, Slots};
use super::token::{Token, Tokens};
use crate::frame::Frame;
use crate::pipeline::engine::Engine;
use crate::pipeline::error::Error;
use crate::pipeline::evaluate::Measures;
use crate::pipeline::job::{DeviceChoice, FillJob, FillSpec, Job, JobSpec};
use crate::pipeline::model_manager::Places;
use crate::pipeline::observer::{Observer, Summary};
use crate::pipeline::sample::Sample;
use crate::pipeline::{evaluate, export, own_keyframes, translate};
use crate::video::{self, VideoInfo};

/// How long after an error a cancel still counts as its cause.
const ECHO: Duration = Duration::from_millis(300);

/// What the worker can be asked to do. The engine does it; tests script it.
pub trait Work {
    /// Looks at a video.
    ///
    /// # Errors
    /// If it cannot be read or is not a video.
    fn probe(&mut self, path: &Path) -> Result<VideoInfo, Error>;

    /// Runs a job from start to end.
    ///
    /// # Errors
    /// Whatever keeps the job from its result, and [`Error::Cancelled`] when a checkpoint said so.
    fn translate(&mut self, job: &Job, observer: &dyn Observer) -> Result<Summary, Error>;

    /// Fills the frames between keyframes that exist.
    ///
    /// # Errors
    /// As [`Self::translate`].
    fn fill(&mut self, job: &FillJob, observer: &dyn Observer) -> Result<Summary, Error>;

    /// Measures a result against its source.
    ///
    /// # Errors
    /// If one of them cannot be read or they do not belong together, and [`Error::Cancelled`].
    fn evaluate(
        &mut self,
        source: &Path,
        result: &Path,
        observer: &dyn Observer,
    ) -> Result<Measures, Error>;

    /// Writes finished pictures to a file.
    ///
    /// # Errors
    /// If pictures are missing or the file cannot be written, and [`Error::Cancelled`].
    fn export(&mut self, spec: &ExportSpec, observer: &dyn Observer) -> Result<Summary, Error>;

    /// Makes a picture of one frame: a *try*, or an overlay.
    ///
    /// # Errors
    /// As [`Self::translate`].
    fn sample(&mut self, sample: Sample<'_>, observer: &dyn Observer) -> Result<Frame, Error>;

    /// Opens the device that the settings name.
    ///
    /// # Errors
    /// If it is not there.
    fn device(&mut self, choice: &DeviceChoice) -> Result<DeviceStatus, Error>;

    /// Uses another FFmpeg than the one on `PATH` from now on.
    fn use_ffmpeg(&mut self, path: Option<PathBuf>);

    /// Looks for helper networks and LoRAs in other places from now on.
    fn use_places(&mut self, places: Places);

    /// Drops models and caches, which a panic may have left half changed; the next job loads them
    /// again.
    fn reset(&mut self);
}

impl Work for Engine {
    fn probe(&mut self, path: &Path) -> Result<VideoInfo, Error> {
        Ok(video::probe(&self.ffmpeg()?, path)?)
    }

    fn translate(&mut self, job: &Job, observer: &dyn Observer) -> Result<Summary, Error> {
        translate::translate(job, self, observer)
    }

    fn fill(&mut self, job: &FillJob, observer: &dyn Observer) -> Result<Summary, Error> {
        own_keyframes::fill_own(job, self, observer)
    }

    fn evaluate(
        &mut self,
        source: &Path,
        result: &Path,
        observer: &dyn Observer,
    ) -> Result<Measures, Error> {
        evaluate::evaluate(source, result, &self.ffmpeg()?, observer)
    }

    fn export(&mut self, spec: &ExportSpec, observer: &dyn Observer) -> Result<Summary, Error> {
        export::export(spec, &self.ffmpeg()?, observer)
    }

    fn sample(&mut self, sample: Sample<'_>, observer: &dyn Observer) -> Result<Frame, Error> {
        sample.make(self, observer)
    }

    fn device(&mut self, choice: &DeviceChoice) -> Result<DeviceStatus, Error> {
        self.device_status(choice)
    }

    fn use_ffmpeg(&mut self, path: Option<PathBuf>) {
        Engine::use_ffmpeg(self, path);
    }

    fn use_places(&mut self, places: Places) {
        Engine::use_places(self, places);
    }

    fn reset(&mut self) {
        Engine::reset(self);
    }
}

/// What the worker listens to.
pub(super) struct Inbox {
    /// Commands, in order.
    pub commands: Receiver<Command>,
    /// Says that a slot was filled.
    pub nudge: Receiver<()>,
    /// The newest samples that are wanted.
    pub slots: Arc<Slots>,
}

/// Carries out commands until the queue is closed or says to end.
pub(super) fn run<W: Work>(
    build: impl FnOnce() -> W,
    inbox: &Inbox,
    outbox: &Outbox,
    tokens: &Tokens,
) {
    let work = guarded(build);
    let mut worker = Worker {
        work,
        outbox,
        tokens,
        slots: &inbox.slots,
    };
    loop {
        crossbeam_channel::select_biased! {
            recv(inbox.commands) -> command => match command {
                Ok(Command::Shutdown) | Err(_) => break,
                Ok(command) => worker.carry_out(command),
            },
            recv(inbox.nudge) -> nudge => match nudge {
                Ok(()) => worker.make_samples(),
                Err(_) => break,
            },
        }
    }
    for command in inbox.commands.try_iter() {
        if let Some(job) = command.job() {
            worker.end(job, JobEvent::Cancelled);
        }
    }
}

struct Worker<'a, W> {
    /// Or why the engine could not be built.
    work: Result<W, Report>,
    outbox: &'a Outbox,
    tokens: &'a Tokens,
    slots: &'a Slots,
}

impl<W: Work> Worker<'_, W> {
    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Probe(path) => {
                let answer = self.probe(&path).map(Box::new);
                self.outbox.send(Event::Probed(answer));
            }
            Command::Translate(job, spec) => self.translate(job, &spec),
            Command::Fill(job, spec) => self.fill(job, &spec),
            Command::Export(job, spec) => self.export(job, &spec),
            Command::Evaluate(job, source, result) => self.evaluate(job, &source, &result),
            Command::CheckDevice(choice) => {
                let answer = self.guarded(|work| work.device(&choice));
                let answer = answer.and_then(|answer| answer.map_err(|error| Report::from(&error)));
                self.outbox.send(Event::Device(answer));
            }
            Command::UseFfmpeg(path) => {
                if let Err(report) = self.guarded(|work| work.use_ffmpeg(path)) {
                    tracing::error!(reason = report.summary, "cannot change FFmpeg");
                }
            }
            Command::UseModels(places) => {
                if let Err(report) = self.guarded(|work| work.use_places(*places)) {
                    tracing::error!(reason = report.summary, "cannot change the models folder");
                }
            }
            // Other threads do these.
            Command::Open(_)
            | Command::CloseSource
            | Command::CheckModel(..)
            | Command::CountTokens(_)
            | Command::ScanModels(_)
            | Command::GetModel(..)
            | Command::File(_)
            | Command::Shutdown => {}
        }
    }

    /// Makes the newest samples that wait.
    fn make_samples(&mut self) {
        let (slots, outbox) = (self.slots, self.outbox);
        while let Some(waiting) = slots.take() {
            let made = self.guarded(|work| {
                samples::make(&waiting, slots, outbox, &mut |sample, observer| {
                    work.sample(sample, observer)
                });
            });
            if let Err(report) = made {
                waiting.fail(report, outbox);
            }
        }
    }

    fn export(&mut self, id: JobId, spec: &ExportSpec) {
        self.job(id, |work, reporter| {
            work.export(spec, reporter).map(JobEvent::Finished)
        });
    }

    fn probe(&mut self, path: &Path) -> Result<VideoInfo, Report> {
        self.guarded(|work| work.probe(path))?
            .map_err(|error| Report::from(&error))
    }

    fn translate(&mut self, id: JobId, spec: &JobSpec) {
        self.job(id, |work, reporter| {
            let job = Job::new(spec)?;
            work.translate(&job, reporter).map(JobEvent::Finished)
        });
    }

    fn fill(&mut self, id: JobId, spec: &FillSpec) {
        self.job(id, |work, reporter| {
            let job = FillJob::new(spec)?;
            work.fill(&job, reporter).map(JobEvent::Finished)
        });
    }

    fn evaluate(&mut self, id: JobId, source: &Path, result: &Path) {
        self.job(id, |work, reporter| {
            let measures = work.evaluate(source, result, reporter)?;
            Ok(JobEvent::Evaluated(measures))
        });
    }

    /// Runs a job, unless it was cancelled while it waited, and tells its end.
    fn job(
        &mut self,
        id: JobId,
        act: impl FnOnce(&mut W, &Reporter<'_>) -> Result<JobEvent, Error>,
    ) {
        let token = self.tokens.get(id);
        let reporter = Reporter::new(id, (self.outbox, self.slots), &token);
        let outcome = self.guarded(|work| {
            reporter.checkpoint()?;
            act(work, &reporter)
        });
        let last = match outcome {
            Ok(Ok(last)) => last,
            Ok(Err(error)) => failed(&error, &token),
            Err(panic) => JobEvent::Failed(panic),
        };
        self.end(id, last);
    }

    /// Lets the engine do something; a panic becomes a report and costs the engine its models.
    fn guarded<T>(&mut self, act: impl FnOnce(&mut W) -> T) -> Result<T, Report> {
        let work = self.work.as_mut().map_err(|report| report.clone())?;
        let result = guarded(|| act(work));
        if result.is_err()
            && let Err(report) = guarded(|| work.reset())
        {
            tracing::error!(reason = report.causes.join("; "), "cannot drop the models");
        }
        result
    }

    fn end(&self, job: JobId, last: JobEvent) {
        debug_assert!(last.is_last(), "a job ends with a last event");
        self.tokens.remove(job);
        self.outbox.job(job, last);
    }
}

fn failed(error: &Error, token: &Token) -> JobEvent {
    if matches!(error, Error::Cancelled) {
        return JobEvent::Cancelled;
    }
    // A key press that stops this program may reach FFmpeg first: the cancel is on its way then.
    let asked = Instant::now();
    while !token.is_cancelled() && asked.elapsed() < ECHO {
        thread::sleep(ECHO / 20);
    }
    if token.is_cancelled() {
        // Most often an echo of the cancel, such as a pipe closed by the same key press.
        tracing::warn!(%error, "error while stopping");
        return JobEvent::Cancelled;
    }
    JobEvent::Failed(Report::from(error))
}
