//! `ControlNets`: one, scaled, graded as in guess mode, and two at once.

use std::collections::BTreeMap;
use std::path::Path;

use fresco_studio::models::controlnet::{
    ControlNetConfig, ControlNetModel, ControlResiduals, KEYS,
};
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::{self, Fixture, HostTensor};
use super::{config_bytes, load, upload, values};

/// The two networks of a fixture, evaluated on its inputs.
pub struct Nets {
    golden: BTreeMap<String, HostTensor>,
    /// Residuals of `controlnet_a` and, where there is one, `controlnet_b`, unscaled.
    raw: Vec<ControlResiduals>,
    embedded: Tensor<4>,
}

impl Nets {
    fn new(fixture_path: &Path, weights: &Path, device: &Device) -> Self {
        let golden = fixture::read_tensors(&fixture_path.join("golden.safetensors"));
        let latents: Tensor<4> = upload(&golden["sample"], device);
        let text: Tensor<3> = upload(&golden["encoder_hidden_states"], device);
        let t = golden["timestep"].values[0] as usize;
        let mut raw = Vec::new();
        let mut embedded = Vec::new();
        for letter in ["a", "b"] {
            let folder = weights.join(format!("controlnet_{letter}"));
            let Some(condition) = golden.get(&format!("cond_{letter}")) else {
                continue;
            };
            let config = ControlNetConfig::from_json(&config_bytes(&folder)).unwrap();
            let net = load(ControlNetModel::new(&config, device), &folder, &KEYS);
            let condition = net.embed(upload(condition, device));
            raw.push(net.forward(latents.clone(), t, &text, condition.clone()));
            embedded.push(condition);
        }
        Self {
            golden,
            raw,
            embedded: embedded.remove(0),
        }
    }

    /// Those of the fixture that a U-Net fixture names as its `residuals`.
    pub fn of_residuals(unet: &Fixture, device: &Device) -> Self {
        let path = unet.folder("residuals");
        let about = fixture::read_json(&path.join("fixture.json"));
        let root = path.parent().unwrap();
        Self::new(
            &path,
            &root.join(about["weights"].as_str().unwrap()),
            device,
        )
    }

    pub fn timestep(&self) -> usize {
        self.golden["timestep"].values[0] as usize
    }

    /// `scaleX`, `guessX` or `multi`.
    pub fn residuals(&self, case: &str) -> ControlResiduals {
        let first = self.raw[0].clone();
        if let Some(scale) = case.strip_prefix("scale") {
            first.scaled(scale.parse().unwrap())
        } else if let Some(scale) = case.strip_prefix("guess") {
            graded(first, scale.parse().unwrap())
        } else {
            assert_eq!(case, "multi", "a case that no test knows");
            first.scaled(0.7).plus(self.raw[1].clone().scaled(0.4))
        }
    }
}

/// Guess mode: residual `i` of `n` weighs `10^(i/(n-1) - 1)`.
fn graded(residuals: ControlResiduals, scale: f32) -> ControlResiduals {
    let last = residuals.down.len() as f32;
    let grade = |(i, t): (usize, Tensor<4>)| t * (scale * 10_f32.powf(i as f32 / last - 1.0));
    ControlResiduals {
        down: residuals.down.into_iter().enumerate().map(grade).collect(),
        middle: residuals.middle * scale,
    }
}

#[test]
fn controlnet_matches_the_reference() {
    fixture::for_each("controlnet", |fixture| check(fixture, &Device::flex()));
}

pub fn check(fixture: &Fixture, device: &Device) {
    let nets = Nets::new(&fixture.path, &fixture.folder("weights"), device);
    if let Some(want) = nets.golden.get("cond_embedding") {
        fixture.assert_close("cond_embedding", &values(nets.embedded.clone()), want);
    }
    let mut compared = 0;
    for (name, want) in &nets.golden {
        let (case, got) = if let Some(case) = name.strip_suffix(".mid") {
            (case, nets.residuals(case).middle)
        } else if let Some((case, index)) = name.split_once(".down.") {
            (
                case,
                nets.residuals(case)
                    .down
                    .swap_remove(index.parse().unwrap()),
            )
        } else {
            continue;
        };
        assert!(!case.is_empty());
        fixture.assert_close(name, &values(got), want);
        compared += 1;
    }
    assert!(compared > 0, "{}: no residuals to compare", fixture.name);
}
