//! The same fixtures on whatever graphics adapter there is, a software one included.
//!
//! `make test` runs three layers of the `unet` fixture, the warps, the guided attention and one optimisation, since every
//! new kernel shape costs seconds to compile; `FRESCO_TEST_GPU=full` (`make test-gpu`) runs whole networks and all
//! fixtures of the guidance.

use burn::tensor::TensorData;
use fresco_studio::models::clip::{self, ClipTextModel, TextEncoderConfig};
use fresco_studio::models::unet::{AttentionSite, NoHook, UNetPart};
use fresco_studio::tensor::read::{ReadError, host_values};
use fresco_studio::tensor::{Device, DeviceChoice, Tensor, attend, open};

use super::fixture;
use super::{config_bytes, load, unet, upload, values};

/// The adapter, or nothing where there is none and none is required.
pub fn adapter() -> Option<Device> {
    match open(&DeviceChoice::Gpu) {
        Ok(open) => {
            eprintln!("adapter: {}", open.name);
            Some(open.device)
        }
        Err(error) => {
            let required = std::env::var_os("FRESCO_REQUIRE_GPU").is_some_and(|v| v == "1");
            assert!(!required, "a graphics adapter is required: {error}");
            eprintln!("skipped: {error}");
            None
        }
    }
}

fn full() -> bool {
    std::env::var_os("FRESCO_TEST_GPU").is_some_and(|v| v == "full")
}

/// The adapter for what takes too long in `make test`.
fn whole() -> Option<Device> {
    if full() {
        return adapter();
    }
    eprintln!("skipped: whole networks run with FRESCO_TEST_GPU=full");
    None
}

#[test]
fn gpu_layers_match_the_reference() {
    let Some(device) = adapter() else { return };
    let compared = std::cell::Cell::new(0);
    fixture::for_each("unet", |fixture| {
        let golden = fixture.tensors("golden.safetensors");
        let layers = [
            "conv_in",
            "time_embedding",
            "down_blocks.0.resnets.0",
            "down_blocks.0.attentions.0",
        ];
        let found = layers.map(|layer| golden.get(&format!("t801.{layer}")));
        let [Some(conv_in), Some(time), Some(resnet), Some(attention)] = found else {
            eprintln!("skipped: {} lacks intermediates", fixture.name);
            return;
        };
        let model = unet::model(fixture, &device);
        let block = &model.encoder.down_blocks[0];
        let latents: Tensor<4> = upload(&golden["sample"], &device);
        let got = model.encoder.conv_in.forward(latents);
        fixture.assert_close("conv_in", &values(got), conv_in);

        let time: Tensor<2> = upload(time, &device);
        let got = block.resnets[0].forward(upload(conv_in, &device), Some(&time));
        fixture.assert_close("resnets.0", &values(got), resnet);

        let text: Tensor<3> = upload(&golden["encoder_hidden_states"], &device);
        let site = AttentionSite {
            part: UNetPart::Encoder,
            level: 0,
            layer: 0,
            grid: [0, 0],
        };
        let got = block.attentions[0].forward(upload(resnet, &device), &text, site, &mut NoHook);
        fixture.assert_close("attentions.0", &values(got), attention);
        compared.set(compared.get() + 1);
    });
    assert!(compared.get() > 0, "no fixture with intermediates");
}

/// Tokens of a map are its transpose, and lie like that in memory until somebody moves them.
#[test]
fn gpu_attention_takes_tokens_that_lie_like_a_map() {
    let Some(device) = adapter() else { return };
    let tokens = |phase: f32, device: &Device| -> Tensor<4> {
        let values: Vec<f32> = (0..2 * 16 * 48)
            .map(|i| (i as f32 * 0.7 + phase).sin())
            .collect();
        let map = TensorData::new(values, [2, 1, 16, 48]);
        Tensor::from_data(map, device).swap_dims(2, 3)
    };
    let of = |device: &Device| {
        values(attend(
            tokens(0.0, device),
            tokens(1.0, device),
            tokens(2.0, device),
        ))
    };
    let (got, want) = (of(&device), of(&Device::flex()));
    let apart = got.iter().zip(&want).map(|(got, want)| (got - want).abs());
    let worst = apart.fold(0.0, f32::max);
    assert!(worst < 1e-4, "{worst}");
}

#[test]
fn gpu_warps_match_the_reference() {
    let Some(device) = adapter() else { return };
    fixture::for_each("fresco_ops", |fixture| {
        super::fresco_ops::check_warps(fixture, &device);
    });
}

