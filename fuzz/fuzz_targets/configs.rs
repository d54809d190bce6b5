//! Configs, after a letter that says of what: what is taken can be built, with sizes that divide and modules that fit
//! in memory.
#![no_main]

use fresco_studio_fuzz::diffusion::{NoiseSchedule, SchedulerConfig};
use fresco_studio_fuzz::models::clip::TextEncoderConfig;
use fresco_studio_fuzz::models::controlnet::ControlNetConfig;
use fresco_studio_fuzz::models::depth_anything::DepthAnythingConfig;
use fresco_studio_fuzz::models::unet::UNetConfig;
use fresco_studio_fuzz::models::vae::VaeConfig;
use libfuzzer_sys::fuzz_target;

/// The most layers of a network, one after the other.
const DEEPEST: usize = 2000;
/// The widest layer.
const WIDEST: usize = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, json)) = bytes.split_first() else {
        return;
    };
    match kind {
        b'u' => drop(UNetConfig::from_json(json).map(|config| check_unet(&config))),
        b'c' => drop(ControlNetConfig::from_json(json).map(|config| check_controlnet(&config))),
        b'v' => drop(VaeConfig::from_json(json).map(|config| check_vae(&config))),
        b't' => drop(TextEncoderConfig::from_json(json).map(|config| check_text(&config))),
        b'd' => drop(DepthAnythingConfig::from_json(json).map(|config| check_depth(&config))),
        b's' => {
            if let Ok(schedule) = SchedulerConfig::from_json(json).map(|it| NoiseSchedule::new(&it))
            {
                check_schedule(schedule.ok());
            }
        }
        _ => {}
    }
});

fn check_unet(config: &UNetConfig) {
    assert!(config.levels() * (2 * config.layers_per_block + 3) <= DEEPEST);
    assert!(config.time_embed_dim() <= WIDEST);
    for (level, channels) in config.block_out_channels.iter().enumerate() {
        assert!(*channels > 0 && *channels <= WIDEST && channels % config.heads(level) == 0);
        assert_eq!(channels % config.norm_num_groups, 0);
    }
    assert_eq!(config.down_block_types.len(), config.levels());
}

fn check_controlnet(config: &ControlNetConfig) {
    check_unet(&config.encoder);
    let channels = &config.conditioning_embedding_out_channels;
    assert!(
        channels
            .iter()
            .all(|channels| (1..=WIDEST).contains(channels))
    );
}

fn check_vae(config: &VaeConfig) {
    assert!(4 * (2 * config.layers_per_block + 3) <= DEEPEST);
    for channels in &config.block_out_channels {
        assert!(*channels > 0 && *channels <= WIDEST);
        assert_eq!(channels % config.norm_num_groups, 0);
    }
}

fn check_text(config: &TextEncoderConfig) {
    assert!(config.num_hidden_layers <= DEEPEST);
    assert!(config.hidden_size > 0 && config.hidden_size <= WIDEST);
    assert_eq!(config.hidden_size % config.num_attention_heads, 0);
    let table = config.vocab_size.max(config.max_position_embeddings);
    assert!(table.checked_mul(config.hidden_size).is_some());
}

fn check_depth(config: &DepthAnythingConfig) {
    let backbone = &config.backbone_config;
    assert!(backbone.num_hidden_layers <= DEEPEST);
    assert_eq!(backbone.hidden_size % backbone.num_attention_heads, 0);
    assert!(backbone.hidden_size * backbone.mlp_ratio <= 16 * WIDEST);
    assert_eq!(backbone.image_size % backbone.patch_size, 0);
    assert_eq!(backbone.out_indices.len(), config.neck_hidden_sizes.len());
}

fn check_schedule(schedule: Option<NoiseSchedule>) {
    let Some(schedule) = schedule else { return };
    let alphas = schedule.alphas_cumprod();
    assert!(!alphas.is_empty() && alphas.len() <= 100_000);
    assert!(alphas.iter().all(|alpha| (0.0..1.0).contains(alpha)));
}
