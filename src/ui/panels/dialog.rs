//! What dialogs share: a window over the window that Escape closes and that says what it is.

use egui::{Context, Id, Modal, Ui, vec2};

use crate::ui::theme;

/// How a dialog was left.
#[derive(Debug)]
pub struct Shown<T> {
    /// What its content gave.
    pub inner: T,
    /// Whether it was left by Escape or a click beside it.
    pub is_left: bool,
}

/// Shows a dialog in the middle of the window, no larger than it.
pub fn dialog<T>(
    ctx: &Context,
    title: &str,
    width: f32,
    content: impl FnOnce(&mut Ui) -> T,
) -> Shown<T> {
    let id = Id::unique(("dialog", title));
    let room = ctx.content_rect().size() - vec2(80.0, 80.0);
    let area = Modal::default_area(id).accessible_name(title);
    let frame = egui::Frame::window(&ctx.global_style());
    let shown = Modal::new(id).area(area).frame(frame).show(ctx, |ui| {
        ui.set_width(width.min(room.x));
        ui.set_max_height(room.y);
        ui.heading(title);
        ui.add_space(theme::GRID * 2.0);
        content(ui)
    });
    // Escape belongs to the shortcut table, which knows what is topmost.
    let is_left = shown.backdrop_response.clicked();
    Shown {
        inner: shown.inner,
        is_left,
    }
}

/// Buttons at the lower right, the most likely one last and with the accent; gives the one pressed.
pub fn buttons(ui: &mut Ui, labels: &[&str]) -> Option<usize> {
    let theme = theme::of(ui);
    let mut pressed = None;
    ui.add_space(theme::GRID * 3.0);
    let row = vec2(ui.available_width(), 32.0);
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    ui.allocate_ui_with_layout(row, layout, |ui| {
        for (index, label) in labels.iter().enumerate().rev() {
            let is_main = index + 1 == labels.len();
            let text = egui::RichText::new(*label);
            let button = if is_main {
                egui::Button::new(text.color(theme.on_accent.colour()))
                    .fill(theme.accent_fill.colour())
            } else {
                egui::Button::new(text)
            };
            let response = ui.add(button.min_size(vec2(72.0, 28.0)));
            if is_main && ui.memory(|memory| memory.focused().is_none()) {
                // Enter does what is most likely wanted.
                response.request_focus();
            }
            if response.clicked() {
                pressed = Some(index);
            }
        }
    });
    pressed
}
