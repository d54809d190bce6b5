//! The text encoder, its hidden states and clip skip.

use fresco_studio::models::clip::{ClipTextModel, KEYS, TextEncoderConfig};
use fresco_studio::tensor::Device;

use super::fixture::{self, HostTensor};
use super::{config_bytes, load, values};

pub fn rows_of_ids(ids: &HostTensor) -> Vec<Vec<u32>> {
    ids.values
        .chunks(ids.shape[1])
        .map(|row| row.iter().map(|&id| id as u32).collect())
        .collect()
}

#[test]
fn text_encoder_matches_the_reference() {
    let device = Device::flex();
    fixture::for_each("clip", |fixture| {
        let folder = fixture.folder("weights");
        let config = TextEncoderConfig::from_json(&config_bytes(&folder)).unwrap();
        let model = load(ClipTextModel::new(&config, &device), &folder, &KEYS);
        let golden = fixture.tensors("golden.safetensors");
        let ids = rows_of_ids(&golden["input_ids"]);
        let states = model.hidden_states(&ids, &device);
        let last = values(model.forward(&ids, &device));
        for (name, want) in &golden {
            let got = if name == "last_hidden_state" {
                last.clone()
            } else if let Some(layer) = name.strip_prefix("hidden_states.") {
                values(states[layer.parse::<usize>().unwrap()].clone())
            } else if let Some(skip) = name.strip_prefix("clip_skip_") {
                let skipped = states.len() - 1 - skip.parse::<usize>().unwrap();
                values(model.normalise(states[skipped].clone()))
            } else if name == "pooler_output" {
                at_largest_id(&ids, &last, config.hidden_size)
            } else {
                eprintln!("  {}/{name}: no result to compare with", fixture.name);
                continue;
            };
            fixture.assert_close(name, &got, want);
        }
    });
}

fn at_largest_id(ids: &[Vec<u32>], states: &[f32], width: usize) -> Vec<f32> {
    let mut pooled = Vec::new();
    for (row, ids) in ids.iter().enumerate() {
        let largest = ids.iter().max().unwrap();
        let position = ids.iter().position(|id| id == largest).unwrap();
        pooled.extend_from_slice(&states[(row * ids.len() + position) * width..][..width]);
    }
    pooled
}
