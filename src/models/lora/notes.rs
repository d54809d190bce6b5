//! What PEFT notes beside the deltas: the numbers that say how much they count, which its own layout has no tensors for.
//!
//! PEFT keeps them in `adapter_config.json` beside `adapter_model.safetensors`; diffusers puts the same into the list of
//! tensors, as JSON under one key, with the name of the network before every key where the file is for several. A delta
//! counts `α / r`, or `α / √r` where its trainer was told to (`use_rslora`); both may differ from layer to layer.
//!
//! What kohya's trainer notes (`ss_network_alpha`) is not read: its own loader takes α from tensors alone, and without
//! them for the rank, as all programs do.
//!
//! Source: PEFT's `LoraConfig`, and how it finds the layers that a pattern means.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::Target;

/// The key in a file's list under which diffusers notes it.
pub(super) const KEY: &str = "lora_adapter_metadata";
/// Patterns of one kind that are read: a few for every layer of a network.
const MOST_PATTERNS: usize = 2048;
/// Patterns that are more than the end of a path, which take time for every layer.
const MOST_EXPRESSIONS: usize = 32;
/// Bytes that a compiled pattern may take.
const EXPRESSION_BYTES: usize = 1 << 16;

/// How much the deltas of a file count, for each network.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    unet: Config,
    text_encoder: Config,
}

/// What is noted for a network.
#[derive(Clone, Debug, Default)]
struct Config {
    alpha: Option<f64>,
    rank: Option<f64>,
    alphas: Vec<(Pattern, f64)>,
    ranks: Vec<(Pattern, f64)>,
    by_root: bool,
}

/// Which layers are meant.
#[derive(Clone, Debug)]
enum Pattern {
    /// Those whose path is this or ends with it.
    End(String),
    /// Those whose path matches.
    Expression(Regex),
}

impl Notes {
    /// Reads what is in a file's list, else what is in the file beside it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(
        metadata: &BTreeMap<String, String>,
        beside: Option<&[u8]>,
    ) -> Result<Self, &'static str> {
        let Some(json) = metadata.get(KEY).map(String::as_bytes).or(beside) else {
            return Ok(Self::default());
        };
        let noted: Map<String, Value> =
            serde_json::from_slice(json).map_err(|_| "they are no JSON object")?;
        Ok(Self {
            unet: Config::read(&noted, "unet")?,
            text_encoder: Config::read(&noted, "text_encoder")?,
        })
    }

    /// How much the delta of a layer counts, by the path of its module. Without a note that is one.
    ///
    /// # Errors
    /// What is noted of the layer and cannot be.
    pub fn scale(&self, target: Target, module: &str, rank: usize) -> Result<f32, &'static str> {
        let config = match target {
            Target::UNet => &self.unet,
            Target::TextEncoder => &self.text_encoder,
        };
        config.scale(module, rank as f64)
    }
}

impl Config {
    fn read(noted: &Map<String, Value>, network: &str) -> Result<Self, &'static str> {
        let get = |key: &str| {
            let own = noted.get(&format!("{network}.{key}"));
            own.or_else(|| noted.get(key)).filter(|it| !it.is_null())
        };
        Ok(Self {
            alpha: get("lora_alpha").map(number).transpose()?,
            rank: get("r").map(number).transpose()?,
            alphas: patterns(get("alpha_pattern"))?,
            ranks: patterns(get("rank_pattern"))?,
            by_root: match get("use_rslora") {
                None => false,
                Some(Value::Bool(by_root)) => *by_root,
                Some(_) => return Err("use_rslora is neither true nor false"),
            },
        })
    }

    fn scale(&self, module: &str, rank: f64) -> Result<f32, &'static str> {
        let noted_rank = value_for(&self.ranks, module).or(self.rank);
        if noted_rank.is_some_and(|noted| (noted - rank).abs() > 0.0) {
            return Err("its rank is not the one that is noted");
        }
        let Some(alpha) = value_for(&self.alphas, module).or(self.alpha) else {
            return Ok(1.0);
        };
        let divisor = if self.by_root { rank.sqrt() } else { rank };
        let scale = (alpha / divisor) as f32;
        if scale.is_finite() {
            Ok(scale)
        } else {
            Err("its alpha is too large")
        }
    }
}

fn number(value: &Value) -> Result<f64, &'static str> {
    let number = value.as_f64().filter(|number| number.is_finite());
    number.ok_or("alpha or rank is no number")
}

/// Patterns in the order of their text, in which PEFT writes and so tries them.
fn patterns(value: Option<&Value>) -> Result<Vec<(Pattern, f64)>, &'static str> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let table = value.as_object().ok_or("patterns are no table")?;
    if table.len() > MOST_PATTERNS {
        return Err("there are too many patterns");
    }
    let mut n_expressions = 0;
    let read = |(text, value): (&String, &Value)| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let pattern = if text.chars().all(is_plain) {
            Pattern::End(text.clone())
        } else {
            n_expressions += 1;
            if n_expressions > MOST_EXPRESSIONS {
                return Err("there are too many patterns");
            }
            let expression = RegexBuilder::new(&format!(r"^(?:.*\.)?(?:{text})$"))
                .size_limit(EXPRESSION_BYTES)
                .build();
            Pattern::Expression(expression.map_err(|_| "a pattern cannot be read")?)
        };
        Ok((pattern, number(value)?))
    };
    table.iter().map(read).collect()
}

