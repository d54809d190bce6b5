//! News of models: what there is, and how far downloads are.

use super::super::Effect;
use super::super::actions::Action;
use super::super::messages::Severity;
use super::super::models::{Download, Phase, Standing};
use super::super::perform::{check_model, drop_partial, scan};
use super::super::settings::fresh_spec;
use super::super::state::{AppState, Check, Dialog};
use crate::pipeline::job::ControlKind;
use crate::worker::message::{
    DownloadState, Library, ModelId, ModelStatus, Report, Role, State, Trouble, entry,
};

/// What a look for models found.
pub(super) fn looked(state: &mut AppState, answer: Result<Box<Library>, Report>) {
    state.models.looks = state.models.looks.saturating_sub(1);
    state.models.library = answer.into();
}

/// Takes in whether the models that the settings name can be used. A control that nobody has chosen follows what there
/// is.
pub(super) fn checked(state: &mut AppState, answer: Result<ModelStatus, Report>) -> Vec<Effect> {
    let proposed = match &answer {
        Ok(status) => Some(status.proposed_control),
        Err(report) => match report.trouble {
            Some(Trouble::NoControlNet { instead, .. }) => instead,
            _ => None,
        },
    };
    state.model = answer.into();
    if !proposed.is_some_and(|control| propose(state, control)) {
        return Vec::new();
    }
    state.model = Check::Unknown;
    vec![check_model(state)]
}

/// Whether the settings, or those of the next project, are others now.
fn propose(state: &mut AppState, control: ControlKind) -> bool {
    let Some(project) = &mut state.project else {
        let before = state.models.control.replace(control);
        return before.unwrap_or(fresh_spec().control) != control;
    };
    let before = std::mem::replace(&mut project.fresh.control, control);
    let is_free = project.is_new && state.job.is_none() && project.results.keyframes.is_empty();
    let spec = &mut project.edits.spec;
    if !is_free || spec.control != before || before == control {
        return false;
    }
    spec.control = control;
    true
}

/// Takes in news of a download.
pub(super) fn download(state: &mut AppState, id: &ModelId, news: DownloadState) -> Vec<Effect> {
    match news {
        DownloadState::Finished(receipt) => {
            state.models.downloads.remove(id);
            let path = receipt.path;
            state.models.note(id, State::Ready { path });
            let ready = format!("{} is ready.", title(id));
            state.messages.hint(ready, state.now);
            looked_again(state, id)
        }
        DownloadState::Cancelled => stopped(state, id),
        DownloadState::Failed(report) => {
            failed(state, id, report);
            Vec::new()
        }
        news => {
            going(state, id, news);
            Vec::new()
        }
    }
}

fn going(state: &mut AppState, id: &ModelId, news: DownloadState) {
    let Some(download) = state.models.downloads.get_mut(id) else {
        return;
    };
    if let DownloadState::Going { done, total, .. } = news {
        download.bytes = (done, total);
    }
    if !matches!(download.phase, Phase::Stopping { .. }) {
        download.phase = Phase::Going(news);
    }
}

/// What was stopped while it waited is known to have stopped already.
fn stopped(state: &mut AppState, id: &ModelId) -> Vec<Effect> {
    let Some(Download {
        phase: Phase::Stopping { drops },
        bytes: (done, total),
    }) = state.models.downloads.get(id).cloned()
    else {
        return Vec::new();
    };
    state.models.downloads.remove(id);
    // A file that is there and cannot be used matters more.
    let is_not_there = matches!(
        state.models.standing(id),
        Standing::Missing | Standing::Unfinished(..)
    );
    if is_not_there && done > 0 {
        state.models.note(id, State::Unfinished { done, total });
    }
    if drops {
        return drop_partial(state, id);
    }
    Vec::new()
}

fn failed(state: &mut AppState, id: &ModelId, report: Report) {
    let report = Report {
        summary: format!("{}: {}", title(id), report.summary),
        ..report
    };
    let bytes = state.models.downloads.get(id).map(|before| before.bytes);
    let download = Download {
        phase: Phase::Failed(report.clone()),
        bytes: bytes.unwrap_or_default(),
    };
    state.models.downloads.insert(id.clone(), download);
    let button = ("Models…", Action::OpenDialog(Dialog::Models));
    let now = state.now;
    state
        .messages
        .say_with(Severity::Error, report, Some(button), now);
}

/// There is more than there was: it is looked for, and a model that could not be used may be whole now. A helper takes
/// the place of a classical method.
fn looked_again(state: &mut AppState, id: &ModelId) -> Vec<Effect> {
    let mut effects = vec![scan(state)];
    let is_helper = entry(id).is_some_and(|entry| entry.role == Role::Helper);
    if is_helper || matches!(state.model, Check::Failed(_)) {
        effects.push(check_model(state));
    }
    effects
}

fn title(id: &ModelId) -> &str {
    entry(id).map_or(&id.0, |entry| &entry.title)
}
