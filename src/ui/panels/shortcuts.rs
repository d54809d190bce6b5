//! The shortcut sheet and the command palette, both read from the table.

use egui::{Context, Grid, Id, Key, ScrollArea, TextEdit, Ui};

use super::dialog::{buttons, dialog};
use super::models::left;
use crate::app::actions::Action;
use crate::app::state::AppState;
use crate::ui::acts;
use crate::ui::shortcuts::{Act, Menu, Shortcut, TABLE};
use crate::ui::theme;

/// The sheet of all keys.
#[must_use]
pub fn sheet_ui(ctx: &Context) -> Vec<Action> {
    let memory = Id::unique("search in shortcuts");
    let shown = dialog(ctx, "Shortcuts", 620.0, |ui| {
        let mut search: String = ui.data(|data| data.get_temp(memory)).unwrap_or_default();
        let edit = TextEdit::singleline(&mut search)
            .hint_text("Search")
            .desired_width(f32::INFINITY);
        if ui.add(edit).accessible_name("Search shortcuts").changed() {
            ui.data_mut(|data| data.insert_temp(memory, search.clone()));
        }
        table_ui(&search, ui);
        buttons(ui, &["Close"]).map(|_| Action::Escape)
    });
    left(shown.inner.into_iter().collect(), shown.is_left)
}

/// All keys whose label or keys hold `search`.
pub fn table_ui(search: &str, ui: &mut Ui) {
    let is_mac = ui.ctx().os().is_mac();
    ScrollArea::vertical()
        .id_salt("shortcuts")
        .max_height(420.0)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            for menu in Menu::ALL {
                let keys = |row: &Shortcut| {
                    let texts: Vec<String> =
                        row.keys.iter().map(|keys| keys.text(is_mac)).collect();
                    texts.join(" or ")
                };
                let rows = TABLE
                    .iter()
                    .filter(|row| row.menu == menu && !row.keys.is_empty());
                let rows: Vec<&Shortcut> = rows
                    .filter(|row| matches(search, row.label) || matches(search, &keys(row)))
                    .collect();
                if rows.is_empty() {
                    continue;
                }
                ui.label(egui::RichText::new(menu.title()).strong());
                Grid::new(menu.title())
                    .num_columns(2)
                    .min_col_width(240.0)
                    .show(ui, |ui| {
                        for row in rows {
                            ui.label(row.label);
                            ui.monospace(keys(row));
                            ui.end_row();
                        }
                    });
            }
        });
}

/// Whether every word of the search is in the text, whatever the case.
fn matches(search: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    search
        .to_lowercase()
        .split_whitespace()
        .all(|word| text.contains(word))
}

/// What was chosen in the palette.
#[derive(Debug, Default)]
pub struct Chosen {
    /// What the state is asked.
    pub asked: Vec<Action>,
    /// The command.
    pub act: Option<Act>,
}

/// All commands, searched by name. A path opens the file it names.
#[must_use]
pub fn palette_ui(state: &AppState, ctx: &Context) -> Chosen {
    let memory = Id::unique("search in commands");
    let shown = dialog(ctx, "Commands", 480.0, |ui| {
        let mut search: String = ui.data(|data| data.get_temp(memory)).unwrap_or_default();
        let edit = TextEdit::singleline(&mut search)
            .id(memory)
            .hint_text("Name of a command, or the path of a video")
            .desired_width(f32::INFINITY);
        let response = ui.add(edit).accessible_name("Search commands");
        response.request_focus();
        let is_entered = ui.input(|input| input.key_pressed(Key::Enter));
        let chosen = found_ui(state, &search, is_entered, ui);
        ui.data_mut(|data| data.insert_temp(memory, search));
        chosen
    });
    let Chosen { asked, act } = shown.inner;
    let is_done = act.is_some() || !asked.is_empty();
    if is_done || shown.is_left {
        ctx.data_mut(|data| data.remove::<String>(memory));
    }
    let mut before = Vec::new();
    if is_done || shown.is_left {
        before.push(Action::Escape);
    }
    before.extend(asked);
    Chosen { asked: before, act }
}

fn found_ui(state: &AppState, search: &str, is_entered: bool, ui: &mut Ui) -> Chosen {
    let mut chosen = Chosen::default();
    if let Some(path) = path_in(search) {
        let label = format!("Open {}", path.display());
        if ui.button(&label).clicked() || is_entered {
            chosen.asked.push(Action::Open(path));
        }
        return chosen;
    }
    let is_offered = |row: &&Shortcut| row.act != Act::Dismiss && matches(search, row.label);
    let found: Vec<&Shortcut> = TABLE.iter().filter(is_offered).collect();
    let first = found
        .iter()
        .position(|row| acts::is_possible(row.act, state));
    ScrollArea::vertical()
        .id_salt("commands")
        .max_height(360.0)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            for (index, row) in found.iter().enumerate() {
                let is_first = Some(index) == first;
                let keys = crate::ui::shortcuts::keys_text(ui.ctx(), row).unwrap_or_default();
                let width = ui.available_width() - theme::GRID * 2.0;
                let button = egui::Button::selectable(is_first, row.label)
                    .shortcut_text(keys)
                    .min_size(egui::vec2(width, theme::HIT_TARGET));
                let is_possible = acts::is_possible(row.act, state);
                let response = ui
                    .add_enabled(is_possible, button)
                    .accessible_name(row.label);
                if response.clicked() || (is_first && is_entered) {
                    chosen.act = Some(row.act);
                }
            }
            if found.is_empty() {
                ui.weak("No command has this name.");
            }
        });
    chosen
}

/// A text that names a file rather than a command.
fn path_in(search: &str) -> Option<std::path::PathBuf> {
    let text = search.trim();
    let path = std::path::Path::new(text);
    (path.is_absolute() && text.len() > 1).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_to_be_found() {
        assert!(matches("key nud", "Nudge keyframe back"));
        assert!(!matches("key zoom", "Nudge keyframe back"));
        assert!(matches("", "anything"));
    }
}
