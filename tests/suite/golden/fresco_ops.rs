//! Warping, occlusion and resizing against the reference's functions.

use fresco_studio::flow::occlusion::{consistency, dilate};
use fresco_studio::flow::resize::down;
use fresco_studio::flow::{FlowRing, warp};
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::{Fixture, HostTensor, for_each};
use super::fresco::Golden;
use super::{upload, values};

/// Part of a mask's pixels that may fall on the other side of the threshold where `fixture.json` speaks of predictions
/// alone: what the fixtures of masks allow.
const BORDERLINE: f32 = 1e-4;

#[test]
fn warps_equal_the_reference() {
    for_each("fresco_ops", |fixture| {
        check_warps(fixture, &Device::flex());
    });
}

/// Every `NAME.image`, `NAME.flow`, `NAME.out` of a fixture, and the reference's other views of the same warp.
pub fn check_warps(fixture: &Fixture, device: &Device) {
    let tensors = fixture.tensors("golden.safetensors");
    let mut n_cases = 0;
    for (key, flow) in &tensors {
        let Some(name) = key.strip_suffix(".flow") else {
            continue;
        };
        let part = |part: &str| tensors.get(&format!("{name}.{part}"));
        let (Some(image), Some(want)) = (part("image"), part("out")) else {
            continue;
        };
        let image: Tensor<4> = upload(image, device);
        let flow: Tensor<4> = upload(flow, device);
        let got = values(warp(&image, &flow));
        fixture.assert_close(&format!("{name}.out"), &got, want);
        if let Some(inside) = part("inside") {
            // Nothing of zero is mixed into a picture of ones.
            let ones = warp(&image.ones_like().narrow(1, 0, 1), &flow);
            let inside_or_not = values(ones)
                .iter()
                .map(|&v| f32::from(v > 0.9999))
                .collect();
            assert_masks_agree(fixture, &format!("{name}.inside"), inside_or_not, inside);
            if let Some(border) = part("border") {
                compare_inside(fixture, name, &got, inside, border);
            }
        }
        n_cases += 1;
    }
    if n_cases == 0 {
        eprintln!("skipped: {} has no warp", fixture.name);
    }
}

/// Where no tap is outside, it does not matter what is assumed there.
fn compare_inside(
    fixture: &Fixture,
    name: &str,
    got: &[f32],
    inside: &HostTensor,
    border: &HostTensor,
) {
    let area = border.shape[2] * border.shape[3];
    let channels = border.shape[1];
    let is_inside = |i: usize| inside.values[i / (area * channels) * area + i % area] > 0.0;
    let kept = |values: &[f32]| -> Vec<f32> {
        let kept = values.iter().enumerate().filter(|(i, _)| is_inside(*i));
        kept.map(|(_, &v)| v).collect()
    };
    let want = HostTensor {
        shape: Vec::new(),
        values: kept(&border.values),
    };
    fixture.assert_close(&format!("{name}.border"), &kept(got), &want);
}

#[test]
fn consistency_equals_the_reference() {
    for_each("fresco_ops", |fixture| {
        check_consistency(fixture, &Device::flex());
    });
}

pub fn check_consistency(fixture: &Fixture, device: &Device) {
    let tensors = fixture.tensors("golden.safetensors");
    let mut n_cases = 0;
    for (key, forward) in &tensors {
        let Some(name) = key.strip_suffix(".fwd") else {
            continue;
        };
        let Some(backward) = tensors.get(&format!("{name}.bwd")) else {
            continue;
        };
        let got = consistency(&upload(forward, device), &upload(backward, device));
        for (part, got) in [("fwd_occ", got.forward), ("bwd_occ", got.backward)] {
            let key = format!("{name}.{part}");
            let Some(want) = tensors.get(&key) else {
                continue;
            };
            assert_masks_agree(fixture, &key, values(got), want);
            n_cases += 1;
        }
    }
    if n_cases == 0 {
        eprintln!("skipped: {} has no pair of flows", fixture.name);
    }
}

