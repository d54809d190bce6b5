//! Single files by names and shapes alone: files of the published lists without values, and files of other kinds.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use burn::module::Module;
use fresco_studio::diffusion::noise_schedule::{NoiseSchedule, Prediction, SchedulerConfig};
use fresco_studio::models::catalog::ModelFolder;
use fresco_studio::models::checkpoint::{Mismatch, TensorList, check, published_tensors};
use fresco_studio::models::clip::{self, ClipTextModel, TextEncoderConfig, Tokenizer};
use fresco_studio::models::controlnet::{self, ControlNetConfig, ControlNetModel};
use fresco_studio::models::lora::{self, Lora};
use fresco_studio::models::unet::{self, UNet2DConditionModel, UNetConfig};
use fresco_studio::models::vae::{self, AutoencoderKL, VaeConfig};
use fresco_studio::models::{KeyMap, ModelError};
use fresco_studio::tensor::Device;
use tempfile::TempDir;

/// A file with these names and shapes and nothing but zeros, of which the disk stores none. A byte a value keeps full
/// sizes within what any file system takes.
pub fn hollow(path: &Path, tensors: &TensorList) {
    hollow_of(path, tensors, ("I8", 1));
}

/// Such a file of values of a type, which has a name and a size.
pub fn hollow_of(path: &Path, tensors: &TensorList, (dtype, n_bytes): (&str, usize)) {
    let mut head = serde_json::Map::new();
    let mut end = 0;
    for (name, shape) in tensors {
        let start = end;
        end += n_bytes * shape.iter().product::<usize>();
        let about =
            serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]});
        head.insert(name.clone(), about);
    }
    let head = serde_json::to_vec(&head).unwrap();
    let mut file = File::create(path).unwrap();
    file.write_all(&(head.len() as u64).to_le_bytes()).unwrap();
    file.write_all(&head).unwrap();
    file.set_len((8 + head.len() + end) as u64).unwrap();
}

/// Every tensor of the list is taken exactly once, with the right shape, by a full-size network of SD 1.5.
pub fn assert_list_is_covered(tensors: &TensorList, parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("full.safetensors");
    hollow(&path, tensors);
    let file = ModelFolder::open(&path, None).unwrap();
    let mut taken = 0;
    for part in ["unet", "vae", "text_encoder", "controlnet"] {
        let folder = file.part(part);
        assert_eq!(folder.has("config.json"), parts.contains(&part), "{part}");
        if !parts.contains(&part) {
            continue;
        }
        let config = folder.read("config.json").unwrap();
        let device = Device::flex();
        match part {
            "unet" => {
                let config = UNetConfig::from_json(&config).unwrap();
                fits(
                    &UNet2DConditionModel::new(&config, &device),
                    &folder,
                    &unet::KEYS,
                );
            }
            "vae" => {
                let config = VaeConfig::from_json(&config).unwrap();
                fits(&AutoencoderKL::new(&config, &device), &folder, &vae::KEYS);
            }
            "text_encoder" => {
                let config = TextEncoderConfig::from_json(&config).unwrap();
                fits(&ClipTextModel::new(&config, &device), &folder, &clip::KEYS);
            }
            _ => {
                let config = ControlNetConfig::from_json(&config).unwrap();
                fits(
                    &ControlNetModel::new(&config, &device),
                    &folder,
                    &controlnet::KEYS,
                );
            }
        }
        taken += published_tensors(&folder.weights().unwrap()).unwrap().len();
    }
    assert_eq!(taken, tensors.len(), "tensors that no network takes");
}

fn fits<M: Module>(module: &M, folder: &ModelFolder, keys: &KeyMap) {
    let mismatch = check(module, &folder.weights().unwrap(), keys);
    assert_eq!(mismatch.unwrap(), Mismatch::default(), "{folder}");
}

/// Names and shapes of a published list.
pub fn list(keys: &str) -> TensorList {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("models")
        .join(keys);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(crate::keymaps::tensor).collect()
}

/// Names and shapes of the tensors of a file.
type Listed<'a> = &'a [(&'a str, &'a [usize])];

