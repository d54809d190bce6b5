//! Messages: those that fade over the window, and the list of warnings and errors.

use egui::{Align2, Area, Context, Frame, Id, Order, Ui, vec2};

use crate::app::actions::Action;
use crate::app::messages::{Message, Severity};
use crate::app::state::AppState;
use crate::ui::theme;

/// Width of a message over the window.
const WIDTH: f32 = 320.0;

/// At most three messages in the corner of the window.
#[must_use]
pub fn toasts_ui(state: &AppState, ctx: &Context) -> Vec<Action> {
    let mut asked = Vec::new();
    let toasts = state.messages.toasts(state.now);
    if toasts.is_empty() {
        return asked;
    }
    Area::new(Id::unique("toasts"))
        .order(Order::Foreground)
        .role(egui::Role::Alert)
        .accessible_name("Latest messages")
        .anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, -40.0))
        .show(ctx, |ui| {
            for message in toasts {
                Frame::popup(ui.style()).show(ui, |ui| {
                    ui.set_width(WIDTH);
                    asked.extend(message_ui(message, ui));
                });
            }
        });
    asked
}

/// Warnings and errors, newest first.
pub fn messages_ui(state: &AppState, ui: &mut Ui) -> Vec<Action> {
    let mut asked = Vec::new();
    ui.set_width(WIDTH + 80.0);
    ui.horizontal(|ui| {
        ui.label(egui::RichText::new("Messages").strong());
        if ui.small_button("Clear all").clicked() {
            asked.push(Action::ClearMessages);
        }
    });
    let mut is_empty = true;
    egui::ScrollArea::vertical()
        .max_height(320.0)
        .show(ui, |ui| {
            for message in state.messages.kept() {
                is_empty = false;
                ui.separator();
                asked.extend(message_ui(message, ui));
            }
        });
    if is_empty {
        ui.label("No warnings, no errors.");
    }
    asked
}

fn message_ui(message: &Message, ui: &mut Ui) -> Vec<Action> {
    let theme = theme::of(ui);
    let mut asked = Vec::new();
    ui.push_id(message.id, |ui| {
        let (word, token) = match message.severity {
            Severity::Hint => ("Note", theme.success),
            Severity::Warning => ("Warning", theme.warning),
            Severity::Error => ("Error", theme.error),
        };
        let times = if message.count > 1 {
            format!(" ({}×)", message.count)
        } else {
            String::new()
        };
        ui.colored_label(token.colour(), format!("{word}{times}"));
        ui.add(egui::Label::new(&message.report.summary).wrap());
        // The innermost cause says most; the others are among the details.
        if let Some(cause) = message.report.causes.last() {
            ui.add(egui::Label::new(egui::RichText::new(cause).weak()).wrap());
        }
        if let Some(hint) = &message.report.hint {
            ui.weak(hint);
        }
        ui.horizontal(|ui| {
            if let Some((label, action)) = &message.button
                && ui.button(*label).clicked()
            {
                asked.push(action.clone());
                asked.push(Action::DismissMessage(message.id));
            }
            if message.severity > Severity::Hint && ui.small_button("Copy details").clicked() {
                asked.push(Action::Copy(message.text()));
            }
            let close = ui.small_button("Close").accessible_name("Close message");
            if close.clicked() {
                asked.push(Action::DismissMessage(message.id));
            }
        });
    });
    asked
}
