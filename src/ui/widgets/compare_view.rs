//! Source and result in one view: either, both with a line between, side by side, or their
//! difference.

use egui::{
    Align2, CursorIcon, FontId, Id, Key, Painter, Pos2, Rect, Response, Role, Sense, StrokeKind,
    Ui, Vec2, WidgetInfo, pos2,
};

use super::placement::Stage;
use crate::app::view::{ViewerMode, Wipe, WipeLine, Zoom};
use crate::ui::theme::{self, Theme, Token};

/// How far the wipe moves with a press of an arrow key.
const WIPE_STEP: f32 = 0.02;
/// Whole picture of a texture.
const WHOLE: Rect = Rect {
    min: Pos2::ZERO,
    max: Pos2::new(1.0, 1.0),
};

/// A picture and what is written on it.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// The picture, if there is one yet.
    pub texture: Option<egui::TextureId>,
    /// What is written in its corner.
    pub tag: Option<String>,
    /// Whether it stands in for another and is drawn darker.
    pub is_dimmed: bool,
}

/// A line around a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Border {
    /// Its colour.
    pub colour: Token,
    /// Whether there is a second line inside it.
    pub is_double: bool,
}

impl Border {
    /// Width of a line, and of the gap between two.
    const WIDTH: f32 = 3.0;

    fn paint(self, painter: &Painter, place: Rect) {
        let line = self.colour.line(Self::WIDTH);
        painter.rect_stroke(place, 0.0, line, StrokeKind::Inside);
        if self.is_double {
            let inner = place.shrink(Self::WIDTH * 2.0);
            painter.rect_stroke(inner, 0.0, line, StrokeKind::Inside);
        }
    }
}

/// What is to be shown.
#[derive(Clone, Debug)]
pub struct Compare {
    /// How.
    pub mode: ViewerMode,
    /// The source.
    pub source: Picture,
    /// The result, or what stands in for it.
    pub result: Picture,
    /// The difference of the two.
    pub difference: Picture,
    /// Drawn over the picture, half transparent.
    pub overlay: Option<egui::TextureId>,
    /// Drawn around the picture.
    pub border: Option<Border>,
    /// Shape of the picture, in pixels.
    pub size: Vec2,
    /// Scale and place.
    pub zoom: Zoom,
    /// Line between source and result.
    pub wipe: Wipe,
    /// What the view is called for those who cannot see it.
    pub name: String,
}

/// What the user did with the view.
#[derive(Debug)]
pub struct CompareResponse {
    /// The view.
    pub response: Response,
    /// The line, if it was moved.
    pub wipe: Option<f32>,
    /// Scale and place, if they were changed.
    pub zoom: Option<Zoom>,
    /// Parts of the window that show the picture.
    pub viewers: Vec<Rect>,
}

