//! Rows of the settings panel: a label on the left, the value on the right.
//!
//! A dot beside the label says that the value is not the default; a double click on the label puts
//! it back. What is typed out of range is brought into it.

use egui::{Align, Layout, Response, Sense, Slider, Ui, Vec2, WidgetText};

use crate::app::actions::Gesture;
use crate::app::settings::Number;
use crate::ui::theme;

/// Width of the labels.
const LABEL_WIDTH: f32 = 124.0;
/// Width of a slider's number.
const NUMBER_WIDTH: f32 = 52.0;
/// What is said about a setting.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its name.
    pub label: &'a str,
    /// What more and less of it do, and what it costs.
    pub help: &'a str,
    /// Whether it is not the default.
    pub is_changed: bool,
}

/// What was done with a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Edited<T> {
    /// It has another value.
    To(T, Gesture),
    /// It goes back to its default.
    Reset,
}

impl Row<'_> {
    /// Lays out the label and, right of it, the control; gives both answers.
    fn show<R>(self, ui: &mut Ui, control: impl FnOnce(&mut Ui) -> R) -> (bool, R) {
        ui.horizontal(|ui| {
            let reset = self.label_ui(ui);
            let rest = Vec2::new(ui.available_width(), theme::HIT_TARGET);
            let inner =
                ui.allocate_ui_with_layout(rest, Layout::left_to_right(Align::Center), control);
            (reset, inner.inner)
        })
        .inner
    }

    fn label_ui(self, ui: &mut Ui) -> bool {
        let size = Vec2::new(LABEL_WIDTH, theme::HIT_TARGET);
        let layout = Layout::left_to_right(Align::Center);
        let inner = ui.allocate_ui_with_layout(size, layout, |ui| {
            ui.set_min_size(size);
            let label = egui::Label::new(self.label)
                .truncate()
                .sense(Sense::click());
            let response = ui.add(label);
            if self.is_changed {
                let dot = response.rect.right_center() + Vec2::new(theme::GRID * 1.5, 0.0);
                ui.painter()
                    .circle_filled(dot, theme::GRID / 2.0, theme::of(ui).accent.colour());
            }
            response
        });
        let response = self.explain(inner.inner);
        self.is_changed && response.double_clicked()
    }

    fn explain(self, response: Response) -> Response {
        let help = self.help;
        if help.is_empty() {
            return response;
        }
        let text = if self.is_changed {
            format!("{help}\nDouble click on the label to reset.")
        } else {
            help.to_owned()
        };
        response.on_hover_text(text)
    }

    /// Puts name and help on a control.
    fn named(self, response: Response) -> Response {
        let response = self.explain(response);
        // Set last, since a hover text names nameless widgets, too.
        response.accessible_name(self.label)
    }

    /// A number with a slider.
    pub fn slider(self, ui: &mut Ui, value: f64, number: Number) -> Option<Edited<f64>> {
        let mut edited = value;
        let (reset, response) = self.show(ui, |ui| {
            let typed = ui.spacing().item_spacing.x + NUMBER_WIDTH;
            ui.spacing_mut().slider_width = (ui.available_width() - typed).max(40.0);
            ui.spacing_mut().interact_size.x = NUMBER_WIDTH;
            let slider = Slider::new(&mut edited, number.min..=number.max)
                .step_by(number.step)
                .fixed_decimals(number.decimals);
            self.named(ui.add(slider))
        });
        if reset {
            return Some(Edited::Reset);
        }
        let is_held = response.dragged() && !response.drag_stopped();
        let gesture = if is_held {
            Gesture::Ongoing
        } else {
            Gesture::Finished
        };
        let is_news = response.changed() || response.drag_stopped();
        is_news.then_some(Edited::To(number.clamp(edited), gesture))
    }

    /// On or off.
    pub fn toggle(self, ui: &mut Ui, value: bool) -> Option<Edited<bool>> {
        let mut edited = value;
        let (reset, response) = self.show(ui, |ui| {
            let response = ui.checkbox(&mut edited, "");
            self.named(response)
        });
        if reset {
            return Some(Edited::Reset);
        }
        response
            .changed()
            .then_some(Edited::To(edited, Gesture::Finished))
    }

    /// One of several.
    pub fn choice<T: Clone + PartialEq>(
        self,
        ui: &mut Ui,
        value: &T,
        options: &[(T, &str)],
    ) -> Option<Edited<T>> {
        let current = options.iter().find(|(option, _)| option == value);
        let current = current.map_or("", |(_, text)| *text);
        let (reset, chosen) = self.show(ui, |ui| {
            let combo = egui::ComboBox::from_id_salt(self.label)
                .selected_text(WidgetText::from(current))
                .width(ui.available_width() - theme::GRID);
            let mut chosen = None;
            let inner = combo.show_ui(ui, |ui| {
                for (option, text) in options {
                    if ui.selectable_label(option == value, *text).clicked() {
                        chosen = Some(option.clone());
                    }
                }
            });
            self.named(inner.response);
            chosen
        });
        if reset {
            return Some(Edited::Reset);
        }
        let chosen = chosen.filter(|chosen| chosen != value)?;
        Some(Edited::To(chosen, Gesture::Finished))
    }

    /// Anything else; `control` gives the new value, if there is one.
    pub fn custom<T>(
        self,
        ui: &mut Ui,
        control: impl FnOnce(&mut Ui) -> Option<T>,
    ) -> Option<Edited<T>> {
        let (reset, edited) = self.show(ui, control);
        if reset {
            return Some(Edited::Reset);
        }
        edited.map(|value| Edited::To(value, Gesture::Finished))
    }
}
