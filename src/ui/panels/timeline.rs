//! The timeline: ruler, shots, source, keyframes, results and range, one above the other.

mod keys;
mod rows;

use egui::{Rect, Response, Sense, Ui, Vec2, WidgetInfo, pos2};

use crate::app::actions::Action;
use crate::frame::FrameIdx;
use crate::ui::scene::Scene;
use crate::ui::textures::Textures;
use crate::ui::theme;
use crate::ui::widgets::time_scale::{Span, TimeScale};

/// Width of the names of the rows.
const NAMES_WIDTH: f32 = 56.0;
/// Space between rows.
const GAP: f32 = 2.0;

/// A row and its height, top to bottom.
const ROWS: [(Row, f32); 6] = [
    (Row::Ruler, 20.0),
    (Row::Shots, 20.0),
    (Row::Source, 40.0),
    (Row::Keys, 28.0),
    (Row::Result, 14.0),
    (Row::Range, 18.0),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Ruler,
    Shots,
    Source,
    Keys,
    Result,
    Range,
}

/// Height of the whole timeline.
#[must_use]
pub fn height() -> f32 {
    ROWS.iter().map(|(_, height)| height + GAP).sum::<f32>() + theme::GRID * 2.0
}

/// Where things are drawn.
struct Layout<'a> {
    scene: Scene<'a>,
    scale: TimeScale,
    span: Span,
    area: Rect,
}

impl Layout<'_> {
    fn row(&self, row: Row) -> Rect {
        let mut top = self.area.top();
        for (other, height) in ROWS {
            if other == row {
                let left_top = pos2(self.area.left(), top);
                return Rect::from_min_size(left_top, Vec2::new(self.area.width(), height));
            }
            top += height + GAP;
        }
        self.area
    }

    fn x(&self, frame: usize) -> f32 {
        self.scale.x_of(frame, self.span)
    }

    fn middle(&self, frame: FrameIdx) -> f32 {
        self.scale.middle_of(frame.0, self.span)
    }

    fn frame_at(&self, x: f32) -> FrameIdx {
        FrameIdx(self.scale.frame_at(x, self.span))
    }

    fn sees(&self, frame: FrameIdx) -> bool {
        self.scale.visible(self.span).contains(&frame.0)
    }
}

/// The timeline.
pub fn timeline_ui(scene: Scene<'_>, textures: &mut Textures, ui: &mut Ui) -> Vec<Action> {
    let theme = theme::of(ui);
    let size = Vec2::new(ui.available_width(), height());
    let (outer, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let mut area = outer.shrink(theme::GRID);
    area.min.x += NAMES_WIDTH;
    let span = Span {
        left: area.left(),
        width: area.width(),
        n_frames: scene.n_frames(),
    };
    let layout = Layout {
        scene,
        scale: TimeScale::of(scene.project.view.timeline, span),
        span,
        area,
    };
    name(&layout, &response);
    ui.painter()
        .rect_filled(outer, 0.0, theme.timeline.colour());
    names_ui(&layout, ui);
    let mut asked = Vec::new();
    let clip = ui.clip_rect();
    ui.set_clip_rect(area.expand2(Vec2::new(theme::GRID, 0.0)).intersect(clip));
    rows::ruler(&layout, ui);
    rows::shots(&layout, ui);
    rows::source(&layout, textures, ui);
    rows::results(&layout, ui);
    asked.extend(rows::range(&layout, ui));
    asked.extend(keys::keys(&layout, ui));
    rows::playhead(&layout, ui);
    ui.set_clip_rect(clip);
    asked.extend(pointer(&layout, &response, ui));
    asked
}

fn name(layout: &Layout<'_>, response: &Response) {
    let scene = &layout.scene;
    let frame = scene.playhead();
    let label = format!(
        "Frame {frame} of {}, {:.2} seconds",
        scene.n_frames(),
        scene.seconds_at(frame)
    );
    response.widget_info(|| WidgetInfo::slider(true, frame.0 as f64, label.clone()));
}

fn names_ui(layout: &Layout<'_>, ui: &Ui) {
    let theme = theme::of(ui);
    let names = [
        (Row::Shots, "Shots"),
        (Row::Source, "Source"),
        (Row::Keys, "Keys"),
        (Row::Result, "Result"),
        (Row::Range, "Range"),
    ];
    for (row, name) in names {
        let at = pos2(
            layout.area.left() - theme::GRID * 2.0,
            layout.row(row).center().y,
        );
        let font = egui::FontId::proportional(theme::BODY - 1.0);
        ui.painter().text(
            at,
            egui::Align2::RIGHT_CENTER,
            name,
            font,
            theme.text_weak.colour(),
        );
    }
}

/// Scrubbing, scrolling and zooming.
fn pointer(layout: &Layout<'_>, response: &Response, ui: &mut Ui) -> Vec<Action> {
    let mut asked = Vec::new();
    let view = |scale: TimeScale| Action::SetTimeline(scale.view(layout.span));
    let primary = egui::PointerButton::Primary;
    if let Some(pointer) = response.interact_pointer_pos()
        && (response.clicked_by(primary) || response.dragged_by(primary))
    {
        let frame = layout.frame_at(pointer.x);
        if frame != layout.scene.playhead() {
            asked.push(Action::Seek(frame));
        }
    }
    if response.dragged_by(egui::PointerButton::Middle) {
        asked.push(view(
            layout.scale.scrolled(response.drag_delta().x, layout.span),
        ));
    }
    if let Some(pointer) = response.hover_pos().filter(|at| layout.area.contains(*at)) {
        let (scroll, zoom) = ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
        let along = scroll.x + scroll.y;
        if (zoom - 1.0).abs() > f32::EPSILON {
            asked.push(view(layout.scale.zoomed(zoom, pointer.x, layout.span)));
        } else if along != 0.0 {
            asked.push(view(layout.scale.scrolled(along, layout.span)));
        }
        hover(layout, response, pointer.x);
    }
    let playhead = layout.scene.playhead();
    if layout.scene.project.view.playback.is_playing() && !layout.sees(playhead) {
        asked.push(view(layout.scale.showing(playhead.0, layout.span)));
    }
    asked
}

fn hover(layout: &Layout<'_>, response: &Response, x: f32) {
    let frame = layout.frame_at(x);
    let text = format!("Frame {frame} · {}", layout.scene.timecode(frame));
    response.clone().on_hover_text_at_pointer(text);
}