#[test]
fn dilation_equals_the_reference() {
    for_each("fresco_ops", |fixture| {
        check_dilation(fixture, &Device::flex());
    });
}

pub fn check_dilation(fixture: &Fixture, device: &Device) {
    let tensors = fixture.tensors("golden.safetensors");
    let mut n_cases = 0;
    for (key, want) in &tensors {
        let kernel = key.strip_prefix("dilate.").and_then(|k| k.parse().ok());
        let (Some(kernel), Some(mask)) = (kernel, tensors.get("dilate.in")) else {
            continue;
        };
        let mask: Tensor<4> = upload(mask, device);
        fixture.assert_close(key, &values(dilate(&mask, kernel)), want);
        n_cases += 1;
    }
    if n_cases == 0 {
        eprintln!("skipped: {} has no dilation", fixture.name);
    }
}

#[test]
fn occlusion_of_a_ring_equals_the_reference() {
    for_each("fresco_mapping", |fixture| {
        let golden = fixture.tensors("golden.safetensors");
        if check_ring(fixture, &golden, &Device::flex()) == 0 {
            eprintln!("skipped: {} has no ring", fixture.name);
        }
    });
}

/// `fwd_occs` and `bwd_occs` from pictures and flow.
pub fn check_ring(fixture: &Fixture, golden: &Golden, device: &Device) -> usize {
    let found = ["images", "fwd_flows", "bwd_flows"].map(|key| golden.get(key));
    let [Some(images), Some(forward), Some(backward)] = found else {
        return 0;
    };
    let frames: Tensor<4> = upload(images, device);
    let frames = frames.permute([0, 3, 1, 2]);
    let ring = FlowRing::new(&frames, upload(forward, device), upload(backward, device));
    let masks = [
        ("fwd_occs", ring.forward_occlusion),
        ("bwd_occs", ring.backward_occlusion),
    ];
    let compare = |(key, got)| {
        assert_masks_agree(fixture, key, values(got), golden.get(key)?);
        Some(())
    };
    masks.into_iter().filter_map(compare).count()
}

/// The reference's masks of tokens are its occlusion resized, so they show how it resizes.
#[test]
fn masks_resize_as_the_reference_does() {
    for_each("fresco_mapping", |fixture| {
        check_resizing(fixture, &Device::flex());
    });
}

pub fn check_resizing(fixture: &Fixture, device: &Device) {
    let tensors = fixture.tensors("golden.safetensors");
    let Some(occlusion) = tensors.get("bwd_occs") else {
        eprintln!("skipped: {} has no occlusion", fixture.name);
        return;
    };
    let [n, h, w]: [usize; 3] = occlusion.shape.clone().try_into().expect("[N, H, W]");
    let map: Tensor<3> = upload(occlusion, device);
    let map = map.reshape([n, 1, h, w]);
    let mut n_cases = 0;
    for (key, want) in &tensors {
        if !key.starts_with("attn_mask.") {
            continue;
        }
        let n_tokens = want.shape[1];
        let stride = (h * w / n_tokens).isqrt();
        let mean = values(down(&map, stride));
        let seen_before = |i: usize| i >= n_tokens && mean[i - n_tokens] <= 0.5;
        let got = (0..n * n_tokens).map(|i| f32::from(!seen_before(i)));
        assert_masks_agree(fixture, key, got.collect(), want);
        n_cases += 1;
    }
    if n_cases == 0 {
        eprintln!("skipped: {} has no mask of tokens", fixture.name);
    }
}

fn assert_masks_agree(fixture: &Fixture, what: &str, got: Vec<f32>, want: &HostTensor) {
    assert_eq!(got.len(), want.values.len(), "{what}");
    let pairs = got.iter().zip(&want.values);
    let n_wrong = pairs
        .filter(|(got, want)| (*got - *want).abs() > 0.5)
        .count();
    eprintln!("  {what}: {n_wrong} of {} pixels differ", got.len());
    assert!(
        n_wrong as f32 <= fixture.tolerance_or(BORDERLINE) * got.len() as f32,
        "{what}: {n_wrong} of {} pixels differ",
        got.len()
    );
}
