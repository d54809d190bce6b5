//! What screen readers are told without being asked: how far the work is, in good time and not too often.
//!
//! Progress is polite, and told at the turns of stages and every ten per cent; failures interrupt.

use egui::accesskit::{Live, Role};
use egui::{Id, Rect, Sense, Ui, Vec2, WidgetInfo};

use super::panels::jobs::{share, spoken};
use crate::app::messages::Severity;
use crate::app::state::AppState;
use crate::worker::message::{JobId, Stage};

/// What progress was last told of: job, stage, tenths of it.
type Told = (JobId, Option<Stage>, u8);

/// Remembers what was told, so that nothing is told twice.
#[derive(Debug, Default)]
pub struct Announcer {
    told: Option<Told>,
    progress: String,
    failure: String,
}

impl Announcer {
    /// Notes what is new and puts it where screen readers find it; nothing is seen of it.
    pub fn announce(&mut self, state: &AppState, ui: &Ui) {
        self.note(state);
        region(ui, "announced progress", &self.progress, Live::Polite);
        region(ui, "announced failure", &self.failure, Live::Assertive);
    }

    fn note(&mut self, state: &AppState) {
        let toasts = state.messages.toasts(state.now);
        let now = state.job.as_ref().map(|job| {
            let tenths = (share(job) * 10.0).floor() as u8;
            (job.id, job.stage, tenths)
        });
        if now != self.told {
            self.told = now;
            let hint = toasts
                .iter()
                .find(|message| message.severity == Severity::Hint);
            self.progress = match (&state.job, hint) {
                (Some(job), _) => spoken(job),
                // The job has ended, and this says how, unless it failed.
                (None, hint) => hint.map_or(String::new(), |hint| hint.report.summary.clone()),
            };
        }
        let failed = toasts
            .iter()
            .find(|message| message.severity == Severity::Error);
        self.failure = failed.map_or(String::new(), |message| message.text());
    }
}

/// A text without a look. An empty one is not there at all.
fn region(ui: &Ui, name: &str, text: &str, live: Live) {
    if text.is_empty() {
        return;
    }
    let id = Id::unique(name);
    let place = Rect::from_min_size(ui.max_rect().left_bottom(), Vec2::splat(1.0));
    let response = ui.interact(place, id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, text));
    ui.ctx()
        .accesskit_node_builder(id, |node| node.set_live(live));
}
