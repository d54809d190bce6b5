//! Models that are missing, damaged, of another family, or give no numbers.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Trial;
use crate::support::{MOVING, Studio, copy_folder};

/// A copy of the demo model, to be spoilt.
struct Model(PathBuf);

impl Model {
    fn new(studio: &Studio, name: &str) -> Self {
        let model = studio.path(name);
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo");
        copy_folder(&demo, &model);
        Self(model)
    }

    fn weights(&self, part: &str) -> PathBuf {
        self.0
            .join(part)
            .join("diffusion_pytorch_model.safetensors")
    }

    /// Changes values in a network's config.
    fn configure(&self, part: &str, changes: &Value) {
        let path = self.0.join(part).join("config.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for (field, value) in changes.as_object().unwrap() {
            config[field] = value.clone();
        }
        fs::write(&path, config.to_string()).unwrap();
    }

    /// Changes the list of tensors at the head of a weights file, and the bytes after it.
    fn edit(
        &self,
        part: &str,
        change: impl FnOnce(&mut serde_json::Map<String, Value>, &mut [u8]),
    ) {
        let path = self.weights(part);
        let mut bytes = fs::read(&path).unwrap();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut tensors = bytes.split_off(8 + length);
        let mut head = serde_json::from_slice(&bytes[8..]).unwrap();
        change(&mut head, &mut tensors);
        let head = serde_json::to_vec(&head).unwrap();
        let length = (head.len() as u64).to_le_bytes();
        fs::write(&path, [&length[..], &head, &tensors].concat()).unwrap();
    }
}

/// A model that was spoilt is refused, with all of `words`.
fn refuses(trial: &Trial, name: &str, spoil: &dyn Fn(&Model), words: &[&str]) {
    let model = Model::new(&trial.studio, name);
    spoil(&model);
    let path = model.0.to_str().unwrap();
    trial.fails(&trial.studio.path("clip.mp4"), &["--model", path], 1, words);
    fs::remove_dir_all(&model.0).unwrap();
}

#[test]
fn models_that_are_not_there() {
    let Some(trial) = Trial::new() else { return };
    let clip = trial.studio.clip("clip.mp4", MOVING, 2);
    let fails = |name: &str, spoil: &dyn Fn(&Model), words: &[&str]| {
        refuses(&trial, name, spoil, words);
    };
    let gone = trial.studio.path("gone");
    let gone = gone.to_str().unwrap();
    trial.fails(
        &clip,
        &["--model", gone],
        1,
        &["--model: not found: ", gone],
    );
    trial.fails(
        &clip,
        &["--controlnet", gone],
        1,
        &["--controlnet: not found: ", gone],
    );
    let file = clip.to_str().unwrap();
    trial.fails(
        &clip,
        &["--model", file],
        1,
        &["a model is a .safetensors file or a folder", file],
    );

    let part = |model: &Model| fs::remove_dir_all(model.0.join("unet")).unwrap();
    fails(
        "part",
        &part,
        &[
            "config.json is missing in ",
            "download the model's folder again",
        ],
    );
    let tokenizer = |model: &Model| fs::remove_file(model.0.join("tokenizer/merges.txt")).unwrap();
    fails("words", &tokenizer, &["merges.txt is missing in "]);
    let control = |model: &Model| fs::remove_dir_all(model.0.join("controlnet")).unwrap();
    fails(
        "net",
        &control,
        &[
            "the model has no ControlNet of its own",
            "get one with \"fresco-studio models get controlnet-hed\", name one with --controlnet",
        ],
    );
    let pickle = |model: &Model| {
        let weights = model.weights("unet");
        fs::rename(&weights, weights.with_extension("bin")).unwrap();
    };
    fails(
        "pickle",
        &pickle,
        &[
            "only as diffusion_pytorch_model.bin",
            "convert them to .safetensors",
        ],
    );
}

#[test]
fn models_of_another_kind() {
    let Some(trial) = Trial::new() else { return };
    trial.studio.clip("clip.mp4", MOVING, 2);
    let fails = |name: &str, spoil: &dyn Fn(&Model), words: &[&str]| {
        refuses(&trial, name, spoil, words);
    };
    let sdxl = |model: &Model| {
        let like = json!({"addition_embed_type": "text_time", "cross_attention_dim": 2048});
        model.configure("unet", &like);
    };
    fails(
        "sdxl",
        &sdxl,
        &["this is an SDXL model; FRESCO needs the SD 1.5 family"],
    );
    let sd2 = |model: &Model| {
        let like = json!({"cross_attention_dim": 1024, "use_linear_projection": true});
        model.configure("unet", &like);
    };
    fails(
        "sd2",
        &sd2,
        &["this is an SD 2 model; FRESCO needs the SD 1.5 family"],
    );
    let inpainting = |model: &Model| model.configure("unet", &json!({"in_channels": 9}));
    fails(
        "inpainting",
        &inpainting,
        &["inpainting", "choose another model"],
    );
    let broken = |model: &Model| fs::write(model.0.join("unet/config.json"), "{").unwrap();
    fails(
        "config",
        &broken,
        &["cannot use the model ", "get the file again"],
    );
}

#[test]
fn weights_that_cannot_be_used() {
    let Some(trial) = Trial::new() else { return };
    trial.studio.clip("clip.mp4", MOVING, 2);
    let fails = |name: &str, spoil: &dyn Fn(&Model), words: &[&str]| {
        refuses(&trial, name, spoil, words);
    };
    for part in ["unet", "vae", "controlnet"] {
        let cut = |model: &Model| {
            let path = model.weights(part);
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        };
        fails(
            "cut",
            &cut,
            &["the weights are damaged", "download them again", part],
        );
    }
    let empty = |model: &Model| fs::write(model.weights("unet"), "").unwrap();
    fails(
        "empty",
        &empty,
        &["the weights are damaged (the file is empty)"],
    );
    let missing = |model: &Model| {
        model.edit("unet", |head, _| {
            let tensor = head.remove("conv_in.bias").unwrap();
            head.insert("conv_in.bais".to_owned(), tensor);
        });
    };
    fails(
        "missing",
        &missing,
        &[
            "1 missing (",
            "conv_in.bias); ",
            "1 not known (conv_in.bais)",
        ],
    );
    let misshapen = |model: &Model| {
        model.edit("unet", |head, _| {
            head["conv_in.weight"]["shape"]
                .as_array_mut()
                .unwrap()
                .reverse();
        });
    };
    fails(
        "misshapen",
        &misshapen,
        &["1 of another shape (conv_in.weight is [3, 3, 4, 48], not [48, 4, 3, 3])"],
    );
}

#[test]
fn values_that_are_no_numbers() {
    let Some(trial) = Trial::new() else { return };
    let clip = trial.studio.clip("clip.mp4", MOVING, 2);
    for (part, tensor) in [("unet", "conv_in.bias"), ("vae", "decoder.conv_out.bias")] {
        let model = Model::new(&trial.studio, part);
        model.edit(part, |head, bytes| {
            let tensor = &head[tensor];
            let ends = &tensor["data_offsets"];
            let [start, end] = [0, 1].map(|i| ends[i].as_u64().unwrap() as usize);
            // All bits set is no number in every float type.
            bytes[start..end].fill(0xFF);
        });
        let damaged = format!("the weights are damaged ({tensor} holds values that are no finite");
        let words = [damaged.as_str(), "download them again"];
        trial.fails(&clip, &["--model", model.0.to_str().unwrap()], 1, &words);
    }
}
