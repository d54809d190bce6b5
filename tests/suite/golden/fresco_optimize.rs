//! Feature optimisation: the course of the losses, the features after some steps, and the result.

use fresco_studio::fresco::optimize::{
    Objective, OptimizerConfig, minimize, optimize_features, tokens_of,
};
use fresco_studio::fresco::temporal_loss::TemporalDrift;
use fresco_studio::tensor::{Device, GramTarget, Tensor};
use serde_json::Value;

use super::fixture::{self, Fixture, HostTensor};
use super::fresco::{Golden, mean_error, ring};
use super::{upload, values};

#[test]
fn optimisation_matches_the_reference() {
    fixture::for_each("fresco_optimize", |fixture| {
        check(fixture, &Device::flex());
    });
}

pub fn check(fixture: &Fixture, device: &Device) {
    let cases = fixture.json("cases.json");
    let cases = cases.as_object().unwrap();
    assert!(!cases.is_empty(), "{}: no cases", fixture.name);
    for (name, case) in cases {
        let golden = fixture.tensors(&format!("{name}.safetensors"));
        check_case(fixture, name, case, &golden, device);
    }
}

/// The case with the least to do among those with both losses.
pub fn check_smallest(fixture: &Fixture, device: &Device) {
    let cases = fixture.json("cases.json");
    let both = cases
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, case)| case["spatial"] == true && case["optimize_temporal"] == true);
    let loaded = both.map(|(name, case)| {
        let golden = fixture.tensors(&format!("{name}.safetensors"));
        let work = golden["sample"].values.len() as u64 * case["iters"].as_u64().unwrap();
        (work, name, case, golden)
    });
    let Some((_, name, case, golden)) = loaded.min_by_key(|(work, ..)| *work) else {
        eprintln!("skipped: {} has no case with both losses", fixture.name);
        return;
    };
    check_case(fixture, name, case, &golden, device);
}

fn check_case(fixture: &Fixture, name: &str, case: &Value, golden: &Golden, device: &Device) {
    let number = |key: &str| {
        let number = case[key].as_f64();
        number.unwrap_or_else(|| panic!("{name}: no {key}"))
    };
    let config = OptimizerConfig {
        iterations: number("iters") as usize,
        learning_rate: number("lr"),
        spatial_weight: number("intra_weight"),
        ..OptimizerConfig::REFERENCE
    };
    let drift = (case["optimize_temporal"] == true)
        .then(|| drift(fixture, name, number("scale") as usize, golden, device));
    let target = (case["spatial"] == true)
        .then(|| GramTarget::Matrix(upload(&golden["correlation"], device)));
    let objective = Objective {
        spatial: target.as_ref(),
        temporal: drift.as_ref(),
    };
    let sample: Tensor<4> = upload(&golden["sample"], device);
    let moves = case["sensitivity"]["mean_abs"].as_f64().unwrap_or(0.0) as f32;
    let bounded = |what: &str, got: Vec<f32>| {
        let Some(want) = golden.get(what) else { return };
        let (error, allowed) = (mean_error(&got, want), fixture.mean_bound(moves, want));
        eprintln!("  {name}/{what}: mean error {error:.2e}, allowed {allowed:.2e}");
        assert!(error <= allowed, "{name}/{what}: {error} > {allowed}");
    };
    if drift.is_some() || target.is_some() {
        let mut losses = Vec::new();
        let mut watch = |loss: Tensor<1>, features: &Tensor<3>| {
            losses.push(loss.into_scalar::<f32>());
            let what = format!("cs.{}", losses.len());
            bounded(&what, values(features.clone().swap_dims(1, 2)));
        };
        let _ = minimize(tokens_of(sample.clone()), objective, &config, &mut watch);
        if let Some(want) = golden.get("losses") {
            check_losses(fixture, name, &losses, want);
        }
    }
    bounded("out", values(optimize_features(sample, objective, &config)));
}

/// Flow and occlusion on the grid of the features: exact where nothing but the largest is taken, and else as near as means
/// of four values are.
fn drift(
    fixture: &Fixture,
    name: &str,
    stride: usize,
    golden: &Golden,
    device: &Device,
) -> TemporalDrift {
    let ring = ring(golden, device).at_stride(stride);
    let resized = [
        ("bwd_flow_resized", values(ring.backward.clone()), 1e-4),
        (
            "bwd_occ_resized",
            values(ring.backward_occlusion.clone()),
            0.0,
        ),
    ];
    for (what, got, allowed) in resized {
        if let Some(want) = golden.get(what) {
            fixture.assert_within(&format!("{name}/{what}"), &got, want, allowed);
        }
    }
    TemporalDrift::new(&ring).unwrap()
}

/// The first three within a hundredth of what is allowed: nothing has been amplified yet.
fn check_losses(fixture: &Fixture, name: &str, got: &[f32], want: &HostTensor) {
    assert_eq!(got.len(), want.values.len(), "{name}: number of losses");
    let mut worst = 0.0_f32;
    for (step, (got, want)) in got.iter().zip(&want.values).enumerate() {
        let error = (got - want).abs() / want.max(f32::MIN_POSITIVE);
        let allowed = fixture.tolerance() * if step < 3 { 0.01 } else { 1.0 };
        assert!(error <= allowed, "{name}: loss {step} is {got}, not {want}");
        worst = worst.max(error);
    }
    eprintln!("  {name}/losses: worst relative difference {worst:.2e}");
}
