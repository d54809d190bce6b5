//! What in a prompt is not read as its writer may have meant: brackets, weights and tags that are none.

use std::ops::Range;

use super::loras::{LoraSpec, lora_tags};
use super::options::Compat;
use crate::models::clip::PromptGrammar;
use crate::models::clip::weighting::{Slip, slips};
use crate::pipeline::compat::Choices;

/// Which of the texts that make up a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptField {
    /// Prompt or quality words.
    Positive,
    /// The negative prompt.
    Negative,
}

/// A part of a prompt that is not read as it may have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptFault {
    /// Where it is, in bytes.
    pub range: Range<usize>,
    /// What is wrong and how it would be right.
    pub reason: String,
}

/// The faults of a text, in order. `trouble` says why a LoRA that is named as it should be cannot be used, if that is
/// known.
#[must_use]
pub fn prompt_faults(
    text: &str,
    field: PromptField,
    compat: Option<Compat>,
    trouble: impl Fn(&LoraSpec) -> Option<String>,
) -> Vec<PromptFault> {
    let mut faults = Vec::new();
    let mut words = text.to_owned();
    for (range, lora) in lora_tags(text) {
        let reason = match lora {
            _ if field == PromptField::Negative => {
                Some("a LoRA is named in the prompt, not in the negative one".to_owned())
            }
            None => Some("expected a LoRA as in <lora:name:0.8>".to_owned()),
            Some(lora) if !(-2.0..=2.0).contains(&lora.strength) => {
                Some("the strength of a LoRA is -2 to 2".to_owned())
            }
            Some(lora) => trouble(&lora),
        };
        // A tag is no text: what looks like a weight in it is none.
        words.replace_range(range.clone(), &" ".repeat(range.len()));
        faults.extend(reason.map(|reason| PromptFault { range, reason }));
    }
    if Choices::of(compat).grammar == PromptGrammar::Weighted {
        faults.extend(slips(&words).into_iter().map(|(range, slip)| PromptFault {
            reason: reason(slip, &words[range.clone()]),
            range,
        }));
    }
    faults.sort_by_key(|fault| fault.range.start);
    faults
}

fn reason(slip: Slip, text: &str) -> String {
    match slip {
        Slip::Unclosed => {
            let (closing, open) = if text == "(" { (')', '(') } else { (']', '[') };
            format!("no {closing} closes it; \\{open} is the bracket itself")
        }
        Slip::Unopened => {
            let (opening, close) = if text.ends_with(')') {
                ('(', ')')
            } else {
                ('[', ']')
            };
            format!("no {opening} opens it; \\{close} is the bracket itself")
        }
        Slip::NoNumber => {
            "no number, so it is read as words; a weight is written (word:1.2)".to_owned()
        }
        Slip::SquareWeight => {
            "square brackets have no weight; a weight is written (word:1.2)".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, field: PromptField, compat: Option<Compat>) -> Vec<(String, String)> {
        let known = |lora: &LoraSpec| {
            let is_known = lora.path.as_os_str() == "ink";
            (!is_known).then(|| "there is no such LoRA".to_owned())
        };
        let faults = prompt_faults(text, field, compat, known).into_iter();
        faults
            .map(|fault| (text[fault.range].to_owned(), fault.reason))
            .collect()
    }

    #[test]
    fn every_kind_of_fault_is_found_where_it_is() {
        let text = "(fox, <lora:ink:0.8> <lora:ink:strong> (red:abc) <lora:oil> <lora:ink:9>";
        let found = found(text, PromptField::Positive, None);
        let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(
            places,
            [
                "(",
                "<lora:ink:strong>",
                ":abc",
                "<lora:oil>",
                "<lora:ink:9>"
            ]
        );
        assert!(found[0].1.starts_with("no ) closes it"));
        assert_eq!(found[3].1, "there is no such LoRA");
    }

    #[test]
    fn a_prompt_without_faults_has_none() {
        let fine = "<lora:ink> a (fox:1.2), [snow], \\(c\\)";
        assert_eq!(found(fine, PromptField::Positive, None), []);
    }

    #[test]
    fn the_reference_reads_brackets_as_text() {
        let compat = Some(Compat::Reference);
        assert_eq!(found("(fox [x:1.2", PromptField::Positive, compat), []);
        assert_eq!(
            found("(fox <lora:x", PromptField::Positive, compat).len(),
            1
        );
    }

    #[test]
    fn the_negative_prompt_names_no_lora() {
        let found = found("<lora:ink>, dark", PromptField::Negative, None);
        assert_eq!(found[0].0, "<lora:ink>");
    }
}
