//! The rows of the timeline except the keyframes.

use std::ops::Range;

use egui::{Align2, CursorIcon, FontId, Pos2, Rect, Sense, Shape, Ui, WidgetInfo, pos2};

use super::{Layout, Row};
use crate::app::actions::{Action, Gesture};
use crate::app::marks::MarkState;
use crate::frame::FrameIdx;
use crate::ui::textures::Textures;
use crate::ui::theme;

/// Whole picture of a texture.
const WHOLE: Rect = Rect {
    min: Pos2::ZERO,
    max: Pos2::new(1.0, 1.0),
};
/// Width of the handles at the ends of the range.
const HANDLE: f32 = 8.0;

fn font() -> FontId {
    FontId::proportional(theme::BODY - 2.0)
}

/// Times, and a tick for each frame where there is room.
pub(super) fn ruler(layout: &Layout<'_>, ui: &Ui) {
    let (theme, row) = (theme::of(ui), layout.row(Row::Ruler));
    let step = layout
        .scale
        .label_step(layout.scene.frames_per_sec() as f32)
        .max(1);
    let visible = layout.scale.visible(layout.span);
    let line = theme.border.line(1.0);
    if layout.scale.frame_width() >= 6.0 {
        for frame in visible.clone() {
            ui.painter()
                .vline(layout.x(frame), row.bottom() - 4.0..=row.bottom(), line);
        }
    }
    let first = visible.start() / step * step;
    for frame in (first..=*visible.end()).step_by(step) {
        let x = layout.x(frame);
        ui.painter()
            .vline(x, row.bottom() - 8.0..=row.bottom(), line);
        let text = layout.scene.timecode(FrameIdx(frame));
        let at = pos2(x + theme::GRID, row.top());
        ui.painter()
            .text(at, Align2::LEFT_TOP, text, font(), theme.text_weak.colour());
    }
}

/// A bar for each shot; found cuts are dotted, those of the user solid.
pub(super) fn shots(layout: &Layout<'_>, ui: &Ui) {
    let (theme, row) = (theme::of(ui), layout.row(Row::Shots));
    let Some(plan) = &layout.scene.derived.plan else {
        ui.painter()
            .rect_filled(row, theme::GRID / 2.0, theme.row.colour());
        let text = format!(
            "looking at frames… {}",
            layout.scene.project.source.surveyed
        );
        let at = row.left_center() + egui::Vec2::new(theme::GRID, 0.0);
        ui.painter()
            .text(at, Align2::LEFT_CENTER, text, font(), theme.text.colour());
        return;
    };
    let is_own = layout.scene.project.edits.cuts.is_some();
    for (index, shot) in plan.shots().iter().enumerate() {
        let (left, right) = (layout.x(shot.first().0), layout.x(shot.last().0 + 1));
        let bar = Rect::from_x_y_ranges(left..=right, row.y_range());
        let fill = if index % 2 == 0 {
            theme.shot
        } else {
            theme.shot_other
        };
        ui.painter()
            .rect_filled(bar, theme::GRID / 2.0, fill.colour());
        if index > 0 {
            let line = theme.playhead.line(1.0);
            let ends = [
                pos2(left, row.top()),
                pos2(left, layout.row(Row::Keys).bottom()),
            ];
            if is_own {
                ui.painter().line_segment(ends, line);
            } else {
                ui.painter()
                    .extend(Shape::dashed_line(&ends, line, 2.0, 3.0));
            }
        }
        let name = format!("{}", index + 1);
        let seen = bar.intersect(layout.area);
        if seen.width() > 14.0 {
            ui.painter().text(
                seen.center(),
                Align2::CENTER_CENTER,
                name,
                font(),
                theme.text.colour(),
            );
        }
    }
}

/// Small pictures of the source.
pub(super) fn source(layout: &Layout<'_>, textures: &mut Textures, ui: &Ui) {
    let (theme, row) = (theme::of(ui), layout.row(Row::Source));
    ui.painter().rect_filled(row, 0.0, theme.row.colour());
    let source = &layout.scene.project.source;
    let Some(first) = source.thumbnails.values().next() else {
        return;
    };
    let size = first.size();
    let width = (row.height() * size.width as f32 / size.height.max(1) as f32).max(8.0);
    let end = layout.x(layout.span.n_frames).min(row.right());
    let mut left = row.left();
    while left < end {
        let frame = layout.frame_at(left + width / 2.0);
        if let Some(picture) = source.nearest_thumbnail(frame) {
            let texture = textures.shared(ui.ctx(), picture);
            let place = Rect::from_min_size(pos2(left, row.top()), egui::vec2(width, row.height()));
            let clip = place.intersect(Rect::from_x_y_ranges(left..=end, row.y_range()));
            ui.painter_at(clip.intersect(ui.clip_rect())).image(
                texture,
                place,
                WHOLE,
                theme::UNTINTED,
            );
        }
        left += width;
    }
}

