//! The worker's ear: turns what a job tells into events and samples.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::handle::Outbox;
use super::message::{JobEvent, JobId, JobProgress, PreviewOf};
use super::samples::{self, Slots};
use super::time_left::TimeLeft;
use super::token::Token;
use crate::frame::{Frame, FrameIdx};
use crate::pipeline::foretold::ForetoldMemory;
use crate::pipeline::memory_meter::MeasuredMemory;
use crate::pipeline::observer::{
    Cancelled, MakeSample, Observer, Progress, Stage, StepOf, Warning,
};
use crate::pipeline::plan::Plan;

/// Listens to one job and passes on what it says.
pub(super) struct Reporter<'a> {
    job: JobId,
    outbox: &'a Outbox,
    slots: &'a Slots,
    token: &'a Token,
    current: Mutex<Option<(Stage, TimeLeft)>>,
}

impl<'a> Reporter<'a> {
    pub fn new(job: JobId, (outbox, slots): (&'a Outbox, &'a Slots), token: &'a Token) -> Self {
        Self {
            slots,
            job,
            outbox,
            token,
            current: Mutex::new(None),
        }
    }
}

impl Observer for Reporter<'_> {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        self.token.checkpoint()
    }

    fn started(&self, plan: &Plan) {
        self.outbox.job(self.job, JobEvent::Started(plan.clone()));
    }

    fn stage(&self, stage: Stage) {
        tracing::info!(%stage, "stage begins");
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((stage, TimeLeft::new(Instant::now())));
        self.outbox.job(self.job, JobEvent::Stage(stage));
    }

    fn progress(&self, progress: Progress) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((stage, time_left)) = current.as_mut() else {
            return;
        };
        let left = time_left.update(Instant::now(), progress.done, progress.total);
        let sample = JobProgress {
            job: self.job,
            stage: *stage,
            progress,
            left,
        };
        drop(current);
        self.outbox.progress.put(sample);
        (self.outbox.wake)();
    }

    fn keyframe(&self, frame: FrameIdx, path: &Path) {
        self.outbox.job(
            self.job,
            JobEvent::Keyframe {
                frame,
                path: path.to_owned(),
            },
        );
    }

    fn preview_wanted(&self) -> bool {
        self.outbox.preview.is_taken()
    }

    fn preview(&self, frame: FrameIdx, picture: Arc<Frame>) {
        let of = PreviewOf::Job(self.job);
        self.outbox.show(of, None, vec![(frame, picture)]);
    }

    fn batch_preview(&self, step: StepOf, pictures: Vec<(FrameIdx, Arc<Frame>)>) {
        let of = PreviewOf::Job(self.job);
        self.outbox.show(of, Some(step), pictures);
    }

    fn interlude(&self, make: &mut MakeSample<'_>) {
        samples::serve(self.slots, self.outbox, make);
    }

    fn memory_foretold(&self, memory: ForetoldMemory) {
        self.outbox.job(self.job, JobEvent::MemoryForetold(memory));
    }

    fn memory(&self, memory: MeasuredMemory) {
        self.outbox.job(self.job, JobEvent::Memory(memory));
    }

    fn warning(&self, warning: Warning) {
        self.outbox.job(self.job, JobEvent::Warning(warning.into()));
    }
}
