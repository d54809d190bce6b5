//! Models: which are used, whether they can be, and files of one's own.

use egui::Context;

use super::dialog::{buttons, dialog};
use crate::app::actions::{Action, FilePick};
use crate::app::state::{AppState, Check};
use crate::ui::theme;

/// The dialog *Models*.
#[must_use]
pub fn models_ui(state: &AppState, ctx: &Context) -> Vec<Action> {
    let shown = dialog(ctx, "Models", 560.0, |ui| {
        let mut asked = Vec::new();
        let theme = theme::of(ui);
        match &state.model {
            Check::Unknown => {
                ui.label("Looking at the model…");
            }
            Check::Ready(model) => {
                ui.colored_label(theme.success.colour(), format!("Ready: {}", model.name));
                if model.is_demo {
                    ui.label("The bundled model demonstrates the steps. It is no picture maker.");
                }
                if !model.has_control {
                    ui.weak(
                        "No ControlNet is loaded, so shapes are kept by the start picture alone.",
                    );
                }
            }
            Check::Failed(report) => {
                ui.colored_label(theme.error.colour(), &report.summary);
                for cause in &report.causes {
                    ui.weak(cause);
                }
                if let Some(hint) = &report.hint {
                    ui.label(hint);
                }
            }
        }
        ui.add_space(theme::GRID * 2.0);
        ui.label(egui::RichText::new("Use a model I have").strong());
        ui.label("A model of the SD 1.5 family: a single .safetensors file, or a folder in diffusers layout.");
        ui.horizontal_wrapped(|ui| {
            let picks = [
                ("File…", "Model file…", FilePick::ModelFile),
                ("Folder…", "Model folder…", FilePick::ModelFolder),
                ("ControlNet…", "ControlNet…", FilePick::ControlNet),
                ("VAE…", "VAE…", FilePick::Vae),
            ];
            for (label, name, pick) in picks {
                if ui.button(label).accessible_name(name).clicked() {
                    asked.push(Action::Pick(pick));
                }
            }
        });
        ui.add_space(theme::GRID * 2.0);
        ui.weak(format!(
            "Models are looked for in {}",
            state.folders.models.display()
        ));
        match buttons(ui, &["Use the demo model", "Check again", "Close"]) {
            Some(0) => asked.push(Action::UseDemoModel),
            Some(1) => asked.push(Action::CheckAgain),
            Some(_) => asked.push(Action::Escape),
            None => (),
        }
        asked
    });
    left(shown.inner, shown.is_left)
}

/// A click beside a dialog leaves it.
pub(super) fn left(mut asked: Vec<Action>, is_left: bool) -> Vec<Action> {
    if is_left {
        asked.push(Action::Escape);
    }
    asked
}
