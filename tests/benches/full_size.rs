//! SD 1.5-size networks on the processor.
//!
//! `cargo bench --bench full_size`: one guided denoising step of two frames at 512×512 with random weights; seconds and
//! peak memory. Needs about 10 GB.
//!
//! `cargo bench --bench full_size -- MODEL CONTROLNET INPUTS OUTPUTS`: loads real files and writes what each network gives,
//! for `tests/full_size/check.py`, which compares it with PyTorch.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and ends where it cannot go on"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use burn::tensor::{Distribution, TensorData};
use fresco_studio::models::controlnet::{ControlNetConfig, ControlNetModel};
use fresco_studio::models::unet::{NoHook, UNet2DConditionModel, UNetConfig};
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::job::{
    ControlKind, ControlNetSpec, DeviceChoice, JobSpec, model_files,
};
use fresco_studio::pipeline::model_folders::ModelFolders;
use fresco_studio::tensor::{Device, Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

const UNET: &[u8] = include_bytes!("../../models/sd15/unet.config.json");
const CONTROLNET: &[u8] = include_bytes!("../../models/controlnet-sd15/config.json");

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let files: Vec<&Path> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"))
        .map(Path::new)
        .collect();
    match files[..] {
        [] => step_of_random_networks(),
        [model, controlnet, inputs, outputs] => evaluate(model, controlnet, inputs, outputs),
        _ => println!("expected MODEL CONTROLNET INPUTS OUTPUTS, or nothing"),
    }
}

fn step_of_random_networks() {
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

/// Loads a model and a `ControlNet` as a job does, and evaluates every network once on the inputs.
fn evaluate(model: &Path, controlnet: &Path, inputs: &Path, outputs: &Path) {
    let inputs = std::fs::read(inputs).unwrap();
    let inputs = SafeTensors::deserialize(&inputs).unwrap();
    let spec = JobSpec {
        model: Some(model.to_owned()),
        controlnet: vec![ControlNetSpec {
            path: controlnet.to_owned(),
            ..ControlNetSpec::default()
        }],
        ..JobSpec::default()
    };
    let mut engine = Engine::default();
    let opened = engine.device(&DeviceChoice::Cpu).unwrap();
    let device = opened.device.clone();
    let mut results = BTreeMap::new();

    let mut clock = Clock::new();
    let folders =
        ModelFolders::resolve(&model_files(&spec), ControlKind::SoftEdges, engine.places())
            .unwrap();
    folders.check().unwrap();
    clock.tell("checked");
    let text = Engine::text_model(&folders, &device).unwrap();
    clock.tell("loaded the text model");
    let ids: Vec<u32> = floats(&inputs, "input_ids")
        .iter()
        .map(|id| *id as u32)
        .collect();
    keep(&mut results, "text", text.encoder.forward(&[ids], &device));
    clock.tell("text");
    drop(text);

    let dtype = opened.network_dtype;
    let denoiser = engine.denoiser(&folders, &opened, dtype, None).unwrap();
    assert!(denoiser.unknown.is_empty(), "{:?}", denoiser.unknown);
    clock.tell("loaded U-Net, VAE and ControlNet");
    let latents: Tensor<4> = upload(&inputs, "latents", &device);
    let context: Tensor<3> = upload(&inputs, "context", &device);
    let timestep = floats(&inputs, "timestep")[0] as usize;
    let net = &denoiser.controlnets[0];
    let embedded = net.embed(upload(&inputs, "control", &device));
    let control = net.forward(latents.clone(), timestep, &context, embedded);
    keep(&mut results, "control_middle", control.middle.clone());
    keep(&mut results, "control_first", control.down[0].clone());
    let noise = denoiser
        .unet
        .forward(latents, timestep, &context, Some(control), &mut NoHook);
    keep(&mut results, "noise", noise);
    clock.tell("one step");
    let picture = upload(&inputs, "picture", &device);
    keep(&mut results, "encoded", denoiser.vae.encode(picture).mean);
    let latents = upload(&inputs, "clean", &device);
    keep(&mut results, "decoded", denoiser.vae.decode(latents));
    clock.tell("VAE");
    save(&results, outputs);
}

/// Says how long each part took, and the peak memory so far.
struct Clock(Instant);

impl Clock {
    fn new() -> Self {
        Self(Instant::now())
    }

    fn tell(&mut self, what: &str) {
        let secs = self.0.elapsed().as_secs_f64();
        println!("{what}: {secs:.2} s; peak memory {}", peak_memory());
        self.0 = Instant::now();
    }
}

type Results = BTreeMap<String, (Vec<usize>, Vec<u8>)>;

fn keep<const D: usize>(results: &mut Results, name: &str, tensor: Tensor<D>) {
    let data = tensor.into_data();
    let bytes = data.as_bytes().to_vec();
    results.insert(name.to_owned(), (data.shape().to_vec(), bytes));
}

fn save(results: &Results, path: &Path) {
    let views = results.iter().map(|(name, (shape, bytes))| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn floats(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let data = file.tensor(name).unwrap();
    let values = data.data().as_chunks::<4>().0;
    values
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

fn upload<const D: usize>(file: &SafeTensors<'_>, name: &str, device: &Device) -> Tensor<D> {
    let shape = file.tensor(name).unwrap().shape().to_vec();
    Tensor::from_data(TensorData::new(floats(file, name), shape), device)
}

/// Peak resident memory of this process, where the system tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |value| value.trim().to_owned())
}
