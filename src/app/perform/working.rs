//! Try, translate, pause, cancel.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::actions::{Action, Effect, ExportWhat, FilePick, TranslateScope};
use super::super::button::main_button;
use super::super::format::count;
use super::super::messages::{Severity, plain};
use super::super::state::{
    AppState, Dialog, Ending, FinishedJob, JobKind, JobPhase, Project, RunningJob, Trial,
    TrialState,
};
use crate::frame::FrameIdx;
use crate::pipeline::job::{Job, JobSpec};
use crate::worker::message::{Command, FileTask, JobId, Report, TrialSpec, TryRequest};

/// Finished jobs that are remembered.
const MOST_FINISHED: usize = 50;

/// Starts and steers work, or hands the action back.
pub fn perform(state: &mut AppState, action: Action) -> Result<Vec<Effect>, Action> {
    Ok(match action {
        Action::MainButton => {
            let button = main_button(state);
            if !button.enabled {
                return Ok(Vec::new());
            }
            return Ok(super::perform(state, button.action));
        }
        Action::Try(frame) => try_frame(state, frame),
        Action::Translate(scope) => translate(state, scope),
        Action::TranslateAllAgain => {
            if let Some(project) = &mut state.project {
                project.forget_results();
            }
            let mut effects = forget_journal(state);
            effects.extend(translate(state, TranslateScope::All));
            effects
        }
        Action::Pause => steer(state, JobPhase::Paused),
        Action::Resume => steer(state, JobPhase::Working),
        Action::Cancel => cancel(state),
        Action::StopAfterKeyframes => {
            if let Some(job) = &mut state.job {
                job.stop_after_keyframes = true;
            }
            Vec::new()
        }
        Action::RestartWithNewSettings => {
            let effects = cancel(state);
            state.restart = !effects.is_empty();
            effects
        }
        Action::ForgetJob(id) => {
            state.finished_jobs.retain(|job| job.id != id);
            Vec::new()
        }
        other => return Err(other),
    })
}

fn try_frame(state: &mut AppState, frame: FrameIdx) -> Vec<Effect> {
    let request = state.next_job;
    let whole = state.job_spec(TranslateScope::KeyframesOnly);
    let (Some(project), Some(whole)) = (&mut state.project, whole) else {
        return Vec::new();
    };
    let source = (&project.source.info, &project.source.times);
    let (Some(info), Some(times)) = source else {
        return Vec::new();
    };
    let frame = frame.min(project.last_frame());
    let spec = JobSpec {
        // One frame is tried whatever the range and the keyframes are.
        range: None,
        keyframes: Vec::new(),
        lock: Vec::new(),
        cuts: None,
        ..whole
    };
    let wrong = Job::new(&spec).err().map(Report::from);
    let trial = TrialSpec {
        spec,
        info: info.as_ref().clone(),
        times: times.as_ref().clone(),
        frame,
    };
    let failed = wrong.is_some();
    project.trial = Some(Trial {
        frame,
        request,
        state: wrong.map_or(TrialState::Working(None), TrialState::Failed),
    });
    project.view.playback.speed = 0.0;
    project.seek(frame);
    state.next_job += 1;
    if failed {
        return Vec::new();
    }
    vec![Effect::Try(Box::new(TryRequest { request, trial }))]
}

fn translate(state: &mut AppState, scope: TranslateScope) -> Vec<Effect> {
    if state.job.is_some() {
        return Vec::new();
    }
    let id = JobId(state.next_job);
    let began = state.now;
    let spec = state.job_spec(scope);
    let (Some(project), Some(spec)) = (&mut state.project, spec) else {
        return Vec::new();
    };
    if project.source.survey.is_none() {
        return Vec::new();
    }
    if let Err(errors) = Job::new(&spec) {
        let report = Report::from(errors);
        state.messages.say(Severity::Error, report, began);
        return Vec::new();
    }
    project.results.failed.clear();
    project.results.previews.clear();
    project.results.unfinished = true;
    project.touched(began);
    state.next_job += 1;
    let job = RunningJob::new(id, JobKind::Translate, spec.clone(), began);
    state.job = Some(RunningJob {
        measured_on: state.measured_on(),
        ..job
    });
    // The note that a job runs reaches the disk before its results do.
    let mut effects = super::saving::autosave_now(state);
    effects.push(Effect::Send(Command::Translate(id, Box::new(spec))));
    effects
}

impl RunningJob {
    /// A job that is being sent.
    #[must_use]
    pub fn new(id: JobId, kind: JobKind, spec: JobSpec, began: Duration) -> Self {
        Self {
            id,
            kind,
            spec: Box::new(spec),
            phase: JobPhase::Working,
            plan: None,
            stage: None,
            progress: None,
            began,
            keyframes_done: 0,
            finished: BTreeSet::new(),
            stop_after_keyframes: false,
            warnings: Vec::new(),
            made_with: BTreeMap::new(),
            work: None,
            measured_on: None,
            measured_from: None,
        }
    }
}

fn steer(state: &mut AppState, phase: JobPhase) -> Vec<Effect> {
    let Some(job) = &mut state.job else {
        return Vec::new();
    };
    if job.phase == phase || job.phase == JobPhase::Stopping {
        return Vec::new();
    }
    job.phase = phase;
    // Time in which nothing is done is no measure.
    job.measured_from = None;
    vec![match phase {
        JobPhase::Paused => Effect::Pause(job.id),
        JobPhase::Working | JobPhase::Stopping => Effect::Resume(job.id),
    }]
}

