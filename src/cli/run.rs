//! Sends one job and follows its events to the last one.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;

use super::console::{Console, Style};
use super::progress::{JobView, Line};
use crate::pipeline::job::{FillJob, FillSpec, Job, JobErrors, JobSpec};
use crate::worker::{Command, Event, JobEvent, JobId, Report, WorkerHandle};

/// Longest time between two looks at the progress.
const LOOK: Duration = Duration::from_millis(200);

/// How the program ends; scripts depend on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done and verified.
    Done = 0,
    /// No result.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// Stopped on request.
    Cancelled = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Checks settings before anything is started, and says which model is used.
///
/// # Errors
/// [`Exit::Usage`], after every wrong setting was told.
pub(super) fn check(spec: &JobSpec, console: &mut Console) -> Result<(), Exit> {
    match Job::new(spec) {
        Ok(job) => {
            if job.models.checkpoint.is_none() {
                note(
                    "No model is named: using the bundled demo model, which shows the steps and not the quality.",
                    console,
                );
            }
            Ok(())
        }
        Err(errors) => Err(refuse(errors, "translate", console)),
    }
}

/// Says what is worth knowing before the start.
pub(super) fn note(text: &str, console: &mut Console) {
    console.tell(&Line::Note { text });
    console.say(text);
}

/// Checks what filling is told to do before anything is started.
///
/// # Errors
/// As [`check`].
pub(super) fn check_fill(spec: &FillSpec, console: &mut Console) -> Result<(), Exit> {
    match FillJob::new(spec) {
        Ok(_) => Ok(()),
        Err(errors) => Err(refuse(errors, "fill", console)),
    }
}

fn refuse(errors: JobErrors, subcommand: &str, console: &mut Console) -> Exit {
    let hint = Some(format!("see fresco-studio {subcommand} --help"));
    fail(
        &Report {
            hint,
            ..Report::from(errors)
        },
        console,
    );
    Exit::Usage
}

/// Says why there is no result.
pub(super) fn fail(report: &Report, console: &mut Console) -> Exit {
    console.tell(&Line::Failed(report));
    console.complain("error", report);
    Exit::Failed
}

/// Sends a job and shows what happens until it has ended.
pub fn follow(worker: &WorkerHandle, job: JobId, spec: JobSpec, console: &mut Console) -> Exit {
    watch(
        worker,
        job,
        Command::Translate(job, Box::new(spec)),
        console,
    )
}

/// Fills between keyframes that exist, and shows what happens.
pub(super) fn fill(
    worker: &WorkerHandle,
    job: JobId,
    spec: FillSpec,
    console: &mut Console,
) -> Exit {
    watch(worker, job, Command::Fill(job, Box::new(spec)), console)
}

/// Measures a result and shows what was measured; as JSON, that is one object and nothing before it.
pub(super) fn evaluate(
    worker: &WorkerHandle,
    job: JobId,
    source: PathBuf,
    result: PathBuf,
    console: &mut Console,
) -> Exit {
    watch(worker, job, Command::Evaluate(job, source, result), console)
}

fn watch(worker: &WorkerHandle, job: JobId, command: Command, console: &mut Console) -> Exit {
    let only_result = matches!(command, Command::Evaluate(..)) && console.style == Style::Json;
    if let Err(error) = worker.send(command) {
        return fail(&unexplained(error.to_string()), console);
    }
    let mut view = JobView::default();
    loop {
        let first = worker.events().recv_timeout(LOOK);
        // Taken before the events that came with it are shown, so that its stage is known by then.
        let sample = worker.progress().take().filter(|sample| sample.job == job);
        let ended = matches!(first, Err(RecvTimeoutError::Disconnected));
        for event in first.into_iter().chain(worker.events().try_iter()) {
            let Event::Job(_, event) = event else {
                continue;
            };
            match &event {
                JobEvent::Evaluated(measures) if only_result => console.tell(measures),
                event if only_result && !event.is_last() => {}
                event => view.event(event, console),
            }
            match event {
                JobEvent::Finished(_) | JobEvent::Evaluated(_) => return Exit::Done,
                JobEvent::Cancelled => return Exit::Cancelled,
                JobEvent::Failed(_) => return Exit::Failed,
                _ => {}
            }
        }
        if ended {
            let summary = "the worker ended in the middle of the job; everything finished is kept";
            return fail(&unexplained(summary.to_owned()), console);
        }
        if let Some(sample) = sample.filter(|_| !only_result) {
            view.sample(&sample, console);
        }
    }
}

fn unexplained(summary: String) -> Report {
    Report {
        summary,
        ..Report::default()
    }
}
