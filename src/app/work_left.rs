//! How much work there is, and how fast this device does it.
//!
//! The pace is measured from the progress of running jobs and kept with the user's settings, one for each device.

use std::time::Duration;

use super::settings::short_side;
use super::state::{AppState, JobKind, Project};
use crate::frame::{Size, working_size};
use crate::worker::message::{Batch, JobProgress, Pace, Plan, Stage, Work};

/// A look at a job's progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasuredFrom {
    /// The stage it was in.
    pub stage: Stage,
    /// Units that were done.
    pub done: usize,
    /// When, since the window opened.
    pub at: Duration,
}

impl Project {
    /// The size at which pictures are made; unknown before the source is.
    #[must_use]
    pub fn working_size(&self) -> Option<Size> {
        let info = self.source.info.as_ref()?;
        Some(working_size(info.display_size, short_side(&self.edits.spec)).into())
    }
}

impl AppState {
    /// The work of a whole plan; unknown without a model.
    pub(super) fn work_of(&self, plan: &Plan) -> Option<Work> {
        let batches: Vec<&Batch> = plan.batches().iter().collect();
        self.work_on(&batches, plan.n_in_betweens())
    }

    /// The work of some batches, and of so many frames between keyframes if those are wanted.
    pub(super) fn work_on(&self, batches: &[&Batch], n_in_betweens: usize) -> Option<Work> {
        let project = self.project.as_ref()?;
        let (sizes, size) = (&self.model.ready()?.sizes, project.working_size()?);
        let spec = &project.edits.spec;
        let n_in_betweens = if spec.no_fill { 0 } else { n_in_betweens };
        Some(Work::new(spec, sizes, size, batches, n_in_betweens))
    }

    /// What was measured on the device in use.
    pub(super) fn measured_pace(&self) -> Pace {
        let name = self.device.ready().map(|device| &device.name);
        let pace = name.and_then(|name| self.preferences.paces.get(name));
        pace.copied().unwrap_or_default()
    }

    /// Learns from the progress of the running job how fast the device is.
    pub(super) fn measure(&mut self, sample: &JobProgress) {
        let now = self.now;
        let (Some(job), Some(device)) = (&mut self.job, self.device.ready()) else {
            return;
        };
        let Some(work) = job.work.filter(|_| job.kind == JobKind::Translate) else {
            return;
        };
        let (done, total) = (sample.progress.done, sample.progress.total.max(1));
        let from = job.measured_from.filter(|from| from.stage == sample.stage);
        let Some(from) = from else {
            // What was found done is told with the first sample, and is no measure.
            job.measured_from = Some(MeasuredFrom {
                stage: sample.stage,
                done,
                at: now,
            });
            return;
        };
        let share = done.saturating_sub(from.done) as f64 / total as f64;
        let secs = now.saturating_sub(from.at).as_secs_f64();
        if share <= 0.0 || secs <= 0.0 {
            return;
        }
        let pace = self.preferences.paces.entry(device.name.clone());
        let pace = pace.or_default();
        match sample.stage {
            Stage::Keyframes if work.keyframes > 0.0 => {
                pace.keyframes = Some(secs / (share * work.keyframes));
            }
            Stage::InBetweens if work.in_betweens > 0.0 => {
                pace.in_betweens = Some(secs / (share * work.in_betweens));
            }
            _ => {}
        }
    }
}