#[test]
fn published_single_files_are_read_whole() {
    let parts = ["unet", "vae", "text_encoder"];
    assert_list_is_covered(&list("sd15/single_file.keys.txt"), &parts);
    assert_list_is_covered(&list("sd-vae-ft-mse/single_file.keys.txt"), &["vae"]);
    assert_list_is_covered(&list("sd-vae-ft-mse/keys.txt"), &["vae"]);
    let control = list("controlnet-sd15/single_file.keys.txt");
    assert_list_is_covered(&control, &["controlnet"]);
    assert_list_is_covered(&list("controlnet-sd15/keys.txt"), &["controlnet"]);
    // Some conversions drop the prefix.
    let bare = control.into_iter().map(|(name, shape)| {
        let name = name.strip_prefix("control_model.").unwrap().to_owned();
        (name, shape)
    });
    assert_list_is_covered(&bare.collect(), &["controlnet"]);
}

/// A folder of hollow files.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, tensors: &[(&str, &[usize])]) -> PathBuf {
        let path = self.0.path().join("file.safetensors");
        let tensors = tensors
            .iter()
            .map(|(name, shape)| ((*name).to_owned(), shape.to_vec()));
        hollow(&path, &tensors.collect());
        path
    }

    /// What opening such a file as a model says, with its cause.
    fn refused(&self, tensors: &[(&str, &[usize])]) -> String {
        let error = ModelFolder::open(&self.file(tensors), None).unwrap_err();
        assert!(matches!(error, ModelError::Family { .. }), "{error}");
        std::error::Error::source(&error).unwrap().to_string()
    }
}

#[test]
fn files_of_other_families_say_what_they_are() {
    let files = Files::new();
    let to_k = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight";
    let first = "model.diffusion_model.input_blocks.0.0.weight";
    let cases: [(Listed<'_>, &str); 12] = [
        (&[("conditioner.embedders.0.x", &[1])], "an SDXL model"),
        (
            &[("model.diffusion_model.label_emb.0.0.weight", &[1])],
            "an SDXL model",
        ),
        (&[(to_k, &[640, 2048])], "an SDXL model"),
        (&[(to_k, &[640, 1280])], "the refiner of SDXL"),
        (&[(to_k, &[320, 1024])], "an SD 2 model"),
        (
            &[("cond_stage_model.model.ln_final.weight", &[1])],
            "an SD 2 model",
        ),
        (
            &[("model.diffusion_model.double_blocks.0.x", &[1])],
            "a Flux model",
        ),
        (
            &[("model.diffusion_model.joint_blocks.0.x", &[1])],
            "an SD 3 model",
        ),
        (&[(first, &[320, 9, 3, 3])], "an inpainting model (9 input"),
        (
            &[("conv_in.weight", &[320, 8, 3, 3])],
            "instruction-editing",
        ),
        (
            &[("decoder.conv_in.weight", &[512, 16, 3, 3])],
            "the VAE of a newer family",
        ),
        (
            &[("lora_unet_mid_block_x.lora_up.weight", &[1, 1])],
            "a LoRA, which is added to a model; name it with --lora",
        ),
    ];
    for (tensors, words) in cases {
        let told = files.refused(tensors);
        assert!(told.contains(words), "{tensors:?}: {told}");
    }
    let control = [
        (
            "control_model.input_hint_block.0.weight",
            &[16, 3, 3, 3][..],
        ),
        (
            "control_model.input_blocks.1.1.x.attn2.to_k.weight",
            &[1, 1024][..],
        ),
    ];
    let told = files.refused(&control);
    assert!(told.ends_with("choose another ControlNet"), "{told}");
    assert!(files.refused(&[("x", &[1])]).contains("no network"));
}

#[test]
fn a_network_that_a_file_lacks_is_named() {
    let files = Files::new();
    let file = files.file(&[
        ("model.diffusion_model.output_blocks.0.0.x", &[1]),
        ("cond_stage_model.transformer.text_model.x", &[1]),
    ]);
    let model = ModelFolder::open(&file, None).unwrap();
    let error = model.part("vae").weights().unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        cause.contains("no VAE in this file; name one with --vae"),
        "{cause}"
    );
    assert!(model.part("unet").weights().is_ok());
}

