//! The finest decoder level of SD 1.5 at 512×512 with random weights on the processor, without guidance and with all of it:
//! seconds and peak memory of the level's input, three residual blocks and transformers.
//! `cargo bench --bench guided_level -- FRAMES`; eight frames need about 6 GB.
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::time::Instant;

use burn::tensor::Distribution;
use fresco_studio::flow::FlowRing;
use fresco_studio::fresco::schedule::Attentions;
use fresco_studio::fresco::{Correspondence, FrescoGuide, GuideConfig, Recorder, StepGuidance};
use fresco_studio::models::unet::hook::Attention;
use fresco_studio::models::unet::{
    AttentionSite, NoHook, UNet2DConditionModel, UNetConfig, UNetHook,
};
use fresco_studio::tensor::{Device, Tensor};

/// The two finest levels, the coarser one without attention: the input of decoder block 1 is that of block 3 in SD 1.5.
const CONFIG: &[u8] = br#"{
    "block_out_channels": [320, 640], "cross_attention_dim": 768, "attention_head_dim": 8,
    "down_block_types": ["DownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"]
}"#;
const LEVEL: usize = 1;
const SIDE: usize = 512;

fn main() {
    // Cargo itself adds `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let frames = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(8);
    let device = Device::flex();
    device.seed(0);
    let Ok(config) = UNetConfig::from_json(CONFIG) else {
        unreachable!("a config of two known levels");
    };
    let unet = UNet2DConditionModel::new(&config, &device);
    let random =
        |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    let text = Tensor::<3>::random([2 * frames, 77, 768], Distribution::Default, &device);
    let occlusion =
        || Tensor::<3>::random([frames, SIDE, SIDE], Distribution::Bernoulli(0.1), &device);
    let ring = FlowRing {
        forward: random([frames, 2, SIDE, SIDE]) * 8.0,
        backward: random([frames, 2, SIDE, SIDE]) * 8.0,
        forward_occlusion: occlusion(),
        backward_occlusion: occlusion(),
    };
    let pictures = random([frames, 3, SIDE, SIDE]).tanh();
    let Ok(correspondence) = Correspondence::new(&pictures, &ring, None) else {
        unreachable!("random flow is finite");
    };
    let guide_config = GuideConfig {
        levels: vec![LEVEL],
        ..GuideConfig::default()
    };
    let run = |name: &str, hook: &mut dyn UNetHook| {
        forget_peak_memory();
        let mut timed = Timed { hook, began: None };
        let latents = random([2 * frames, 4, SIDE / 8, SIDE / 8]);
        let noise = unet.forward(latents, 501, &text, None, &mut timed);
        assert!(noise.sum().into_scalar::<f32>().is_finite());
        let seconds = timed
            .began
            .map_or(0.0, |began| began.elapsed().as_secs_f64());
        println!("{name}: {seconds:.1} s; peak memory {}", peak_memory());
    };
    println!("{frames} frames");
    let mut recorder = Recorder::new(&correspondence, &guide_config);
    run("recording, weights initialised", &mut recorder);
    let reference = recorder.finish();
    run("unguided", &mut NoHook);
    // The first step would have spatial-guided attention too.
    let guidance = |features| StepGuidance {
        attentions: Attentions {
            spatial: false,
            cross_frame: true,
            temporal: true,
        },
        features,
        pixels: false,
    };
    for (name, guidance) in [
        ("guided attention", guidance(false)),
        ("guided attention and features", guidance(true)),
    ] {
        let mut guide = FrescoGuide::new(&correspondence, &reference, &guide_config, guidance);
        run(name, &mut guide);
    }
}

/// A hook, and when the level began.
struct Timed<'a> {
    hook: &'a mut dyn UNetHook,
    began: Option<Instant>,
}

impl UNetHook for Timed<'_> {
    fn decoder_input(&mut self, level: usize, features: Tensor<4>) -> Tensor<4> {
        if level == LEVEL {
            self.began = Some(Instant::now());
        }
        self.hook.decoder_input(level, features)
    }

    fn self_attention(
        &mut self,
        site: AttentionSite,
        attention: &Attention,
        tokens: Tensor<3>,
    ) -> Tensor<3> {
        self.hook.self_attention(site, attention, tokens)
    }
}

/// Makes the system count the peak from here on, where it can.
fn forget_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Peak resident memory of this process, where the system tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |value| value.trim().to_owned())
}
