//! The export dialog: what is written, how, and where.

use std::path::PathBuf;

use egui::{ComboBox, Context, DragValue, Grid, Slider, TextEdit, Ui};

use super::dialog::{buttons, dialog};
use super::models::left;
use crate::app::actions::{Action, ExportWhat, FilePick};
use crate::app::export::{ExportDraft, ExportPreset};
use crate::app::format;
use crate::app::state::{AppState, Project};
use crate::frame::{FrameIdx, Size};
use crate::ui::theme;
use crate::worker::message::{ExportQuality, ExportSize, Missing, Sound, VideoCodec};

/// The dialog *Export*.
#[must_use]
pub fn export_ui(state: &AppState, draft: &ExportDraft, ctx: &Context) -> Vec<Action> {
    let Some(project) = &state.project else {
        return vec![Action::Escape];
    };
    let mut edited = draft.clone();
    let shown = dialog(ctx, "Export", 620.0, |ui| {
        let mut asked = Vec::new();
        Grid::new("export")
            .num_columns(2)
            .spacing([16.0, 8.0])
            .show(ui, |ui| {
                preset_ui(&mut edited, ui);
                range_ui(project, &mut edited, ui);
                size_ui(project, &mut edited, ui);
                codec_ui(state, &mut edited, ui);
                sound_ui(project, &mut edited, ui);
                asked.extend(file_ui(&mut edited, ui));
            });
        ui.checkbox(
            &mut edited.store_settings,
            "Store settings in the file (prompt, seed, models)",
        );
        ui.checkbox(&mut edited.settings.mark, "Mark as AI-translated");
        missing_ui(project, &mut edited, ui);
        match buttons(ui, &["Cancel", "Export"]) {
            Some(0) => asked.push(Action::Escape),
            Some(_) => asked.push(Action::Export(Box::new(edited.clone()))),
            None => (),
        }
        asked
    });
    let mut asked = Vec::new();
    if edited != *draft {
        asked.push(Action::ChangeExport(Box::new(edited)));
    }
    asked.extend(left(shown.inner, shown.is_left));
    asked
}

fn preset_ui(draft: &mut ExportDraft, ui: &mut Ui) {
    ui.label("Preset");
    let combo = ComboBox::from_id_salt("preset")
        .selected_text(draft.preset.label())
        .width(220.0);
    let inner = combo.show_ui(ui, |ui| {
        for preset in ExportPreset::ALL {
            if ui
                .selectable_label(draft.preset == preset, preset.label())
                .clicked()
            {
                apply(draft, preset);
            }
        }
    });
    inner.response.accessible_name("Preset");
    ui.end_row();
}

/// A preset sets the codec and the ending of the name.
fn apply(draft: &mut ExportDraft, preset: ExportPreset) {
    draft.preset = preset;
    draft.settings.codec = preset.codec();
    draft.what = match preset {
        ExportPreset::Keyframes => ExportWhat::Keyframes,
        _ => ExportWhat::Frames,
    };
    draft.settings.path = match preset.extension() {
        Some(extension) => draft.settings.path.with_extension(extension),
        None => draft.settings.path.with_extension(""),
    };
}

fn range_ui(project: &Project, draft: &mut ExportDraft, ui: &mut Ui) {
    ui.label("Range");
    ui.horizontal(|ui| {
        let range = project.range();
        ui.radio_value(&mut draft.range_only, false, "All frames");
        let part = format!("In–out, {}–{}", range.start, range.end.saturating_sub(1));
        let is_part = project.edits.range.is_some();
        let choice = ui.add_enabled(is_part, egui::RadioButton::new(draft.range_only, part));
        if choice
            .on_disabled_hover_text("No in and out points are set.")
            .clicked()
        {
            draft.range_only = true;
        }
    });
    ui.end_row();
}

fn size_ui(project: &Project, draft: &mut ExportDraft, ui: &mut Ui) {
    let source = project.source.info.as_ref().map(|info| info.display_size);
    let source = source.unwrap_or(Size {
        width: 1280,
        height: 720,
    });
    ui.label("Size");
    ui.horizontal(|ui| {
        ui.radio_value(
            &mut draft.settings.size,
            ExportSize::Source,
            format!("As source, {source}"),
        );
        ui.radio_value(
            &mut draft.settings.size,
            ExportSize::Working,
            "Working size",
        );
        let is_custom = matches!(draft.settings.size, ExportSize::Custom(_));
        if ui.radio(is_custom, "Custom").clicked() && !is_custom {
            draft.settings.size = ExportSize::Custom(source);
        }
        if let ExportSize::Custom(size) = &mut draft.settings.size {
            let sides = [("Width", &mut size.width), ("Height", &mut size.height)];
            for (name, side) in sides {
                ui.add(DragValue::new(side).range(16..=8192))
                    .accessible_name(name);
            }
        }
    });
    ui.end_row();
}

