//! The page *Models*: where models are, and whom downloads ask.

use std::path::Path;

use egui::{Button, Label, TextEdit, Ui};

use super::page;
use crate::app::actions::{Action, FilePick};
use crate::app::preferences::Preferences;
use crate::app::state::AppState;
use crate::worker::message::{Hub, Secret};

/// Width of a field for text.
const FIELD_WIDTH: f32 = 320.0;
/// Width of the path of a folder; what is longer is cut short.
const PATH_WIDTH: f32 = 300.0;

pub(super) fn models_page_ui(
    state: &AppState,
    edited: &mut Preferences,
    ui: &mut Ui,
) -> Vec<Action> {
    let mut asked = Vec::new();
    page(ui, |ui| {
        folder_ui(state, edited, ui, &mut asked);
        more_folders_ui(edited, ui, &mut asked);
        hub_ui(state, edited, ui);
    });
    asked
}

fn folder_ui(state: &AppState, edited: &mut Preferences, ui: &mut Ui, asked: &mut Vec<Action>) {
    // Not while something is written there.
    let is_free = !state.models.is_downloading();
    ui.label("Models folder");
    ui.horizontal(|ui| {
        path_ui(&state.models_folder().display().to_string(), ui);
        let change = ui.add_enabled(is_free, Button::new("Change…"));
        let change = change.on_disabled_hover_text("Downloads are going on.");
        if change.accessible_name("Change models folder…").clicked() {
            asked.push(Action::Pick(FilePick::ModelsFolder));
        }
        let is_chosen = edited.models_folder.is_some();
        if is_chosen
            && ui
                .add_enabled(is_free, Button::new("Use the usual one"))
                .clicked()
        {
            edited.models_folder = None;
        }
    });
    ui.end_row();
}

fn more_folders_ui(edited: &mut Preferences, ui: &mut Ui, asked: &mut Vec<Action>) {
    ui.label("Also look in");
    ui.vertical(|ui| {
        let mut left = Vec::new();
        for folder in &edited.more_model_folders {
            if !folder_row_ui(folder, ui) {
                left.push(folder.clone());
            }
        }
        edited.more_model_folders = left;
        if ui.button("Add folder…").clicked() {
            asked.push(Action::Pick(FilePick::MoreModels));
        }
        let help =
            "Of A1111, ComfyUI, a Hugging Face cache, or any other. Models are used in place.";
        ui.add(Label::new(egui::RichText::new(help).weak()).wrap());
    });
    ui.end_row();
}

/// Whether the folder is to be removed from the list.
fn folder_row_ui(folder: &Path, ui: &mut Ui) -> bool {
    let text = folder.display().to_string();
    let row = ui.push_id(folder, |ui| {
        ui.horizontal(|ui| {
            path_ui(&text, ui);
            let remove = ui.small_button("Remove");
            remove.accessible_name(format!("Remove {text}")).clicked()
        })
    });
    row.inner.inner
}

fn path_ui(text: &str, ui: &mut Ui) {
    let size = egui::vec2(PATH_WIDTH, ui.spacing().interact_size.y);
    let layout = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(size, layout, |ui| {
        ui.add(Label::new(text).truncate()).on_hover_text(text);
    });
}

fn hub_ui(state: &AppState, edited: &mut Preferences, ui: &mut Ui) {
    let environment = &state.models.environment.hub;
    let label = ui.label("Access token");
    ui.vertical(|ui| {
        let mut token = edited
            .hub_token
            .take()
            .map_or_else(String::new, |token| token.0);
        let field = TextEdit::singleline(&mut token).password(true);
        ui.add(field.desired_width(FIELD_WIDTH))
            .labelled_by(label.id);
        let token = token.trim();
        edited.hub_token = (!token.is_empty()).then(|| Secret(token.to_owned()));
        ui.weak(if environment.token.is_some() {
            "HF_TOKEN is set, and goes first."
        } else {
            "For models that ask for one. Kept in the file of preferences."
        });
    });
    ui.end_row();
    let label = ui.label("Hub");
    ui.vertical(|ui| {
        let mut address = edited.hub_endpoint.take().unwrap_or_default();
        let usual = Hub::default().endpoint;
        let is_set = environment.endpoint != usual;
        let field = TextEdit::singleline(&mut address).hint_text(usual);
        ui.add(field.desired_width(FIELD_WIDTH))
            .labelled_by(label.id);
        let address = address.trim();
        edited.hub_endpoint = (!address.is_empty()).then(|| address.to_owned());
        if is_set {
            ui.weak("HF_ENDPOINT is set, and goes first.");
        }
    });
    ui.end_row();
    ui.label("Downloads");
    ui.vertical(|ui| {
        ui.checkbox(&mut edited.offline, "Offline: download nothing");
        if environment.offline {
            ui.weak("HF_HUB_OFFLINE is set, so nothing is downloaded in any case.");
        }
    });
    ui.end_row();
}
