//! Downloads models, and shows how far they are.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{report, spawn};
use crate::app::format::{about, bytes};
use crate::cli::console::{Console, Style};
use crate::cli::run::{self, Exit};
use crate::cli::stop_on_interrupt;
use crate::worker::message::{
    CheckedBy, DownloadState, Entry, GetModel, ModelId, Receipt, catalogue,
};
use crate::worker::{Command, Event, Report, Work, WorkerHandle};

/// What `--json` prints: one of these per line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line<'a> {
    Download {
        id: &'a ModelId,
        #[serde(flatten)]
        state: &'a DownloadState,
    },
    Finished {
        id: &'a ModelId,
        #[serde(flatten)]
        receipt: &'a Receipt,
    },
    Cancelled {
        id: &'a ModelId,
    },
}

pub(super) fn get<W: Work>(
    names: &[String],
    how: &GetModel,
    build: impl FnOnce() -> W + Send + 'static,
    console: &mut Console,
) -> Exit {
    let known = |name: &String| catalogue().iter().find(|entry| entry.id.0 == *name);
    let mut entries = Vec::new();
    for name in names {
        let Some(entry) = known(name) else {
            let all: Vec<&str> = catalogue().iter().map(|entry| &*entry.id.0).collect();
            let report = Report {
                hint: Some(format!("choose among {}", all.join(", "))),
                ..report(format!("the catalogue has no model called {name}"))
            };
            run::fail(&report, console);
            return Exit::Usage;
        };
        entries.push(entry);
    }
    let worker = match spawn(build, console) {
        Ok(worker) => worker,
        Err(exit) => return exit,
    };
    let stoppers: Vec<_> = entries
        .iter()
        .map(|entry| worker.download_stopper(entry.id.clone()))
        .collect();
    stop_on_interrupt(move || stoppers.iter().for_each(|stop| stop()));
    for entry in entries {
        let exit = get_one(entry, how, &worker, console);
        if exit != Exit::Done {
            return exit;
        }
    }
    Exit::Done
}

fn get_one(entry: &Entry, how: &GetModel, worker: &WorkerHandle, console: &mut Console) -> Exit {
    let id = &entry.id;
    console.say(format_args!(
        "{}, {}, licence: {}, from {}",
        entry.title,
        bytes(entry.bytes),
        entry.licence_text(),
        entry.address(&how.hub.endpoint)
    ));
    if let Err(error) = worker.send(Command::GetModel(id.clone(), Box::new(how.clone()))) {
        return run::fail(&report(error.to_string()), console);
    }
    let mut view = View::new(console.style);
    for event in worker.events() {
        let Event::Download(of, state) = event else {
            continue;
        };
        if of != *id {
            continue;
        }
        match state {
            DownloadState::Finished(receipt) => {
                view.end();
                console.tell(&Line::Finished {
                    id,
                    receipt: &receipt,
                });
                console.say(ready(&receipt));
                return Exit::Done;
            }
            DownloadState::Cancelled => {
                view.end();
                console.tell(&Line::Cancelled { id });
                console.say("Stopped. What came in is kept. The same command continues.");
                return Exit::Cancelled;
            }
            DownloadState::Failed(report) => {
                view.end();
                return run::fail(&report, console);
            }
            state => {
                console.tell(&Line::Download { id, state: &state });
                view.show(&state, console);
            }
        }
    }
    run::fail(&report("the worker ended early".to_owned()), console)
}

fn ready(receipt: &Receipt) -> String {
    let checked = match receipt.checked_by {
        CheckedBy::Catalogue => "its SHA-256 is that of the catalogue",
        CheckedBy::Hub => "its SHA-256 is the one that the hub tells",
        CheckedBy::Nobody => "no SHA-256 is known to compare it with",
    };
    let Receipt { path, bytes: n, .. } = receipt;
    format!("Ready: {} ({}, {checked})", path.display(), bytes(*n))
}

/// Shows one download while it runs.
struct View {
    bar: Option<ProgressBar>,
    said_tenths: u64,
}

impl View {
    fn new(style: Style) -> Self {
        let bar = || {
            let bar = ProgressBar::new(0);
            let template = "{bar:30} {bytes:>10} of {total_bytes} {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        };
        Self {
            bar: (style == Style::Bars).then(bar),
            said_tenths: 0,
        }
    }

    fn show(&mut self, state: &DownloadState, console: &mut Console) {
        match state {
            DownloadState::Going {
                done,
                total,
                left_secs,
            } => {
                let left = left_secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
                let left = left.map_or("measuring".to_owned(), |left| {
                    format!("{} left", about(left))
                });
                self.progress(*done, *total, &left, console);
            }
            DownloadState::Waiting { secs, reason } => {
                self.note(&format!("{reason}; trying again in {secs:.0} s"), console);
            }
            DownloadState::Checking => {
                if let Some(bar) = &self.bar {
                    bar.set_message("checking");
                }
            }
            _ => {}
        }
    }

    fn progress(&mut self, done: u64, total: Option<u64>, left: &str, console: &mut Console) {
        if let Some(bar) = &self.bar {
            bar.set_length(total.unwrap_or(done));
            bar.set_position(done);
            bar.set_message(left.to_owned());
            return;
        }
        let tenths = total.and_then(|total| (done * 10).checked_div(total));
        if let Some((tenths, total)) = tenths.zip(total)
            && tenths > self.said_tenths
        {
            self.said_tenths = tenths;
            let (done, total) = (bytes(done), bytes(total));
            console.say(format_args!("{done} of {total}, {left}"));
        }
    }

    fn note(&self, text: &str, console: &mut Console) {
        match &self.bar {
            Some(bar) => bar.suspend(|| console.say(text)),
            None => console.say(text),
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
