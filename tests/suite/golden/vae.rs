//! The autoencoder, both ways, under both spellings of its attention.

use fresco_studio::models::vae::{AutoencoderKL, KEYS, VaeConfig};
use fresco_studio::tensor::Device;

use super::fixture::{self, Fixture};
use super::{config_bytes, load, load_file, upload, values};

fn check(fixture: &Fixture, vae: &AutoencoderKL, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    let scale = vae.scaling_factor() as f32;
    if let Some(image) = golden.get("image") {
        let posterior = vae.encode(upload(image, device));
        fixture.assert_close("mean", &values(posterior.mean.clone()), &golden["mean"]);
        fixture.assert_close(
            "logvar",
            &values(posterior.logvar.clone()),
            &golden["logvar"],
        );
        let sample = posterior.sample(upload(&golden["noise"], device));
        fixture.assert_close("sample", &values(sample.clone()), &golden["sample"]);
        fixture.assert_close("latent", &values(sample * scale), &golden["latent"]);
    }
    let decoded = vae.decode(upload(&golden["latent"], device) / scale);
    fixture.assert_close("decoded", &values(decoded), &golden["decoded"]);
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
