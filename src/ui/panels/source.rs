//! The source: what it is, at what size it is translated, and which part of it.

use egui::Ui;

use super::settings::Editor;
use crate::app::actions::Action;
use crate::app::settings::{Setting, short_side};
use crate::app::state::Project;
use crate::frame::{Size, working_size};

/// The section *Source*.
pub fn source_ui(project: &Project, editor: &mut Editor<'_>, ui: &mut Ui) {
    let spec = editor.spec;
    let name = spec
        .source
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let response = ui.add(egui::Label::new(egui::RichText::new(name.as_ref()).strong()).truncate());
    response.on_hover_text(spec.source.display().to_string());
    if let Some(info) = &project.source.info {
        let working: Size = working_size(info.display_size, short_side(spec)).into();
        let mut facts = vec![info.display_size.to_string()];
        facts.extend(
            info.average_rate
                .map(|rate| format!("{:.2} fps", rate.as_f64())),
        );
        facts.extend(project.source.n_frames().map(|n| format!("{n} frames")));
        facts.push(format!("{:.1} s", info.duration_secs));
        ui.weak(facts.join(" · "));
        ui.weak(format!("translated at {working}"));
        for note in &info.notes {
            ui.weak(note);
        }
    } else {
        ui.weak("Reading the video…");
    }
    let size = f64::from(short_side(spec));
    editor.number(ui, Setting::WorkingSize, size, |spec, size| {
        spec.size = Some(size as u32);
    });
    range_ui(project, editor, ui);
}

fn range_ui(project: &Project, editor: &mut Editor<'_>, ui: &mut Ui) {
    ui.horizontal(|ui| {
        ui.label("Use range");
        match project.edits.range {
            None => {
                ui.weak("whole video")
                    .on_hover_text("Set in and out points with I and O.");
            }
            Some(range) => {
                ui.label(format!("{}–{}", range.start, range.end.saturating_sub(1)));
                if ui
                    .small_button("Use all")
                    .on_hover_text("Clear range (Alt+X)")
                    .clicked()
                {
                    editor.asked.push(Action::ClearRange);
                }
            }
        }
    });
}
