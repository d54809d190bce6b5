//! The start screen: what to open, what was open, and whether everything is ready.

use std::path::Path;

use egui::{Align, Button, Layout, Ui, vec2};

use crate::app::actions::{Action, FilePick};
use crate::app::notices;
use crate::app::state::{AppState, Check, Dialog, PreferencesPage};
use crate::ui::theme;

/// Width of what is on the start screen.
const WIDTH: f32 = 720.0;

/// The start screen.
pub fn start_ui(state: &AppState, ui: &mut Ui) -> Vec<Action> {
    let mut asked = Vec::new();
    let width = WIDTH.min(ui.available_width() - 32.0);
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.12).max(24.0));
        ui.label(egui::RichText::new("FRESCO Studio").size(28.0).strong());
        ui.add_space(theme::GRID * 4.0);
        ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
            ui.set_width(width);
            drop_ui(ui, &mut asked);
            ui.add_space(theme::GRID * 5.0);
            recent_ui(state, ui, &mut asked);
            ui.add_space(theme::GRID * 5.0);
            ready_ui(state, ui, &mut asked);
        });
    });
    asked
}

fn drop_ui(ui: &mut Ui, asked: &mut Vec<Action>) {
    let theme = theme::of(ui);
    egui::Frame::new()
        .fill(theme.raised.colour())
        .stroke(theme.border.line(1.0))
        .corner_radius(theme::GRID * 2.0)
        .inner_margin(theme::GRID * 6.0)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.vertical_centered(|ui| {
                ui.label(egui::RichText::new("Drop a video here").size(18.0));
                ui.add_space(theme::GRID * 3.0);
                ui.horizontal(|ui| {
                    // Three buttons of one width, in the middle.
                    let size = vec2(160.0, 32.0);
                    let all = size.x * 3.0 + ui.spacing().item_spacing.x * 2.0;
                    ui.add_space(((ui.available_width() - all) / 2.0).max(0.0));
                    let text = egui::RichText::new("Open video…").color(theme.on_accent.colour());
                    let open = Button::new(text).fill(theme.accent_fill.colour());
                    if ui.add(open.min_size(size)).clicked() {
                        asked.push(Action::Pick(FilePick::Video));
                    }
                    if ui
                        .add(Button::new("Open project…").min_size(size))
                        .clicked()
                    {
                        asked.push(Action::Pick(FilePick::Project));
                    }
                    let demo = ui.add(Button::new("Try the demo clip").min_size(size));
                    let text = "Needs no download. It shows the steps, not the quality.";
                    if demo.on_hover_text(text).clicked() {
                        asked.push(Action::OpenDemo);
                    }
                });
                ui.add_space(theme::GRID * 2.0);
                ui.weak("The demo uses a tiny bundled model: it shows the steps, not the quality.");
            });
        });
}

fn recent_ui(state: &AppState, ui: &mut Ui, asked: &mut Vec<Action>) {
    let recent = &state.preferences.recent;
    if recent.is_empty() {
        return;
    }
    ui.label(egui::RichText::new("Recent").strong());
    for path in recent.iter().take(5) {
        let found = state.found_recent.get(path).copied();
        ui.push_id(path, |ui| {
            ui.horizontal(|ui| asked.extend(recent_row(path, found, ui)));
        });
    }
}

fn recent_row(path: &Path, found: Option<bool>, ui: &mut Ui) -> Option<Action> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or(Path::new("")).display();
    let is_missing = found == Some(false);
    let open = ui.add_enabled(!is_missing, Button::new(name.as_ref()));
    if open.on_hover_text(path.display().to_string()).clicked() {
        return Some(Action::Open(path.to_owned()));
    }
    if is_missing {
        ui.colored_label(theme::of(ui).warning.colour(), "file is missing");
        let forget = ui
            .small_button("Forget")
            .accessible_name(format!("Forget {name}"));
        return forget
            .clicked()
            .then(|| Action::ForgetRecent(path.to_owned()));
    }
    ui.weak(folder.to_string());
    None
}

/// Three lines that are green, or have a button that makes them so.
fn ready_ui(state: &AppState, ui: &mut Ui, asked: &mut Vec<Action>) {
    let model = state.model.ready().map(|model| {
        let demo = if model.is_demo {
            " (demonstration)"
        } else {
            ""
        };
        format!("{}{demo}", model.name)
    });
    let device = state.device.ready().map(|device| {
        let slow = if device.is_fallback {
            " · no GPU was found"
        } else {
            ""
        };
        format!("{}{slow}", device.name)
    });
    let ffmpeg = state
        .ffmpeg
        .ready()
        .map(|ffmpeg| format!("FFmpeg {}", ffmpeg.version));
    let models = ("Models…", Action::OpenDialog(Dialog::Models));
    let devices = ("Device…", Action::ShowPreferences(PreferencesPage::Device));
    let locate = ("Locate…", Action::Pick(FilePick::Ffmpeg));
    let no_model = notices::model(state).map(|notice| notice.text);
    line_ui(ui, "Model", model, no_model, models, asked);
    line_ui(ui, "Device", device, failure(&state.device), devices, asked);
    line_ui(ui, "FFmpeg", ffmpeg, failure(&state.ffmpeg), locate, asked);
}

fn failure<T>(check: &Check<T>) -> Option<String> {
    match check {
        Check::Failed(report) => Some(report.summary.clone()),
        _ => None,
    }
}

fn line_ui(
    ui: &mut Ui,
    name: &str,
    ready: Option<String>,
    failed: Option<String>,
    button: (&str, Action),
    asked: &mut Vec<Action>,
) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        ui.allocate_ui(vec2(72.0, theme::HIT_TARGET), |ui| {
            ui.set_min_width(72.0);
            ui.label(egui::RichText::new(name).strong());
        });
        let (token, word) = match (&ready, failed) {
            (Some(text), _) => (theme.success, format!("Ready: {text}")),
            (None, Some(text)) => (theme.error, text),
            (None, None) => (theme.text_weak, "looking…".to_owned()),
        };
        let (dot, _) = ui.allocate_exact_size(vec2(10.0, theme::HIT_TARGET), egui::Sense::hover());
        ui.painter()
            .circle_filled(dot.center(), 4.0, token.colour());
        ui.add(egui::Label::new(egui::RichText::new(word).color(token.colour())).truncate());
        let (label, action) = button;
        if (ready.is_none() || name != "FFmpeg") && ui.button(label).clicked() {
            asked.push(action);
        }
    });
}
