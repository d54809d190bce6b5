//! The demo model as a whole: words, edges, seven guided steps, picture. Everything that a loader can get wrong for
//! another size than SD 1.5's shows here.

use std::path::Path;

use fresco_studio::annotators::soft_edges;
use fresco_studio::diffusion::guidance::classifier_free_guidance;
use fresco_studio::diffusion::noise_schedule::{NoiseSchedule, SchedulerConfig};
use fresco_studio::diffusion::samplers::Sampler;
use fresco_studio::diffusion::sdedit::noised;
use fresco_studio::frame::Frame;
use fresco_studio::models::clip::{self, ClipTextModel, TextEncoderConfig, Tokenizer};
use fresco_studio::models::controlnet::{self, ControlNetConfig, ControlNetModel};
use fresco_studio::models::unet::{self, NoHook, UNet2DConditionModel, UNetConfig};
use fresco_studio::models::vae::{self, AutoencoderKL, VaeConfig};
use fresco_studio::tensor::image::signed_from_frames;
use fresco_studio::tensor::{Device, Tensor};

use super::clip::rows_of_ids;
use super::fixture::{self, Fixture};
use super::{config_bytes, load, upload, values};

#[test]
fn demo_model_matches_the_reference() {
    fixture::for_each("demo", |fixture| check(fixture, &Device::flex()));
}

pub fn check(fixture: &Fixture, device: &Device) {
    let weights = fixture.folder("weights");
    check_text(fixture, &weights, device);
    check_picture(fixture, &weights, device);
    check_steps(fixture, &weights, device);
}

fn check_text(fixture: &Fixture, weights: &Path, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    let about = fixture.json("config.json");
    let folder = weights.join("text_encoder");
    let config = TextEncoderConfig::from_json(&config_bytes(&folder)).unwrap();
    let encoder = load(ClipTextModel::new(&config, device), &folder, &clip::KEYS);
    let tokenizer = Tokenizer::from_folder(&weights.join("tokenizer")).unwrap();
    let encode = |field: &str| {
        tokenizer.encode_padded(
            about[field].as_str().unwrap(),
            config.max_position_embeddings,
        )
    };
    let ids = vec![encode("negative"), encode("prompt")];
    assert_eq!(ids, rows_of_ids(&golden["ids"]));
    fixture.assert_close(
        "text",
        &values(encoder.forward(&ids, device)),
        &golden["text"],
    );
}

fn check_picture(fixture: &Fixture, weights: &Path, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    let frame = Frame::read(&fixture.path.join("frame.png")).unwrap();
    fixture.assert_close("edges", soft_edges(&frame).values(), &golden["edges"]);
    let folder = weights.join("vae");
    let config = VaeConfig::from_json(&config_bytes(&folder)).unwrap();
    let vae = load(AutoencoderKL::new(&config, device), &folder, &vae::KEYS);
    let latents = vae.encode(signed_from_frames(&[&frame], device)).mean * vae.scaling_factor();
    fixture.assert_close("latents0", &values(latents), &golden["latents0"]);
    let steps = fixture.json("config.json")["timesteps"]
        .as_array()
        .unwrap()
        .len();
    let last: Tensor<4> = upload(&golden[&format!("latents.{}", steps - 1)], device);
    let picture = vae.decode(last / vae.scaling_factor());
    fixture.assert_close("picture", &values(picture), &golden["picture"]);
}

fn check_steps(fixture: &Fixture, weights: &Path, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    let about = fixture.json("config.json");
    let number = |field: &str| about[field].as_f64().unwrap();
    let config = UNetConfig::from_json(&config_bytes(&weights.join("unet"))).unwrap();
    let unet = UNet2DConditionModel::new(&config, device);
    let unet = load(unet, &weights.join("unet"), &unet::KEYS);
    let config = ControlNetConfig::from_json(&config_bytes(&weights.join("controlnet"))).unwrap();
    let net = ControlNetModel::new(&config, device);
    let net = load(net, &weights.join("controlnet"), &controlnet::KEYS);

    let json = std::fs::read(weights.join("scheduler/scheduler_config.json")).unwrap();
    let schedule = NoiseSchedule::new(&SchedulerConfig::from_json(&json).unwrap()).unwrap();
    let steps = Sampler::Ddim
        .steps(&schedule, number("steps") as usize)
        .unwrap();
    let first = number("executed_from") as usize;
    let control: Tensor<4> = upload(&golden["edges"], device);
    let embedded = net.embed(control.repeat_dim(1, 3)).repeat_dim(0, 2);
    let text: Tensor<3> = upload(&golden["text"], device);
    let noise = upload(&golden["noise"], device);
    let start = noised(
        upload(&golden["latents0"], device),
        noise,
        steps.alpha(first),
    );
    fixture.assert_close("start", &values(start.clone()), &golden["start"]);

    let mut state = Sampler::Ddim.begin(start);
    for (step, k) in (first..steps.len()).enumerate() {
        let t = steps.timestep(k);
        assert_eq!(about["timesteps"][step], t);
        let x = state.sample();
        let latents = Tensor::cat(vec![x.clone(), x.clone()], 0);
        let control = net
            .forward(latents.clone(), t, &text, embedded.clone())
            .scaled(number("control_strength") as f32);
        let residuals = (control.down[0].clone(), control.middle.clone());
        let noise = unet.forward(latents, t, &text, Some(control), &mut NoHook);
        if step == 0 {
            fixture.assert_close(
                "down",
                &values(residuals.0),
                &golden["step0.control_down.0"],
            );
            fixture.assert_close("mid", &values(residuals.1), &golden["step0.control_mid"]);
            let want = &golden["step0.eps_negative_positive"];
            fixture.assert_close("noise", &values(noise.clone()), want);
        }
        let noise = classifier_free_guidance(noise, number("guidance_scale"));
        let c = Sampler::Ddim.coefficients(&steps, first, k);
        state = c.advance(&state, &c.x0(x, noise), None);
        let name = format!("latents.{step}");
        if let Some(want) = golden.get(&name) {
            fixture.assert_close(&name, &values(state.sample().clone()), want);
        }
    }
}
