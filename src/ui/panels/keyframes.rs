//! The right panel: results in time order, and the one that is selected.

use egui::{Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

use super::notices::local_notice_ui;
use crate::app::actions::{Action, Gesture, SelectMode};
use crate::app::marks::{Mark, MarkState};
use crate::app::notices::NoticeKind;
use crate::app::settings::Setting;
use crate::app::view::KeyframeFilter;
use crate::frame::FrameIdx;
use crate::pipeline::job::ExtraWords;
use crate::ui::scene::Scene;
use crate::ui::shortcuts::{self, Act};
use crate::ui::textures::Textures;
use crate::ui::theme;
use crate::ui::widgets::glyph::Glyph;
use crate::worker::message::PictureKey;

/// Height of the line below a picture.
const CAPTION: f32 = 20.0;

const FILTERS: [(KeyframeFilter, &str); 4] = [
    (KeyframeFilter::All, "All"),
    (KeyframeFilter::OutOfDate, "Out of date"),
    (KeyframeFilter::Failed, "Failed"),
    (KeyframeFilter::Locked, "Locked"),
];

/// Grid above, inspector below.
pub fn keyframes_ui(
    scene: Scene<'_>,
    is_strip: bool,
    textures: &mut Textures,
    ui: &mut Ui,
) -> Vec<Action> {
    let mut asked = Vec::new();
    header_ui(scene, is_strip, ui, &mut asked);
    // A strip has no room for the inspector; menus and keys do the same.
    let inspected = scene.current_mark().filter(|_| !is_strip);
    let inspector = if inspected.is_some() { 210.0 } else { 0.0 };
    let height = (ui.available_height() - inspector).max(80.0);
    egui::ScrollArea::vertical()
        .id_salt("keyframes")
        .auto_shrink(false)
        .max_height(height)
        .show(ui, |ui| grid_ui(scene, textures, ui, &mut asked));
    if let Some(mark) = inspected {
        ui.separator();
        inspector_ui(scene, mark, ui, &mut asked);
    }
    asked
}

fn header_ui(scene: Scene<'_>, is_strip: bool, ui: &mut Ui, asked: &mut Vec<Action>) {
    let n_marks = scene.derived.marks.len();
    let title = egui::RichText::new(format!("Keyframes {n_marks}")).strong();
    if is_strip {
        ui.label(title);
        return;
    }
    ui.horizontal(|ui| {
        ui.label(title);
        let current = scene.project.view.filter;
        let name = FILTERS.iter().find(|(filter, _)| *filter == current);
        let combo = egui::ComboBox::from_id_salt("filter of keyframes")
            .selected_text(name.map_or("", |(_, name)| *name))
            .width((ui.available_width() - theme::GRID).clamp(40.0, 96.0));
        let inner = combo.show_ui(ui, |ui| {
            for (filter, name) in FILTERS {
                if ui.selectable_label(filter == current, name).clicked() {
                    asked.push(Action::SetFilter(filter));
                }
            }
        });
        inner.response.accessible_name("Filter keyframes");
    });
}

fn is_shown(filter: KeyframeFilter, mark: &Mark) -> bool {
    match filter {
        KeyframeFilter::All => true,
        KeyframeFilter::OutOfDate => mark.state == MarkState::OutOfDate,
        KeyframeFilter::Failed => mark.state == MarkState::Failed,
        KeyframeFilter::Locked => mark.locked,
    }
}

fn grid_ui(scene: Scene<'_>, textures: &mut Textures, ui: &mut Ui, asked: &mut Vec<Action>) {
    let filter = scene.project.view.filter;
    let marks = scene
        .derived
        .marks
        .iter()
        .filter(|mark| is_shown(filter, mark));
    let marks: Vec<&Mark> = marks.collect();
    if marks.is_empty() || scene.project.results.keyframes.is_empty() {
        asked.extend(local_notice_ui(scene.state, NoticeKind::NoKeyframesYet, ui));
    }
    let width = scene.state.preferences.thumbnail_points as f32;
    let columns = ((ui.available_width() + theme::GRID) / (width + theme::GRID))
        .floor()
        .max(1.0);
    let width = (ui.available_width() - theme::GRID * (columns - 1.0)) / columns;
    let aspect = scene
        .project
        .source
        .info
        .as_ref()
        .map_or(16.0 / 9.0, |info| {
            info.display_size.width as f32 / info.display_size.height.max(1) as f32
        });
    let size = vec2(width, (width / aspect).clamp(24.0, width * 1.5) + CAPTION);
    ui.spacing_mut().item_spacing = Vec2::splat(theme::GRID);
    for row in marks.chunks(columns as usize) {
        ui.horizontal(|ui| {
            for mark in row {
                let response = cell_ui(scene, textures, ui, mark, size);
                asked.extend(cell_input(ui, &response, mark));
            }
        });
    }
}

fn cell_ui(
    scene: Scene<'_>,
    textures: &mut Textures,
    ui: &mut Ui,
    mark: &Mark,
    size: Vec2,
) -> Response {
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let label = mark.description();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label.clone()));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let picture = Rect::from_min_max(rect.min, rect.max - vec2(0.0, CAPTION));
    ui.painter()
        .rect_filled(rect, theme::GRID, theme.raised.colour());
    let (texture, is_dimmed) = texture_of(scene, textures, ui, mark);
    if let Some(texture) = texture {
        let whole = Rect::from_min_max(egui::Pos2::ZERO, egui::pos2(1.0, 1.0));
        let tint = if is_dimmed {
            theme::dimmed()
        } else {
            theme::UNTINTED
        };
        ui.painter().image(texture, picture, whole, tint);
    }
    let caption = picture.left_bottom() + vec2(theme::GRID * 2.5, CAPTION / 2.0);
    Glyph::of(mark).paint(ui.painter(), caption, 5.0, theme);
    let font = egui::FontId::proportional(theme::BODY - 1.0);
    let text = format!("{}", mark.frame);
    let at = caption + vec2(theme::GRID * 4.0, 0.0);
    ui.painter().text(
        at,
        egui::Align2::LEFT_CENTER,
        text,
        font,
        theme.text.colour(),
    );
    let is_selected = scene.project.view.selection.contains(&mark.frame);
    if is_selected || response.has_focus() || response.hovered() {
        let width = if response.hovered() && !is_selected {
            1.0
        } else {
            2.0
        };
        let stroke = theme.focus.line(width);
        ui.painter()
            .rect_stroke(rect, theme::GRID, stroke, egui::StrokeKind::Inside);
    }
    response.on_hover_text(mark.description())
}

