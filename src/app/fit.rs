//! The line above the one button: how much memory and time the work will take, and what makes it fit.

use super::actions::{Action, Gesture, Setting};
use super::format;
use super::marks::{Mark, MarkState, in_betweens_are_current};
use super::settings::short_side;
use super::state::{AppState, Project};
use crate::frame::{Size, working_size};
use crate::pipeline::job::{Consistency, JobSpec};
use crate::worker::message::{
    Batch, BatchLoad, NetworkSizes, Pace, Plan, batch_bytes, disk_bytes, frames_that_fit,
};

/// What the line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Memory and time.
    pub text: String,
    /// Whether the memory is enough; unknown without a limit.
    pub is_enough: Option<bool>,
    /// Changes that make it fit.
    pub remedies: Vec<Remedy>,
}

/// A change that makes a batch fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// What its button says.
    pub label: String,
    /// The change.
    pub action: Action,
}

/// What the line says of a plan and its keyframes; nothing before model, device and source are known.
#[must_use]
pub fn fit(state: &AppState, plan: &Plan, marks: &[Mark]) -> Option<Fit> {
    let project = state.project.as_ref()?;
    let sizes = &state.model.ready()?.sizes;
    let load = load(state, project, plan)?;
    let estimated = batch_bytes(sizes, &load);
    let (needed, is_measured) = state.needed_memory(estimated);
    let limit = state.preferences.memory_limit();
    let is_enough = limit.map(|limit| needed <= limit);
    let about = if is_measured { "" } else { "about " };
    let amount = format!("{about}{}", format::bytes(needed));
    let memory = match limit {
        None => amount,
        Some(limit) if needed <= limit => format!("{amount} of {}", format::bytes(limit)),
        Some(limit) => format!("{amount} needed, limit {}", format::bytes(limit)),
    };
    let mut parts = vec![memory];
    parts.extend(time_left(state, project, plan, marks));
    let too_much = limit.filter(|limit| needed > *limit);
    Some(Fit {
        text: parts.join(" · "),
        is_enough,
        remedies: too_much.map_or(Vec::new(), |limit| {
            // The limit by the measure of the estimate, which the remedies go by.
            let limit = (limit as f64 * estimated as f64 / needed as f64) as u64;
            remedies(&project.edits.spec, (sizes, project), &load, limit)
        }),
    })
}

/// The frames of the range that have room on the disk, and what all of them need; nothing if there is enough, or if it
/// is not known.
#[must_use]
pub fn short_of_disk(state: &AppState) -> Option<ShortOfDisk> {
    let (project, free) = (state.project.as_ref()?, state.disk_free?);
    let size = project.working_size()?;
    let fills = !project.edits.spec.no_fill;
    let range = project.range();
    // What is there already takes no more room.
    let is_new = !project.results.unfinished && project.results.filled.is_empty();
    let needed = disk_bytes(range.len(), size, fills);
    let fitting = free / disk_bytes(1, size, fills).max(1);
    (is_new && needed > free).then(|| ShortOfDisk {
        needed,
        free,
        n_frames: range.len(),
        fitting: usize::try_from(fitting).unwrap_or(usize::MAX),
    })
}

/// A clip that is too long for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortOfDisk {
    /// Bytes that all of its frames need.
    pub needed: u64,
    /// Bytes that are free.
    pub free: u64,
    /// Its frames.
    pub n_frames: usize,
    /// Frames that there is room for.
    pub fitting: usize,
}

/// The largest batch of the plan.
fn load(state: &AppState, project: &Project, plan: &Plan) -> Option<BatchLoad> {
    let frames = plan.batches().iter().map(|batch| batch.frames().len());
    Some(BatchLoad {
        frames: frames.max()?,
        size: project.working_size()?,
        half: state.computes_in_half()?,
        consistency: Consistency::from(&project.edits.spec.guidance),
    })
}

/// How long what is not current will take; nothing while a job runs, which tells it itself.
fn time_left(state: &AppState, project: &Project, plan: &Plan, marks: &[Mark]) -> Option<String> {
    if state.job.is_some() {
        return None;
    }
    let is_current = |index: usize| {
        let mut of_batch = marks.iter().filter(|mark| mark.batch.0 == index);
        of_batch.all(|mark| mark.state == MarkState::Done)
    };
    let batches = plan.batches().iter().enumerate();
    let batches: Vec<&Batch> = batches
        .filter(|(index, _)| !is_current(*index))
        .map(|(_, batch)| batch)
        .collect();
    let is_filled =
        batches.is_empty() && project.is_filled() && in_betweens_are_current(state, project);
    let n_in_betweens = if is_filled { 0 } else { plan.n_in_betweens() };
    let work = state.work_on(&batches, n_in_betweens)?;
    if work.is_none() {
        return None;
    }
    let device = state.device.ready()?;
    let usual = if device.cards.contains(&device.name) {
        Pace::USUAL_CARD
    } else {
        Pace::USUAL_PROCESSOR
    };
    let needed = work.time(state.measured_pace(), usual);
    Some(if needed.is_measured {
        format::rounded(needed.time)
    } else {
        format::about(needed.time)
    })
}

fn changed(what: Setting, spec: JobSpec) -> Action {
    Action::Change {
        what,
        spec: Box::new(spec),
        gesture: Gesture::Finished,
    }
}

/// Takes another working size.
#[must_use]
pub fn resized(spec: &JobSpec, side: u32) -> Action {
    let spec = JobSpec {
        size: Some(side),
        ..spec.clone()
    };
    changed(Setting::WorkingSize, spec)
}

/// A smaller batch, and smaller pictures: each alone is enough.
fn remedies(
    spec: &JobSpec,
    (sizes, project): (&NetworkSizes, &Project),
    load: &BatchLoad,
    limit: u64,
) -> Vec<Remedy> {
    let smaller_batch = frames_that_fit(sizes, load, limit).map(|batch_size| {
        let spec = JobSpec {
            batch_size,
            ..spec.clone()
        };
        Remedy {
            label: format!("Use batch size {batch_size}"),
            action: changed(Setting::BatchSize, spec),
        }
    });
    let display = project.source.info.as_ref().map(|info| info.display_size);
    let fits = |side: &u32| {
        let size = display.map(|display| Size::from(working_size(display, *side)));
        size.is_some_and(|size| batch_bytes(sizes, &BatchLoad { size, ..*load }) <= limit)
    };
    let sides = (1..short_side(spec) / 64).rev().map(|steps| steps * 64);
    let smaller_pictures = sides.into_iter().find(fits).map(|side| Remedy {
        label: format!("Use {side}"),
        action: resized(spec, side),
    });
    smaller_batch.into_iter().chain(smaller_pictures).collect()
}
