//! How the project is looked at.

use super::super::actions::{Action, Effect};
use super::super::state::AppState;
use super::super::view::{Overlay, TimelineView, ViewState, ViewerMode, WipeLine};

/// Fewest frames on the timeline.
const CLOSEST: f64 = 8.0;

/// Changes the view, or hands the action back.
pub fn perform(state: &mut AppState, action: Action) -> Result<Vec<Effect>, Action> {
    let Some(project) = &mut state.project else {
        return without_project(action);
    };
    let n_frames = project.source.n_frames().unwrap_or(1) as f64;
    let view = &mut project.view;
    match action {
        Action::SetMode(mode) => view.mode = mode,
        Action::HoldSource(hold) => view.hold_source = hold,
        Action::SetWipe(position) => view.wipe.position = position.clamp(0.0, 1.0),
        Action::TurnWipe => {
            view.wipe.line = match view.wipe.line {
                WipeLine::Upright => WipeLine::Level,
                WipeLine::Level => WipeLine::Upright,
            };
            view.mode = ViewerMode::Wipe;
        }
        Action::SetDifferenceGain(gain) => view.difference_gain = gain,
        Action::SetOverlay(overlay) if view.overlay == overlay => view.overlay = Overlay::None,
        Action::SetOverlay(overlay) => view.overlay = overlay,
        Action::SetZoom(zoom) => {
            view.zoom = zoom;
            view.zoom.factor = zoom.factor.map(|factor| factor.clamp(0.02, 64.0));
            view.zoom.centre = zoom.centre.map(|place| place.clamp(0.0, 1.0));
        }
        Action::SetTimeline(timeline) => view.timeline = within(timeline, n_frames),
        Action::ZoomTimeline(factor) => zoom_timeline(view, factor, n_frames),
        Action::ToggleFullScreen => view.full_screen = !view.full_screen,
        Action::SetFilter(filter) => view.filter = filter,
        other => return Err(other),
    }
    Ok(Vec::new())
}

fn without_project(action: Action) -> Result<Vec<Effect>, Action> {
    match action {
        Action::SetMode(_)
        | Action::HoldSource(_)
        | Action::SetWipe(_)
        | Action::TurnWipe
        | Action::SetDifferenceGain(_)
        | Action::SetOverlay(_)
        | Action::SetZoom(_)
        | Action::SetTimeline(_)
        | Action::ZoomTimeline(_)
        | Action::ToggleFullScreen
        | Action::SetFilter(_) => Ok(Vec::new()),
        other => Err(other),
    }
}

/// The frame at the playhead stays where it is.
fn zoom_timeline(view: &mut ViewState, factor: f64, n_frames: f64) {
    if !(factor.is_finite() && factor > 0.0) {
        return;
    }
    let seen = view.timeline.n_frames.unwrap_or(n_frames);
    let place = (view.playhead.0 as f64 - view.timeline.first) / seen;
    let place = if (0.0..=1.0).contains(&place) {
        place
    } else {
        0.5
    };
    let middle = view.timeline.first + place * seen;
    let seen = seen / factor;
    let wanted = TimelineView {
        first: middle - place * seen,
        n_frames: Some(seen),
    };
    view.timeline = within(wanted, n_frames);
}

fn within(timeline: TimelineView, n_frames: f64) -> TimelineView {
    let seen = timeline.n_frames.filter(|&seen| seen < n_frames);
    let Some(seen) = seen else {
        return TimelineView::default();
    };
    let seen = seen.max(CLOSEST.min(n_frames));
    TimelineView {
        first: timeline.first.clamp(0.0, n_frames - seen),
        n_frames: Some(seen),
    }
}
