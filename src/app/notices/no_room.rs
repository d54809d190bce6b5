//! What is said after a job for which there was no memory, and the working size that helps.

use super::{Notice, NoticeKind};
use crate::app::actions::Action;
use crate::app::fit::resized;
use crate::app::settings::short_side;
use crate::app::state::{AppState, Ending, JobKind, PreferencesPage, TrialState};
use crate::pipeline::job::JobSpec;
use crate::worker::message::{Report, Trouble};

/// Until a smaller working size is chosen, or something else is begun.
pub(super) fn no_room(state: &AppState) -> Option<Notice> {
    if state.job.is_some() {
        return None;
    }
    let project = state.project.as_ref()?;
    let trial = project.trial.as_ref().and_then(|trial| match &trial.state {
        TrialState::Failed(report) => Some(report),
        _ => None,
    });
    let mut jobs = state.finished_jobs.iter();
    let last = jobs.rfind(|job| job.kind == JobKind::Translate);
    let job = last.and_then(|job| match &job.ending {
        Ending::Failed(report) => Some(report),
        _ => None,
    });
    let spec = &project.edits.spec;
    let reports = trial.into_iter().chain(job);
    let (report, smaller) = reports.into_iter().find_map(|report| of(report, spec))?;
    let device = ("Device…", Action::ShowPreferences(PreferencesPage::Device));
    let resize = smaller.map(|side| ("Use the smaller size", resized(spec, side)));
    let text = smaller.map_or_else(
        || "Not enough memory, even for the smallest pictures in the smallest batches.".to_owned(),
        |side| {
            format!(
                "Not enough memory for a working size of {}, even in the smallest batches. {side} \
                 takes clearly less.",
                short_side(spec)
            )
        },
    );
    let buttons = resize.into_iter().chain([device]).collect();
    Some(Notice {
        kind: NoticeKind::NoRoom,
        text,
        buttons,
        details: Some(report.clone()),
    })
}

/// Whether a report says that there is no room for the settings as they are, and the working size to try.
fn of<'a>(report: &'a Report, spec: &JobSpec) -> Option<(&'a Report, Option<u32>)> {
    let Some(Trouble::NoRoom {
        short_side: tried,
        smaller,
    }) = &report.trouble
    else {
        return None;
    };
    (short_side(spec) >= *tried).then_some((report, *smaller))
}
