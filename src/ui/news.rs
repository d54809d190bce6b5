//! What is logged of the worker's news and of the window itself: the turns of events, not their stream.

use egui::Context;

use crate::app::state::Dialog;
use crate::worker::message::{Event, JobEvent, SourceEvent, TrialEvent};

/// Logs an event that something waited for.
pub fn log(event: &Event) {
    match event {
        Event::Ffmpeg(Ok(ffmpeg)) => tracing::info!(version = ffmpeg.version, "ffmpeg is ready"),
        Event::Ffmpeg(Err(report)) => tracing::warn!(reason = report.summary, "no ffmpeg"),
        Event::Model(Err(report)) => tracing::warn!(reason = report.summary, "no model"),
        Event::Source(_, SourceEvent::Done(_)) => tracing::info!("the source is surveyed"),
        Event::Source(_, SourceEvent::Failed(report)) => {
            tracing::warn!(reason = report.summary, "the source cannot be used");
        }
        Event::Trial(_, TrialEvent::Done(_)) => tracing::info!("the try is done"),
        Event::Trial(_, TrialEvent::Failed(report)) => {
            tracing::warn!(reason = report.summary, "the try failed");
        }
        Event::Job(_, event) => job(event),
        _ => (),
    }
}

fn job(event: &JobEvent) {
    match event {
        JobEvent::Keyframe { frame, .. } => tracing::info!(%frame, "a keyframe is done"),
        JobEvent::Finished(summary) => {
            tracing::info!(out = %summary.out.display(), "the job is done");
        }
        JobEvent::Cancelled => tracing::info!("the job has stopped"),
        JobEvent::Failed(report) => tracing::error!(
            reason = report.summary,
            causes = report.causes.join("; "),
            "the job failed"
        ),
        _ => (),
    }
}

/// What was logged of the window last.
#[derive(Debug, Default)]
pub struct Noticed {
    has_keyboard: bool,
    dialog: Option<&'static str>,
}

impl Noticed {
    /// Logs that the window got the keyboard, or a dialog in it; called when a frame is laid out.
    pub fn look(&mut self, ctx: &Context, dialog: Option<&Dialog>) {
        let has_keyboard = ctx.input(|input| input.focused);
        if has_keyboard && !self.has_keyboard {
            tracing::info!("the window has the keyboard");
        }
        self.has_keyboard = has_keyboard;
        let is_focused = ctx.memory(|memory| memory.focused().is_some());
        let dialog = dialog.filter(|_| is_focused).map(name);
        if dialog != self.dialog {
            self.dialog = dialog;
            if let Some(name) = dialog {
                tracing::info!("the dialog has the keyboard: {name}");
            }
        }
    }
}

fn name(dialog: &Dialog) -> &'static str {
    match dialog {
        Dialog::Palette(_) => "commands",
        Dialog::Export(_) => "export",
        _ => "another",
    }
}
