//! Guided self-attention: each stage alone and all together.

use fresco_studio::fresco::correspondence;
use fresco_studio::fresco::guide::{AttentionGuides, guided_attention};
use fresco_studio::fresco::temporal_attention::PathTensors;
use fresco_studio::models::checkpoint::{self, Weights};
use fresco_studio::models::{Attention, AttentionConfig, KeyMap};
use fresco_studio::tensor::{Device, FloatDType, Tensor};
use serde_json::Value;

use super::fixture::{self, Fixture};
use super::fresco::{Golden, paths, positions};
use super::{upload, values};

const SELF_KEYS: KeyMap = KeyMap {
    rules: &[(r"^self\.", ""), (r"^to_out\.0\.", "to_out.")],
    ignored: &[],
};
const CROSS_KEYS: KeyMap = KeyMap {
    rules: &[(r"^cross\.", ""), (r"^to_out\.0\.", "to_out.")],
    ignored: &[],
};

/// A constant on the diagonal of the spatial scores, which the reference can add and never does: its `intraattn_bias` is
/// 0, and the specification has no such term.
const WITH_BIAS: &str = "spatial_bias";

#[test]
fn guided_attention_matches_the_reference() {
    fixture::for_each("fresco_attention", |fixture| {
        check(fixture, &Device::flex());
    });
}

pub fn check(fixture: &Fixture, device: &Device) {
    let compared = check_cases(fixture, device, |_| true);
    assert!(compared > 0, "{}: nothing to compare", fixture.name);
}

/// The case with all stages, alone.
pub fn check_all_stages(fixture: &Fixture, device: &Device) {
    if check_cases(fixture, device, |case| case == "all") == 0 {
        eprintln!("skipped: {} has no case with all stages", fixture.name);
    }
}

fn check_cases(fixture: &Fixture, device: &Device, is_wanted: impl Fn(&str) -> bool) -> usize {
    let golden = fixture.tensors("golden.safetensors");
    let config = fixture.json("config.json");
    let attention = attention(fixture, &config, "query_dim", &SELF_KEYS, device);
    let tokens: Tensor<3> = upload(&golden["hidden"], device);
    let mut compared = 0;
    for (name, want) in &golden {
        let Some(case) = name.strip_prefix("out.").filter(|case| is_wanted(case)) else {
            continue;
        };
        let got = if case == WITH_BIAS {
            eprintln!("skipped: {name} has a bias that is no part of the method");
            continue;
        } else if let ("text_cross_attention", Some(text)) =
            (case, golden.get("encoder_hidden_states"))
        {
            let cross =
                self::attention(fixture, &config, "cross_attention_dim", &CROSS_KEYS, device);
            cross.forward(tokens.clone(), upload(text, device))
        } else if let Some(guides) = Guides::of_case(case, &golden, device) {
            guided_attention(&attention, tokens.clone(), guides.borrowed())
        } else {
            eprintln!("skipped: {name} is no mode of this program, or lacks an input");
            continue;
        };
        fixture.assert_close(name, &values(got), want);
        compared += 1;
    }
    compared
}

/// One of the attentions whose weights stand beside the tensors, with keys of the width that the configuration names.
fn attention(
    fixture: &Fixture,
    config: &Value,
    context_dim: &str,
    keys: &KeyMap,
    device: &Device,
) -> Attention {
    let size = |key: &str| config[key].as_u64().unwrap_or_else(|| panic!("no {key}")) as usize;
    let sizes = AttentionConfig {
        query_dim: size("query_dim"),
        context_dim: size(context_dim),
        heads: size("heads"),
        qkv_bias: false,
    };
    let weights = Weights::File(fixture.folder("weights"));
    let module = Attention::new(sizes, device);
    // What else is in the file is no weight of this attention.
    let (attention, _) =
        checkpoint::load(module, &weights, keys, FloatDType::F32).unwrap_or_else(|e| panic!("{e}"));
    attention
}

struct Guides {
    recorded: Option<Tensor<3>>,
    token_set: Option<Tensor<1, burn::tensor::Int>>,
    paths: Option<PathTensors>,
}

impl Guides {
    /// What a case has on, by the words of its name; nothing if one of them is not known, or what it needs is not there.
    fn of_case(case: &str, golden: &Golden, device: &Device) -> Option<Self> {
        let mut rest = case.to_owned();
        let mut says = |word: &str| {
            let found = rest.contains(word);
            rest = rest.replace(word, "");
            found
        };
        says("plain");
        let all = says("all");
        let [cross_frame, has_no_mask] = ["cross_frame", "nomask"].map(&mut says);
        let [spatial, temporal] = ["spatial", "temporal"].map(&mut says);
        if rest.contains(|letter| letter != '_') {
            return None;
        }
        let mut guides = Self {
            recorded: None,
            token_set: None,
            paths: None,
        };
        if spatial || all {
            guides.recorded = Some(upload(golden.get("reference")?, device));
        }
        if cross_frame || all {
            let token_set = if has_no_mask {
                (0..golden["hidden"].shape[1]).collect()
            } else {
                positions(golden.get("attn_mask")?)
            };
            guides.token_set = Some(correspondence::upload(&token_set, device));
        }
        if temporal || all {
            let paths = paths(golden.get("fwd_mapping")?, golden.get("interattn_mask")?);
            guides.paths = Some(PathTensors::new(&paths, device));
        }
        Some(guides)
    }

    fn borrowed(&self) -> AttentionGuides<'_> {
        AttentionGuides {
            recorded: self.recorded.as_ref(),
            token_set: self.token_set.as_ref(),
            paths: self.paths.as_ref(),
        }
    }
}
