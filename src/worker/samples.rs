//! *Try*: one slot for requests, of which the newest wins, and what is told of each.

use std::sync::Arc;

use super::handle::Outbox;
use super::latest::Latest;
use super::message::{Event, PreviewOf, Report, TrialEvent, TryRequest};
use crate::frame::{Frame, FrameIdx};
use crate::pipeline::error::Error;
use crate::pipeline::observer::{Cancelled, MakeTrial, Observer, StepOf, Warning};

/// Makes the *try* that waits in the slot, if one does.
pub(super) fn serve(slot: &Latest<TryRequest>, outbox: &Outbox, make: &mut MakeTrial<'_>) {
    while let Some(TryRequest { request, trial }) = slot.take() {
        let tell = |event| outbox.send(Event::Trial(request, event));
        tell(TrialEvent::Started);
        let observer = TrialObserver {
            request,
            slot,
            outbox,
        };
        tell(match make(&trial, &observer) {
            Ok(picture) => TrialEvent::Done(Arc::new(picture)),
            Err(Error::Cancelled) => TrialEvent::Replaced,
            Err(error) => TrialEvent::Failed(Report::from(&error)),
        });
    }
}

/// Listens to a *try*, and stops it when a newer one waits.
struct TrialObserver<'a> {
    request: u64,
    slot: &'a Latest<TryRequest>,
    outbox: &'a Outbox,
}

impl Observer for TrialObserver<'_> {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        let is_newest = self.slot.is_taken() && !self.outbox.is_closing();
        is_newest.then_some(()).ok_or(Cancelled)
    }

    fn preview_wanted(&self) -> bool {
        self.outbox.preview.is_taken()
    }

    fn preview(&self, frame: FrameIdx, picture: Arc<Frame>) {
        let of = PreviewOf::Trial(self.request);
        self.outbox.show(of, None, vec![(frame, picture)]);
    }

    fn batch_preview(&self, step: StepOf, pictures: Vec<(FrameIdx, Arc<Frame>)>) {
        let of = PreviewOf::Trial(self.request);
        self.outbox.show(of, Some(step), pictures);
    }

    fn warning(&self, warning: Warning) {
        tracing::info!(summary = warning.summary, "a try goes on");
    }
}
