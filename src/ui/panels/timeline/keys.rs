//! The keyframes of the timeline: click selects, drag moves, double click tries.

use egui::{Id, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, pos2};

use super::{Layout, Row};
use crate::app::actions::{Action, Gesture, SelectMode};
use crate::app::marks::Mark;
use crate::frame::FrameIdx;
use crate::ui::theme;
use crate::ui::widgets::glyph::Glyph;

/// Half the size of a glyph.
const RADIUS: f32 = 6.0;
/// How near a mark or a moment of little motion attracts, in points.
const SNAP: f32 = 8.0;

/// A drag: where the keyframe was taken and where it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Drag {
    origin: FrameIdx,
    current: FrameIdx,
}

/// Marks and brackets.
pub(super) fn keys(layout: &Layout<'_>, ui: &mut Ui) -> Vec<Action> {
    let (theme, row) = (theme::of(ui), layout.row(Row::Keys));
    ui.painter().rect_filled(row, 0.0, theme.row.colour());
    brackets(layout, ui, row);
    let memory = ui.scope_id().with("drag of a keyframe");
    let drag: Option<Drag> = ui.data(|data| data.get_temp(memory));
    let mut asked = Vec::new();
    for mark in layout
        .scene
        .derived
        .marks
        .iter()
        .filter(|mark| layout.sees(mark.frame))
    {
        // A mark keeps its identity while it is dragged from frame to frame.
        let own = drag.filter(|drag| drag.current == mark.frame);
        let identity = own.map_or(mark.frame, |drag| drag.origin);
        let id = ui.scope_id().with(("keyframe", identity.0));
        let response = key_ui(layout, ui, mark, id, row);
        asked.extend(clicks(&response, mark, ui));
        asked.extend(drags(layout, &response, mark, memory, ui));
    }
    asked
}

fn key_ui(layout: &Layout<'_>, ui: &Ui, mark: &Mark, id: Id, row: Rect) -> Response {
    let theme = theme::of(ui);
    let centre = pos2(layout.middle(mark.frame), row.center().y - 2.0);
    let hit = Rect::from_center_size(
        centre,
        Vec2::splat(theme::HIT_TARGET).min(Vec2::new(20.0, 24.0)),
    );
    // Not in the order of Tab: the arrows walk keyframes.
    let response = ui.interact(hit, id, Sense::CLICK | Sense::DRAG);
    let label = mark.description();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label.clone()));
    let is_selected = layout.scene.project.view.selection.contains(&mark.frame);
    if is_selected || response.hovered() {
        let stroke = if is_selected {
            theme.focus.line(2.0)
        } else {
            theme.focus.line(1.0)
        };
        ui.painter().circle_stroke(centre, RADIUS + 4.0, stroke);
    }
    Glyph::of(mark).paint(ui.painter(), centre, RADIUS, theme);
    response.on_hover_text(mark.description())
}

fn clicks(response: &Response, mark: &Mark, ui: &Ui) -> Vec<Action> {
    if response.double_clicked() {
        return vec![Action::Seek(mark.frame), Action::Try(mark.frame)];
    }
    if !response.clicked() {
        return Vec::new();
    }
    let modifiers = ui.input(|input| input.modifiers);
    let mode = if modifiers.command {
        SelectMode::Toggle
    } else if modifiers.shift {
        SelectMode::Extend
    } else {
        SelectMode::Only
    };
    vec![Action::Select(mark.frame, mode), Action::Seek(mark.frame)]
}

fn drags(
    layout: &Layout<'_>,
    response: &Response,
    mark: &Mark,
    memory: Id,
    ui: &Ui,
) -> Option<Action> {
    if response.drag_started() {
        let drag = Drag {
            origin: mark.frame,
            current: mark.frame,
        };
        ui.data_mut(|data| data.insert_temp(memory, drag));
    }
    let is_over = response.drag_stopped();
    if !response.dragged() && !is_over {
        return None;
    }
    let pointer = response.interact_pointer_pos()?;
    let is_free = ui.input(|input| input.modifiers.alt);
    let wanted = layout.frame_at(pointer.x);
    let wanted = if is_free {
        wanted
    } else {
        snapped(layout, wanted, mark.frame)
    };
    // Where it cannot go it stays.
    let is_possible = !mark.is_end
        && layout.scene.mark_at(wanted).is_none()
        && layout.scene.project.range().contains(&wanted.0);
    let to = if is_possible { wanted } else { mark.frame };
    let drag: Option<Drag> = ui.data(|data| data.get_temp(memory));
    if is_over {
        ui.data_mut(|data| data.remove::<Drag>(memory));
    } else if let Some(drag) = drag {
        let drag = Drag {
            current: to,
            ..drag
        };
        ui.data_mut(|data| data.insert_temp(memory, drag));
    }
    let gesture = if is_over {
        Gesture::Finished
    } else {
        Gesture::Ongoing
    };
    let is_news = to != mark.frame || is_over;
    is_news.then_some(Action::MoveKeyframe {
        from: mark.frame,
        to,
        gesture,
    })
}

/// The frame of least motion near by, or a cut.
fn snapped(layout: &Layout<'_>, wanted: FrameIdx, own: FrameIdx) -> FrameIdx {
    let reach = (SNAP / layout.scale.frame_width()).floor() as usize;
    let Some(survey) = &layout.scene.project.source.survey else {
        return wanted;
    };
    let near = wanted.0.saturating_sub(reach)..=(wanted.0 + reach).min(layout.span.n_frames - 1);
    let is_free =
        |frame: &usize| *frame == own.0 || layout.scene.mark_at(FrameIdx(*frame)).is_none();
    let still = near
        .filter(is_free)
        .filter_map(|frame| Some((frame, *survey.motion().get(frame)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    still.map_or(wanted, |(frame, _)| FrameIdx(frame))
}

/// A line under the keyframes of each batch.
fn brackets(layout: &Layout<'_>, ui: &Ui, row: Rect) {
    let theme = theme::of(ui);
    let Some(plan) = &layout.scene.derived.plan else {
        return;
    };
    for batch in plan.batches() {
        let (Some(first), Some(last)) = (batch.new.first(), batch.new.last()) else {
            continue;
        };
        let (left, right) = (layout.middle(*first) - 4.0, layout.middle(*last) + 4.0);
        let y = row.bottom() - 2.0;
        let line = theme.text_weak.line(1.0);
        ui.painter().hline(left..=right, y, line);
        ui.painter().vline(left, y - 4.0..=y, line);
        ui.painter().vline(right, y - 4.0..=y, line);
    }
}