/// A tensor without values is how such files say it.
#[test]
fn a_file_says_what_its_network_predicts() {
    let files = Files::new();
    let first = ("model.diffusion_model.output_blocks.0.0.x", &[1_usize][..]);
    let scheduler = |tensors: Listed<'_>| {
        let model = ModelFolder::open(&files.file(tensors), None).unwrap();
        model.part("scheduler")
    };
    let scheduler_of_velocity = scheduler(&[first, ("v_pred", &[])]);
    let config = scheduler_of_velocity.read("scheduler_config.json").unwrap();
    let config = SchedulerConfig::from_json(&config).unwrap();
    let prediction = NoiseSchedule::new(&config).unwrap().prediction();
    assert_eq!(prediction, Prediction::Velocity);
    assert!(scheduler_of_velocity.has("scheduler_config.json"));
    assert!(!scheduler(&[first]).has("scheduler_config.json"));
    let told = files.refused(&[first, ("v_pred", &[]), ("ztsnr", &[])]);
    assert!(told.contains("zero terminal SNR"), "{told}");
    let guided = "model.diffusion_model.time_embed.cond_proj.weight";
    let told = files.refused(&[first, (guided, &[320, 256])]);
    assert!(told.contains("LCM LoRA"), "{told}");
}

#[test]
fn files_that_are_no_model_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, words) in [
        ("a.ckpt", "this format can run code"),
        ("a.pth", "this format can run code"),
        ("a.pt", "this format can run code"),
        ("a.bin", "this format can run code"),
        ("a.mp4", "a .safetensors file or a folder"),
        ("a.safetensors", "damaged"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, b"not a model").unwrap();
        let told = ModelFolder::open(&path, None).unwrap_err().to_string();
        assert!(told.contains(words), "{name}: {told}");
    }
}

#[test]
fn single_files_speak_clip() {
    let files = Files::new();
    let file = files.file(&[("model.diffusion_model.output_blocks.0.0.x", &[1])]);
    let tokenizer = ModelFolder::open(&file, None).unwrap().part("tokenizer");
    let merges = tokenizer.read("merges.txt").unwrap();
    let tokenizer = Tokenizer::from_merges(&merges).unwrap();
    assert_eq!((tokenizer.start(), tokenizer.end()), (49406, 49407));
    // Known ids of the published tokenizer.
    assert_eq!(
        tokenizer.encode("a photo of a cat"),
        [320, 1125, 539, 320, 2368]
    );
}

#[test]
fn loras_are_found_by_name() {
    let models = tempfile::tempdir().unwrap();
    let folder = models.path().join("loras/style");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("ink.safetensors");
    std::fs::write(&file, b"").unwrap();
    let folders = [models.path().join("elsewhere"), models.path().join("loras")];
    let find = |name: &str| lora::find(&folders, Path::new(name));
    for name in ["ink", "ink.safetensors", "style/ink"] {
        assert_eq!(find(name).unwrap(), file, "{name}");
    }
    for name in ["pen", "../loras/style/ink", ""] {
        assert!(find(name).is_err(), "{name}");
    }
    assert_eq!(lora::find(&[], &file).unwrap(), file);
}

#[test]
fn loras_that_cannot_be_used_say_why() {
    let files = Files::new();
    let down = "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight";
    let up = "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight";
    let cases: [(Listed<'_>, &str); 6] = [
        (&[(down, &[4, 8])], "one half is missing"),
        (&[(down, &[4, 8]), (up, &[8, 3])], "do not fit each other"),
        (&[(down, &[0, 8]), (up, &[8, 0])], "do not fit each other"),
        (&[("lora_unet_x.hada_w1_a", &[4, 8])], "this is a LoHa"),
        (
            &[("lora_te2_x.lora_up.weight", &[4, 8])],
            "cannot use the LoRA",
        ),
        (&[("x.weight", &[4, 8])], "cannot use the LoRA"),
    ];
    for (tensors, words) in cases {
        let told = Lora::read(&files.file(tensors)).unwrap_err().to_string();
        assert!(told.contains(words), "{tensors:?}: {told}");
    }
}