/// Which frames have a result, and which of those are out of date.
pub(super) fn results(layout: &Layout<'_>, ui: &Ui) {
    let (theme, row) = (theme::of(ui), layout.row(Row::Result));
    ui.painter().rect_filled(row, 0.0, theme.row.colour());
    let results = &layout.scene.project.results;
    let visible = layout.scale.visible(layout.span);
    let (from, to) = (FrameIdx(*visible.start()), FrameIdx(*visible.end()));
    let filled = results.filled.range(from..=to).map(|(frame, _)| frame.0);
    for run in runs(filled) {
        let bar = Rect::from_x_y_ranges(layout.x(run.start)..=layout.x(run.end), row.y_range());
        ui.painter().rect_filled(
            bar.shrink2(egui::vec2(0.0, 3.0)),
            0.0,
            theme.done.faint(0.55),
        );
    }
    let marks = layout
        .scene
        .derived
        .marks
        .iter()
        .filter(|mark| layout.sees(mark.frame));
    for mark in marks {
        let token = match mark.state {
            MarkState::Done => theme.done,
            MarkState::OutOfDate => theme.out_of_date,
            MarkState::Working { .. } => theme.working,
            MarkState::Failed => theme.failed,
            MarkState::Planned => continue,
        };
        let width = layout.scale.frame_width().max(3.0);
        let left = layout.middle(mark.frame) - width / 2.0;
        let bar = Rect::from_x_y_ranges(left..=left + width, row.y_range());
        ui.painter().rect_filled(bar, 0.0, token.colour());
        if mark.state == MarkState::OutOfDate {
            hatch(ui, bar);
        }
    }
}

/// Lines across, so that *out of date* is no matter of colour alone.
fn hatch(ui: &Ui, bar: Rect) {
    let line = theme::of(ui).timeline.line(1.0);
    let mut x = bar.left() - bar.height();
    while x < bar.right() {
        let ends = [pos2(x, bar.bottom()), pos2(x + bar.height(), bar.top())];
        ui.painter_at(bar).line_segment(ends, line);
        x += 4.0;
    }
}

/// Neighbouring frames as ranges.
fn runs(frames: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for frame in frames {
        match runs.last_mut() {
            Some(run) if run.end == frame => run.end += 1,
            _ => runs.push(frame..frame + 1),
        }
    }
    runs
}

/// The translated part, with a handle at each end.
pub(super) fn range(layout: &Layout<'_>, ui: &mut Ui) -> Vec<Action> {
    let (theme, row) = (theme::of(ui), layout.row(Row::Range));
    ui.painter().rect_filled(row, 0.0, theme.row.colour());
    let range = layout.scene.project.edits.range(layout.span.n_frames);
    let ends = [layout.x(range.start), layout.x(range.end)];
    let bar = Rect::from_x_y_ranges(ends[0]..=ends[1], row.y_range());
    ui.painter()
        .rect_filled(bar.shrink2(egui::vec2(0.0, 4.0)), 0.0, theme.range.colour());
    let mut asked = Vec::new();
    let names = [
        ("In point", range.start),
        ("Out point", range.end.saturating_sub(1)),
    ];
    for (index, (name, frame)) in names.into_iter().enumerate() {
        let handle = Rect::from_center_size(
            pos2(ends[index], row.center().y),
            egui::vec2(HANDLE, row.height()),
        );
        let id = ui.scope_id().with(name);
        let response = ui.interact(handle.expand(2.0), id, Sense::click_and_drag());
        let label = format!("{name}, frame {frame}");
        response.widget_info(|| WidgetInfo::slider(true, frame as f64, label.clone()));
        let fill = if response.hovered() || response.has_focus() {
            theme.focus
        } else {
            theme.text
        };
        ui.painter()
            .rect_filled(handle.shrink2(egui::vec2(2.0, 1.0)), 2.0, fill.colour());
        let response = response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
        asked.extend(drag_end(layout, &response, index, &range));
    }
    asked
}

fn drag_end(
    layout: &Layout<'_>,
    response: &egui::Response,
    index: usize,
    range: &Range<usize>,
) -> Option<Action> {
    let pointer = response.interact_pointer_pos()?;
    let is_over = response.drag_stopped();
    if !response.dragged() && !is_over {
        return None;
    }
    let frame = layout.frame_at(pointer.x).0;
    let (start, end) = if index == 0 {
        (frame.min(range.end.saturating_sub(2)), range.end)
    } else {
        (range.start, (frame + 1).max(range.start + 2))
    };
    let gesture = if is_over {
        Gesture::Finished
    } else {
        Gesture::Ongoing
    };
    let is_news = (start, end) != (range.start, range.end) || is_over;
    is_news.then_some(Action::SetRange {
        start,
        end,
        gesture,
    })
}

/// Where the viewer is.
pub(super) fn playhead(layout: &Layout<'_>, ui: &Ui) {
    let theme = theme::of(ui);
    let x = layout.middle(layout.scene.playhead());
    let y = layout.area.y_range();
    ui.painter().vline(x, y, theme.tag.line(3.0));
    ui.painter().vline(x, y, theme.playhead.line(1.0));
    let top = layout.area.top();
    let corners = vec![pos2(x - 5.0, top), pos2(x + 5.0, top), pos2(x, top + 7.0)];
    let shape = Shape::convex_polygon(corners, theme.playhead.colour(), theme.tag.line(1.0));
    ui.painter().add(shape);
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn neighbours_are_joined() {
        assert_eq!(runs([1, 2, 3, 7, 9, 10].into_iter()), [1..4, 7..8, 9..11]);
        assert!(runs(std::iter::empty()).is_empty());
    }
}
