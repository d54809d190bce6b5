//! Settings as the command line that does the same.
//!
//! A field of the job has the name of its flag, so what differs from the defaults is written out of
//! the job's own form.

use serde_json::Value;

use crate::pipeline::job::JobSpec;

/// The command that translates with these settings.
#[must_use]
pub fn command_line(spec: &JobSpec) -> String {
    let mut words = vec!["fresco-studio translate".to_owned()];
    words.push(quoted(&spec.source.to_string_lossy()));
    let (Some(own), Some(usual)) = (fields(spec), fields(&JobSpec::default())) else {
        return words.join(" ");
    };
    for (name, value) in &own {
        // The control is proposed by what is installed, unless it is said.
        let is_said = usual.get(name) != Some(value) || name == "control";
        if name != "source" && is_said {
            words.extend(flags(name, value));
        }
    }
    words.join(" ")
}

fn fields(spec: &JobSpec) -> Option<serde_json::Map<String, Value>> {
    match serde_json::to_value(spec) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

fn flags(name: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Bool(true) => vec![format!("--{name}")],
        Value::Bool(false) | Value::Null => Vec::new(),
        // Numbers are one flag, everything else one for each.
        // No cuts is another thing than cuts that are found.
        Value::Array(values) if values.is_empty() => vec![format!("--{name} none")],
        Value::Array(values) if values.iter().all(Value::is_number) => {
            let numbers: Vec<String> = values.iter().map(Value::to_string).collect();
            vec![format!("--{name} {}", numbers.join(","))]
        }
        Value::Array(values) => values.iter().flat_map(|value| flags(name, value)).collect(),
        Value::Object(parts) => vec![format!("--{name} {}", quoted(&joined(parts)))],
        Value::String(text) => vec![format!("--{name} {}", quoted(text))],
        Value::Number(number) => vec![format!("--{name} {}", short(number))],
    }
}

/// A value of several parts, as its flag takes it.
fn joined(parts: &serde_json::Map<String, Value>) -> String {
    let part = |name: &str| match parts.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    if parts.contains_key("low") {
        format!("{},{}", part("low"), part("high"))
    } else if parts.contains_key("frame") {
        format!("{}={}", part("frame"), part("text"))
    } else if parts.contains_key("strength") {
        let strength = match parts.get("strength") {
            Some(Value::Number(number)) => short(number),
            _ => part("strength"),
        };
        format!("{}={strength}", part("path"))
    } else if parts.contains_key("path") {
        let path = part("path").replace(',', "\\,");
        let others = parts
            .iter()
            .filter(|(name, value)| *name != "path" && !value.is_null());
        others.fold(path, |text, (name, _)| {
            format!("{text},{name}={}", part(name))
        })
    } else if parts.contains_key("b1") {
        ["b1", "b2", "s1", "s2"].map(part).join(",")
    } else {
        format!("{}..{}", part("start"), part("end"))
    }
}

/// Single precision prints as it was typed, not as the double next to it.
fn short(number: &serde_json::Number) -> String {
    if number.is_f64() {
        number
            .as_f64()
            .map_or_else(String::new, |value| (value as f32).to_string())
    } else {
        number.to_string()
    }
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,=:".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FrameIdx;
    use crate::pipeline::job::{CannyThresholds, ExtraWords, FrameRange};

    #[test]
    fn only_what_differs_is_written() {
        let spec = JobSpec {
            source: "my clip.mp4".into(),
            out: "out.mp4".into(),
            prompt: "it's dusk".to_owned(),
            strength: 0.6,
            no_fill: true,
            canny: CannyThresholds { low: 20, high: 60 },
            range: Some(FrameRange { start: 0, end: 48 }),
            keyframes: vec![FrameIdx(0), FrameIdx(24)],
            lora: vec!["ink.safetensors=0.8".parse().unwrap()],
            extra: vec![ExtraWords {
                frame: FrameIdx(24),
                text: ", smiling".to_owned(),
            }],
            ..JobSpec::default()
        };
        let line = command_line(&spec);
        let parts = [
            "fresco-studio translate 'my clip.mp4'",
            "--out out.mp4",
            r"--prompt 'it'\''s dusk'",
            "--strength 0.6",
            "--no-fill",
            "--canny 20,60",
            "--range 0..48",
            "--keyframes 0,24",
            "--extra '24=, smiling'",
            "--lora ink.safetensors=0.8",
        ];
        for part in parts {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        assert!(!line.contains("--steps") && !line.contains("--seed"));
    }
}
