//! The worker's protocol, with a scripted engine.

mod control;
mod exports;
mod files;
mod media;
mod overlays;
mod prompts;
mod samples;
mod trials;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::bounded;
use fresco_studio::frame::{Frame, FrameIdx, Size};
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::job::{Job, JobSpec};
use fresco_studio::pipeline::observer::{Observer, Stage, Summary, Warning};
use fresco_studio::pipeline::plan::{Partition, Plan};
use fresco_studio::pipeline::sample::Sample;
use fresco_studio::pipeline::shots::shots_between;
use fresco_studio::worker::{Command, Event, JobEvent, JobId, WorkerHandle, spawn};

use crate::scripted::{Place, Scripted, summary};

/// Long enough for any machine; only reached by a test that fails.
const PATIENCE: Duration = Duration::from_mins(1);
/// Time for something that must not come.
const SOON: Duration = Duration::from_millis(300);
const FIRST: JobId = JobId(1);
const SECOND: JobId = JobId(2);

fn start(
    script: impl FnMut(&Job, &dyn Observer) -> Result<Summary, Error> + Send + 'static,
) -> WorkerHandle {
    spawn(move || Scripted::new(script), Arc::new(|| {})).unwrap()
}

fn translate(worker: &WorkerHandle, job: JobId, spec: JobSpec) {
    worker
        .send(Command::Translate(job, Box::new(spec)))
        .unwrap();
}

/// A picture of one pixel, grey of this value.
fn dot(value: usize) -> Frame {
    let size = Size {
        width: 1,
        height: 1,
    };
    Frame::from_fn(size, |_, _| [value as u8; 3])
}

/// A worker at a job that, once `ask` has asked for a sample, makes room for it between two batches. The sample of a frame
/// is a [`dot`] of a hundred more than the frame's number.
fn with_sample_between_batches(place: &Place, ask: impl FnOnce(&WorkerHandle)) -> WorkerHandle {
    let (begun, has_begun) = bounded(1);
    let (go, leave) = bounded::<()>(1);
    let worker = start(move |job, observer| {
        begun.send(()).unwrap();
        leave.recv().unwrap();
        observer.interlude(&mut |sample, _| {
            let frame = match sample {
                Sample::Overlay(spec) => spec.key.frame,
                Sample::Try(trial) => trial.frame,
            };
            Ok(dot(100 + frame.0))
        });
        Ok(summary(job))
    });
    translate(&worker, FIRST, place.spec());
    has_begun.recv_timeout(PATIENCE).unwrap();
    ask(&worker);
    go.send(()).unwrap();
    worker
}

fn next(worker: &WorkerHandle) -> Event {
    worker.events().recv_timeout(PATIENCE).expect("an event")
}

/// Events of the next job to end, without the ids, up to the last.
fn events_of(worker: &WorkerHandle, job: JobId) -> Vec<JobEvent> {
    let mut events = Vec::new();
    loop {
        match next(worker) {
            Event::Job(id, event) => {
                assert_eq!(id, job);
                let last = event.is_last();
                events.push(event);
                if last {
                    return events;
                }
            }
            other => panic!("unexpected {other:?}"),
        }
    }
}

fn names(events: &[JobEvent]) -> Vec<&'static str> {
    let name = |event: &JobEvent| match event {
        JobEvent::Started(_) => "started",
        JobEvent::Stage(_) => "stage",
        JobEvent::MemoryForetold(_) => "memory-foretold",
        JobEvent::Memory(_) => "memory",
        JobEvent::Keyframe { .. } => "keyframe",
        JobEvent::Warning(_) => "warning",
        JobEvent::Finished(_) => "finished",
        JobEvent::Evaluated(_) => "evaluated",
        JobEvent::Cancelled => "cancelled",
        JobEvent::Failed(_) => "failed",
    };
    events.iter().map(name).collect()
}

fn plan() -> Plan {
    let keyframes = [0, 1, 2].map(FrameIdx).to_vec();
    Plan::new(shots_between(0..3, &[]), &[keyframes], 8, Partition::Filled).unwrap()
}

