//! The page *Device*: where networks run, in which precision, with how much memory and how many threads.

use egui::{ComboBox, DragValue, Label, RadioButton, RichText, Ui};

use super::page;
use crate::app::actions::Action;
use crate::app::preferences::{MOST_THREADS, Preferences};
use crate::app::state::{AppState, Check};
use crate::pipeline::job::{DeviceChoice, Precision};
use crate::ui::theme;

pub(super) fn device_page_ui(
    state: &AppState,
    edited: &mut Preferences,
    ui: &mut Ui,
) -> Vec<Action> {
    page(ui, |ui| {
        ui.label("Networks run on");
        choice_ui(state, edited, ui);
        ui.end_row();
        ui.label("Now");
        ui.vertical(|ui| now_ui(state, ui));
        ui.end_row();
        ui.label("Precision");
        ui.vertical(|ui| precision_ui(state, edited, ui));
        ui.end_row();
        ui.label("Memory limit");
        ui.horizontal(|ui| {
            let names = ["Limit memory", "Memory limit"];
            limit_ui(&mut edited.memory_limit_gb, names, 8, ui, |value| {
                value.range(1..=512).suffix(" GB")
            });
        });
        ui.end_row();
        ui.label("CPU threads");
        ui.vertical(|ui| threads_ui(state, edited, ui));
        ui.end_row();
    });
    if ui.button("Test the device").clicked() {
        vec![Action::CheckAgain]
    } else {
        Vec::new()
    }
}

fn choice_ui(state: &AppState, edited: &mut Preferences, ui: &mut Ui) {
    let mut choices = vec![
        (DeviceChoice::Auto, "automatic".to_owned()),
        (DeviceChoice::Cpu, "CPU".to_owned()),
    ];
    let cards = state.device.ready().map_or(&[][..], |device| &device.cards);
    let cards = cards.iter();
    choices.extend(cards.map(|card| (DeviceChoice::Named(card.clone()), card.clone())));
    let current = choices.iter().find(|(choice, _)| *choice == edited.device);
    let current = current.map_or_else(|| edited.device.to_string(), |(_, name)| name.clone());
    let combo = ComboBox::from_id_salt("device")
        .selected_text(current)
        .width(280.0);
    let inner = combo.show_ui(ui, |ui| {
        for (choice, name) in choices {
            if ui.selectable_label(edited.device == choice, name).clicked() {
                edited.device = choice;
            }
        }
    });
    inner.response.accessible_name("Networks run on");
}

fn now_ui(state: &AppState, ui: &mut Ui) {
    match &state.device {
        Check::Unknown => {
            ui.weak("looking…");
        }
        Check::Ready(device) => {
            let precision = match state.computes_in_half() {
                Some(true) => "half precision",
                _ => "full precision",
            };
            ui.label(format!("{} · {precision}", device.name));
            if device.is_fallback {
                ui.colored_label(
                    theme::of(ui).warning.colour(),
                    "No usable GPU. Translation runs on the CPU and takes much longer.",
                );
            }
        }
        Check::Failed(report) => {
            ui.colored_label(theme::of(ui).error.colour(), &report.summary);
        }
    }
}

fn precision_ui(state: &AppState, edited: &mut Preferences, ui: &mut Ui) {
    let device = state.device.ready();
    let reason = match device {
        Some(device) if device.half => None,
        Some(device) => Some(format!("{} has no half precision.", device.name)),
        None => Some("The device is not known.".to_owned()),
    };
    ui.horizontal(|ui| {
        ui.radio_value(&mut edited.precision, Precision::Auto, "automatic");
        ui.radio_value(&mut edited.precision, Precision::Full, "full");
        let is_half = edited.precision == Precision::Half;
        let half = ui.add_enabled(reason.is_none(), RadioButton::new(is_half, "half"));
        let half = half.on_disabled_hover_text(reason.as_deref().unwrap_or_default());
        if half.clicked() {
            edited.precision = Precision::Half;
        }
    });
    let about = reason.unwrap_or_else(|| {
        "Automatic is half here. Full is more exact and takes more memory and time.".to_owned()
    });
    note_ui(&about, ui);
}

fn threads_ui(state: &AppState, edited: &mut Preferences, ui: &mut Ui) {
    let now = state.device.ready().map(|device| device.threads);
    ui.horizontal(|ui| {
        let usual = now.map_or(1, |now| now as u32);
        let names = ["Limit CPU threads", "CPU threads"];
        limit_ui(&mut edited.cpu_threads, names, usual, ui, |value| {
            value.range(1..=MOST_THREADS)
        });
    });
    let now = now.map_or_else(String::new, |now| format!(", {now} now"));
    note_ui(
        &format!("One for each core without a limit{now}. A change holds from the next start on."),
        ui,
    );
}

/// A number that may be absent; `usual` is what it begins with. The names are those of the box and of the number.
fn limit_ui(
    limit: &mut Option<u32>,
    [box_name, name]: [&str; 2],
    usual: u32,
    ui: &mut Ui,
    shaped: impl FnOnce(DragValue<'_>) -> DragValue<'_>,
) {
    let mut is_limited = limit.is_some();
    let check = ui.checkbox(&mut is_limited, "Limit");
    if check.accessible_name(box_name).changed() {
        *limit = is_limited.then_some(usual);
    }
    if let Some(limit) = limit {
        ui.add(shaped(DragValue::new(limit))).accessible_name(name);
    }
}

fn note_ui(text: &str, ui: &mut Ui) {
    ui.add(Label::new(RichText::new(text).weak()).wrap());
}
