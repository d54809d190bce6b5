//! Overlays: the newest request wins, also beside a job and beside a *try*.

use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};
use fresco_studio::frame::FrameIdx;
use fresco_studio::pipeline::job::DeviceChoice;
use fresco_studio::worker::message::{OverlayKey, OverlayKind, OverlayPicture, OverlaySpec};
use fresco_studio::worker::{Wake, WorkerHandle, spawn};

use super::{FIRST, PATIENCE, dot, events_of, names, with_sample_between_batches};
use crate::app::{N_FRAMES, info};
use crate::scripted::{OverlayScript, Place, Scripted, summary};

fn spec(frame: usize) -> OverlaySpec {
    let times =
        fresco_studio::video::TimestampIndex::constant(fresco_studio::video::Ratio::ONE, N_FRAMES);
    OverlaySpec {
        key: OverlayKey {
            kind: OverlayKind::Flow,
            frame: FrameIdx(frame),
            other: FrameIdx(frame + 1),
            short_side: 64,
            compat: None,
        },
        info: Arc::new(info()),
        times: Arc::new(times),
        device: DeviceChoice::Cpu,
    }
}

/// A worker, and what it says when there is something to look at.
fn worker_that_draws(on_overlay: OverlayScript) -> (WorkerHandle, Receiver<()>) {
    let (wake, woken) = bounded(16);
    let wake: Wake = Arc::new(move || {
        let _ = wake.try_send(());
    });
    let build = || Scripted {
        on_overlay,
        ..Scripted::new(|job, _| Ok(summary(job)))
    };
    (spawn(build, wake).unwrap(), woken)
}

fn next_overlay(worker: &WorkerHandle, woken: &Receiver<()>) -> OverlayPicture {
    loop {
        woken.recv_timeout(PATIENCE).expect("an overlay");
        if let Some(overlay) = worker.overlay().take() {
            return overlay;
        }
    }
}

#[test]
fn a_request_is_answered_by_its_key() {
    let (worker, woken) = worker_that_draws(Box::new(|spec, _| Ok(dot(spec.key.frame.0 + 40))));
    worker.request_overlay(spec(2));
    let overlay = next_overlay(&worker, &woken);
    assert_eq!(overlay.key, spec(2).key);
    assert_eq!(overlay.picture.unwrap().at(0, 0), [42; 3]);
}

#[test]
fn a_newer_request_stops_the_one_that_is_made() {
    let (begun, has_begun) = bounded(4);
    let (go, leave) = bounded::<()>(4);
    let (worker, woken) = worker_that_draws(Box::new(move |spec, observer| {
        begun.send(spec.key.frame).unwrap();
        leave.recv().unwrap();
        observer.checkpoint()?;
        Ok(dot(spec.key.frame.0))
    }));
    worker.request_overlay(spec(1));
    assert_eq!(has_begun.recv_timeout(PATIENCE), Ok(FrameIdx(1)));
    worker.request_overlay(spec(2));
    worker.request_overlay(spec(3));
    go.send(()).unwrap();
    assert_eq!(
        has_begun.recv_timeout(PATIENCE),
        Ok(FrameIdx(3)),
        "2 never began"
    );
    go.send(()).unwrap();
    assert_eq!(next_overlay(&worker, &woken).key.frame, FrameIdx(3));
}

#[test]
fn one_that_fails_or_panics_is_told_of_and_the_next_works() {
    let (worker, woken) = worker_that_draws(Box::new(|spec, _| {
        assert!(spec.key.frame.0 != 1, "unlucky");
        match spec.key.frame.0 {
            2 => Err(fresco_studio::pipeline::error::Error::NoVideo),
            frame => Ok(dot(frame)),
        }
    }));
    worker.request_overlay(spec(1));
    let report = next_overlay(&worker, &woken).picture.unwrap_err();
    assert_eq!(report.causes, ["unlucky"]);
    worker.request_overlay(spec(2));
    assert!(next_overlay(&worker, &woken).picture.is_err());
    worker.request_overlay(spec(3));
    assert!(next_overlay(&worker, &woken).picture.is_ok());
}

#[test]
fn a_job_makes_room_for_an_overlay_between_batches() {
    let place = Place::new();
    let worker = with_sample_between_batches(&place, |worker| worker.request_overlay(spec(5)));
    assert_eq!(names(&events_of(&worker, FIRST)), ["finished"]);
    let overlay = worker.overlay().take().unwrap();
    assert_eq!(overlay.picture.unwrap().at(0, 0), [105; 3]);
}
