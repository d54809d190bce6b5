//! *Try*: the newest request wins, beside jobs and between their batches.

use std::sync::Arc;

use crossbeam_channel::bounded;
use fresco_studio::frame::FrameIdx;
use fresco_studio::pipeline::observer::StepOf;
use fresco_studio::pipeline::trial::TrialSpec;
use fresco_studio::worker::message::{PreviewOf, TrialEvent, TryRequest};
use fresco_studio::worker::{Event, WorkerHandle, spawn};

use super::{FIRST, PATIENCE, dot, next, with_sample_between_batches};
use crate::app::{N_FRAMES, info};
use crate::scripted::{Place, Scripted, TryScript, summary};

fn request(place: &Place, request: u64) -> TryRequest {
    let times =
        fresco_studio::video::TimestampIndex::constant(fresco_studio::video::Ratio::ONE, N_FRAMES);
    TryRequest {
        request,
        trial: TrialSpec {
            spec: place.spec(),
            info: info(),
            times,
            frame: FrameIdx(request as usize),
        },
    }
}

fn worker_that_tries(on_try: TryScript) -> WorkerHandle {
    let build = || Scripted {
        on_try,
        ..Scripted::new(|job, _| Ok(summary(job)))
    };
    spawn(build, Arc::new(|| {})).unwrap()
}

fn next_trial(worker: &WorkerHandle) -> (u64, TrialEvent) {
    match next(worker) {
        Event::Trial(request, event) => (request, event),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn a_request_is_answered_with_previews_on_the_way() {
    let place = Place::new();
    let worker = worker_that_tries(Box::new(|trial, observer| {
        assert!(observer.preview_wanted());
        let step = StepOf {
            step: 1,
            executed: 2,
        };
        observer.batch_preview(step, vec![(trial.frame, Arc::new(dot(7)))]);
        Ok(dot(trial.frame.0))
    }));
    worker.try_frame(request(&place, 3));
    assert!(matches!(next_trial(&worker), (3, TrialEvent::Started)));
    let (3, TrialEvent::Done(picture)) = next_trial(&worker) else {
        panic!("a picture")
    };
    assert_eq!(picture.at(0, 0), [3; 3]);
    let preview = worker.preview().take().unwrap();
    assert_eq!(preview.of, PreviewOf::Trial(3));
    assert_eq!(preview.pictures[0].1.at(0, 0), [7; 3]);
}

#[test]
fn a_newer_request_stops_the_one_that_is_made() {
    let place = Place::new();
    let (begun, has_begun) = bounded(4);
    let (go, leave) = bounded::<()>(4);
    let worker = worker_that_tries(Box::new(move |trial, observer| {
        begun.send(trial.frame).unwrap();
        leave.recv().unwrap();
        observer.checkpoint()?;
        Ok(dot(trial.frame.0))
    }));
    worker.try_frame(request(&place, 1));
    assert_eq!(has_begun.recv_timeout(PATIENCE), Ok(FrameIdx(1)));
    for newer in 2..=4 {
        worker.try_frame(request(&place, newer));
    }
    go.send(()).unwrap();
    go.send(()).unwrap();
    let told: Vec<(u64, bool)> = (0..4)
        .map(|_| next_trial(&worker))
        .map(|(request, event)| (request, matches!(event, TrialEvent::Done(_))))
        .collect();
    assert_eq!(
        told,
        [(1, false), (1, false), (4, false), (4, true)],
        "2 and 3 never began"
    );
}

#[test]
fn a_job_makes_room_for_a_try_between_batches() {
    let place = Place::new();
    let worker = with_sample_between_batches(&place, |worker| worker.try_frame(request(&place, 5)));
    assert!(matches!(next_trial(&worker), (5, TrialEvent::Started)));
    assert!(
        matches!(next_trial(&worker), (5, TrialEvent::Done(picture)) if picture.at(0, 0) == [105; 3])
    );
    assert!(matches!(next(&worker), Event::Job(FIRST, event) if event.is_last()));
}

#[test]
fn a_try_that_panics_fails_and_the_next_works() {
    let place = Place::new();
    let worker = worker_that_tries(Box::new(|trial, _| {
        assert!(trial.frame.0 != 1, "unlucky");
        Ok(dot(2))
    }));
    worker.try_frame(request(&place, 1));
    assert!(matches!(next_trial(&worker), (1, TrialEvent::Started)));
    let (1, TrialEvent::Failed(report)) = next_trial(&worker) else {
        panic!("a report")
    };
    assert_eq!(report.causes, ["unlucky"]);
    worker.try_frame(request(&place, 2));
    assert!(matches!(next_trial(&worker), (2, TrialEvent::Started)));
    assert!(matches!(next_trial(&worker), (2, TrialEvent::Done(_))));
}

#[test]
fn a_handle_that_is_dropped_stops_a_try() {
    let place = Place::new();
    let (begun, has_begun) = bounded(1);
    let worker = worker_that_tries(Box::new(move |_, observer| {
        begun.send(()).unwrap();
        loop {
            observer.checkpoint()?;
            std::thread::yield_now();
        }
    }));
    worker.try_frame(request(&place, 1));
    has_begun.recv_timeout(PATIENCE).unwrap();
    drop(worker);
}