#[test]
fn gpu_guided_attention_matches_the_reference() {
    let Some(device) = adapter() else { return };
    fixture::for_each("fresco_attention", |fixture| {
        if full() {
            super::fresco_attention::check(fixture, &device);
        } else {
            super::fresco_attention::check_all_stages(fixture, &device);
        }
    });
}

#[test]
fn gpu_optimisation_matches_the_reference() {
    let Some(device) = adapter() else { return };
    fixture::for_each("fresco_optimize", |fixture| {
        if full() {
            super::fresco_optimize::check(fixture, &device);
        } else {
            super::fresco_optimize::check_smallest(fixture, &device);
        }
    });
}

#[test]
fn gpu_correspondences_match_the_reference() {
    let Some(device) = whole() else { return };
    fixture::for_each("fresco_ops", |fixture| {
        super::fresco_ops::check_consistency(fixture, &device);
        super::fresco_ops::check_dilation(fixture, &device);
        super::fresco_ops_features::check(fixture, &device);
    });
    fixture::for_each("fresco_mapping", |fixture| {
        super::fresco_ops::check_ring(fixture, &fixture.tensors("golden.safetensors"), &device);
        super::fresco_ops::check_resizing(fixture, &device);
        super::fresco_mapping::check(fixture, &device);
    });
}

#[test]
fn gpu_guidance_matches_the_reference() {
    let Some(device) = whole() else { return };
    fixture::for_each("fresco_intraframe", |fixture| {
        super::fresco_unet::check_recording(fixture, &device);
    });
    fixture::for_each("fresco_unet_forward", |fixture| {
        super::fresco_unet::check_guided(fixture, &device);
    });
    fixture::for_each("freeu", |fixture| super::freeu::check(fixture, &device));
}

#[test]
fn gpu_batches_match_the_reference() {
    let Some(device) = whole() else { return };
    fixture::for_each("fresco_step", |fixture| {
        super::fresco_step::check(fixture, &device);
    });
    fixture::for_each("fresco_e2e", |fixture| {
        super::fresco_e2e::check(fixture, &device);
    });
}

#[test]
fn gpu_flow_matches_the_reference() {
    let Some(device) = whole() else { return };
    fixture::for_each("gmflow", |fixture| super::gmflow::check(fixture, &device));
}

#[test]
fn gpu_helpers_match_the_reference() {
    let Some(device) = whole() else { return };
    fixture::for_each("depth_anything_tiny", |fixture| {
        super::depth_anything::check(fixture, &device);
    });
    fixture::for_each("dpt_hybrid_tiny", |fixture| {
        super::midas::check(fixture, &device);
    });
    fixture::for_each("egnet_tiny", |fixture| {
        super::egnet::check(fixture, &device);
    });
    super::u2net::check(&device);
    fixture::for_each("hed_tiny", |fixture| {
        super::hed::check_tiny(fixture, &device);
    });
    fixture::for_each("taesd_tiny", |fixture| {
        super::taesd::check(fixture, &device);
    });
}

#[test]
fn gpu_networks_match_the_reference() {
    let Some(device) = whole() else { return };
    fixture::for_each("unet", |fixture| unet::check(fixture, &device));
    fixture::for_each("controlnet", |fixture| {
        super::controlnet::check(fixture, &device);
    });
    fixture::for_each("vae", |fixture| super::vae::check_all(fixture, &device));
    fixture::for_each("clip", |fixture| {
        let folder = fixture.folder("weights");
        let config = TextEncoderConfig::from_json(&config_bytes(&folder)).unwrap();
        let model = load(ClipTextModel::new(&config, &device), &folder, &clip::KEYS);
        let golden = fixture.tensors("golden.safetensors");
        let ids = super::clip::rows_of_ids(&golden["input_ids"]);
        let states = values(model.forward(&ids, &device));
        fixture.assert_close("last_hidden_state", &states, &golden["last_hidden_state"]);
    });
    fixture::for_each("demo", |fixture| super::demo::check(fixture, &device));
}

/// Where memory is too short the values cannot be read, and that is all: the next work on the device goes well.
#[test]
fn gpu_memory_that_is_not_there_is_an_error_of_its_own() {
    let Some(device) = adapter() else { return };
    let huge = Tensor::<2>::ones([1 << 20, 1 << 16], &device);
    let sum = huge.sum_dim(0).narrow(1, 0, 8);
    assert_eq!(host_values(sum), Err(ReadError::OutOfMemory));
    device.memory_cleanup();
    let small = Tensor::<1>::ones([8], &device) * 3.0;
    assert_eq!(host_values(small), Ok(vec![3.0; 8]));
}
