//! Token sets, paths and their visibility: exact.

use std::collections::BTreeMap;

use fresco_studio::fresco::correspondence::correspond;
use fresco_studio::fresco::paths::{PairPlanes, Paths, link};
use fresco_studio::tensor::Device;

use super::fixture::{self, Fixture, HostTensor};
use super::fresco::{Golden, pictures, ring_if_any};
use super::fresco_ops::check_ring;

#[test]
fn mapping_equals_the_reference() {
    fixture::for_each("fresco_mapping", |fixture| {
        check(fixture, &Device::flex());
    });
}

pub fn check(fixture: &Fixture, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    let mut compared = check_grids(fixture, &golden, device);
    if let Some(links) = dense_paths(&golden) {
        let got = vec![
            ("dense.fwd_mapping", flat(&links.tokens)),
            ("dense.bwd_mapping", flat(&links.inverse())),
            ("dense.interattn_mask", visibility(&links)),
        ];
        compared += compare(fixture, &golden, got);
    }
    assert!(compared > 0, "{}: nothing to compare", fixture.name);
}

/// Everything that a folder records of its correspondences: occlusion from flow, token sets and paths.
pub fn check_correspondences(fixture: &Fixture, golden: &Golden, device: &Device) -> usize {
    check_ring(fixture, golden, device) + check_grids(fixture, golden, device)
}

/// `attn_mask.i`, `fwd_mapping.i`, `bwd_mapping.i` and `interattn_mask.i`, or the same in the plural, each on the grid
/// that its size tells.
fn check_grids(fixture: &Fixture, golden: &Golden, device: &Device) -> usize {
    let ring = ring_if_any(golden, device);
    let (true, Some(ring)) = (golden.contains_key("images"), ring) else {
        eprintln!("  {} has no pictures with flow", fixture.name);
        return 0;
    };
    let pictures = pictures(golden, device);
    let [n_frames, _, height, width] = pictures.dims();
    let mut by_grid = BTreeMap::new();
    let mut on_grid = |n_tokens: usize| -> (Vec<usize>, Paths) {
        let stride = (height * width / n_tokens).isqrt();
        let compute = || correspond(stride, &pictures, &ring).unwrap();
        by_grid.entry(n_tokens).or_insert_with(compute).clone()
    };
    let mut compared = 0;
    for (name, want) in golden {
        let family = name.split_once('.').map_or("", |(family, _)| family);
        let got = match family.strip_suffix('s').unwrap_or(family) {
            "attn_mask" => {
                let n_tokens = want.shape[1];
                let mut mask = vec![0.0; n_frames * n_tokens];
                for token in on_grid(n_tokens).0 {
                    mask[token] = 1.0;
                }
                mask
            }
            "fwd_mapping" => flat(&on_grid(want.shape[2]).1.tokens),
            "bwd_mapping" => flat(&on_grid(want.shape[2]).1.inverse()),
            "interattn_mask" => visibility(&on_grid(want.shape[0]).1),
            _ => continue,
        };
        compared += compare(fixture, golden, vec![(name, got)]);
    }
    if let Some(single) = golden.get("single.mapping_ind").filter(|_| n_frames > 1) {
        let (_, paths) = on_grid(single.values.len());
        let broken = paths.broken[0].iter().map(|&b| f32::from(u8::from(b)));
        let got = vec![
            ("single.mapping_ind", flat(&paths.tokens[1..2])),
            ("single.unlinked", broken.collect()),
        ];
        compared += compare(fixture, golden, got);
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
