//! Progress and previews: samples of which only the newest counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::bounded;
use fresco_studio::frame::{Frame, FrameIdx, Size};
use fresco_studio::pipeline::observer::{Progress, Stage, Unit};
use fresco_studio::worker::{Latest, Wake, spawn};

use super::{FIRST, PATIENCE, events_of, names, start, translate};
use crate::scripted::{Place, Scripted, summary};

fn steps(done: usize) -> Progress {
    Progress {
        done,
        total: 4,
        unit: Unit::Steps,
    }
}

#[test]
fn samples_overwrite_and_previews_are_made_only_when_wanted() {
    let place = Place::new();
    let (tell, told) = bounded(16);
    let (go, leave) = bounded::<()>(0);
    let worker = start(move |job, observer| {
        observer.progress(steps(0));
        observer.stage(Stage::Keyframes);
        for step in 1..=3 {
            observer.progress(steps(step));
            let wanted = observer.preview_wanted();
            if wanted {
                let picture = Frame::from_fn(
                    Size {
                        width: 1,
                        height: 1,
                    },
                    |_, _| [step as u8; 3],
                );
                observer.preview(FrameIdx(step), Arc::new(picture));
            }
            tell.send(wanted).unwrap();
            if step > 1 {
                leave.recv().unwrap();
            }
        }
        Ok(summary(job))
    });
    translate(&worker, FIRST, place.spec());
    assert_eq!(
        told.recv_timeout(PATIENCE),
        Ok(true),
        "an empty slot wants a picture"
    );
    assert_eq!(
        told.recv_timeout(PATIENCE),
        Ok(false),
        "nobody took the first"
    );
    let sample = worker.progress().take().unwrap();
    assert_eq!(
        (sample.job, sample.stage, sample.progress),
        (FIRST, Stage::Keyframes, steps(2))
    );
    assert!(sample.left.is_some(), "one step was measured");
    assert!(worker.progress().take().is_none(), "samples do not queue");
    assert_eq!(worker.preview().take().unwrap().pictures[0].0, FrameIdx(1));
    go.send(()).unwrap();
    assert_eq!(
        told.recv_timeout(PATIENCE),
        Ok(true),
        "the picture was taken"
    );
    let newest = worker.preview().take().unwrap();
    assert_eq!(newest.pictures[0].1.at(0, 0), [3; 3]);
    go.send(()).unwrap();
    assert_eq!(names(&events_of(&worker, FIRST)), ["stage", "finished"]);
}

#[test]
fn every_event_and_sample_wakes_the_listener() {
    let place = Place::new();
    let wakes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&wakes);
    let wake: Wake = Arc::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let build = || {
        Scripted::new(|job, observer| {
            observer.stage(Stage::Keyframes);
            observer.progress(steps(1));
            let picture = Frame::from_fn(
                Size {
                    width: 1,
                    height: 1,
                },
                |_, _| [0; 3],
            );
            observer.preview(FrameIdx(0), Arc::new(picture));
            Ok(summary(job))
        })
    };
    let worker = spawn(build, wake).unwrap();
    translate(&worker, FIRST, place.spec());
    events_of(&worker, FIRST);
    drop(worker);
    // Three news of the job, its end, and that of the worker.
    assert_eq!(wakes.load(Ordering::SeqCst), 5);
}

#[test]
fn a_mailbox_keeps_the_newest() {
    let slot = Latest::default();
    assert!(slot.is_taken());
    slot.put(1);
    slot.put(2);
    assert!(!slot.is_taken());
    assert_eq!((slot.take(), slot.take()), (Some(2), None));
}