#[test]
fn events_come_in_order_and_end_with_one_last() {
    let place = Place::new();
    let worker = start(|job, observer| {
        observer.started(&plan());
        observer.stage(Stage::Analyse);
        observer.warning(Warning {
            summary: "odd".into(),
            hint: None,
        });
        observer.stage(Stage::Keyframes);
        observer.keyframe(FrameIdx(1), &job.work.join("keyframes/0001.png"));
        Ok(summary(job))
    });
    translate(&worker, FIRST, place.spec());
    let events = events_of(&worker, FIRST);
    assert_eq!(
        names(&events),
        [
            "started", "stage", "warning", "stage", "keyframe", "finished"
        ]
    );
    assert!(matches!(&events[0], JobEvent::Started(told) if *told == plan()));
    let JobEvent::Keyframe { frame, path } = &events[4] else {
        unreachable!("named above")
    };
    assert_eq!(
        (*frame, path),
        (FrameIdx(1), &place.path("out.fresco/keyframes/0001.png"))
    );
    worker.send(Command::Shutdown).unwrap();
    let after = worker.events().recv_timeout(SOON);
    assert!(after.is_err(), "nothing follows the last event: {after:?}");
}

#[test]
fn settings_that_cannot_be_used_fail_the_job_with_all_reasons() {
    let place = Place::new();
    let worker = start(|job, _| Ok(summary(job)));
    let wrong = JobSpec {
        steps: 0,
        prompt: String::new(),
        ..place.spec()
    };
    translate(&worker, FIRST, wrong);
    let events = events_of(&worker, FIRST);
    assert!(
        matches!(&events[..], [JobEvent::Failed(report)] if report.causes.len() == 2),
        "{events:?}"
    );
}

#[test]
fn a_probe_is_answered() {
    let worker = start(|job, _| Ok(summary(job)));
    worker.send(Command::Probe("gone.mp4".into())).unwrap();
    let Event::Probed(Err(report)) = next(&worker) else {
        panic!("a report")
    };
    assert_eq!(report.summary, "cannot open the video gone.mp4");
    assert!(report.hint.is_some());
}

#[test]
fn a_panic_fails_its_job_and_the_next_one_works() {
    let place = Place::new();
    let resets = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&resets);
    let build = move || Scripted {
        on_reset: Box::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        }),
        ..Scripted::new(|job, observer| {
            observer.stage(Stage::Keyframes);
            let steps = job.sampling.steps;
            assert!(steps != 13, "unlucky number {steps}");
            Ok(summary(job))
        })
    };
    let worker = spawn(build, Arc::new(|| {})).unwrap();
    translate(
        &worker,
        FIRST,
        JobSpec {
            steps: 13,
            ..place.spec()
        },
    );
    translate(&worker, SECOND, place.spec());
    let events = events_of(&worker, FIRST);
    let Some(JobEvent::Failed(report)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(report.causes, ["unlucky number 13"]);
    assert_eq!(names(&events_of(&worker, SECOND)), ["stage", "finished"]);
    assert_eq!(resets.load(Ordering::SeqCst), 1);
}

#[test]
fn an_engine_that_cannot_be_built_fails_every_job() {
    let place = Place::new();
    let build = || -> Scripted { panic!("no device") };
    let worker = spawn(build, Arc::new(|| {})).unwrap();
    for job in [FIRST, SECOND] {
        translate(&worker, job, place.spec());
        let events = events_of(&worker, job);
        assert!(
            matches!(&events[..], [JobEvent::Failed(report)] if report.causes == ["no device"])
        );
    }
}

#[test]
fn the_engine_lives_on_one_named_thread() {
    let place = Place::new();
    let (tell, told) = bounded(2);
    let build = move || {
        tell.send(std::thread::current().id()).unwrap();
        Scripted::new(move |job, _| {
            assert_eq!(std::thread::current().name(), Some("worker"));
            tell.send(std::thread::current().id()).unwrap();
            Ok(summary(job))
        })
    };
    let worker = spawn(build, Arc::new(|| {})).unwrap();
    translate(&worker, FIRST, place.spec());
    assert_eq!(names(&events_of(&worker, FIRST)), ["finished"]);
    let (built, ran) = (told.recv().unwrap(), told.recv().unwrap());
    assert_eq!(built, ran);
    assert_ne!(built, std::thread::current().id());
}
