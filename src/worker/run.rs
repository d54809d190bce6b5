//! The worker's loop: receive, run under `catch_unwind`, answer.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::handle::Outbox;
use super::message::{Command, Event, JobEvent, JobId, Report};
use super::reporter::Reporter;
use super::token::{Token, Tokens};
use crate::pipeline::engine::Engine;
use crate::pipeline::error::Error;
use crate::pipeline::evaluate::Measures;
use crate::pipeline::job::{FillJob, FillSpec, Job, JobSpec};
use crate::pipeline::observer::{Observer, Summary};
use crate::pipeline::{evaluate, own_keyframes, translate};
use crate::video::{self, Ffmpeg, VideoInfo};

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

    /// Drops models and caches, which a panic may have left half changed; the next job loads them
    /// again.
    fn reset(&mut self);
}

impl Work for Engine {
    fn probe(&mut self, path: &Path) -> Result<VideoInfo, Error> {
        let ffmpeg = Ffmpeg::find(None)?;
        Ok(video::probe(&ffmpeg, path)?)
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
        evaluate::evaluate(source, result, observer)
    }

    fn reset(&mut self) {
        Engine::reset(self);
    }
}

/// Carries out commands until the queue is closed or says to end.
pub(super) fn run<W: Work>(
    build: impl FnOnce() -> W,
    inbox: &Receiver<Command>,
    outbox: &Outbox,
    tokens: &Tokens,
) {
    let work = caught(build);
    let mut worker = Worker {
        work,
        outbox,
        tokens,
    };
    while let Ok(command) = inbox.recv() {
        match command {
            Command::Probe(path) => outbox.send(Event::Probed(worker.probe(&path).map(Box::new))),
            Command::Translate(job, spec) => worker.translate(job, &spec),
            Command::Fill(job, spec) => worker.fill(job, &spec),
            Command::Evaluate(job, source, result) => worker.evaluate(job, &source, &result),
            Command::Shutdown => break,
        }
    }
    for command in inbox.try_iter() {
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
}

impl<W: Work> Worker<'_, W> {
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
        let reporter = Reporter::new(id, self.outbox, &token);
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
        let result = caught(|| act(work));
        if result.is_err()
            && let Err(report) = caught(|| work.reset())
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

/// Runs `act`; a panic becomes a report with its text.
fn caught<T>(act: impl FnOnce() -> T) -> Result<T, Report> {
    panic::catch_unwind(AssertUnwindSafe(act)).map_err(|payload| Report {
        summary: "the program ran into an error of its own; everything finished is kept".to_owned(),
        causes: vec![panic_text(payload.as_ref())],
        hint: Some("try again; if it happens again, report it with the text above".to_owned()),
    })
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "panic without a text".to_owned())
}