/// Stops the running job, or forgets that an earlier one was cut short.
fn cancel(state: &mut AppState) -> Vec<Effect> {
    let now = state.now;
    if let Some(job) = &mut state.job {
        if job.phase == JobPhase::Stopping {
            return Vec::new();
        }
        job.phase = JobPhase::Stopping;
        return vec![Effect::Cancel(job.id)];
    }
    if let Some(project) = &mut state.project
        && project.results.unfinished
    {
        project.results.unfinished = false;
        project.touched(now);
    }
    Vec::new()
}

/// Everything made so far counts no more; the journal in the working folder goes with it.
fn forget_journal(state: &AppState) -> Vec<Effect> {
    let work = state.project.as_ref().map(Project::work);
    let remove = |work: PathBuf| {
        let journal = work.join("journal").join("translate.jsonl");
        super::file(FileTask::Remove(journal))
    };
    work.map(remove).into_iter().collect()
}

/// The running job has ended.
pub(in crate::app) fn ended(state: &mut AppState, ending: Ending) -> Vec<Effect> {
    let now = state.now;
    let Some(job) = state.job.take() else {
        return Vec::new();
    };
    let mut effects = tell_ending(state, &job, &ending);
    if job.measured_from.is_some() {
        // What was measured is of use to the next estimate, also after a restart.
        effects.push(super::preferences::save_preferences(state));
    }
    let has_stopped = matches!(ending, Ending::Stopped);
    if let Some(project) = &mut state.project
        && job.kind == JobKind::Translate
    {
        project.results.previews.clear();
        // What was stopped can be continued, and so can what failed: the button says how.
        project.results.unfinished = false;
        project.touched(now);
    }
    state.finished_jobs.push(FinishedJob {
        id: job.id,
        kind: job.kind,
        ending,
        took: now.saturating_sub(job.began),
    });
    let surplus = state.finished_jobs.len().saturating_sub(MOST_FINISHED);
    state.finished_jobs.drain(..surplus);
    effects.extend(super::saving::autosave_now(state));
    if std::mem::take(&mut state.restart) && has_stopped {
        effects.extend(translate(state, TranslateScope::All));
    }
    effects
}

fn tell_ending(state: &mut AppState, job: &RunningJob, ending: &Ending) -> Vec<Effect> {
    let now = state.now;
    match (ending, job.kind) {
        (Ending::Done(summary), JobKind::Translate) => {
            let frames = count(summary.frames, "frame");
            let text = format!("Translated: {frames}.");
            state.messages.say_with(
                Severity::Hint,
                plain(text.clone()),
                Some(("Export…", Action::OpenExport(ExportWhat::Frames))),
                now,
            );
            vec![Effect::Notify(text)]
        }
        (Ending::Done(summary), JobKind::Export) => {
            let name = summary.out.file_name().unwrap_or_default();
            let text = format!("Exported and checked: {}.", name.to_string_lossy());
            state.messages.say_with(
                Severity::Hint,
                plain(text.clone()),
                Some(("Show in folder", Action::Reveal(summary.out.clone()))),
                now,
            );
            vec![Effect::Notify(text)]
        }
        (Ending::Stopped, JobKind::Translate) => {
            let (done, plan) = (job.keyframes_done, job.plan.as_ref());
            let text = match plan.map(|plan| plan.keyframes().len()) {
                Some(all) => format!("Stopped. {done} of {all} keyframes kept."),
                None => "Stopped.".to_owned(),
            };
            state.messages.hint(text, now);
            Vec::new()
        }
        (Ending::Stopped, JobKind::Export) => {
            state
                .messages
                .hint("Export stopped. No file was written.", now);
            Vec::new()
        }
        (Ending::Failed(report), _) => {
            let details = Action::ShowDetails(report.clone());
            let button = Some(("Show details", details));
            state
                .messages
                .say_with(Severity::Error, report.clone(), button, now);
            vec![Effect::Notify(report.summary.clone())]
        }
    }
}

impl AppState {
    /// Where working folders of projects without a file go.
    #[must_use]
    pub fn work_folders(&self) -> &Path {
        let chosen = self.preferences.work_folder.as_deref();
        chosen.unwrap_or(&self.folders.data)
    }

    /// Whether the settings were changed after the running job began.
    #[must_use]
    pub fn settings_changed_while_working(&self) -> bool {
        let (Some(job), Some(now)) = (&self.job, self.job_spec(TranslateScope::All)) else {
            return false;
        };
        let same = JobSpec {
            no_fill: job.spec.no_fill,
            range: job.spec.range,
            keyframes: job.spec.keyframes.clone(),
            lock: job.spec.lock.clone(),
            ..now.clone()
        };
        let is_all = job.spec.keyframes.len() == now.keyframes.len();
        job.kind == JobKind::Translate
            && (same != *job.spec || (is_all && now.keyframes != job.spec.keyframes))
    }

    /// What a file dialog begins with.
    #[must_use]
    pub fn proposal(&self, pick: FilePick) -> Option<PathBuf> {
        let project = self.project.as_ref();
        match pick {
            FilePick::SaveProject => project.map(Project::proposed_path),
            FilePick::ModelFolder
            | FilePick::ModelFile
            | FilePick::ModelsFolder
            | FilePick::Vae
            | FilePick::Lora
            | FilePick::ControlNet => Some(self.models_folder().to_owned()),
            FilePick::ExportFile | FilePick::ExportFolder => {
                self.dialogs.iter().rev().find_map(|dialog| match dialog {
                    Dialog::Export(draft) => Some(draft.settings.path.clone()),
                    _ => None,
                })
            }
            _ => Some(self.folders.videos.clone()),
        }
    }
}
