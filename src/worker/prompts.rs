//! The thread that counts the tokens of the prompt that is being written; of several texts only the newest counts.

use std::path::PathBuf;

use crossbeam_channel::Receiver;

use super::handle::Outbox;
use super::latest::Latest;
use super::message::{Event, Report, TokenCount};
use super::report::guarded;
use crate::pipeline::error::Error;
use crate::pipeline::job::JobSpec;
use crate::pipeline::tokens::PromptCounter;

/// The vocabulary that was read last, and whose it is.
type Known = Option<(Option<PathBuf>, PromptCounter)>;

/// Counts until the queue of nudges is closed.
pub(super) fn run(nudges: &Receiver<()>, slot: &Latest<Box<JobSpec>>, outbox: &Outbox) {
    let mut known = None;
    while nudges.recv().is_ok() {
        let Some(spec) = slot.take() else { continue };
        let counted = guarded(|| count(&mut known, &spec));
        let counted = counted.and_then(|result| result.map_err(|error| Report::from(&error)));
        if let Err(report) = &counted {
            // That the model cannot be used is told by the check of the model.
            tracing::debug!(reason = report.summary, "cannot count tokens");
            known = None;
        }
        outbox.send(Event::Tokens(counted.ok()));
    }
}

fn count(known: &mut Known, spec: &JobSpec) -> Result<TokenCount, Error> {
    let counter = match known.take() {
        Some((model, counter)) if model == spec.model => counter,
        _ => PromptCounter::of(spec.model.as_deref())?,
    };
    let (_, counter) = known.insert((spec.model.clone(), counter));
    Ok(counter.count(spec))
}
