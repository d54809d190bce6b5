//! What screen readers are told without being asked.

use egui::accesskit::{Live, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fresco_studio::worker::message::{Event, JobEvent, JobId, JobProgress, Progress, Stage, Unit};

use super::{Bench, open_clip, settle, start_job, tell};
use crate::facts::report;

fn announced(bench: &Bench, live: Live) -> Vec<String> {
    let regions = bench.query_all_by_role(Role::Status);
    let of_kind = regions.filter(|node| node.accesskit_node().live() == live);
    of_kind
        .filter_map(|node| node.accesskit_node().label())
        .collect()
}

fn progress(bench: &mut Bench, job: JobId, done: usize) {
    let sample = JobProgress {
        job,
        stage: Stage::Keyframes,
        progress: Progress {
            done,
            total: 100,
            unit: Unit::Steps,
        },
        left: Some(std::time::Duration::from_mins(3)),
    };
    *bench.state().script().progress.borrow_mut() = Some(sample);
    settle(bench);
}

#[test]
fn progress_is_told_every_ten_per_cent() {
    let mut bench = open_clip();
    assert!(announced(&bench, Live::Polite).is_empty());
    let job = start_job(&mut bench);
    tell(
        &mut bench,
        vec![Event::Job(job, JobEvent::Stage(Stage::Keyframes))],
    );
    assert_eq!(announced(&bench, Live::Polite), ["Keyframes, 0 percent"]);
    let mut said = Vec::new();
    for done in 1..=29 {
        progress(&mut bench, job, done);
        said.extend(announced(&bench, Live::Polite));
    }
    said.dedup();
    let wanted = [
        "Keyframes, 0 percent",
        "Keyframes, 10 percent, about 3 min left",
        "Keyframes, 20 percent, about 3 min left",
    ];
    assert_eq!(said, wanted);
    let bars = bench.query_all_by_role(Role::ProgressIndicator);
    let values: Vec<Option<f64>> = bars
        .map(|node| node.accesskit_node().numeric_value())
        .collect();
    assert_eq!(values, [Some(29.0)]);
}

#[test]
fn failures_interrupt() {
    let mut bench = open_clip();
    let job = start_job(&mut bench);
    let failed = JobEvent::Failed(report("the card caught fire"));
    tell(&mut bench, vec![Event::Job(job, failed)]);
    assert_eq!(announced(&bench, Live::Assertive), ["the card caught fire"]);
}
