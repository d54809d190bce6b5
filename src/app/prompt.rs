//! What the prompt editor marks: parts of a text that are not read as they may have been meant.

use super::settings::Setting;
use super::state::{AppState, Check};
use crate::pipeline::job::{JobSpec, LoraSpec, PromptFault, PromptField, prompt_faults};
use crate::worker::message::Report;

/// The faults of one of the texts of a prompt, in order. A LoRA is unknown if the last check of the models said so.
#[must_use]
pub fn faults(state: &AppState, spec: &JobSpec, setting: Setting, text: &str) -> Vec<PromptFault> {
    let field = if setting == Setting::Negative {
        PromptField::Negative
    } else {
        PromptField::Positive
    };
    let trouble = |lora: &LoraSpec| match &state.model {
        Check::Failed(report) => about(report, lora),
        Check::Ready(_) | Check::Unknown => None,
    };
    prompt_faults(text, field, spec.compat, trouble)
}

/// What a report says of a LoRA that is named in short, if it is about that one.
fn about(report: &Report, lora: &LoraSpec) -> Option<String> {
    let name = lora.path.to_string_lossy();
    let file = format!("{}.safetensors", name.trim_end_matches(".safetensors"));
    let quoted = format!("\"{name}\"");
    let mut texts = std::iter::once(&report.summary).chain(&report.causes);
    let is_it =
        |text: &&String| text.contains("LoRA") && (text.contains(&quoted) || text.contains(&file));
    texts.find(is_it).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lora_that_the_check_complained_of_is_marked() {
        let complaint = "there is no LoRA \"oil\"; name a .safetensors file";
        let state = AppState {
            model: Check::Failed(Report {
                summary: "the model cannot be used".to_owned(),
                causes: vec![complaint.to_owned()],
                ..Report::default()
            }),
            ..AppState::default()
        };
        let spec = JobSpec::default();
        let text = "a fox <lora:oil:0.5> <lora:ink>";
        let faults = faults(&state, &spec, Setting::Prompt, text);
        let [fault] = &faults[..] else {
            panic!("{faults:?}")
        };
        assert_eq!(&text[fault.range.clone()], "<lora:oil:0.5>");
        assert_eq!(fault.reason, complaint);
        let fine = AppState::default();
        assert!(super::faults(&fine, &spec, Setting::Prompt, text).is_empty());
    }
}
