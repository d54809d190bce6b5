//! One guided denoising step of two frames at 512×512 with SD 1.5-size networks and random weights on the processor:
//! seconds and peak memory. `cargo bench --bench full_size`; needs about 10 GB.
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::time::Instant;

use burn::tensor::Distribution;
use fresco_studio::models::controlnet::{ControlNetConfig, ControlNetModel};
use fresco_studio::models::unet::{NoHook, UNet2DConditionModel, UNetConfig};
use fresco_studio::tensor::{Device, Tensor};

const UNET: &[u8] = include_bytes!("../../models/sd15/unet.config.json");
const CONTROLNET: &[u8] = include_bytes!("../../models/controlnet-sd15/config.json");

fn main() {
    let device = Device::flex();
    let (Ok(unet), Ok(controlnet)) = (
        UNetConfig::from_json(UNET),
        ControlNetConfig::from_json(CONTROLNET),
    ) else {
        unreachable!("the described configs are valid, a test says so");
    };
    let unet = UNet2DConditionModel::new(&unet, &device);
    let controlnet = ControlNetModel::new(&controlnet, &device);
    let random4 =
        |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    let text = Tensor::<3>::random([4, 77, 768], Distribution::Normal(0.0, 1.0), &device);
    let embedded = controlnet.embed(random4([4, 3, 512, 512]));
    for run in ["first step, weights initialised", "second step"] {
        let began = Instant::now();
        let latents = random4([4, 4, 64, 64]);
        let control = controlnet.forward(latents.clone(), 501, &text, embedded.clone());
        let after_control = began.elapsed();
        let noise = unet.forward(latents, 501, &text, Some(control), &mut NoHook);
        assert_eq!(noise.into_data().num_elements(), 4 * 4 * 64 * 64);
        println!(
            "{run}: {:.1} s (ControlNet {:.1} s); peak memory {}",
            began.elapsed().as_secs_f64(),
            after_control.as_secs_f64(),
            peak_memory(),
        );
    }
}

/// Peak resident memory of this process, where the system tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |value| value.trim().to_owned())
}
