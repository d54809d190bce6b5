//! The menu bar, read from the shortcut table, and the device at its right end.

use egui::{Button, Ui};

use crate::app::actions::{Action, ExportWhat, FilePick};
use crate::app::history::History;
use crate::app::state::{AppState, Check, PreferencesPage};
use crate::ui::acts;
use crate::ui::shortcuts::{self, Act, Menu, TABLE};
use crate::ui::theme;

/// What was chosen in a menu.
#[derive(Debug, Default)]
pub struct Chosen {
    /// Commands of the table.
    pub acts: Vec<Act>,
    /// What the state is asked.
    pub asked: Vec<Action>,
}

/// The menu bar.
pub fn menu_bar_ui(state: &AppState, ui: &mut Ui) -> Chosen {
    let mut chosen = Chosen::default();
    egui::MenuBar::new().ui(ui, |ui| {
        for menu in Menu::ALL {
            ui.menu_button(menu.title(), |ui| {
                for row in TABLE.iter().filter(|row| row.menu == menu) {
                    if row.act == Act::Dismiss {
                        continue;
                    }
                    let keys = shortcuts::keys_text(ui.ctx(), row).unwrap_or_default();
                    let label = label(state, row.act);
                    let button = Button::new(label.as_str()).shortcut_text(keys);
                    let is_possible =
                        acts::is_possible(row.act, state) && row.act != Act::HoldSource;
                    let response = ui.add_enabled(is_possible, button).accessible_name(label);
                    let why = if row.is_ready {
                        "Not possible now."
                    } else {
                        "Comes in a later version."
                    };
                    if response.on_disabled_hover_text(why).clicked() {
                        chosen.acts.push(row.act);
                    }
                }
                further_ui(menu, state, ui, &mut chosen.asked);
            });
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            right_ui(state, ui, &mut chosen);
        });
    });
    chosen
}

/// The label of the table, with the name of the step for undo and redo.
fn label(state: &AppState, act: Act) -> String {
    let label = shortcuts::of(act).label;
    let history = state.project.as_ref().map(|project| &project.history);
    let step = match act {
        Act::Undo => history.and_then(History::undo_name),
        Act::Redo => history.and_then(History::redo_name),
        _ => None,
    };
    step.map_or(label.to_owned(), |step| format!("{label} {}", step.text()))
}

/// What has no key and is not in the palette, since a dialog or another panel offers it too.
fn further_ui(menu: Menu, state: &AppState, ui: &mut Ui, asked: &mut Vec<Action>) {
    match menu {
        Menu::File => {
            if ui.button("Open project…").clicked() {
                asked.push(Action::Pick(FilePick::Project));
            }
            let has_keyframes = state
                .project
                .as_ref()
                .is_some_and(|project| !project.results.keyframes.is_empty());
            let button = Button::new("Export keyframes…");
            if ui.add_enabled(has_keyframes, button).clicked() {
                asked.push(Action::OpenExport(ExportWhat::Keyframes));
            }
        }
        Menu::Edit => {
            let button = Button::new("Use suggested keyframes");
            if ui.add_enabled(state.project.is_some(), button).clicked() {
                asked.push(Action::SuggestKeyframes);
            }
        }
        _ => (),
    }
}

fn right_ui(state: &AppState, ui: &mut Ui, chosen: &mut Chosen) {
    let (text, is_known) = match &state.device {
        Check::Unknown => ("Device…".to_owned(), false),
        Check::Ready(device) => (device.name.clone(), true),
        Check::Failed(_) => ("No device".to_owned(), false),
    };
    let shown = egui::RichText::new(&text);
    let shown = if is_known {
        shown
    } else {
        shown.color(theme::of(ui).text_weak.colour())
    };
    let device = ui.add(Button::new(shown).truncate());
    let device = device.on_hover_text("Where the networks run. Opens the preferences.");
    if device.accessible_name(format!("Device: {text}")).clicked() {
        chosen
            .asked
            .push(Action::ShowPreferences(PreferencesPage::Device));
    }
    let keys = shortcuts::keys_text(ui.ctx(), shortcuts::of(Act::Palette)).unwrap_or_default();
    let palette = ui.add(Button::new("Commands…").shortcut_text(keys));
    let hint = shortcuts::hint(ui.ctx(), Act::Palette);
    if palette
        .on_hover_text(hint)
        .accessible_name("Commands…")
        .clicked()
    {
        chosen.acts.push(Act::Palette);
    }
}
