//! Configs that ask for what no memory holds or no network can be: each is refused by the name of its field, before
//! anything is built.

use std::path::Path;

use fresco_studio::models::ConfigError;
use fresco_studio::models::clip::TextEncoderConfig;
use fresco_studio::models::controlnet::ControlNetConfig;
use fresco_studio::models::depth_anything::DepthAnythingConfig;
use fresco_studio::models::unet::UNetConfig;
use fresco_studio::models::vae::VaeConfig;
use serde_json::{Value, json};

fn published(file: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap()
}

/// Checks that `read` takes a config as it is, and none in which a field has one of these values.
fn refuses<C>(config: &Value, read: fn(&[u8]) -> Result<C, ConfigError>, cases: &[(&str, Value)]) {
    let read = |config: &Value| read(&serde_json::to_vec(config).unwrap()).map(drop);
    read(config).unwrap();
    for (path, value) in cases {
        let mut changed = config.clone();
        let field = path.rsplit('/').next().unwrap();
        let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
        changed.pointer_mut(parent).unwrap()[last] = value.clone();
        let error = read(&changed).expect_err(&format!("{path} = {value}"));
        assert!(
            error.to_string().contains(field),
            "{path} = {value}: {error}"
        );
    }
}

const HUGE: u64 = u64::MAX / 2;

#[test]
fn networks_beyond_all_bounds_are_refused() {
    let unet = [
        ("layers_per_block", json!(0)),
        ("layers_per_block", json!(HUGE)),
        ("block_out_channels", json!([HUGE, HUGE, HUGE, HUGE])),
        ("block_out_channels", json!([320, 640, 1280, 1 << 20])),
        ("block_out_channels", json!([0, 640, 1280, 1280])),
        ("cross_attention_dim", json!(0)),
        ("cross_attention_dim", json!(HUGE)),
        ("norm_eps", json!(-1.0)),
        ("freq_shift", json!(1e300)),
        ("in_channels", json!(5)),
        ("time_cond_proj_dim", json!(256)),
    ];
    refuses(
        &published("sd15/unet.config.json"),
        UNetConfig::from_json,
        &unet,
    );
    let controlnet = [
        ("layers_per_block", json!(HUGE)),
        ("conditioning_channels", json!(HUGE)),
        (
            "conditioning_embedding_out_channels",
            json!([16, 32, 96, HUGE]),
        ),
        (
            "conditioning_embedding_out_channels",
            json!([0, 32, 96, 256]),
        ),
    ];
    let config = published("controlnet-sd15/config.json");
    refuses(&config, ControlNetConfig::from_json, &controlnet);
    let vae = [
        ("layers_per_block", json!(HUGE)),
        ("block_out_channels", json!([128, 256, 512, 1 << 20])),
        ("latent_channels", json!(0)),
        ("in_channels", json!(HUGE)),
        ("scaling_factor", json!(0.0)),
    ];
    refuses(
        &published("sd15/vae.config.json"),
        VaeConfig::from_json,
        &vae,
    );
    let text = [
        ("num_hidden_layers", json!(HUGE)),
        ("hidden_size", json!(12 * (1 << 20))),
        ("intermediate_size", json!(HUGE)),
        ("vocab_size", json!(HUGE)),
        ("max_position_embeddings", json!(2)),
        ("max_position_embeddings", json!(HUGE)),
        ("layer_norm_eps", json!(0.0)),
    ];
    let config = published("sd15/text_encoder.config.json");
    refuses(&config, TextEncoderConfig::from_json, &text);
}

#[test]
fn a_network_has_few_levels() {
    let mut config = published("sd15/unet.config.json");
    let n_levels = 1 << 16;
    config["block_out_channels"] = json!(vec![32; n_levels]);
    config["down_block_types"] = json!(vec!["DownBlock2D"; n_levels]);
    config["up_block_types"] = json!(vec!["UpBlock2D"; n_levels]);
    let error = UNetConfig::from_json(&serde_json::to_vec(&config).unwrap()).unwrap_err();
    assert!(
        error.to_string().contains("number of levels = 65536"),
        "{error}"
    );
}

#[test]
fn depth_networks_beyond_all_bounds_are_refused() {
    let config = json!({
        "model_type": "depth_anything",
        "backbone_config": {
            "model_type": "dinov2", "hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6,
            "mlp_ratio": 4, "image_size": 518, "patch_size": 14, "out_indices": [3, 6, 9, 12],
        },
        "reassemble_factors": [4, 2, 1, 0.5],
        "neck_hidden_sizes": [48, 96, 192, 384],
        "fusion_hidden_size": 64,
        "head_hidden_size": 32,
    });
    let cases = [
        ("/backbone_config/hidden_size", json!(6 * (1 << 20))),
        ("/backbone_config/num_hidden_layers", json!(HUGE)),
        ("/backbone_config/mlp_ratio", json!(HUGE)),
        ("/backbone_config/image_size", json!(14 * (1 << 20))),
        ("/backbone_config/layer_norm_eps", json!(-1.0)),
        ("neck_hidden_sizes", json!([48, 96, 192, HUGE])),
        ("fusion_hidden_size", json!(HUGE)),
        ("head_hidden_size", json!(0)),
    ];
    refuses(&config, DepthAnythingConfig::from_json, &cases);
}