fn codec_ui(state: &AppState, draft: &mut ExportDraft, ui: &mut Ui) {
    ui.label("Video");
    ui.horizontal(|ui| {
        let codecs = [
            (VideoCodec::H264, "H.264"),
            (VideoCodec::H265, "H.265"),
            (VideoCodec::ProRes, "ProRes 422 HQ"),
            (VideoCodec::Ffv1, "FFV1"),
            (VideoCodec::Png, "PNG pictures"),
        ];
        let current = codecs
            .iter()
            .find(|(codec, _)| *codec == draft.settings.codec);
        let combo =
            ComboBox::from_id_salt("codec").selected_text(current.map_or("", |(_, name)| *name));
        let inner = combo.show_ui(ui, |ui| {
            for (codec, name) in codecs {
                let known = state.ffmpeg.ready();
                let is_there = codec == VideoCodec::Png
                    || known.is_some_and(|ffmpeg| ffmpeg.codecs.contains(&codec));
                let choice = egui::Button::selectable(draft.settings.codec == codec, name);
                let response = ui.add_enabled(is_there, choice);
                let why = "Your FFmpeg was built without this encoder.";
                if response.on_disabled_hover_text(why).clicked() {
                    draft.settings.codec = codec;
                }
            }
        });
        inner.response.accessible_name("Codec");
        if matches!(draft.settings.codec, VideoCodec::H264 | VideoCodec::H265) {
            let mut quality = draft.settings.quality.0;
            let label = ui.label("Quality");
            let slider = ui
                .add(Slider::new(&mut quality, 0..=40))
                .labelled_by(label.id);
            slider
                .on_hover_text("More: smaller files. Less: closer to the pictures; 0 is lossless.");
            draft.settings.quality = ExportQuality(quality);
        }
    });
    ui.end_row();
}

fn sound_ui(project: &Project, draft: &mut ExportDraft, ui: &mut Ui) {
    ui.label("Sound");
    ui.horizontal(|ui| {
        let has_sound = project
            .source
            .info
            .as_ref()
            .is_some_and(|info| !info.audio.is_empty());
        ui.add_enabled_ui(has_sound, |ui| {
            ui.radio_value(&mut draft.settings.sound, Sound::Copy, "Copy");
            ui.radio_value(&mut draft.settings.sound, Sound::Aac, "AAC");
            ui.radio_value(&mut draft.settings.sound, Sound::None, "None");
        });
        if !has_sound {
            ui.weak("The source has no sound.");
        }
        ui.separator();
        ui.checkbox(&mut draft.settings.keep_metadata, "Keep metadata");
        ui.checkbox(&mut draft.settings.keep_subtitles, "Keep subtitles");
    });
    ui.end_row();
}

fn file_ui(draft: &mut ExportDraft, ui: &mut Ui) -> Vec<Action> {
    let mut asked = Vec::new();
    let is_folder = draft.settings.codec == VideoCodec::Png;
    let label = ui.label(if is_folder { "Folder" } else { "File" });
    ui.horizontal(|ui| {
        let mut path = draft.settings.path.to_string_lossy().into_owned();
        let edit = TextEdit::singleline(&mut path)
            .id_salt("export path")
            .desired_width(360.0);
        if ui.add(edit).labelled_by(label.id).changed() {
            draft.settings.path = PathBuf::from(path);
        }
        let change = ui.button("Change…").accessible_name("Change file…");
        if change.clicked() {
            let pick = if is_folder {
                FilePick::ExportFolder
            } else {
                FilePick::ExportFile
            };
            asked.push(Action::Pick(pick));
        }
    });
    ui.end_row();
    ui.label("");
    ui.checkbox(
        &mut draft.settings.overwrite,
        "Replace an existing file, else the name gets a number",
    );
    ui.end_row();
    asked
}

fn missing_ui(project: &Project, draft: &mut ExportDraft, ui: &mut Ui) {
    if draft.what == ExportWhat::Keyframes {
        return;
    }
    let n_frames = project.source.n_frames().unwrap_or(0);
    let range = if draft.range_only {
        project.range()
    } else {
        0..n_frames
    };
    let n_missing = range
        .filter(|frame| project.result_of(FrameIdx(*frame)).is_none())
        .count();
    if n_missing == 0 {
        return;
    }
    ui.add_space(theme::GRID);
    let have = if n_missing == 1 { "has" } else { "have" };
    let text = format!("{} {have} no result.", format::count(n_missing, "frame"));
    ui.colored_label(theme::of(ui).warning.colour(), text);
    ui.horizontal(|ui| {
        ui.radio_value(
            &mut draft.settings.missing,
            Missing::Source,
            "Use the source",
        );
        ui.radio_value(&mut draft.settings.missing, Missing::Skip, "Leave them out");
        ui.radio_value(
            &mut draft.settings.missing,
            Missing::Refuse,
            "Translate them first",
        );
    });
}
