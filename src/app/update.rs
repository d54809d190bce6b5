//! News from the worker: the only code that changes the state because of it.

mod models;
mod small_files;

use std::path::Path;

use super::Effect;
use super::fingerprint::{batch_fingerprints, fill_fingerprint};
use super::format::count;
use super::messages::Severity;
use super::perform::{autosave_now, ended, file};
use super::state::{
    AppState, Check, Ending, JobKind, KeyframePreview, KeyframeResult, Project, RunningJob,
    SourceTrouble, TrialState,
};
use crate::frame::FrameIdx;
use crate::worker::message::{
    Batch, Event, FileTask, JobEvent, JobId, JobProgress, Plan, Preview, PreviewOf, Report,
    SourceEvent, Stage, Summary, TrialEvent,
};

/// Takes in an event. What has to happen because of it is returned.
pub fn update(state: &mut AppState, event: Event) -> Vec<Effect> {
    if state.quitting {
        // What was written at the end says that work goes on; a job that stops now changes nothing about it.
        return Vec::new();
    }
    match event {
        Event::Source(path, event) => {
            let is_surveyed = matches!(event, SourceEvent::Done(_));
            source(state, &path, event);
            if is_surveyed {
                return room(state);
            }
        }
        Event::File(answer) => return small_files::answer(state, answer),
        Event::Ffmpeg(answer) => state.ffmpeg = answer.into(),
        Event::Model(answer) => return models::checked(state, answer),
        Event::Tokens(count) => state.tokens = count,
        Event::Models(answer) => models::looked(state, answer),
        Event::Download(id, news) => return models::download(state, &id, news),
        // This answers the command line.
        Event::Probed(_) => {}
        Event::Device(answer) => state.device = answer.into(),
        Event::Trial(request, event) => trial(state, request, event),
        Event::Job(id, event) => return job(state, id, event),
    }
    Vec::new()
}

impl<T> From<Result<T, Report>> for Check<T> {
    fn from(answer: Result<T, Report>) -> Self {
        match answer {
            Ok(value) => Self::Ready(value),
            Err(report) => Self::Failed(report),
        }
    }
}

/// Takes in how far the running job is.
pub fn progress(state: &mut AppState, progress: JobProgress) {
    if let Some(job) = state.job.as_mut().filter(|job| job.id == progress.job) {
        job.progress = Some(progress);
        state.measure(&progress);
    }
}

/// Takes in pictures of unfinished frames.
pub fn preview(state: &mut AppState, preview: Preview) {
    let Some(project) = &mut state.project else {
        return;
    };
    let (step, n_steps) = preview
        .step
        .map_or((0, 0), |step| (step.step, step.executed));
    let pictures = preview.pictures.into_iter().map(|(frame, picture)| {
        let preview = KeyframePreview {
            picture,
            step,
            n_steps,
        };
        (frame, preview)
    });
    match preview.of {
        PreviewOf::Job(id) => {
            let Some(job) = state.job.as_ref().filter(|job| job.id == id) else {
                return;
            };
            // A sample may be older than the event that its keyframe is finished.
            project
                .results
                .previews
                .extend(pictures.filter(|(frame, _)| !job.finished.contains(frame)));
        }
        PreviewOf::Trial(request) => {
            if let Some(trial) = &mut project.trial
                && trial.request == request
                && matches!(
                    trial.state,
                    TrialState::Working(_) | TrialState::WaitsForJob
                )
            {
                trial.state = TrialState::Working(pictures.last().map(|(_, preview)| preview));
            }
        }
    }
}

