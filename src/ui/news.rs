//! What is logged of the worker's news: the turns of events, not their stream.

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
