//! Token sets, paths and their visibility: exact.

use fresco_studio::flow::FlowRing;
use fresco_studio::fresco::correspondence::correspond;
use fresco_studio::fresco::paths::{PairPlanes, Paths, link, token_set};
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::{self, Fixture, HostTensor};
use super::fresco::{Golden, pictures, ring};

#[test]
fn mapping_equals_the_reference() {
    fixture::for_each("fresco_mapping", |fixture| {
        check(fixture, &Device::flex());
    });
}

pub fn check(fixture: &Fixture, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    let mut compared = 0;
    if golden.contains_key("images") {
        let pictures = pictures(&golden, device);
        let ring = ring(&golden, device);
        compared += check_grids(fixture, &golden, &pictures, &ring);
    }
    if let Some(links) = dense_paths(&golden) {
        let mut got = vec![("dense.fwd_mapping", flat(&links.tokens))];
        got.push(("dense.bwd_mapping", flat(&links.inverse())));
        got.push(("dense.interattn_mask", visibility(&links)));
        compared += compare(fixture, &golden, got);
    }
    assert!(compared > 0, "{}: nothing to compare", fixture.name);
}

/// `attn_mask.i`, `fwd_mapping.i`, `bwd_mapping.i` and `interattn_mask.i`, each on the grid that its size tells.
fn check_grids(fixture: &Fixture, golden: &Golden, pictures: &Tensor<4>, ring: &FlowRing) -> usize {
    let [n_frames, _, height, width] = pictures.dims();
    let masks = golden.keys().filter_map(|k| k.strip_prefix("attn_mask."));
    let mut compared = 0;
    for index in masks {
        let n_tokens = golden[&format!("attn_mask.{index}")].shape[1];
        let stride = (height * width / n_tokens).isqrt();
        let (set, paths) = correspond(stride, pictures, ring).unwrap();
        let mut mask = vec![0.0; n_frames * n_tokens];
        for token in set {
            mask[token] = 1.0;
        }
        let got = [
            (format!("attn_mask.{index}"), mask),
            (format!("fwd_mapping.{index}"), flat(&paths.tokens)),
            (format!("bwd_mapping.{index}"), flat(&paths.inverse())),
            (format!("interattn_mask.{index}"), visibility(&paths)),
        ];
        compared += compare(
            fixture,
            golden,
            got.iter().map(|(k, v)| (k.as_str(), v.clone())).collect(),
        );
        if golden
            .get("single.mapping_ind")
            .is_some_and(|t| t.shape[0] == n_tokens)
        {
            let single = vec![
                ("single.mapping_ind", flat(&paths.tokens[1..2])),
                (
                    "single.unlinked",
                    paths.broken[0]
                        .iter()
                        .map(|&b| f32::from(u8::from(b)))
                        .collect(),
                ),
            ];
            compared += compare(fixture, golden, single);
        }
    }
    compared
}

/// Random flow on the token grid itself.
fn dense_paths(golden: &Golden) -> Option<Paths> {
    let images = golden.get("dense.images")?;
    let (flows, occlusions) = (
        golden.get("dense.bwd_flows")?,
        golden.get("dense.bwd_occs")?,
    );
    let grid = [images.shape[2], images.shape[3]];
    let n_tokens = grid[0] * grid[1];
    let item = |tensor: &HostTensor, i: usize| {
        let size = tensor.values.len() / tensor.shape[0];
        tensor.values[i * size..][..size].to_vec()
    };
    let pair = |i: usize| {
        let occluded: Vec<bool> = item(occlusions, i).iter().map(|&o| o > 0.5).collect();
        link(&PairPlanes {
            grid,
            flow: &item(flows, i),
            occluded: &occluded,
            earlier: &item(images, i),
            later: &item(images, i + 1),
        })
    };
    let links: Vec<_> = (0..images.shape[0] - 1).map(pair).collect();
    assert_eq!(token_set(n_tokens, &[]).len(), n_tokens);
    Some(Paths::new(n_tokens, &links))
}

fn flat(lists: &[Vec<usize>]) -> Vec<f32> {
    lists.iter().flatten().map(|&i| i as f32).collect()
}

fn visibility(paths: &Paths) -> Vec<f32> {
    let frames = 0..paths.n_frames();
    let mut visible = Vec::new();
    for path in 0..paths.n_tokens() {
        for a in frames.clone() {
            let sees = |b| f32::from(u8::from(paths.is_visible(path, a, b)));
            visible.extend(frames.clone().map(sees));
        }
    }
    visible
}

fn compare(fixture: &Fixture, golden: &Golden, got: Vec<(&str, Vec<f32>)>) -> usize {
    let compare = |(name, got): (&str, Vec<f32>)| {
        fixture.assert_within(name, &got, golden.get(name)?, 0.0);
        Some(())
    };
    got.into_iter().filter_map(compare).count()
}