fn source(state: &mut AppState, path: &Path, event: SourceEvent) {
    let now = state.now;
    let Some(project) = state.project.as_mut() else {
        return;
    };
    if project.edits.spec.source != path {
        return;
    }
    let source = &mut project.source;
    match event {
        SourceEvent::Info(info, file) => {
            for note in &info.notes {
                state.messages.hint(note.clone(), now);
            }
            source.info = Some(info);
            source.state = Some(file);
            if source.made_from.is_some_and(|made_from| made_from != file) {
                source.trouble = Some(SourceTrouble::Changed);
            }
        }
        SourceEvent::Times(times, damage) => {
            if let Some(report) = damage {
                let readable = times.len();
                source.trouble = Some(SourceTrouble::Broken { readable, report });
            }
            source.times = Some(times);
            let last = project.last_frame();
            project.view.playhead = project.view.playhead.min(last);
        }
        SourceEvent::Thumbnails(pictures) => source.thumbnails.extend(pictures),
        SourceEvent::Surveyed(n) => source.surveyed = n,
        SourceEvent::Done(survey) => {
            source.surveyed = survey.n_frames();
            source.survey = Some(survey);
            project.forget_strays();
        }
        SourceEvent::Missing => source.trouble = Some(SourceTrouble::Moved),
        SourceEvent::Failed(report) => source.trouble = Some(SourceTrouble::Unusable(report)),
    }
}

/// Asks how much room there is for what will be made.
fn room(state: &AppState) -> Vec<Effect> {
    let work = state.project.as_ref().map(Project::work);
    work.map(|work| file(FileTask::Space(work)))
        .into_iter()
        .collect()
}

fn trial(state: &mut AppState, request: u64, event: TrialEvent) {
    let project = state.project.as_mut();
    let trial = project.and_then(|project| project.trial.as_mut());
    let Some(trial) = trial.filter(|trial| trial.request == request) else {
        return;
    };
    trial.state = match event {
        TrialEvent::Waits => TrialState::WaitsForJob,
        TrialEvent::Started => TrialState::Working(None),
        TrialEvent::Done(picture) => TrialState::Done(picture),
        TrialEvent::Failed(report) => TrialState::Failed(report),
        TrialEvent::Replaced => return,
    };
}

fn job(state: &mut AppState, id: JobId, event: JobEvent) -> Vec<Effect> {
    let Some(job) = state.job.as_mut().filter(|job| job.id == id) else {
        return Vec::new();
    };
    match event {
        JobEvent::Started(plan) => started(state, plan),
        JobEvent::Stage(stage) => {
            job.stage = Some(stage);
            job.progress = None;
            let is_after = stage > Stage::Keyframes && job.kind == JobKind::Translate;
            if is_after && job.stop_after_keyframes {
                return vec![Effect::Cancel(id)];
            }
        }
        JobEvent::Keyframe { frame, path } => return keyframe(state, frame, &path),
        JobEvent::Memory(memory) => state.learn_memory(memory),
        JobEvent::Warning(report) => {
            job.warnings.push(report.clone());
            state.messages.say(Severity::Warning, report, state.now);
        }
        JobEvent::Finished(summary) => return finished(state, summary),
        // The line above the button has told it.
        JobEvent::MemoryForetold(_) | JobEvent::Evaluated(_) => {}
        JobEvent::Cancelled => return stopped(state),
        JobEvent::Failed(report) => {
            mark_failed(state, &report);
            return ended(state, Ending::Failed(report));
        }
    }
    Vec::new()
}

fn started(state: &mut AppState, plan: Plan) {
    let work = state.work_of(&plan);
    let Some(job) = &state.job else {
        return;
    };
    let precision = state.told_apart(job.spec.precision);
    let fingerprints = batch_fingerprints(&job.spec, precision, &plan);
    let Some(job) = &mut state.job else {
        return;
    };
    job.work = work;
    for (batch, fingerprint) in plan.batches().iter().zip(fingerprints) {
        for &frame in &batch.new {
            job.made_with.insert(frame, fingerprint.clone());
        }
    }
    if let Some(project) = &mut state.project {
        project.source.made_from = project.source.state;
        project.results.removed = false;
        // A picture of a frame that is no keyframe any more would hide what is filled there.
        let covered = |frame: FrameIdx| plan.shots().iter().any(|shot| shot.contains(frame));
        let keyframes = &mut project.results.keyframes;
        keyframes.retain(|frame, _| plan.keyframes().contains(frame) || !covered(*frame));
    }
    job.plan = Some(plan);
}

