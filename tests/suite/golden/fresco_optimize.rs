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
    let number = |key: &str| case[key].as_f64().unwrap();
    let config = OptimizerConfig {
        iterations: number("iters") as usize,
        learning_rate: number("lr"),
        spatial_weight: number("intra_weight"),
        ..OptimizerConfig::REFERENCE
    };
    let drift = (case["optimize_temporal"] == true).then(|| {
        let ring = ring(golden, device).at_stride(number("scale") as usize);
        if let Some(want) = golden.get("bwd_flow_resized") {
            fixture.assert_within(
                &format!("{name}/bwd_flow_resized"),
                &values(ring.backward.clone()),
                want,
                1e-4,
            );
        }
        if let Some(want) = golden.get("bwd_occ_resized") {
            let got = values(ring.backward_occlusion.clone());
            fixture.assert_within(&format!("{name}/bwd_occ_resized"), &got, want, 0.0);
        }
        TemporalDrift::new(&ring).unwrap()
    });
    let target = (case["spatial"] == true)
        .then(|| GramTarget::Matrix(upload(&golden["correlation"], device)));
    let objective = Objective {
        spatial: target.as_ref(),
        temporal: drift.as_ref(),
    };
    let sample: Tensor<4> = upload(&golden["sample"], device);
    let allowed = (3.0 * case["sensitivity"]["mean_abs"].as_f64().unwrap() as f32).max(1e-4);
    let bounded = |what: String, got: Vec<f32>, want: &HostTensor| {
        let error = mean_error(&got, want);
        eprintln!("  {name}/{what}: mean error {error:.2e}, allowed {allowed:.2e}");
        assert!(error <= allowed, "{name}/{what}: {error} > {allowed}");
    };
    let mut losses = Vec::new();
    let mut watch = |loss: Tensor<1>, features: &Tensor<3>| {
        losses.push(loss.into_scalar::<f32>());
        let what = format!("cs.{}", losses.len());
        if let Some(want) = golden.get(&what) {
            bounded(what, values(features.clone().swap_dims(1, 2)), want);
        }
    };
    let _ = minimize(tokens_of(sample.clone()), objective, &config, &mut watch);
    check_losses(fixture, name, &losses, &golden["losses"]);
    let out = optimize_features(sample, objective, &config);
    bounded("out".to_owned(), values(out), &golden["out"]);
}

/// The first three within a hundredth of what is allowed: nothing has been amplified yet.
fn check_losses(fixture: &Fixture, name: &str, got: &[f32], want: &HostTensor) {
    assert_eq!(got.len(), want.values.len(), "{name}: number of losses");
    let mut worst = 0.0_f32;
    for (step, (got, want)) in got.iter().zip(&want.values).enumerate() {
        let error = (got - want).abs() / want;
        let allowed = fixture.tolerance() * if step < 3 { 0.01 } else { 1.0 };
        assert!(error <= allowed, "{name}: loss {step} is {got}, not {want}");
        worst = worst.max(error);
    }
    eprintln!("  {name}/losses: worst relative difference {worst:.2e}");
}
