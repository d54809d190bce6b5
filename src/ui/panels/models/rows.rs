//! The rows of the list: models of the catalogue, and models that were found.

use egui::{Align, Button, Label, Layout, ProgressBar, RichText, Sense, Ui, Vec2, vec2};

use crate::app::actions::Action;
use crate::app::format;
use crate::app::models::{Download, Offer, Phase, Standing};
use crate::app::state::AppState;
use crate::ui::theme::{self, Token};
use crate::worker::message::{Entry, Found, Role, catalogue};

/// Width of the dot before a name; what is below the name begins right of it.
const DOT_WIDTH: f32 = 18.0;
/// Height of the bar of a download.
const BAR_HEIGHT: f32 = 8.0;
/// Width of the buttons of a row.
const BUTTONS_WIDTH: f32 = 250.0;

/// The models of a group that can be had.
pub(super) fn catalogue_ui(state: &AppState, role: Role, ui: &mut Ui, asked: &mut Vec<Action>) {
    for entry in catalogue().iter().filter(|entry| entry.role == role) {
        ui.push_id(&entry.id, |ui| {
            let standing = state.models.standing(&entry.id);
            let offers = state.offers(entry, &standing);
            let title = &entry.title;
            let about = |ui: &mut Ui, asked: &mut Vec<Action>| {
                head_ui(state, entry, &standing, ui);
                facts_ui(state, entry, ui, asked);
            };
            row_ui(title, &offers, ui, asked, about);
        });
    }
}

/// A model that was found.
pub(super) fn found_ui(state: &AppState, found: &Found, ui: &mut Ui, asked: &mut Vec<Action>) {
    ui.push_id(&found.path, |ui| {
        let offer = match &found.trouble {
            None => state.offer_use(found.role, &found.path),
            Some(_) => None,
        };
        let offers: Vec<Offer> = offer.into_iter().collect();
        let about = |ui: &mut Ui, _: &mut Vec<Action>| {
            let theme = theme::of(ui);
            let is_used = state.uses(found.role, &found.path);
            let (word, token) = match &found.trouble {
                Some(trouble) => (trouble.as_str(), theme.warning),
                None if is_used => ("in use", theme.success),
                None => ("ready", theme.success),
            };
            ui.horizontal_wrapped(|ui| {
                dot_ui(token, ui);
                let name = ui.strong(&found.name);
                name.on_hover_text(found.path.display().to_string());
                ui.weak(format!("{}, {}", found.role, format::bytes(found.bytes)));
                ui.colored_label(token.colour(), word);
            });
        };
        row_ui(&found.name, &offers, ui, asked, about);
    });
}

/// What is known of a model on the left, what can be done on the right.
fn row_ui(
    title: &str,
    offers: &[Offer],
    ui: &mut Ui,
    asked: &mut Vec<Action>,
    about: impl FnOnce(&mut Ui, &mut Vec<Action>),
) {
    ui.horizontal_top(|ui| {
        let width = ui.available_width() - BUTTONS_WIDTH;
        let layout = Layout::top_down(Align::Min);
        ui.allocate_ui_with_layout(vec2(width, theme::HIT_TARGET), layout, |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 0.0;
            about(ui, asked);
        });
        for offer in offers {
            let button = ui.add_enabled(offer.hindrance.is_none(), Button::new(offer.label));
            let button = button.on_disabled_hover_text(offer.hindrance.unwrap_or_default());
            let button = button.accessible_name(format!("{} {title}", offer.label));
            if button.clicked() {
                asked.push(offer.action.clone());
            }
        }
    });
}

/// Name, size and state.
fn head_ui(state: &AppState, entry: &Entry, standing: &Standing, ui: &mut Ui) {
    let theme = theme::of(ui);
    let path = match standing {
        Standing::Ready(path) | Standing::Unchecked(path) => Some(path),
        _ => None,
    };
    let is_used = path.is_some_and(|path| state.uses(entry.role, path));
    let token = match standing {
        Standing::Ready(_) | Standing::Unchecked(_) => theme.success,
        Standing::Damaged(_)
        | Standing::OtherFamily
        | Standing::Download(Download {
            phase: Phase::Failed(_),
            ..
        }) => theme.error,
        Standing::Download(_) => theme.working,
        Standing::Unknown | Standing::Missing | Standing::Unfinished(..) => theme.text_weak,
    };
    let words = match standing {
        Standing::Ready(_) if is_used => "in use".to_owned(),
        Standing::Ready(_) if entry.role == Role::Helper => "ready, used by itself".to_owned(),
        standing => standing.words(),
    };
    ui.horizontal_wrapped(|ui| {
        dot_ui(token, ui);
        ui.strong(&entry.title);
        ui.weak(format::bytes(entry.bytes));
        let label = ui.colored_label(token.colour(), &words);
        if let Some(path) = path {
            let label = label.on_hover_text(path.display().to_string());
            if matches!(standing, Standing::Unchecked(_)) {
                let command = format!("fresco-studio models get {}", entry.id);
                label.on_hover_text(format!("“{command}” compares it."));
            }
        }
        if let Some(share) = standing.share() {
            let bar = ui.add(
                ProgressBar::new(share)
                    .desired_width(96.0)
                    .desired_height(BAR_HEIGHT),
            );
            let bar = bar.accessible_name(format!("{}, {words}", entry.title));
            ui.ctx().accesskit_node_builder(bar.id, |node| {
                node.set_min_numeric_value(0.0);
                node.set_max_numeric_value(100.0);
                node.set_numeric_value(f64::from((share * 100.0).floor()));
            });
        }
    });
}

/// What it is for, under which licence, and where it is from.
fn facts_ui(state: &AppState, entry: &Entry, ui: &mut Ui, asked: &mut Vec<Action>) {
    let page = entry.page(&state.hub().endpoint);
    ui.horizontal(|ui| {
        ui.add_space(DOT_WIDTH);
        ui.vertical(|ui| {
            ui.add(Label::new(RichText::new(&entry.purpose).weak()).wrap());
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = theme::GRID;
                ui.weak("Licence:");
                let link = ui.link(&entry.licence).on_hover_text(&page);
                let name = format!("Licence of {}: {}", entry.title, entry.licence);
                if link.accessible_name(name).clicked() {
                    asked.push(Action::OpenOutside(page.into()));
                }
                if let Some(note) = &entry.licence_note {
                    ui.weak(format!("({note})"));
                }
                ui.weak(format!("· from {}", entry.hub));
            });
        });
    });
}

fn dot_ui(token: Token, ui: &mut Ui) {
    let size = Vec2::new(DOT_WIDTH - ui.spacing().item_spacing.x, theme::HIT_TARGET);
    let (dot, _) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter()
        .circle_filled(dot.center(), 4.0, token.colour());
}