/// A picture is there. When its batch is complete, that is written down at once: what it was made with is not in it.
fn keyframe(state: &mut AppState, frame: FrameIdx, path: &Path) -> Vec<Effect> {
    let (Some(job), Some(project)) = (&mut state.job, &mut state.project) else {
        return Vec::new();
    };
    job.keyframes_done += 1;
    job.finished.insert(frame);
    let results = &mut project.results;
    results.previews.remove(&frame);
    results.failed.remove(&frame);
    results.version += 1;
    let result = KeyframeResult {
        path: path.to_owned(),
        made_with: job.made_with.get(&frame).cloned().unwrap_or_default(),
        version: results.version,
    };
    let made_with = result.made_with.clone();
    let before = results.keyframes.insert(frame, result);
    let is_news = before.is_none_or(|before| before.made_with != made_with);
    project.touched(state.now);
    let batches = job.plan.iter().flat_map(Plan::batches);
    let ends_batch = batches
        .into_iter()
        .any(|batch| batch.new.last() == Some(&frame));
    if is_news && ends_batch {
        autosave_now(state)
    } else {
        Vec::new()
    }
}

/// Everything that a finished job wrote is looked for.
fn finished(state: &mut AppState, summary: Summary) -> Vec<Effect> {
    let kind = state.job.as_ref().map(|job| job.kind);
    note_in_betweens(state);
    let mut effects = ended(state, Ending::Done(summary));
    if let Some(project) = &mut state.project
        && kind == Some(JobKind::Translate)
    {
        project.results.version += 1;
        effects.push(file(FileTask::Inventory(project.work())));
    }
    effects
}

/// Remembers with which settings the in-betweens were made.
fn note_in_betweens(state: &mut AppState) {
    let precision = state.job.as_ref().map(|job| job.spec.precision);
    let precision = state.told_apart(precision.unwrap_or_default());
    let (Some(job), Some(project)) = (&state.job, &mut state.project) else {
        return;
    };
    let fills = job.kind == JobKind::Translate
        && !job.spec.no_fill
        && job.spec.range == project.edits.range;
    if let Some(plan) = job.plan.as_ref().filter(|_| fills) {
        project.results.filled_with = Some(fill_fingerprint(&job.spec, precision, plan));
    }
}

/// A stop after the keyframes is what the user wanted.
fn stopped(state: &mut AppState) -> Vec<Effect> {
    let by_plan = |job: &RunningJob| {
        job.stop_after_keyframes && job.stage.is_some_and(|stage| stage > Stage::Keyframes)
    };
    if state.job.as_ref().is_some_and(by_plan) {
        let n = state.job.as_ref().map_or(0, |job| job.keyframes_done);
        let text = format!("Stopped after {}.", count(n, "keyframe"));
        state.messages.hint(text, state.now);
    }
    ended(state, Ending::Stopped)
}

/// The batch that a translation failed in is marked.
fn mark_failed(state: &mut AppState, report: &Report) {
    let (Some(job), Some(project)) = (&state.job, &mut state.project) else {
        return;
    };
    let is_at_keyframes = job.stage == Some(Stage::Keyframes) && job.kind == JobKind::Translate;
    let Some(plan) = job.plan.as_ref().filter(|_| is_at_keyframes) else {
        return;
    };
    let unfinished = |batch: &&Batch| batch.new.iter().any(|frame| !job.finished.contains(frame));
    if let Some(batch) = plan.batches().iter().find(unfinished) {
        for &frame in &batch.new {
            project.results.failed.insert(frame, report.summary.clone());
        }
    }
}
