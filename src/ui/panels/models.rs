//! Models: what there is, what can be had and how far that is, which are used, and files of one's own.

mod rows;

use egui::{Context, ScrollArea, Ui};

use super::dialog::{buttons, dialog};
use crate::app::actions::{Action, FilePick};
use crate::app::format;
use crate::app::models::ModelAction;
use crate::app::state::{AppState, Check};
use crate::ui::theme;
use crate::worker::message::{Entry, ModelId, Owner, Role, entry};
use rows::{catalogue_ui, found_ui};

/// The groups, in the order in which they are shown.
const GROUPS: [(Role, &str); 5] = [
    (Role::Checkpoint, "Checkpoint"),
    (Role::Vae, "VAE"),
    (Role::ControlNet, "ControlNet"),
    (Role::Helper, "Helpers"),
    (Role::Lora, "LoRA"),
];

/// Whose models are also found.
const OTHERS: [Owner; 4] = [
    Owner::HuggingFace,
    Owner::A1111,
    Owner::ComfyUi,
    Owner::Folder,
];

/// Height that is kept for what is above and below the list.
const AROUND_LIST: f32 = 330.0;

/// The dialog *Models*.
#[must_use]
pub fn models_ui(state: &AppState, ctx: &Context) -> Vec<Action> {
    let shown = dialog(ctx, "Models", 800.0, |ui| {
        let mut asked = Vec::new();
        folder_ui(state, ui, &mut asked);
        used_ui(state, ui);
        ui.separator();
        let height = (ctx.content_rect().height() - AROUND_LIST).max(160.0);
        ScrollArea::vertical()
            .id_salt("models")
            .max_height(height)
            .auto_shrink([false, true])
            .show(ui, |ui| list_ui(state, ui, &mut asked));
        ui.separator();
        own_files_ui(state, ui, &mut asked);
        match buttons(ui, &["Use the demo model", "Close"]) {
            Some(0) => asked.push(Action::UseDemoModel),
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

/// Where models lie, and what keeps them from coming.
fn folder_ui(state: &AppState, ui: &mut Ui, asked: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.label("Folder");
        let folder = state.models_folder().display().to_string();
        ui.add(egui::Label::new(&folder).truncate())
            .on_hover_text(folder);
        let is_free = !state.models.is_downloading();
        let change = ui.add_enabled(is_free, egui::Button::new("Change…"));
        let change = change.on_disabled_hover_text("Downloads are going on.");
        if change.accessible_name("Change models folder…").clicked() {
            asked.push(Action::Pick(FilePick::ModelsFolder));
        }
        let rescan = ui.button("Rescan").on_hover_text("Look again for models");
        if rescan.accessible_name("Rescan").clicked() {
            asked.push(Action::Model(ModelAction::Scan));
        }
        if state.models.looks > 0 {
            ui.weak("looking…");
        }
    });
    let theme = theme::of(ui);
    if let Some(reason) = state.why_offline() {
        ui.colored_label(theme.warning.colour(), reason);
    }
    if let Check::Failed(report) = &state.models.library {
        ui.colored_label(theme.error.colour(), &report.summary);
    }
}

/// Whether the models that the settings name can be used.
fn used_ui(state: &AppState, ui: &mut Ui) {
    let theme = theme::of(ui);
    match &state.model {
        Check::Unknown => {
            ui.weak("Looking at the model…");
        }
        Check::Ready(model) => {
            ui.colored_label(theme.success.colour(), format!("Ready: {}", model.name));
            if model.is_demo {
                ui.label("The bundled model demonstrates the steps. It is no picture maker.");
            }
            if !model.has_control {
                ui.weak("No ControlNet is loaded, so shapes are kept by the start picture alone.");
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
}

fn list_ui(state: &AppState, ui: &mut Ui, asked: &mut Vec<Action>) {
    for (role, title) in GROUPS {
        group_ui(title, ui);
        catalogue_ui(state, role, ui, asked);
        let own = state.models.found(Owner::Own);
        for found in own.filter(|found| found.role == role) {
            found_ui(state, found, ui, asked);
        }
        ui.add_space(theme::GRID * 2.0);
    }
    others_ui(state, ui, asked);
    if let Check::Ready(library) = &state.models.library {
        for note in &library.notes {
            ui.weak(note);
        }
    }
}

/// The title of a group.
fn group_ui(title: &str, ui: &mut Ui) {
    let size = theme::BODY + 2.0;
    ui.label(egui::RichText::new(title).strong().size(size));
}

/// Models of other programs.
fn others_ui(state: &AppState, ui: &mut Ui, asked: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        group_ui("Also found", ui);
        ui.weak("used in place, never moved");
    });
    let mut is_empty = true;
    for owner in OTHERS {
        let count = state.models.found(owner).count();
        if count == 0 {
            continue;
        }
        is_empty = false;
        egui::CollapsingHeader::new(format!("{owner} ({count})"))
            .id_salt(owner)
            .show(ui, |ui| {
                for found in state.models.found(owner) {
                    found_ui(state, found, ui, asked);
                }
            });
    }
    if is_empty && state.models.library.ready().is_some() {
        ui.weak("Nothing in the Hugging Face cache, and no A1111 or ComfyUI.");
    }
}

fn own_files_ui(state: &AppState, ui: &mut Ui, asked: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        ui.label(egui::RichText::new("Use a file I have").strong());
        ui.weak(".safetensors or a diffusers folder, SD 1.5 family");
        let picks = [
            ("File…", "Model file…", FilePick::ModelFile),
            ("Folder…", "Model folder…", FilePick::ModelFolder),
            ("ControlNet…", "ControlNet…", FilePick::ControlNet),
            ("VAE…", "VAE…", FilePick::Vae),
            ("LoRA…", "LoRA…", FilePick::Lora),
        ];
        for (label, name, pick) in picks {
            let is_model = matches!(pick, FilePick::ModelFile | FilePick::ModelFolder);
            let is_possible = is_model || state.project.is_some();
            let button = ui.add_enabled(is_possible, egui::Button::new(label));
            if button.accessible_name(name).clicked() {
                asked.push(Action::Pick(pick));
            }
        }
    });
    if state.project.is_none() {
        ui.weak("ControlNets, VAEs and LoRAs are settings of a video: open one first.");
    }
}

/// Asks once, with size and licence, before a model is downloaded.
#[must_use]
pub fn download_ui(state: &AppState, id: &ModelId, ctx: &Context) -> Vec<Action> {
    let Some(entry) = entry(id) else {
        return vec![Action::Escape];
    };
    let title = format!("Download {}?", entry.title);
    let shown = dialog(ctx, &title, 520.0, |ui| {
        let mut asked = Vec::new();
        about_download_ui(state, entry, ui);
        match buttons(ui, &["Cancel", "Download"]) {
            Some(0) => asked.push(Action::Escape),
            Some(_) => asked.extend([
                Action::Escape,
                Action::Model(ModelAction::Download(id.clone())),
            ]),
            None => (),
        }
        asked
    });
    left(shown.inner, shown.is_left)
}

fn about_download_ui(state: &AppState, entry: &Entry, ui: &mut Ui) {
    let address = entry.address(&state.hub().endpoint);
    let place = entry.place(state.models_folder());
    let lines = [
        format!("{}: {}.", entry.role, entry.purpose),
        format!("Size: {}", format::bytes(entry.bytes)),
        format!("Licence: {}", entry.licence_text()),
        format!("From {address}"),
        format!("To {}", place.display()),
    ];
    for line in lines {
        ui.add(egui::Label::new(line).wrap().selectable(true));
    }
    ui.weak("It goes on after a break. Its SHA-256 is compared where the publisher tells one.");
}
