//! Bars above the viewer: what is missing or wrong, what it means, and the button that helps.

use egui::{Frame, Ui};

use crate::app::actions::Action;
use crate::app::notices::{Notice, NoticeKind, notices};
use crate::app::state::AppState;
use crate::ui::theme;

/// All notices that have no place of their own.
pub fn notices_ui(state: &AppState, ui: &mut Ui) -> Vec<Action> {
    let mut asked = Vec::new();
    for notice in notices(state)
        .iter()
        .filter(|notice| !notice.kind.is_local())
    {
        asked.extend(notice_ui(notice, ui));
    }
    asked
}

/// A notice in its own place; nothing if that is not the state.
pub fn local_notice_ui(state: &AppState, kind: NoticeKind, ui: &mut Ui) -> Vec<Action> {
    let found = crate::app::notices::notice(state, kind);
    found.map_or(Vec::new(), |notice| plain_ui(&notice, ui))
}

fn notice_ui(notice: &Notice, ui: &mut Ui) -> Vec<Action> {
    let theme = theme::of(ui);
    Frame::new()
        .fill(theme.raised.colour())
        .stroke(theme.warning.line(1.0))
        .corner_radius(theme::GRID)
        .inner_margin(theme::GRID * 2.0)
        .outer_margin(theme::GRID)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            plain_ui(notice, ui)
        })
        .inner
}

fn plain_ui(notice: &Notice, ui: &mut Ui) -> Vec<Action> {
    let mut asked = Vec::new();
    ui.push_id(notice.kind as u8, |ui| {
        ui.add(egui::Label::new(&notice.text).wrap());
        ui.horizontal_wrapped(|ui| {
            for (label, action) in &notice.buttons {
                if ui.button(*label).clicked() {
                    asked.push(action.clone());
                }
            }
            if let Some(report) = &notice.details
                && ui.button("Show details").clicked()
            {
                asked.push(Action::ShowDetails(report.clone()));
            }
        });
    });
    asked
}
