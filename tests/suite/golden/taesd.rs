//! The small autoencoder for previews, both ways and in both layouts.

use fresco_studio::models::tiny_vae::{
    DECODER_KEYS, DIFFUSERS_FILE, ENCODER_KEYS, Layout, ORIGINAL_FILE, TinyDecoder, TinyEncoder,
};
use fresco_studio::tensor::{Device, Tensor};

use super::fixture::{self, Fixture};
use super::{load_file, upload, values};

#[test]
fn the_preview_autoencoder_matches_the_reference() {
    fixture::for_each("taesd_tiny", |fixture| check(fixture, &Device::flex()));
}

pub fn check(fixture: &Fixture, device: &Device) {
    let config = fixture.json("config.json");
    let channels = config["decoder_block_out_channels"][0].as_u64().unwrap() as usize;
    let golden = fixture.tensors("golden.safetensors");
    let get = |name: &str| golden.get(name).map(|t| upload::<4>(t, device));
    let compare = |what: &str, file: &str, got: Tensor<4>| {
        if let Some(want) = golden.get(what) {
            fixture.assert_close(&format!("{what} by {file}"), &values(got), want);
        }
    };
    let mut n_files = 0;
    for file in [DIFFUSERS_FILE, "taesd_encoder.safetensors"] {
        let path = fixture.path.join(file);
        if let (true, Some(image)) = (path.exists(), get("image")) {
            let encoder = TinyEncoder::new(channels, device);
            let encoder = load_file(encoder, &path, &ENCODER_KEYS);
            compare("latents", file, encoder.forward(image));
            n_files += 1;
        }
    }
    for (file, layout) in [
        (DIFFUSERS_FILE, Layout::Diffusers),
        (ORIGINAL_FILE, Layout::Original),
    ] {
        let path = fixture.path.join(file);
        if !path.exists() {
            continue;
        }
        let decoder = TinyDecoder::new(channels, layout, device);
        let decoder = load_file(decoder, &path, &DECODER_KEYS);
        for (from, to) in [("latents", "decoded"), ("random_latents", "random_decoded")] {
            if let Some(latents) = get(from) {
                compare(to, file, decoder.forward(latents));
            }
        }
        n_files += 1;
    }
    assert!(n_files > 0, "{}: no weights", fixture.name);
}