impl Compare {
    /// Draws the view into all the space there is.
    pub fn show(&self, ui: &mut Ui) -> CompareResponse {
        let theme = theme::of(ui);
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
        let name = self.name.clone();
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name.clone()));
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, 0.0, theme.surround.colour());
        let viewers = self.viewers(rect);
        let stage = |viewer| Stage {
            viewer,
            picture: self.size,
            pixels_per_point: ui.pixels_per_point(),
        };
        for (viewer, part) in viewers.iter().zip(self.parts()) {
            let place = stage(*viewer).rect(self.zoom);
            let painter = painter.with_clip_rect(*viewer);
            part.paint(&painter, place, place, theme);
            self.paint_overlay(&painter, place);
            part.paint_tag(&painter, *viewer, Align2::LEFT_TOP, theme);
        }
        let mut wipe = None;
        if self.mode == ViewerMode::Wipe {
            wipe = self.wipe_ui(ui, &painter, rect, stage(rect).rect(self.zoom));
        }
        let zoom = self.zoom_input(ui, &response, &viewers, stage);
        CompareResponse {
            response,
            wipe,
            zoom,
            viewers,
        }
    }

    /// The view, in one part or two.
    fn viewers(&self, rect: Rect) -> Vec<Rect> {
        if self.mode == ViewerMode::SideBySide {
            let (left, right) = rect.split_left_right_at_fraction(0.5);
            let gap = Vec2::new(theme::GRID / 2.0, 0.0);
            vec![
                Rect::from_min_max(left.min, left.max - gap),
                Rect::from_min_max(right.min + gap, right.max),
            ]
        } else {
            vec![rect]
        }
    }

    /// What is drawn in each part.
    fn parts(&self) -> Vec<&Picture> {
        match self.mode {
            ViewerMode::Source => vec![&self.source],
            // The wipe draws the source over a part of it.
            ViewerMode::Result | ViewerMode::Wipe => vec![&self.result],
            ViewerMode::SideBySide => vec![&self.source, &self.result],
            ViewerMode::Difference => vec![&self.difference],
        }
    }

    fn paint_overlay(&self, painter: &Painter, place: Rect) {
        if let Some(texture) = self.overlay {
            painter.image(texture, place, WHOLE, theme::see_through());
        }
        if let Some(border) = self.border {
            border.paint(painter, place);
        }
    }

    /// The source beyond the line, and the line, which is a slider.
    fn wipe_ui(&self, ui: &Ui, painter: &Painter, rect: Rect, place: Rect) -> Option<f32> {
        let theme = theme::of(ui);
        let Wipe { position, line } = self.wipe;
        let is_upright = line == WipeLine::Upright;
        let visible = place.intersect(rect);
        let (beyond, handle) = if is_upright {
            let x = place.left() + place.width() * position;
            let handle = Rect::from_x_y_ranges(x - 6.0..=x + 6.0, visible.y_range());
            (rect.with_min_x(x), handle)
        } else {
            let y = place.top() + place.height() * position;
            let handle = Rect::from_x_y_ranges(visible.x_range(), y - 6.0..=y + 6.0);
            (rect.with_min_y(y), handle)
        };
        let side = painter.with_clip_rect(beyond.intersect(rect));
        self.source.paint(&side, place, place, theme);
        self.paint_overlay(&side, place);
        let corner = if is_upright {
            Align2::RIGHT_TOP
        } else {
            Align2::LEFT_BOTTOM
        };
        self.source.paint_tag(&side, rect, corner, theme);
        let id = ui.scope_id().with("wipe");
        let response = ui.interact(handle.intersect(rect), id, Sense::click_and_drag());
        let percent = f64::from((position * 100.0).round());
        response
            .widget_info(|| WidgetInfo::slider(true, percent, format!("Wipe {percent} percent")));
        let is_lit = response.hovered() || response.dragged() || response.has_focus();
        let stroke = if is_lit {
            theme.focus.line(3.0)
        } else {
            theme.on_tag.line(2.0)
        };
        let shadow = theme.tag.line(stroke.width + 2.0);
        for stroke in [shadow, stroke] {
            if is_upright {
                painter.vline(handle.center().x, visible.y_range(), stroke);
            } else {
                painter.hline(visible.x_range(), handle.center().y, stroke);
            }
        }
        let cursor = if is_upright {
            CursorIcon::ResizeHorizontal
        } else {
            CursorIcon::ResizeVertical
        };
        let response = response.on_hover_and_drag_cursor(cursor);
        let moved = wipe_input(ui, &response, id, position, place, is_upright)?;
        Some(moved.clamp(0.0, 1.0))
    }

    fn zoom_input(
        &self,
        ui: &Ui,
        response: &Response,
        viewers: &[Rect],
        stage: impl Fn(Rect) -> Stage,
    ) -> Option<Zoom> {
        let pointer = response.hover_pos()?;
        let viewer = viewers.iter().find(|viewer| viewer.contains(pointer))?;
        let stage = stage(*viewer);
        let (wheel, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        if wheel != 0.0 || (pinch - 1.0).abs() > f32::EPSILON {
            let factor = (wheel / 200.0).exp() * pinch;
            return Some(stage.zoomed(self.zoom, factor, pointer));
        }
        let is_panning = response.dragged_by(egui::PointerButton::Middle)
            || (response.dragged_by(egui::PointerButton::Primary) && self.zoom.factor.is_some());
        is_panning.then(|| stage.panned(self.zoom, response.drag_delta()))
    }
}

/// Where the line is moved to, by the pointer or by the arrows.
fn wipe_input(
    ui: &Ui,
    response: &Response,
    id: Id,
    position: f32,
    place: Rect,
    is_upright: bool,
) -> Option<f32> {
    if let Some(pointer) = response
        .interact_pointer_pos()
        .filter(|_| response.dragged())
    {
        let share = (pointer - place.min) / place.size().max(Vec2::splat(1.0));
        return Some(if is_upright { share.x } else { share.y });
    }
    if !response.has_focus() {
        return None;
    }
    let filter = egui::EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..egui::EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let steps = ui.input(|input| {
        let presses = |key| input.num_presses(key) as f32;
        presses(Key::ArrowRight) + presses(Key::ArrowDown)
            - presses(Key::ArrowLeft)
            - presses(Key::ArrowUp)
    });
    (steps != 0.0).then_some(position + steps * WIPE_STEP)
}

impl Picture {
    fn paint(&self, painter: &Painter, place: Rect, fallback: Rect, theme: &Theme) {
        let Some(texture) = self.texture else {
            painter.rect_filled(fallback, 0.0, theme.tag.faint(0.4));
            return;
        };
        let tint = if self.is_dimmed {
            theme::dimmed()
        } else {
            theme::UNTINTED
        };
        painter.image(texture, place, WHOLE, tint);
    }

    fn paint_tag(&self, painter: &Painter, viewer: Rect, corner: Align2, theme: &Theme) {
        let Some(tag) = &self.tag else {
            return;
        };
        tag_at(
            painter,
            viewer.shrink(theme::GRID * 2.0),
            corner,
            tag,
            theme,
        );
    }
}

/// Writes a small sign into a corner.
pub fn tag_at(painter: &Painter, within: Rect, corner: Align2, text: &str, theme: &Theme) {
    let font = FontId::proportional(theme::BODY);
    let galley = painter.layout_no_wrap(text.to_owned(), font, theme.on_tag.colour());
    let margin = Vec2::new(theme::GRID * 1.5, theme::GRID * 0.75);
    let size = galley.size() + margin * 2.0;
    let place = corner.align_size_within_rect(size, within);
    painter.rect_filled(place, theme::GRID, theme.tag.faint(0.85));
    painter.galley(
        pos2(place.left() + margin.x, place.top() + margin.y),
        galley,
        theme.on_tag.colour(),
    );
}
