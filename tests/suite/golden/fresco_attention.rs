//! Guided self-attention: each stage alone and all together.

use fresco_studio::fresco::correspondence;
use fresco_studio::fresco::guide::{AttentionGuides, guided_attention};
use fresco_studio::fresco::temporal_attention::PathTensors;
use fresco_studio::models::{Attention, AttentionConfig, KeyMap};
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::{self, Fixture};
use super::fresco::{Golden, paths, positions};
use super::{load, upload, values};

const SELF_KEYS: KeyMap = KeyMap {
    rules: &[(r"^self\.", ""), (r"^to_out\.0\.", "to_out.")],
    ignored: &[NO_SELF_WEIGHT],
};
const CROSS_KEYS: KeyMap = KeyMap {
    rules: &[(r"^cross\.", ""), (r"^to_out\.0\.", "to_out.")],
    ignored: &[NO_CROSS_WEIGHT],
};
const NO_SELF_WEIGHT: &str =
    r"^(cross\.|out\.|hidden|reference|encoder_|attn_|fwd_|bwd_|interattn_)";
const NO_CROSS_WEIGHT: &str =
    r"^(self\.|out\.|hidden|reference|encoder_|attn_|fwd_|bwd_|interattn_)";

#[test]
fn guided_attention_matches_the_reference() {
    fixture::for_each("fresco_attention", |fixture| {
        check(fixture, &Device::flex());
    });
}

pub fn check(fixture: &Fixture, device: &Device) {
    check_cases(fixture, device, |_| true);
}

/// The case with all stages, alone.
pub fn check_all_stages(fixture: &Fixture, device: &Device) {
    check_cases(fixture, device, |case| case == "all");
}

fn check_cases(fixture: &Fixture, device: &Device, is_wanted: impl Fn(&str) -> bool) {
    let golden = fixture.tensors("golden.safetensors");
    let config = fixture.json("config.json");
    let size = |key: &str| config[key].as_u64().unwrap() as usize;
    let sizes = |context_dim| AttentionConfig {
        query_dim: size("query_dim"),
        context_dim,
        heads: size("heads"),
        qkv_bias: false,
    };
    let attention = load(
        Attention::new(sizes(size("query_dim")), device),
        &fixture.path,
        &SELF_KEYS,
    );
    let tokens: Tensor<3> = upload(&golden["hidden"], device);
    let mut compared = 0;
    for (name, want) in &golden {
        let Some(case) = name.strip_prefix("out.").filter(|case| is_wanted(case)) else {
            continue;
        };
        let got = if case == "text_cross_attention" {
            let Some(text) = golden.get("encoder_hidden_states") else {
                continue;
            };
            let cross = Attention::new(sizes(size("cross_attention_dim")), device);
            let cross = load(cross, &fixture.path, &CROSS_KEYS);
            cross.forward(tokens.clone(), upload(text, device))
        } else if let Some(guides) = Guides::of_case(case, &golden, device) {
            guided_attention(&attention, tokens.clone(), guides.borrowed())
        } else {
            eprintln!("skipped: {name} is no mode of this program");
            continue;
        };
        fixture.assert_close(name, &values(got), want);
        compared += 1;
    }
    assert!(compared > 0, "{}: nothing to compare", fixture.name);
}

struct Guides {
    recorded: Option<Tensor<3>>,
    token_set: Option<Tensor<1, burn::tensor::Int>>,
    paths: Option<PathTensors>,
}

impl Guides {
    /// What a case has on; nothing for a case that is not known.
    fn of_case(case: &str, golden: &Golden, device: &Device) -> Option<Self> {
        let n_tokens = golden["hidden"].shape[1];
        let [spatial, set, temporal] = match case {
            "plain" => [false; 3],
            "spatial" => [true, false, false],
            "cross_frame" | "cross_frame_nomask" => [false, true, false],
            "temporal" => [false, false, true],
            "cross_frame_temporal" => [false, true, true],
            "all" => [true; 3],
            _ => return None,
        };
        let token_set = if case == "cross_frame_nomask" {
            (0..n_tokens).collect()
        } else {
            positions(&golden["attn_mask"])
        };
        let paths = || paths(&golden["fwd_mapping"], &golden["interattn_mask"]);
        Some(Self {
            recorded: spatial.then(|| upload(&golden["reference"], device)),
            token_set: set.then(|| correspondence::upload(&token_set, device)),
            paths: temporal.then(|| PathTensors::new(&paths(), device)),
        })
    }

    fn borrowed(&self) -> AttentionGuides<'_> {
        AttentionGuides {
            recorded: self.recorded.as_ref(),
            token_set: self.token_set.as_ref(),
            paths: self.paths.as_ref(),
        }
    }
}
