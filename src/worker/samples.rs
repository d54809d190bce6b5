//! Samples: a *try* and an overlay, each with one slot for requests, of which the newest wins, and what is told of each.

use std::sync::Arc;

use super::handle::Outbox;
use super::latest::Latest;
use super::message::{
    Event, OverlayPicture, OverlaySpec, PreviewOf, Report, TrialEvent, TryRequest,
};
use crate::frame::{Frame, FrameIdx};
use crate::pipeline::error::Error;
use crate::pipeline::observer::{Cancelled, MakeSample, Observer, StepOf, Warning};
use crate::pipeline::sample::Sample;

/// Where requests lie until the engine is free.
#[derive(Debug, Default)]
pub(super) struct Slots {
    pub tries: Latest<TryRequest>,
    pub overlays: Latest<OverlaySpec>,
}

impl Slots {
    /// What is made next: a *try* first, since somebody pressed a button for it.
    pub fn take(&self) -> Option<Waiting> {
        let request = self
            .tries
            .take()
            .map(|request| Waiting::Try(Box::new(request)));
        request.or_else(|| {
            self.overlays
                .take()
                .map(|spec| Waiting::Overlay(Box::new(spec)))
        })
    }
}

/// A request that was taken from its slot.
pub(super) enum Waiting {
    Try(Box<TryRequest>),
    Overlay(Box<OverlaySpec>),
}

impl Waiting {
    /// Tells that it cannot be made.
    pub fn fail(&self, report: Report, outbox: &Outbox) {
        match self {
            Self::Try(request) => {
                outbox.send(Event::Trial(request.request, TrialEvent::Failed(report)));
            }
            Self::Overlay(spec) => lay_over(spec, Err(report), outbox),
        }
    }
}

/// Makes all samples that wait.
pub(super) fn serve(slots: &Slots, outbox: &Outbox, make: &mut MakeSample<'_>) {
    while let Some(waiting) = slots.take() {
        self::make(&waiting, slots, outbox, make);
    }
}

/// Makes a sample, and stops when a newer one of its kind waits.
pub(super) fn make(waiting: &Waiting, slots: &Slots, outbox: &Outbox, make: &mut MakeSample<'_>) {
    match waiting {
        Waiting::Try(request) => {
            let TryRequest { request, trial } = request.as_ref();
            let tell = |event| outbox.send(Event::Trial(*request, event));
            tell(TrialEvent::Started);
            let observer = SampleObserver {
                previews: Some(PreviewOf::Trial(*request)),
                is_newest: &|| slots.tries.is_taken(),
                outbox,
            };
            tell(match make(Sample::Try(trial), &observer) {
                Ok(picture) => TrialEvent::Done(Arc::new(picture)),
                Err(Error::Cancelled) => TrialEvent::Replaced,
                Err(error) => TrialEvent::Failed(Report::from(&error)),
            });
        }
        Waiting::Overlay(spec) => {
            let observer = SampleObserver {
                previews: None,
                is_newest: &|| slots.overlays.is_taken(),
                outbox,
            };
            match make(Sample::Overlay(spec), &observer) {
                Ok(picture) => lay_over(spec, Ok(Arc::new(picture)), outbox),
                // The newer one is told of.
                Err(Error::Cancelled) => {}
                Err(error) => waiting.fail(Report::from(&error), outbox),
            }
        }
    }
}

fn lay_over(spec: &OverlaySpec, picture: Result<Arc<Frame>, Report>, outbox: &Outbox) {
    outbox.overlay.put(OverlayPicture {
        key: spec.key,
        source: spec.info.path.clone(),
        picture,
    });
    (outbox.wake)();
}

/// Listens to a sample, and stops it when a newer one waits.
struct SampleObserver<'a> {
    /// Whose previews they are, if any are shown.
    previews: Option<PreviewOf>,
    is_newest: &'a (dyn Fn() -> bool + Sync),
    outbox: &'a Outbox,
}

impl SampleObserver<'_> {
    fn show(&self, step: Option<StepOf>, pictures: Vec<(FrameIdx, Arc<Frame>)>) {
        if let Some(of) = self.previews {
            self.outbox.show(of, step, pictures);
        }
    }
}

impl Observer for SampleObserver<'_> {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        let goes_on = (self.is_newest)() && !self.outbox.is_closing();
        goes_on.then_some(()).ok_or(Cancelled)
    }

    fn preview_wanted(&self) -> bool {
        self.previews.is_some() && self.outbox.preview.is_taken()
    }

    fn preview(&self, frame: FrameIdx, picture: Arc<Frame>) {
        self.show(None, vec![(frame, picture)]);
    }

    fn batch_preview(&self, step: StepOf, pictures: Vec<(FrameIdx, Arc<Frame>)>) {
        self.show(Some(step), pictures);
    }

    fn warning(&self, warning: Warning) {
        tracing::info!(summary = warning.summary, "a sample goes on");
    }
}
