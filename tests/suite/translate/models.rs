//! Models in single files and with LoRAs, through whole jobs.

use std::path::{Path, PathBuf};

use fresco_studio::pipeline::job::{ControlNetSpec, JobSpec, LoraSpec};
use safetensors::{Dtype, tensor::TensorView};

use super::run;
use crate::golden::fixture;
use crate::support::{MOVING, Studio};

/// A folder of the tiny model with everything in the published layout, the vocabulary too.
fn whole_folder(studio: &Studio, source: &Path) -> PathBuf {
    let model = studio.path("tiny");
    let vocabulary = source.with_file_name("clip_tokenizer");
    let folders =
        ["unet", "vae", "text_encoder", "scheduler"].map(|name| (name, source.join(name)));
    for (name, folder) in folders.into_iter().chain([("tokenizer", vocabulary)]) {
        std::fs::create_dir_all(model.join(name)).unwrap();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, model.join(name).join(path.file_name().unwrap())).unwrap();
        }
    }
    model
}

/// Translates with a folder and with the single files made of it: the pictures are the same.
#[test]
fn single_files_paint_what_their_folder_paints() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    fixture::for_each("sd15_tiny_ldm", |fixture| {
        let source = crate::golden::single_file::source(fixture);
        let lora = source.with_file_name("lora").join("kohya.safetensors");
        let (file, control) = (
            fixture.path.join("tiny_sd15.safetensors"),
            fixture.path.join("tiny_control.safetensors"),
        );
        if !(file.exists() && control.exists() && lora.exists()) {
            eprintln!("  skipped: {} has other files", fixture.name);
            return;
        }
        let loras = [("plain", vec![]), ("lora", vec![(lora, 0.6)])];
        for (name, loras) in loras {
            let spec = |out: &str, model: &Path, control: &Path| JobSpec {
                model: Some(model.to_owned()),
                controlnet: vec![ControlNetSpec {
                    path: control.to_owned(),
                    ..ControlNetSpec::default()
                }],
                lora: loras
                    .iter()
                    .map(|(path, strength)| LoraSpec {
                        path: PathBuf::clone(path),
                        strength: *strength,
                    })
                    .collect(),
                ..studio.spec(&clip, out)
            };
            let folder = whole_folder(&studio, &source);
            let folder = spec(
                &format!("{name}-folder.mp4"),
                &folder,
                &source.join("controlnet_a"),
            );
            let single = JobSpec {
                model_config: Some(fixture.path.clone()),
                ..spec(&format!("{name}-file.mp4"), &file, &control)
            };
            assert_eq!(run(&folder).pictures, run(&single).pictures, "{name}");
        }
    });
}

/// A LoRA that pulls the demo model's first convolution along, by a sum that floats hold exactly.
fn demo_lora(path: &Path) {
    let halves: [(&str, Vec<usize>, f32); 2] = [
        (
            "lora_unet_conv_in.lora_down.weight",
            vec![1, 4, 3, 3],
            0.125,
        ),
        ("lora_unet_conv_in.lora_up.weight", vec![48, 1, 1, 1], 0.5),
    ];
    let halves = halves.map(|(name, shape, value)| {
        let n_values = shape.iter().product();
        let bytes = vec![value; n_values].into_iter().flat_map(f32::to_le_bytes);
        (name, shape, bytes.collect::<Vec<u8>>())
    });
    let views = halves.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (*name, view)
    });
    let file = safetensors::serialize(views, None).unwrap();
    std::fs::write(path, file).unwrap();
}

#[test]
fn loras_change_the_pictures_and_go_without_a_trace() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    let lora = studio.path("pull.safetensors");
    demo_lora(&lora);
    // All in one working folder: a finished batch is taken over only where it is the same.
    let spec = |strength: Option<f32>, out: &str| JobSpec {
        work: Some(studio.path("work")),
        lora: strength
            .map(|strength| LoraSpec {
                path: lora.clone(),
                strength,
            })
            .into_iter()
            .collect(),
        ..studio.spec(&clip, out)
    };
    let plain = run(&spec(None, "plain.mp4")).pictures;
    let pulled = run(&spec(Some(1.0), "pulled.mp4")).pictures;
    let half = run(&spec(Some(0.5), "half.mp4")).pictures;
    assert!(plain != pulled && pulled != half && half != plain);
    let twice = JobSpec {
        lora: [spec(Some(0.5), "").lora, spec(Some(0.5), "").lora].concat(),
        ..spec(None, "twice.mp4")
    };
    assert_eq!(run(&twice).pictures, pulled, "two halves are one");
    let again = run(&spec(None, "again.mp4")).pictures;
    assert_eq!(again, plain, "without it, as if it had never been");

    // The same path with other content is another LoRA.
    let bytes = std::fs::read(&lora).unwrap();
    let mut changed = bytes.clone();
    let last = changed.len() - 4;
    changed[last..].copy_from_slice(&2.0_f32.to_le_bytes());
    std::fs::write(&lora, &changed).unwrap();
    assert_ne!(run(&spec(Some(1.0), "changed.mp4")).pictures, pulled);
}

#[test]
fn the_prompt_names_loras_too() {
    let Some(studio) = Studio::new() else { return };
    let clip = studio.clip("clip.mp4", MOVING, 2);
    let lora = studio.path("pull.safetensors");
    demo_lora(&lora);
    let flagged = JobSpec {
        lora: vec![LoraSpec {
            path: lora.clone(),
            strength: 0.7,
        }],
        ..studio.spec(&clip, "flagged.mp4")
    };
    let plain = studio.spec(&clip, "tagged.mp4");
    let tagged = JobSpec {
        prompt: format!("{} <lora:{}:0.7>", plain.prompt, lora.display()),
        ..plain
    };
    assert_eq!(run(&flagged).pictures, run(&tagged).pictures);
}