/// A preview, the finished picture, or the source, dimmed.
fn texture_of(
    scene: Scene<'_>,
    textures: &mut Textures,
    ui: &Ui,
    mark: &Mark,
) -> (Option<egui::TextureId>, bool) {
    let results = &scene.project.results;
    if let Some(preview) = results.previews.get(&mark.frame) {
        return (Some(textures.shared(ui.ctx(), &preview.picture)), false);
    }
    if let Some(result) = results.keyframes.get(&mark.frame) {
        let key = PictureKey::File(result.path.clone(), result.version);
        if let Some((texture, _)) = textures.get(&key) {
            return (Some(texture), false);
        }
    }
    let near = scene.project.source.nearest_thumbnail(mark.frame);
    (near.map(|picture| textures.shared(ui.ctx(), picture)), true)
}

fn cell_input(ui: &Ui, response: &Response, mark: &Mark) -> Vec<Action> {
    if response.double_clicked() {
        return vec![Action::Try(mark.frame)];
    }
    if !response.clicked() {
        return Vec::new();
    }
    let modifiers = ui.input(|input| input.modifiers);
    let mode = match (modifiers.command, modifiers.shift) {
        (true, _) => SelectMode::Toggle,
        (false, true) => SelectMode::Extend,
        (false, false) => SelectMode::Only,
    };
    vec![Action::Select(mark.frame, mode), Action::Seek(mark.frame)]
}

fn inspector_ui(scene: Scene<'_>, mark: &Mark, ui: &mut Ui, asked: &mut Vec<Action>) {
    let spec = &scene.project.edits.spec;
    let title = format!("Frame {} · shot {}", mark.frame, mark.shot + 1);
    ui.label(egui::RichText::new(title).strong());
    let batch = &scene
        .derived
        .plan
        .as_ref()
        .map(|plan| &plan.batches()[mark.batch.0]);
    let n_in_batch = batch.map_or(0, |batch| batch.new.len());
    ui.weak(format!(
        "batch {} of {} keyframes · {}",
        mark.batch.0 + 1,
        n_in_batch,
        mark.word()
    ));
    if let Some(reason) = scene.project.results.failed.get(&mark.frame) {
        ui.colored_label(ui.visuals().error_fg_color, reason);
    }
    ui.horizontal_wrapped(|ui| {
        if ui
            .button("Try")
            .on_hover_text(shortcuts::hint(ui.ctx(), Act::Try))
            .clicked()
        {
            asked.push(Action::Try(mark.frame));
        }
        let has_picture = scene.project.results.keyframes.contains_key(&mark.frame);
        let lock = if mark.locked { "Unlock" } else { "Lock" };
        let button = ui.add_enabled(has_picture, egui::Button::new(lock));
        let why = "There is no picture to keep yet.";
        let button = button.on_hover_text(shortcuts::hint(ui.ctx(), Act::LockKeyframe));
        if button.on_disabled_hover_text(why).clicked() {
            asked.push(Action::Select(mark.frame, SelectMode::Only));
            asked.push(Action::ToggleLock);
        }
        let remove = ui.add_enabled(!mark.is_end, egui::Button::new("Remove"));
        let why = "First and last frame of a shot are always keyframes.";
        if remove.on_disabled_hover_text(why).clicked() {
            asked.push(Action::ToggleKeyframe(mark.frame));
        }
    });
    let seed = spec.seed;
    ui.weak(format!("seed {seed}"));
    asked.extend(extra_words_ui(scene, mark.frame, ui));
}

/// Words for this keyframe alone.
fn extra_words_ui(scene: Scene<'_>, frame: FrameIdx, ui: &mut Ui) -> Option<Action> {
    let spec = &scene.project.edits.spec;
    let own = spec.extra.iter().find(|words| words.frame == frame);
    let mut text = own.map_or(String::new(), |words| words.text.clone());
    let label = ui.label(Setting::ExtraWords.label());
    let edit = egui::TextEdit::singleline(&mut text)
        .id_salt(("extra words", frame.0))
        .hint_text(", eyes closed")
        .desired_width(f32::INFINITY);
    let response = ui.add(edit).labelled_by(label.id);
    let response = response.on_hover_text(Setting::ExtraWords.tooltip());
    if !response.changed() {
        return None;
    }
    let mut changed = Box::new(spec.clone());
    changed.extra.retain(|words| words.frame != frame);
    if !text.is_empty() {
        changed.extra.push(ExtraWords { frame, text });
    }
    Some(Action::Change {
        what: Setting::ExtraWords,
        spec: changed,
        gesture: Gesture::Ongoing,
    })
}
