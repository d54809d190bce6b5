//! The autoencoder, both ways, under both spellings of its attention.

use fresco_studio::models::vae::{AutoencoderKL, KEYS, VaeConfig};
use fresco_studio::tensor::Device;

use super::fixture::{self, Fixture};
use super::{config_bytes, load, load_file, upload, values};

fn check(fixture: &Fixture, vae: &AutoencoderKL, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    let scale = vae.scaling_factor() as f32;
    let mut results = Vec::new();
    if let Some(image) = golden.get("image") {
        let posterior = vae.encode(upload(image, device));
        results.push(("mean", values(posterior.mean.clone())));
        results.push(("logvar", values(posterior.logvar.clone())));
        if let Some(noise) = golden.get("noise") {
            let sample = posterior.sample(upload(noise, device));
            results.push(("sample", values(sample.clone())));
            results.push(("latent", values(sample * scale)));
        }
    }
    if let Some(latent) = golden.get("latent") {
        results.push((
            "decoded",
            values(vae.decode(upload(latent, device) / scale)),
        ));
    }
    let compare = |(name, got): &(&str, Vec<f32>)| {
        fixture.assert_close(name, got, golden.get(*name)?);
        Some(())
    };
    let compared = results.iter().filter_map(compare).count();
    assert!(compared > 0, "{}: nothing to compare", fixture.name);
}

#[test]
fn autoencoder_matches_the_reference() {
    fixture::for_each("vae", |fixture| check_all(fixture, &Device::flex()));
}

pub fn check_all(fixture: &Fixture, device: &Device) {
    let folder = fixture.folder("weights");
    let config = VaeConfig::from_json(&config_bytes(&folder)).unwrap();
    check(
        fixture,
        &load(AutoencoderKL::new(&config, device), &folder, &KEYS),
        device,
    );
    let older = fixture.path.join("vae_deprecated_names.safetensors");
    if older.exists() {
        let vae = load_file(AutoencoderKL::new(&config, device), &older, &KEYS);
        check(fixture, &vae, device);
    }
}
