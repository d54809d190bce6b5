//! LoRAs, as settings and prompts name them.

use std::ops::Range;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A LoRA and how strongly it is added; written `path=0.8`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LoraSpec {
    /// Its file, or the name of a file in the models folder.
    pub path: PathBuf,
    /// Factor of its deltas.
    pub strength: f32,
}

const TAG: &str = "<lora:";

/// A prompt without `<lora:name:0.8>`, and the LoRAs that it named; a strength that is left out is 1. A tag that is none
/// stays what it is: the checks find it.
#[must_use]
pub fn without_lora_tags(prompt: &str) -> (String, Vec<LoraSpec>) {
    let (mut words, mut loras) = (String::new(), Vec::new());
    let mut end = 0;
    for (place, lora) in lora_tags(prompt) {
        if let Some(lora) = lora {
            words.push_str(&prompt[end..place.start]);
            end = place.end;
            loras.push(lora);
        }
    }
    if loras.is_empty() {
        return (prompt.to_owned(), loras);
    }
    words.push_str(&prompt[end..]);
    (words.trim().to_owned(), loras)
}

/// Where a prompt has tags, in bytes, and the LoRA that each names, if it names one. A tag without an end goes on to the
/// end of the prompt.
pub(super) fn lora_tags(prompt: &str) -> Vec<(Range<usize>, Option<LoraSpec>)> {
    let mut tags = Vec::new();
    let mut from = 0;
    while let Some(start) = prompt[from..].find(TAG).map(|start| from + start) {
        let tag = &prompt[start..];
        let end = start + tag.find('>').map_or(tag.len(), |end| end + 1);
        tags.push((start..end, read_tag(&prompt[start..end])));
        from = end;
    }
    tags
}

/// The first tag of a prompt that names no LoRA.
pub(super) fn malformed_lora_tag(prompt: &str) -> Option<&str> {
    let mut tags = lora_tags(prompt).into_iter();
    let (place, _) = tags.find(|(_, lora)| lora.is_none())?;
    Some(&prompt[place])
}

/// Reads `<lora:name>` or `<lora:name:0.8>`.
fn read_tag(tag: &str) -> Option<LoraSpec> {
    let inner = tag.strip_prefix(TAG)?.strip_suffix('>')?;
    let (name, strength) = inner.split_once(':').unwrap_or((inner, "1"));
    let name = name.trim();
    let strength = strength.trim().parse().ok()?;
    (!name.is_empty()).then(|| LoraSpec {
        path: name.into(),
        strength,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lora(path: &str, strength: f32) -> LoraSpec {
        LoraSpec {
            path: path.into(),
            strength,
        }
    }

    #[test]
    fn tags_are_taken_out_of_the_prompt() {
        let (words, loras) = without_lora_tags("<lora:ink:0.8> a fox, <lora:lcm> (snow:1.2)");
        assert_eq!(words, "a fox,  (snow:1.2)");
        assert_eq!(loras, [lora("ink", 0.8), lora("lcm", 1.0)]);
        let plain = (" a < b".to_owned(), vec![]);
        assert_eq!(without_lora_tags(" a < b"), plain);
        assert_eq!(malformed_lora_tag("a <lora:ink:-0.5>"), None);
    }

    #[test]
    fn a_tag_without_sense_is_found() {
        for tag in ["<lora:ink:strong>", "<lora::1>", "<lora:ink:1:2>"] {
            let prompt = format!("a fox {tag}, red <lora:lcm:1>");
            assert_eq!(malformed_lora_tag(&prompt), Some(tag));
        }
        assert_eq!(malformed_lora_tag("a <lora:ink"), Some("<lora:ink"));
    }

    #[test]
    fn a_path_may_hold_an_equals_sign() {
        let read = |text: &str| text.parse::<LoraSpec>();
        assert_eq!(
            read("a=b.safetensors=-0.5"),
            Ok(lora("a=b.safetensors", -0.5))
        );
        assert_eq!(read("ink"), Ok(lora("ink", 1.0)));
        assert!(read("ink=strong").is_err() && read("=1").is_err());
    }
}
