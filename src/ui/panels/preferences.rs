//! The user's settings, whatever the video.

mod device_page;
mod models_page;

use egui::{ComboBox, Context, DragValue, Grid, Slider, Ui};

use super::dialog::{buttons, dialog};
use super::models::left;
use super::shortcuts::table_ui;
use crate::app::actions::{Action, FilePick};
use crate::app::export::ExportPreset;
use crate::app::preferences::{Preferences, ThemeChoice};
use crate::app::state::{AppState, Check, PreferencesPage};
use crate::ui::theme;
use device_page::device_page_ui;
use models_page::models_page_ui;

const PAGES: [(PreferencesPage, &str); 6] = [
    (PreferencesPage::General, "General"),
    (PreferencesPage::Appearance, "Appearance"),
    (PreferencesPage::Device, "Device"),
    (PreferencesPage::Models, "Models"),
    (PreferencesPage::Video, "Video and export"),
    (PreferencesPage::Shortcuts, "Shortcuts"),
];

/// The dialog *Preferences*.
#[must_use]
pub fn preferences_ui(state: &AppState, page: PreferencesPage, ctx: &Context) -> Vec<Action> {
    let mut edited = state.preferences.clone();
    let shown = dialog(ctx, "Preferences", 640.0, |ui| {
        let mut asked = Vec::new();
        ui.horizontal(|ui| {
            for (other, name) in PAGES {
                if ui.selectable_label(other == page, name).clicked() {
                    asked.push(Action::ShowPreferences(other));
                }
            }
        });
        ui.separator();
        ui.vertical(|ui| {
            ui.set_min_height(240.0);
            match page {
                PreferencesPage::General => general_ui(&mut edited, ui),
                PreferencesPage::Appearance => appearance_ui(&mut edited, ui),
                PreferencesPage::Device => asked.extend(device_page_ui(state, &mut edited, ui)),
                PreferencesPage::Models => asked.extend(models_page_ui(state, &mut edited, ui)),
                PreferencesPage::Video => asked.extend(video_ui(state, &mut edited, ui)),
                PreferencesPage::Shortcuts => table_ui("", ui),
            }
        });
        if buttons(ui, &["Close"]).is_some() {
            asked.push(Action::Escape);
        }
        asked
    });
    let mut asked = Vec::new();
    if edited != state.preferences {
        asked.push(Action::SetPreferences(Box::new(edited)));
    }
    asked.extend(left(shown.inner, shown.is_left));
    asked
}

fn page(ui: &mut Ui, rows: impl FnOnce(&mut Ui)) {
    Grid::new("preferences")
        .num_columns(2)
        .spacing([24.0, 8.0])
        .show(ui, rows);
}

fn general_ui(edited: &mut Preferences, ui: &mut Ui) {
    page(ui, |ui| {
        ui.label("Recent files");
        ui.checkbox(&mut edited.remember_recent, "Remember what was opened");
        ui.end_row();
        let label = ui.label("Save by itself");
        ui.horizontal(|ui| {
            let value = DragValue::new(&mut edited.autosave_secs)
                .range(1..=3600)
                .suffix(" s");
            ui.add(value).labelled_by(label.id);
            ui.weak("after a change, into the working folder");
        });
        ui.end_row();
    });
}

fn appearance_ui(edited: &mut Preferences, ui: &mut Ui) {
    page(ui, |ui| {
        ui.label("Theme");
        ui.horizontal(|ui| {
            ui.radio_value(&mut edited.theme, ThemeChoice::System, "As the system");
            ui.radio_value(&mut edited.theme, ThemeChoice::Dark, "Dark");
            ui.radio_value(&mut edited.theme, ThemeChoice::Light, "Light");
        });
        ui.end_row();
        let label = ui.label("Interface scale");
        let slider = Slider::new(&mut edited.scale_percent, 75..=200)
            .step_by(5.0)
            .suffix(" %");
        // Applied when let go, or the slider would run away under the pointer.
        ui.add(slider.update_while_editing(false))
            .labelled_by(label.id);
        ui.end_row();
        ui.label("Motion");
        ui.checkbox(&mut edited.reduced_motion, "Reduced motion");
        ui.end_row();
        let label = ui.label("Thumbnails");
        let slider = Slider::new(&mut edited.thumbnail_points, 48..=320).suffix(" points");
        ui.add(slider).labelled_by(label.id);
        ui.end_row();
    });
}

fn video_ui(state: &AppState, edited: &mut Preferences, ui: &mut Ui) -> Vec<Action> {
    let mut asked = Vec::new();
    page(ui, |ui| {
        ui.label("FFmpeg");
        ui.horizontal(|ui| {
            match &state.ffmpeg {
                Check::Unknown => ui.weak("looking…"),
                Check::Ready(ffmpeg) => ui.label(format!("version {}", ffmpeg.version)),
                Check::Failed(report) => {
                    ui.colored_label(theme::of(ui).error.colour(), &report.summary)
                }
            };
            if ui
                .button("Locate…")
                .accessible_name("Locate FFmpeg…")
                .clicked()
            {
                asked.push(Action::Pick(FilePick::Ffmpeg));
            }
            if edited.ffmpeg.is_some() && ui.button("Use the one on the path").clicked() {
                edited.ffmpeg = None;
            }
        });
        ui.end_row();
        ui.label("Working folders");
        ui.horizontal(|ui| {
            let place = edited.work_folder.as_ref().unwrap_or(&state.folders.data);
            ui.label(place.display().to_string());
            if ui
                .button("Change…")
                .accessible_name("Change working folders…")
                .clicked()
            {
                asked.push(Action::Pick(FilePick::WorkFolder));
            }
        });
        ui.end_row();
        ui.label("Exports begin with");
        let combo =
            ComboBox::from_id_salt("first preset").selected_text(edited.export_preset.label());
        let inner = combo.width(220.0).show_ui(ui, |ui| {
            for preset in ExportPreset::ALL {
                ui.selectable_value(&mut edited.export_preset, preset, preset.label());
            }
        });
        inner.response.accessible_name("Exports begin with");
        ui.end_row();
        ui.label("In exported files");
        ui.vertical(|ui| {
            ui.checkbox(&mut edited.store_settings, "Store settings");
            ui.checkbox(&mut edited.mark_as_translated, "Mark as AI-translated");
        });
        ui.end_row();
    });
    asked
}
