//! What is said when the models that the settings name cannot be used.

use std::path::Path;

use super::{Notice, NoticeKind, capitalised, name_of, without_path};
use crate::app::actions::{Action, Gesture, Setting};
use crate::app::models::ModelAction;
use crate::app::state::{AppState, Check, Dialog};
use crate::pipeline::job::{JobSpec, model_files};
use crate::worker::message::{Report, catalogue};

pub(super) fn model(state: &AppState) -> Option<Notice> {
    let Check::Failed(report) = &state.model else {
        return None;
    };
    if let Some(notice) = lora(state, report) {
        return Some(notice);
    }
    let models = Action::OpenDialog(Dialog::Models);
    let says = |part: &str| texts(report).any(|text| text.contains(part));
    let is_other_family = report.summary.contains("SDXL") || report.summary.contains("family");
    let (kind, text, button) = if is_other_family {
        let text = format!("{}.", capitalised(&report.summary));
        (NoticeKind::WrongModel, text, ("Choose another…", models))
    } else if says("damaged") {
        let text = format!("{}.", without_path(&capitalised(&report.summary)));
        let again = download_again(state, report);
        let button = again.unwrap_or(("Choose another…", models));
        (NoticeKind::DamagedModel, text, button)
    } else {
        let text = "A model is needed to translate.".to_owned();
        (NoticeKind::NoModel, text, ("Get model…", models))
    };
    Some(Notice {
        kind,
        text,
        buttons: vec![button, ("Use the demo model", Action::UseDemoModel)],
        details: Some(report.clone()),
    })
}

/// A LoRA cannot be used: the model without it can.
fn lora(state: &AppState, report: &Report) -> Option<Notice> {
    let spec = &state.project.as_ref()?.edits.spec;
    let loras = model_files(spec).loras;
    let meant = loras.iter().find(|lora| is_about(report, &lora.path))?;
    let listed = spec.lora.iter().position(|lora| lora == meant);
    let button = match listed {
        Some(index) => ("Use none", without_lora(spec, index)),
        None => ("Edit the prompt", Action::Focus(Setting::Prompt)),
    };
    let why = report
        .causes
        .first()
        .map_or(String::new(), |cause| format!(": {cause}"));
    let text = format!("{}{why}.", capitalised(&report.summary));
    let models = ("Choose another…", Action::OpenDialog(Dialog::Models));
    Some(Notice {
        kind: NoticeKind::WrongLora,
        text,
        buttons: vec![button, models],
        details: Some(report.clone()),
    })
}

/// Whether a report is about a LoRA, which settings name by its path or in short.
fn is_about(report: &Report, named: &Path) -> bool {
    if named.is_absolute() {
        return names(report, named);
    }
    let name = name_of(named);
    let file = format!("{}.safetensors", name.trim_end_matches(".safetensors"));
    let is_it = |text: &String| {
        text.contains(&file) || (text.contains("LoRA") && text.contains(&format!("\"{name}\"")))
    };
    texts(report).any(is_it)
}

fn without_lora(spec: &JobSpec, index: usize) -> Action {
    let mut spec = Box::new(spec.clone());
    spec.lora.remove(index);
    Action::Change {
        what: Setting::Loras,
        spec,
        gesture: Gesture::Finished,
    }
}

/// A file of the catalogue can be had again.
fn download_again(state: &AppState, report: &Report) -> Option<(&'static str, Action)> {
    let folder = state.models_folder();
    let mut entries = catalogue().iter();
    let entry = entries.find(|entry| names(report, &entry.place(folder)))?;
    let action = if state.models.sources.hub.offline {
        Action::OpenDialog(Dialog::Models)
    } else {
        Action::Model(ModelAction::Download(entry.id.clone()))
    };
    Some(("Download again", action))
}

fn texts(report: &Report) -> impl Iterator<Item = &String> {
    std::iter::once(&report.summary).chain(&report.causes)
}

/// Whether a report names a file.
fn names(report: &Report, path: &Path) -> bool {
    let path = path.to_string_lossy();
    texts(report).any(|text| text.contains(&*path))
}
