//! The thread that downloads models, beside any job, one after another.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use serde::Serialize;

use super::handle::Outbox;
use super::message::Event;
use super::report::{Report, guarded};
use super::time_left::TimeLeft;
use crate::pipeline::model_manager::{self, DownloadError, Hub, ModelId, Receipt, Step};

/// Shortest time between two looks at how far a download is.
const BETWEEN_NEWS: Duration = Duration::from_millis(200);

/// How a model is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetModel {
    /// The models folder.
    pub folder: PathBuf,
    /// Whom to ask.
    pub hub: Hub,
}

/// News of a download. One of the last three ends it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum DownloadState {
    /// Bytes come in.
    Going {
        /// Bytes that are there.
        done: u64,
        /// Bytes that there will be, if that is known.
        total: Option<u64>,
        /// Seconds that are left, smoothed; unknown until some of them were measured.
        left_secs: Option<f64>,
    },
    /// The line broke or the server asks to wait; it goes on by itself.
    Waiting {
        /// For how long.
        secs: f64,
        /// Why.
        reason: String,
    },
    /// All bytes are there, and are compared with the hash.
    Checking,
    /// It is there.
    Finished(Receipt),
    /// It was stopped; what came in is kept.
    Cancelled,
    /// It is not there.
    Failed(Report),
}

impl DownloadState {
    /// Whether it ends the download.
    #[must_use]
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Finished(_) | Self::Cancelled | Self::Failed(_))
    }
}

/// Downloads that are to stop.
#[derive(Debug, Default)]
pub(super) struct Stops(Mutex<BTreeSet<ModelId>>);

impl Stops {
    /// The download is to stop.
    pub fn stop(&self, id: &ModelId) {
        self.set().insert(id.clone());
    }

    /// It is asked for anew.
    pub fn forget(&self, id: &ModelId) {
        self.set().remove(id);
    }

    fn has(&self, id: &ModelId) -> bool {
        self.set().contains(id)
    }

    fn set(&self) -> MutexGuard<'_, BTreeSet<ModelId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Downloads until the queue is closed.
pub(super) fn run(orders: &Receiver<(ModelId, Box<GetModel>)>, outbox: &Outbox, stops: &Stops) {
    for (id, how) in orders {
        let last = guarded(|| get(&id, &how, outbox, stops)).unwrap_or_else(DownloadState::Failed);
        stops.forget(&id);
        outbox.send(Event::Download(id, last));
    }
}

fn get(id: &ModelId, how: &GetModel, outbox: &Outbox, stops: &Stops) -> DownloadState {
    if stops.has(id) {
        // It was stopped while it waited.
        return DownloadState::Cancelled;
    }
    let Some(entry) = model_manager::entry(id) else {
        return DownloadState::Failed(unknown(id));
    };
    let mut news = News {
        id,
        outbox,
        since: None,
        left: None,
    };
    let mut watch = |step| {
        news.tell(step);
        if stops.has(id) || outbox.is_closing() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    match model_manager::get(entry, &how.folder, &how.hub, &mut watch) {
        Ok(receipt) => DownloadState::Finished(receipt),
        Err(DownloadError::Cancelled) => DownloadState::Cancelled,
        Err(error) => DownloadState::Failed(report(&error)),
    }
}

fn report(error: &DownloadError) -> Report {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    Report {
        summary: error.to_string(),
        causes: causes.map(ToString::to_string).collect(),
        hint: error.hint(),
        ..Report::default()
    }
}

fn unknown(id: &ModelId) -> Report {
    Report {
        summary: format!("the catalogue has no model called {id}"),
        hint: Some("see fresco-studio models list".to_owned()),
        ..Report::default()
    }
}

/// Tells how far a download is, now and then.
struct News<'a> {
    id: &'a ModelId,
    outbox: &'a Outbox,
    /// When it was told last.
    since: Option<Instant>,
    left: Option<TimeLeft>,
}

impl News<'_> {
    fn tell(&mut self, step: Step) {
        let is_sample = !matches!(step, Step::Waiting { .. });
        let is_soon = self
            .since
            .is_some_and(|since| since.elapsed() < BETWEEN_NEWS);
        if is_sample && is_soon {
            return;
        }
        self.since = Some(Instant::now());
        let state = match step {
            Step::Going { done, total } => DownloadState::Going {
                left_secs: self.left(done, total),
                done,
                total,
            },
            Step::Waiting { pause, reason } => DownloadState::Waiting {
                secs: pause.as_secs_f64(),
                reason,
            },
            Step::Checking => DownloadState::Checking,
        };
        self.outbox.send(Event::Download(self.id.clone(), state));
    }

    fn left(&mut self, done: u64, total: Option<u64>) -> Option<f64> {
        let now = Instant::now();
        let left = self.left.get_or_insert_with(|| TimeLeft::new(now));
        // In pieces large enough that one of them is a measurement.
        let left = left.update(now, (done >> 20) as usize, (total? >> 20) as usize);
        left.map(|left| left.as_secs_f64())
    }
}
