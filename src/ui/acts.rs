//! What the acts of the shortcut table mean for the state.

use crate::app::actions::{Action, ExportWhat, FilePick, Shuttle, Step, TranslateScope};
use crate::app::preferences::Preferences;
use crate::app::state::{AppState, Dialog, PreferencesPage};
use crate::app::view::{Overlay, TimelineView, ViewerMode, Zoom};

use super::command_line::command_line;
use super::shortcuts::{self, Act};

/// What the Open command of the palette and the menu asks for.
const OPEN: Action = Action::Pick(FilePick::Video);

/// How much a press of a key zooms the timeline.
const ZOOM_STEP: f64 = 1.5;

/// What an act asks of the state; nothing for those that concern the window alone.
#[must_use]
pub fn actions(act: Act, state: &AppState) -> Vec<Action> {
    if !is_possible(act, state) {
        return Vec::new();
    }
    let files = of_files(act);
    let action = files
        .or_else(|| of_time(act))
        .or_else(|| of_view(act, state))
        .or_else(|| of_layout(act, &state.preferences))
        .or_else(|| of_work(act, state));
    action.into_iter().collect()
}

/// Whether an act can do something now.
#[must_use]
pub fn is_possible(act: Act, state: &AppState) -> bool {
    let needs_project = !matches!(
        act,
        Act::New
            | Act::Open
            | Act::OpenDemo
            | Act::Models
            | Act::Preferences
            | Act::Quit
            | Act::Main
            | Act::CancelJob
            | Act::ShowJobs
            | Act::ShowMessages
            | Act::Palette
            | Act::ShortcutSheet
            | Act::About
            | Act::Dismiss
            | Act::ResetLayout
            | Act::NextPanel
            | Act::PreviousPanel
    );
    if !shortcuts::of(act).is_ready {
        return false;
    }
    let Some(project) = &state.project else {
        return !needs_project && act != Act::New;
    };
    match act {
        Act::Undo => project.history.undo_name().is_some(),
        Act::Redo => project.history.redo_name().is_some(),
        Act::RemoveSelected | Act::NudgeBack | Act::NudgeForward => {
            !project.view.selection.is_empty()
        }
        Act::ClearRange => project.edits.range.is_some(),
        Act::CancelJob => state.job.is_some(),
        _ => true,
    }
}

fn of_files(act: Act) -> Option<Action> {
    Some(match act {
        Act::New => Action::New,
        Act::Open => OPEN,
        Act::OpenDemo => Action::OpenDemo,
        Act::Save => Action::Save,
        Act::SaveAs => Action::SaveAs,
        Act::Export => Action::OpenExport(ExportWhat::Frames),
        Act::Models => Action::OpenDialog(Dialog::Models),
        Act::Preferences => Action::ShowPreferences(PreferencesPage::General),
        Act::Quit => Action::Close,
        Act::Undo => Action::Undo,
        Act::Redo => Action::Redo,
        Act::Palette => Action::OpenDialog(Dialog::Palette(String::new())),
        Act::ShortcutSheet => Action::OpenDialog(Dialog::Shortcuts),
        Act::About => Action::OpenDialog(Dialog::About),
        Act::Dismiss => Action::Escape,
        _ => return None,
    })
}

fn of_time(act: Act) -> Option<Action> {
    Some(match act {
        Act::PlayPause => Action::TogglePlay,
        Act::PlayBackwards => Action::Shuttle(Shuttle::Back),
        Act::StopPlaying => Action::Shuttle(Shuttle::Stop),
        Act::PlayForwards => Action::Shuttle(Shuttle::Forward),
        Act::SlowBackwards => Action::Shuttle(Shuttle::SlowBack),
        Act::SlowForwards => Action::Shuttle(Shuttle::SlowForward),
        Act::FrameBack => Action::Step(Step::Frames(-1)),
        Act::FrameForward => Action::Step(Step::Frames(1)),
        Act::SecondBack => Action::Step(Step::Seconds(-1)),
        Act::SecondForward => Action::Step(Step::Seconds(1)),
        Act::PreviousKeyframe => Action::Step(Step::PreviousKeyframe),
        Act::NextKeyframe => Action::Step(Step::NextKeyframe),
        Act::PreviousShot => Action::Step(Step::PreviousShot),
        Act::NextShot => Action::Step(Step::NextShot),
        Act::GoToStart => Action::Step(Step::RangeStart),
        Act::GoToEnd => Action::Step(Step::RangeEnd),
        Act::GoTo => Action::OpenDialog(Dialog::GoTo(String::new())),
        Act::SetIn => Action::SetIn,
        Act::SetOut => Action::SetOut,
        Act::ClearRange => Action::ClearRange,
        Act::NudgeBack => Action::NudgeSelected(-1),
        Act::NudgeForward => Action::NudgeSelected(1),
        Act::RemoveSelected => Action::RemoveSelected,
        Act::LockKeyframe => Action::ToggleLock,
        _ => return None,
    })
}

fn of_view(act: Act, state: &AppState) -> Option<Action> {
    let zoom = state.project.as_ref()?.view.zoom;
    Some(match act {
        Act::ShowSource => Action::SetMode(ViewerMode::Source),
        Act::ShowResult => Action::SetMode(ViewerMode::Result),
        Act::ShowWipe => Action::SetMode(ViewerMode::Wipe),
        Act::ShowSideBySide => Action::SetMode(ViewerMode::SideBySide),
        Act::ShowDifference => Action::SetMode(ViewerMode::Difference),
        Act::HoldSource => Action::HoldSource(true),
        Act::ControlOverlay => Action::SetOverlay(Overlay::Control),
        Act::FlowOverlay => Action::SetOverlay(Overlay::Flow),
        Act::OcclusionOverlay => Action::SetOverlay(Overlay::Occlusion),
        Act::SaliencyOverlay => Action::SetOverlay(Overlay::Saliency),
        Act::BatchOverlay => Action::SetOverlay(Overlay::Batches),
        Act::TurnWipe => Action::TurnWipe,
        Act::FitPicture => Action::SetZoom(Zoom::default()),
        Act::FullSize => Action::SetZoom(Zoom {
            factor: Some(1.0),
            ..zoom
        }),
        Act::TimelineFit => Action::SetTimeline(TimelineView::default()),
        Act::TimelineZoomIn => Action::ZoomTimeline(ZOOM_STEP),
        Act::TimelineZoomOut => Action::ZoomTimeline(1.0 / ZOOM_STEP),
        Act::FullScreen => Action::ToggleFullScreen,
        _ => return None,
    })
}

fn of_layout(act: Act, preferences: &Preferences) -> Option<Action> {
    let mut changed = Box::new(preferences.clone());
    let hides = match act {
        Act::ToggleSettings => &mut changed.hides_settings,
        Act::ToggleTimeline => &mut changed.hides_timeline,
        Act::ToggleResults => &mut changed.hides_results,
        _ => return None,
    };
    *hides = !*hides;
    Some(Action::SetPreferences(changed))
}

fn of_work(act: Act, state: &AppState) -> Option<Action> {
    let frame = state.project.as_ref().map(|project| project.view.playhead);
    match act {
        Act::Try => frame.map(Action::Try),
        Act::ToggleKeyframe => frame.map(Action::ToggleKeyframe),
        Act::CutShot => frame.map(Action::ToggleCut),
        Act::Main => Some(Action::MainButton),
        Act::CancelJob => Some(Action::Cancel),
        Act::CopyAsCommand => {
            let spec = state.job_spec(TranslateScope::All);
            spec.map(|spec| Action::Copy(command_line(&spec)))
        }
        _ => None,
    }
}
