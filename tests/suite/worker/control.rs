//! Cancel, pause and the end of the worker.

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use fresco_studio::pipeline::error::Error;
use fresco_studio::worker::{Command, Event, JobEvent, SendError, WorkerHandle};

use super::{FIRST, PATIENCE, SECOND, events_of, names, start, translate};
use crate::scripted::{Place, summary};

/// A script that says each of its checkpoints and waits for leave before the next.
fn stepping() -> (WorkerHandle, Receiver<usize>, Sender<()>) {
    let (said, says) = bounded(0);
    let (go, leave) = bounded::<()>(0);
    let worker = start(move |job, observer| {
        for step in 0.. {
            observer.checkpoint()?;
            said.send(step).unwrap();
            if leave.recv().is_err() {
                break;
            }
        }
        Ok(summary(job))
    });
    (worker, says, go)
}

#[test]
fn cancel_acts_at_the_next_checkpoint() {
    let place = Place::new();
    let (worker, says, go) = stepping();
    translate(&worker, FIRST, place.spec());
    assert_eq!(says.recv_timeout(PATIENCE), Ok(0));
    go.send(()).unwrap();
    assert_eq!(says.recv_timeout(PATIENCE), Ok(1));
    worker.cancel(FIRST);
    go.send(()).unwrap();
    // Another step would wait for a listener and the job would never end.
    assert_eq!(names(&events_of(&worker, FIRST)), ["cancelled"]);
}

#[test]
fn a_waiting_job_can_be_cancelled_and_the_running_one_goes_on() {
    let place = Place::new();
    let (worker, says, go) = stepping();
    translate(&worker, FIRST, place.spec());
    translate(&worker, SECOND, place.spec());
    assert_eq!(says.recv_timeout(PATIENCE), Ok(0));
    worker.cancel(SECOND);
    drop(go);
    assert_eq!(names(&events_of(&worker, FIRST)), ["finished"]);
    assert_eq!(names(&events_of(&worker, SECOND)), ["cancelled"]);
}

#[test]
fn a_paused_job_waits_and_goes_on() {
    let place = Place::new();
    let (worker, says, go) = stepping();
    translate(&worker, FIRST, place.spec());
    assert_eq!(says.recv_timeout(PATIENCE), Ok(0));
    worker.pause(FIRST);
    go.send(()).unwrap();
    assert!(
        says.recv_timeout(Duration::from_millis(100)).is_err(),
        "waits at the checkpoint"
    );
    worker.resume(FIRST);
    assert_eq!(says.recv_timeout(PATIENCE), Ok(1));
    worker.pause(FIRST);
    go.send(()).unwrap();
    worker.cancel(FIRST);
    assert_eq!(
        names(&events_of(&worker, FIRST)),
        ["cancelled"],
        "a paused job can be cancelled"
    );
}

#[test]
fn an_error_after_a_cancel_is_its_echo() {
    let place = Place::new();
    let (reached, at) = bounded::<()>(0);
    let (go, leave) = bounded::<()>(0);
    let worker = start(move |job, _| {
        reached.send(()).unwrap();
        leave.recv().unwrap();
        Err(Error::Io {
            what: "read",
            path: job.source.clone(),
            source: std::io::ErrorKind::BrokenPipe.into(),
        })
    });
    for (job, cancel, last) in [(FIRST, true, "cancelled"), (SECOND, false, "failed")] {
        translate(&worker, job, place.spec());
        at.recv_timeout(PATIENCE).unwrap();
        if cancel {
            worker.cancel(job);
        }
        go.send(()).unwrap();
        assert_eq!(names(&events_of(&worker, job)), [last]);
    }
}

#[test]
fn shutdown_cancels_what_waits() {
    let place = Place::new();
    let (worker, says, go) = stepping();
    translate(&worker, FIRST, place.spec());
    assert_eq!(says.recv_timeout(PATIENCE), Ok(0));
    worker.send(Command::Shutdown).unwrap();
    translate(&worker, SECOND, place.spec());
    drop(go);
    assert_eq!(names(&events_of(&worker, FIRST)), ["finished"]);
    assert_eq!(names(&events_of(&worker, SECOND)), ["cancelled"]);
    assert!(
        worker.events().recv_timeout(PATIENCE).is_err(),
        "the thread has ended"
    );
    assert_eq!(worker.send(Command::Shutdown), Err(SendError::Stopped));
}

#[test]
fn dropping_the_handle_stops_a_paused_job() {
    let place = Place::new();
    let (worker, says, go) = stepping();
    translate(&worker, FIRST, place.spec());
    translate(&worker, SECOND, place.spec());
    assert_eq!(says.recv_timeout(PATIENCE), Ok(0));
    worker.pause(FIRST);
    go.send(()).unwrap();
    let events = worker.events().clone();
    drop(worker);
    let last: Vec<Event> = events.try_iter().collect();
    let cancelled = [FIRST, SECOND].map(|job| {
        last.iter()
            .filter(|event| matches!(event, Event::Job(id, JobEvent::Cancelled) if *id == job))
            .count()
    });
    assert_eq!((last.len(), cancelled), (2, [1, 1]));
}
