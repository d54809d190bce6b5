//! Buttons with a line drawing, each with a name for those who cannot see it.

use egui::{Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, vec2};

use crate::ui::shortcuts::{self, Act};
use crate::ui::theme;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// To the first frame.
    Start,
    /// A frame back.
    Back,
    /// Play.
    Play,
    /// Pause.
    Pause,
    /// A frame on.
    Forward,
    /// To the last frame.
    End,
    /// A panel at a side of the window, and whether it is shown.
    Panel(Side, bool),
}

/// A side of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Left.
    Left,
    /// Below.
    Bottom,
    /// Right.
    Right,
}

/// A button for an act of the shortcut table; its tooltip and name come from there.
pub fn icon_button(ui: &mut Ui, icon: Icon, act: Act) -> Response {
    let size = Vec2::splat(theme::HIT_TARGET + theme::GRID);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let name = shortcuts::of(act).label;
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    let visuals = ui.style().interact(&response);
    ui.painter().rect(
        rect.shrink(1.0),
        visuals.corner_radius,
        visuals.bg_fill,
        visuals.bg_stroke,
        egui::StrokeKind::Inside,
    );
    paint(
        ui.painter(),
        icon,
        rect.shrink(theme::GRID * 2.0),
        visuals.fg_stroke,
    );
    if let Icon::Panel(_, is_shown) = icon {
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_toggled(is_shown.into());
        });
    }
    response.on_hover_text(shortcuts::hint(ui.ctx(), act))
}

fn paint(painter: &Painter, icon: Icon, rect: Rect, line: Stroke) {
    let bar = |x: f32| {
        painter.vline(x, rect.y_range(), Stroke::new(2.0, line.color));
    };
    match icon {
        Icon::Start => {
            bar(rect.left());
            triangle(painter, rect.translate(vec2(2.0, 0.0)), -1.0, line);
        }
        Icon::Back => triangle(painter, rect, -1.0, line),
        Icon::Play | Icon::Forward => triangle(painter, rect, 1.0, line),
        Icon::Pause => {
            bar(rect.center().x - 3.0);
            bar(rect.center().x + 3.0);
        }
        Icon::End => {
            bar(rect.right());
            triangle(painter, rect.translate(vec2(-2.0, 0.0)), 1.0, line);
        }
        Icon::Panel(side, is_shown) => panel(painter, rect, (side, is_shown), line),
    }
    if icon == Icon::Play {
        let solid = Shape::convex_polygon(corners(rect, 1.0), line.color, Stroke::NONE);
        painter.add(solid);
    }
}

/// A window, with the part of it that is meant filled if it is shown.
fn panel(painter: &Painter, rect: Rect, (side, is_shown): (Side, bool), line: Stroke) {
    let window = rect.shrink2(vec2(0.0, 1.0));
    let share = 0.4;
    let part = match side {
        Side::Left => window.split_left_right_at_fraction(share).0,
        Side::Right => window.split_left_right_at_fraction(1.0 - share).1,
        Side::Bottom => window.split_top_bottom_at_fraction(1.0 - share).1,
    };
    let line = Stroke::new(1.0, line.color);
    painter.rect_stroke(window, 1.0, line, egui::StrokeKind::Middle);
    painter.rect_stroke(part, 1.0, line, egui::StrokeKind::Middle);
    if is_shown {
        painter.rect_filled(part, 1.0, line.color);
    }
}

fn triangle(painter: &Painter, rect: Rect, direction: f32, line: Stroke) {
    let line = Stroke::new(1.5, line.color);
    painter.add(Shape::closed_line(corners(rect, direction), line));
}

fn corners(rect: Rect, direction: f32) -> Vec<Pos2> {
    let (middle, half) = (rect.center(), rect.size() / 2.0);
    vec![
        middle + vec2(half.x * 0.8 * direction, 0.0),
        middle + vec2(-half.x * 0.6 * direction, -half.y),
        middle + vec2(-half.x * 0.6 * direction, half.y),
    ]
}
