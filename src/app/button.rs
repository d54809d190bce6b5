//! The one button: what it says, what pressing it does, and what the menu beside it offers.

use super::actions::{Action, ExportWhat, FilePick, TranslateScope};
use super::marks::{Mark, MarkState, in_betweens_are_current, marks};
use super::state::{AppState, Check, Dialog, Ending, JobKind, JobPhase};

/// Where the user stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Situation {
    /// No video is open.
    NoSource,
    /// No model can be used.
    ModelMissing,
    /// Nothing is translated.
    Untranslated,
    /// A job runs.
    Working(JobKind),
    /// The job was told to stop.
    Stopping,
    /// The job is paused, or an earlier one was cut short.
    Unfinished,
    /// All keyframes are current, in-betweens are missing.
    KeyframesDone,
    /// So many keyframes are out of date or missing beside finished ones.
    OutOfDate(usize),
    /// The last job failed.
    Failed,
    /// Everything is current.
    Current,
}

/// The button.
#[derive(Clone, Debug, PartialEq)]
pub struct MainButton {
    /// What it says.
    pub label: String,
    /// What it does.
    pub action: Action,
    /// Whether it can be pressed.
    pub enabled: bool,
    /// What the menu beside it offers.
    pub menu: Vec<MenuItem>,
}

/// An entry of the menu beside the button.
#[derive(Clone, Debug, PartialEq)]
pub struct MenuItem {
    /// What it says.
    pub label: &'static str,
    /// What it does.
    pub action: Action,
}

/// Where the user stands.
#[must_use]
pub fn situation(state: &AppState) -> Situation {
    if let Some(job) = &state.job {
        return match job.phase {
            JobPhase::Working => Situation::Working(job.kind),
            JobPhase::Paused => Situation::Unfinished,
            JobPhase::Stopping => Situation::Stopping,
        };
    }
    let Some(project) = &state.project else {
        return Situation::NoSource;
    };
    if matches!(state.model, Check::Failed(_)) {
        return Situation::ModelMissing;
    }
    if project.results.unfinished {
        return Situation::Unfinished;
    }
    let failed = |job: &super::state::FinishedJob| matches!(job.ending, Ending::Failed(_));
    let last = state
        .finished_jobs
        .iter()
        .rfind(|job| job.kind == JobKind::Translate);
    if last.is_some_and(failed) {
        return Situation::Failed;
    }
    let is_filled = project.is_filled() && in_betweens_are_current(state, project);
    results(&marks(state), is_filled || project.edits.spec.no_fill)
}

fn results(marks: &[Mark], is_filled: bool) -> Situation {
    let count = |wanted: fn(&MarkState) -> bool| {
        let states = marks.iter().map(|mark| &mark.state);
        states.filter(|state| wanted(state)).count()
    };
    let done = count(|state| matches!(state, MarkState::Done));
    let old = count(|state| matches!(state, MarkState::OutOfDate | MarkState::Failed));
    let missing = count(|state| matches!(state, MarkState::Planned | MarkState::Working { .. }));
    match (done, old, missing) {
        (0, 0, _) => Situation::Untranslated,
        (_, 0, 0) if is_filled => Situation::Current,
        (_, 0, 0) => Situation::KeyframesDone,
        (_, 0, _) => Situation::Unfinished,
        _ => Situation::OutOfDate(old + missing),
    }
}

/// The button as it is now.
#[must_use]
pub fn main_button(state: &AppState) -> MainButton {
    let situation = situation(state);
    let translate = Action::Translate(TranslateScope::All);
    let (label, action) = match &situation {
        Situation::NoSource => ("Open video…".to_owned(), Action::Pick(FilePick::Video)),
        Situation::ModelMissing => ("Get model…".to_owned(), Action::OpenDialog(Dialog::Models)),
        Situation::Untranslated => ("Translate".to_owned(), translate),
        Situation::Working(_) => ("Pause".to_owned(), Action::Pause),
        Situation::Stopping => ("Stopping…".to_owned(), Action::Cancel),
        Situation::Unfinished if state.job.is_some() => ("Continue".to_owned(), Action::Resume),
        Situation::Unfinished => ("Continue".to_owned(), translate),
        Situation::KeyframesDone => ("Fill in-betweens".to_owned(), translate),
        Situation::OutOfDate(1) => ("Update 1 keyframe".to_owned(), translate),
        Situation::OutOfDate(n) => (format!("Update {n} keyframes"), translate),
        Situation::Failed => ("Try again".to_owned(), translate),
        Situation::Current => ("Export…".to_owned(), Action::OpenExport(ExportWhat::Frames)),
    };
    MainButton {
        label,
        action,
        enabled: situation != Situation::Stopping && is_ready(state),
        menu: menu(state, &situation),
    }
}

/// Whether the source is known well enough to do something with it.
fn is_ready(state: &AppState) -> bool {
    let Some(project) = &state.project else {
        return true;
    };
    state.job.is_some() || (project.source.survey.is_some() && state.ffmpeg.ready().is_some())
}

fn menu(state: &AppState, situation: &Situation) -> Vec<MenuItem> {
    let item = |label, action| MenuItem { label, action };
    match situation {
        Situation::NoSource | Situation::Stopping => Vec::new(),
        Situation::ModelMissing => vec![
            item("Models…", Action::OpenDialog(Dialog::Models)),
            item("Use the demo model", Action::UseDemoModel),
        ],
        Situation::Untranslated => vec![
            item(
                "Keyframes only",
                Action::Translate(TranslateScope::KeyframesOnly),
            ),
            item("This shot only", Action::Translate(TranslateScope::Shot)),
        ],
        Situation::Working(JobKind::Export) => vec![item("Cancel", Action::Cancel)],
        Situation::Working(JobKind::Translate) => vec![
            item("Cancel", Action::Cancel),
            item("Stop after keyframes", Action::StopAfterKeyframes),
        ],
        Situation::Unfinished if state.job.is_some() => vec![item("Cancel", Action::Cancel)],
        Situation::Unfinished => vec![
            item("Cancel", Action::Cancel),
            item("Translate all again", Action::TranslateAllAgain),
        ],
        Situation::KeyframesDone => vec![item(
            "Export keyframes…",
            Action::OpenExport(ExportWhat::Keyframes),
        )],
        Situation::OutOfDate(_) => vec![
            item("Translate all again", Action::TranslateAllAgain),
            item("Export…", Action::OpenExport(ExportWhat::Frames)),
        ],
        Situation::Failed => last_failure(state)
            .map(|report| item("Show details", Action::ShowDetails(report)))
            .into_iter()
            .collect(),
        Situation::Current => vec![item("Translate all again", Action::TranslateAllAgain)],
    }
}

fn last_failure(state: &AppState) -> Option<crate::worker::message::Report> {
    let jobs = state.finished_jobs.iter().rev();
    let mut failures = jobs.filter_map(|job| match &job.ending {
        Ending::Failed(report) => Some(report.clone()),
        _ => None,
    });
    failures.next()
}
