//! Prompts to ids, against transformers' tokenizer.

use fresco_studio::models::clip::prompt::{PromptChunks, PromptGrammar};
use fresco_studio::models::clip::{CLIP_MERGES, Tokenizer};
use serde_json::Value;

use super::fixture::{self, Fixture};

fn ids(value: &Value) -> Vec<u32> {
    let id = |v: &Value| u32::try_from(v.as_u64().unwrap()).unwrap();
    value.as_array().unwrap().iter().map(id).collect()
}

#[test]
fn prompts_become_ids() {
    fixture::for_each("clip_tokenizer", |fixture| {
        let tokenizer = Tokenizer::from_folder(&fixture.folder("vocabulary")).unwrap();
        let merges = std::fs::read(fixture.folder("vocabulary").join("merges.txt")).unwrap();
        let own = (merges == CLIP_MERGES).then(|| Tokenizer::from_merges(&merges).unwrap());
        let cases = fixture.json("cases.json");
        let cases = cases.as_array().unwrap();
        assert!(!cases.is_empty());
        let n_exact = cases
            .iter()
            .filter(|case| {
                let own = own.iter().all(|own| check(fixture, own, case));
                check(fixture, &tokenizer, case) && own
            })
            .count();
        eprintln!(
            "  {}: {n_exact} of {} as the first tokenizer",
            fixture.name,
            cases.len()
        );
    });
}

/// Fails unless one of the listed tokenizers agrees; says whether the first does.
fn check(fixture: &Fixture, tokenizer: &Tokenizer, case: &Value) -> bool {
    let prompt = case["prompt"].as_str().unwrap();
    let want = ids(&case["ids"]);
    let got = tokenizer.encode_padded(prompt, want.len());
    let chunks = PromptChunks::new(tokenizer, prompt, PromptGrammar::Literal, want.len());
    assert_eq!(
        chunks.ids,
        std::slice::from_ref(&got),
        "literal prompt {prompt:?}"
    );
    if got == want {
        let untruncated = [
            &[tokenizer.start()],
            &tokenizer.encode(prompt)[..],
            &[tokenizer.end()],
        ]
        .concat();
        if let Some(n) = case["n_tokens"].as_u64() {
            assert_eq!(
                untruncated.len() as u64,
                n,
                "{}: number of tokens of {prompt:?}",
                fixture.name
            );
        }
        if case["ids_untruncated"].is_array() {
            assert_eq!(
                untruncated,
                ids(&case["ids_untruncated"]),
                "{}: {prompt:?}",
                fixture.name
            );
        }
        return true;
    }
    let others = case["other_tokenizers"].as_object();
    let is_listed = others.is_some_and(|others| others.values().any(|other| ids(other) == got));
    assert!(
        is_listed,
        "{}: {prompt:?} gives {got:?}, expected {want:?}",
        fixture.name
    );
    false
}

#[test]
fn the_demo_model_has_its_own_vocabulary() {
    fixture::for_each("demo", |fixture| {
        if !fixture.has("weights") {
            eprintln!("skipped: {} has no model", fixture.name);
            return;
        }
        let tokenizer =
            Tokenizer::from_folder(&fixture.folder("weights").join("tokenizer")).unwrap();
        let config = fixture.json("config.json");
        let Some(want) = fixture.tensors("golden.safetensors").remove("ids") else {
            eprintln!("skipped: {} has no ids", fixture.name);
            return;
        };
        let rows = want
            .values
            .chunks(want.shape[1])
            .zip(["negative", "prompt"]);
        for (row, field) in rows {
            let want: Vec<u32> = row.iter().map(|id| *id as u32).collect();
            let got = tokenizer.encode_padded(config[field].as_str().unwrap(), want.len());
            assert_eq!(got, want, "{}: {field}", fixture.name);
        }
    });
}