fn value_for(patterns: &[(Pattern, f64)], module: &str) -> Option<f64> {
    let is_meant = |(pattern, _): &&(Pattern, f64)| match pattern {
        Pattern::End(end) => module
            .strip_suffix(end.as_str())
            .is_some_and(|start| start.is_empty() || start.ends_with('.')),
        Pattern::Expression(expression) => expression.is_match(module),
    };
    patterns.iter().find(is_meant).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO_Q: &str = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";

    fn of_list(json: &str) -> Result<Notes, &'static str> {
        Notes::read(&BTreeMap::from([(KEY.to_owned(), json.to_owned())]), None)
    }

    fn scale(json: &str, target: Target, module: &str, rank: usize) -> Result<f32, &'static str> {
        of_list(json)?.scale(target, module, rank)
    }

    #[test]
    fn each_network_has_its_own() {
        let json = r#"{"unet.lora_alpha": 8, "unet.r": 4, "text_encoder.lora_alpha": 2.0,
            "text_encoder.r": 4, "unet.use_rslora": false, "text_encoder.use_rslora": true,
            "unet.bias": "none", "unet.alpha_pattern": {}, "unet.rank_pattern": null}"#;
        assert_eq!(scale(json, Target::UNet, TO_Q, 4), Ok(2.0));
        assert_eq!(scale(json, Target::TextEncoder, "x", 4), Ok(1.0));
        let one = r#"{"unet.lora_alpha": 8, "unet.r": 4}"#;
        assert_eq!(scale(one, Target::TextEncoder, "x", 3), Ok(1.0));
    }

    #[test]
    fn the_file_beside_counts_where_the_list_says_nothing() {
        let beside = br#"{"lora_alpha": 16, "r": 4, "use_rslora": true}"#;
        let notes = Notes::read(&BTreeMap::new(), Some(beside)).unwrap();
        assert_eq!(notes.scale(Target::UNet, TO_Q, 4), Ok(8.0));
        let list = BTreeMap::from([(KEY.to_owned(), r#"{"lora_alpha": 2}"#.to_owned())]);
        let notes = Notes::read(&list, Some(beside)).unwrap();
        assert_eq!(notes.scale(Target::UNet, TO_Q, 4), Ok(0.5));
        let kohya = BTreeMap::from([("ss_network_alpha".to_owned(), "1".to_owned())]);
        let notes = Notes::read(&kohya, None).unwrap();
        assert_eq!(notes.scale(Target::UNet, TO_Q, 4), Ok(1.0));
    }

    #[test]
    fn patterns_mean_ends_of_paths_or_expressions() {
        let json = r#"{"lora_alpha": 4, "r": 4,
            "alpha_pattern": {"attn1.to_q": 8, "ttn1.to_k": 9, "attn\\d.to_(k|v)": 2},
            "rank_pattern": {"attn1.to_q": 16}}"#;
        assert_eq!(scale(json, Target::UNet, TO_Q, 16), Ok(0.5));
        assert!(scale(json, Target::UNet, TO_Q, 4).is_err());
        let to_k = TO_Q.replace("to_q", "to_k");
        assert_eq!(scale(json, Target::UNet, &to_k, 4), Ok(0.5));
        assert_eq!(scale(json, Target::UNet, "conv_in", 4), Ok(1.0));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for json in [
            "",
            "[]",
            "{",
            r#"{"lora_alpha": "8"}"#,
            r#"{"lora_alpha": NaN}"#,
            r#"{"lora_alpha": 1e999}"#,
            r#"{"lora_alpha": [1]}"#,
            r#"{"r": {}}"#,
            r#"{"use_rslora": 1}"#,
            r#"{"alpha_pattern": [1]}"#,
            r#"{"alpha_pattern": {"x": "y"}}"#,
            r#"{"alpha_pattern": {"(": 1}}"#,
            r#"{"alpha_pattern": {"(a{900}){900}": 1}}"#,
        ] {
            assert!(of_list(json).is_err(), "{json}");
        }
        let many = |start: &str, n: usize| {
            let entries: Vec<String> = (0..n).map(|i| format!("\"{start}{i}\": 1")).collect();
            of_list(&format!("{{\"alpha_pattern\": {{{}}}}}", entries.join(",")))
        };
        assert!(many("x", MOST_PATTERNS).is_ok());
        assert!(many("x", MOST_PATTERNS + 1).is_err());
        assert!(many("^x", MOST_EXPRESSIONS + 1).is_err());
        for json in [r#"{"r": 0}"#, r#"{"lora_alpha": 1e300}"#, r#"{"r": -4}"#] {
            assert!(scale(json, Target::UNet, TO_Q, 4).is_err(), "{json}");
        }
    }
}
