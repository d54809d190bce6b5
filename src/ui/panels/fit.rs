//! The line above the one button: what the work will take, and what makes it fit.

use egui::Ui;

use crate::app::actions::Action;
use crate::app::fit::Fit;
use crate::ui::theme;

/// Height of the line.
const LINE: f32 = 22.0;
/// Height of the buttons below it.
const BUTTONS: f32 = 28.0;

/// How much room it takes.
#[must_use]
pub fn height(fit: Option<&Fit>) -> f32 {
    match fit {
        None => 0.0,
        Some(fit) if fit.remedies.is_empty() => LINE,
        Some(_) => LINE + BUTTONS,
    }
}

/// Memory and time, and changes that make the memory enough.
pub fn fit_ui(fit: &Fit, ui: &mut Ui) -> Vec<Action> {
    let theme = theme::of(ui);
    let mut asked = Vec::new();
    let (token, text) = match fit.is_enough {
        Some(true) => (theme.success, format!("{} · fits", fit.text)),
        Some(false) => (theme.error, fit.text.clone()),
        None => (theme.text_weak, fit.text.clone()),
    };
    let help = "Memory on the device and time of what is not current yet. Set the limit in the \
                preferences, page Device: the graphics API does not tell how much there is.";
    let label = egui::Label::new(egui::RichText::new(text).color(token.colour())).truncate();
    ui.add(label).on_hover_text(help);
    if !fit.remedies.is_empty() {
        ui.horizontal(|ui| {
            for remedy in &fit.remedies {
                if ui.button(&remedy.label).clicked() {
                    asked.push(remedy.action.clone());
                }
            }
        });
    }
    asked
}
