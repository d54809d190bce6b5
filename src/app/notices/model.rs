//! What is said when the models that the settings name cannot be used.

use std::path::Path;

use super::{Notice, NoticeKind, capitalised, name_of};
use crate::app::actions::{Action, Gesture, Setting};
use crate::app::models::ModelAction;
use crate::app::settings::CONTROLS;
use crate::app::state::{AppState, Check, Dialog};
use crate::pipeline::job::{ControlKind, JobSpec, model_files};
use crate::worker::message::{ModelId, Report, Trouble, catalogue};

/// What is said of formats that can run code.
const CAN_RUN_CODE: &str = "This format can run code. Use a .safetensors file.";

/// What a button says, and what it does.
type Button = (&'static str, Action);

/// What is said if the models that the settings name cannot be used.
#[must_use]
pub fn model(state: &AppState) -> Option<Notice> {
    let Check::Failed(report) = &state.model else {
        return None;
    };
    if let Some(notice) = lora(state, report) {
        return Some(notice);
    }
    let (kind, text, mut buttons) = said(state, report);
    buttons.push(("Use the demo model", Action::UseDemoModel));
    Some(Notice {
        kind,
        text,
        buttons,
        details: Some(report.clone()),
    })
}

/// What is wrong, in words, and what helps.
fn said(state: &AppState, report: &Report) -> (NoticeKind, String, Vec<Button>) {
    let choose = ("Choose another…", Action::OpenDialog(Dialog::Models));
    let get = ("Get model…", choose.1.clone());
    let again = |file: &Path| download_again(state, file).unwrap_or_else(|| choose.clone());
    let Some(trouble) = &report.trouble else {
        return (NoticeKind::WrongModel, sentence(report), vec![choose]);
    };
    match trouble {
        Trouble::OtherFamily { file, family } => {
            let name = name_of(file);
            let text = format!("{name} is {family}. FRESCO needs the SD 1.5 family.");
            (NoticeKind::WrongModel, text, vec![choose])
        }
        Trouble::CanRunCode { file } => {
            let text = format!("{} cannot be used. {CAN_RUN_CODE}", name_of(file));
            (NoticeKind::WrongModel, text, vec![choose])
        }
        Trouble::Damaged { file } => {
            let text = format!("{} is damaged.", name_of(file));
            (NoticeKind::DamagedModel, text, vec![again(file)])
        }
        Trouble::Incomplete { file, folder } => {
            let text = format!("{} is not whole: {file} is missing.", name_of(folder));
            let buttons = vec![again(&folder.join(file))];
            (NoticeKind::DamagedModel, text, buttons)
        }
        Trouble::NotThere { file } => {
            let text = format!(
                "A model is needed to translate. {} was not found.",
                name_of(file)
            );
            (NoticeKind::NoModel, text, vec![get])
        }
        Trouble::NoControlNet {
            control,
            get,
            instead,
        } => {
            let name = CONTROLS.iter().find(|(kind, _)| kind == control);
            let name = name.map_or("this control", |(_, name)| name);
            let text = format!("No ControlNet for {name} is installed.");
            let get = ("Get ControlNet…", get_model(state, get));
            let instead = instead.and_then(|control| with_control(state, control));
            let instead = instead.map(|change| ("Use the one installed", change));
            let buttons = std::iter::once(get)
                .chain(instead)
                .chain(uncontrolled(state));
            (NoticeKind::NoControlNet, text, buttons.collect())
        }
        // No model is meant.
        Trouble::NoRoom { .. } => (NoticeKind::WrongModel, sentence(report), vec![choose]),
        Trouble::NoAnnotator { control, get } => {
            let text = format!("The control \"{control}\" needs a helper that is not installed.");
            let get = ("Get helper…", get_model(state, get));
            let buttons = std::iter::once(get).chain(uncontrolled(state));
            (NoticeKind::NoControlNet, text, buttons.collect())
        }
    }
}

/// Asks whether a model of the catalogue is to be downloaded.
fn get_model(state: &AppState, id: &str) -> Action {
    Action::OpenDialog(if state.why_offline().is_some() {
        Dialog::Models
    } else {
        Dialog::Download(ModelId(id.to_owned()))
    })
}

/// A report as a sentence, with its cause.
fn sentence(report: &Report) -> String {
    let cause = report.causes.first();
    let cause = cause.map_or(String::new(), |cause| format!(": {cause}"));
    format!("{}{cause}.", capitalised(&report.summary))
}

/// Shapes are then kept by the start picture alone. ControlNets that are named want control.
fn uncontrolled(state: &AppState) -> Option<Button> {
    let spec = &state.project.as_ref()?.edits.spec;
    if !spec.controlnet.is_empty() {
        return None;
    }
    Some(("Use no control", with_control(state, ControlKind::None)?))
}

fn with_control(state: &AppState, control: ControlKind) -> Option<Action> {
    let spec = &state.project.as_ref()?.edits.spec;
    let spec = Box::new(JobSpec {
        control,
        ..spec.clone()
    });
    Some(Action::Change {
        what: Setting::ControlType,
        spec,
        gesture: Gesture::Finished,
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
    let text = match &report.trouble {
        Some(Trouble::CanRunCode { file }) => {
            format!("{} cannot be used. {CAN_RUN_CODE}", name_of(file))
        }
        _ => sentence(report),
    };
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
fn download_again(state: &AppState, file: &Path) -> Option<Button> {
    let folder = state.models_folder();
    let mut entries = catalogue().iter();
    let entry = entries.find(|entry| entry.place(folder) == file)?;
    let action = if state.why_offline().is_some() {
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
