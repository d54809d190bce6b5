//! The length of prompts, counted beside everything else.

use std::sync::Arc;

use fresco_studio::pipeline::job::JobSpec;
use fresco_studio::worker::message::TokenCount;
use fresco_studio::worker::{Command, Event, WorkerHandle, spawn};

use super::next;
use crate::scripted::{Scripted, summary};

fn worker() -> WorkerHandle {
    let build = || Scripted::new(|job, _| Ok(summary(job)));
    spawn(build, Arc::new(|| {})).unwrap()
}

fn ask(worker: &WorkerHandle, spec: JobSpec) {
    worker.send(Command::CountTokens(Box::new(spec))).unwrap();
}

fn answer(worker: &WorkerHandle) -> Option<TokenCount> {
    match next(worker) {
        Event::Tokens(count) => count,
        other => panic!("unexpected {other:?}"),
    }
}

fn spec(prompt: &str) -> JobSpec {
    JobSpec {
        prompt: prompt.to_owned(),
        ..JobSpec::default()
    }
}

#[test]
fn the_newest_prompt_is_counted() {
    let worker = worker();
    ask(&worker, spec("neon"));
    let one = answer(&worker).unwrap();
    assert!(one.tokens > 0);
    assert_eq!(one.room(), 75);
    let wanted = 40 * one.tokens;
    for n in 2..=40 {
        ask(&worker, spec(&"neon ".repeat(n)));
    }
    // Older ones may be passed over; the last answer is of the last text.
    let mut last = answer(&worker).unwrap();
    while last.tokens < wanted {
        last = answer(&worker).unwrap();
    }
    assert_eq!(last.tokens, wanted);
}

#[test]
fn a_model_without_a_vocabulary_has_no_count() {
    let worker = worker();
    let folder = tempfile::tempdir().unwrap();
    let missing = JobSpec {
        model: Some(folder.path().to_owned()),
        ..spec("neon")
    };
    ask(&worker, missing);
    assert_eq!(answer(&worker), None);
    ask(&worker, spec("neon"));
    assert!(answer(&worker).is_some(), "the thread lives on");
}
