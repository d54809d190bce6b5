//! Models that other programs keep: found by their layout, used in place, whatever links lead where.

use std::path::{Path, PathBuf};

use fresco_studio::models::catalog::ModelFolder;
use fresco_studio::models::library::{Found, Library, ModelId, Owner, Places, Role, State, scan};
use fresco_studio::models::lora::Lora;

use super::{published, put, weights};
use crate::single_files::hollow;

const CHECKPOINT: &str = "model.diffusion_model.output_blocks.0.0.in_layers.0.bias";
const LORA: &str = "lora_unet_mid_block.lora_down.weight";
const CONTROL: &str = "controlnet_cond_embedding.conv_in.bias";

/// A home folder with nothing in it but what a test puts there.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn weights(&self, name: &str, tensor: &str) -> PathBuf {
        let path = self.path(name);
        put(&path, &weights(tensor, 2));
        path
    }

    fn scan(&self) -> Library {
        scan(&Places::usual(
            self.path("models"),
            Some(self.0.path()),
            |_| None,
        ))
    }
}

fn named<'a>(library: &'a Library, name: &str) -> Vec<&'a Found> {
    let found = library.found.iter();
    found.filter(|found| found.name == name).collect()
}

fn state<'a>(library: &'a Library, id: &str) -> &'a State {
    let entry = library
        .entries
        .iter()
        .find(|(entry, _)| entry.id == ModelId(id.to_owned()));
    &entry.unwrap().1
}

#[test]
fn one_s_own_models_of_other_families_are_listed_as_such() {
    let home = Home::new();
    home.weights("models/xl.safetensors", "conditioner.embedders.0.x");
    home.weights("models/two.safetensors", "cond_stage_model.model.x");
    let library = home.scan();
    for name in ["xl", "two"] {
        let found = named(&library, name);
        assert_eq!(found.len(), 1, "{name}: {:#?}", library.found);
        assert_eq!(
            (found[0].role, found[0].owner),
            (Role::Checkpoint, Owner::Own)
        );
        assert_eq!(found[0].trouble.as_deref(), Some("not SD 1.5"));
    }
    assert!(library.notes.is_empty(), "{:?}", library.notes);
}

#[test]
fn layouts_of_other_programs_are_known() {
    let home = Home::new();
    let a1111 = "stable-diffusion-webui/models";
    home.weights(
        &format!("{a1111}/Stable-diffusion/anime/flat.safetensors"),
        CHECKPOINT,
    );
    home.weights(&format!("{a1111}/Lora/ink.safetensors"), LORA);
    home.weights(&format!("{a1111}/ControlNet/canny.safetensors"), CONTROL);
    home.weights(
        &format!("{a1111}/VAE/soft.safetensors"),
        "decoder.conv_in.bias",
    );
    home.weights("ComfyUI/models/checkpoints/photo.safetensors", CHECKPOINT);
    home.weights("ComfyUI/models/loras/oil.safetensors", LORA);
    home.weights("models/own.safetensors", CHECKPOINT);
    put(&home.path("models/notes.txt"), b"no model");
    put(
        &home.path("ComfyUI/models/checkpoints/old.ckpt"),
        b"any bytes",
    );
    let library = home.scan();
    let what = |name: &str| {
        let found = named(&library, name);
        assert_eq!(found.len(), 1, "{name}: {:#?}", library.found);
        (found[0].role, found[0].owner)
    };
    assert_eq!(what("flat"), (Role::Checkpoint, Owner::A1111));
    assert_eq!(what("ink"), (Role::Lora, Owner::A1111));
    assert_eq!(what("canny"), (Role::ControlNet, Owner::A1111));
    assert_eq!(what("soft"), (Role::Vae, Owner::A1111));
    assert_eq!(what("photo"), (Role::Checkpoint, Owner::ComfyUi));
    assert_eq!(what("oil"), (Role::Lora, Owner::ComfyUi));
    assert_eq!(what("own"), (Role::Checkpoint, Owner::Own));
    let refused = named(&library, "old")[0].trouble.as_deref();
    assert_eq!(
        refused,
        Some("This format can run code. Use a .safetensors file.")
    );
    assert_eq!(library.found.len(), 8, "{:#?}", library.found);
    assert!(library.notes.is_empty(), "{:?}", library.notes);
}

/// Puts a file into a repository of the hub's cache, as its tools do: content in one place, links to it in another.
#[cfg(unix)]
fn put_in_cache(
    home: &Home,
    repository: &str,
    revision: &str,
    file: &str,
    bytes: &[u8],
) -> PathBuf {
    let folder = home.path(&format!(".cache/huggingface/hub/models--{repository}"));
    put(&folder.join("blobs/123"), bytes);
    let link = folder.join("snapshots").join(revision).join(file);
    std::fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("../../blobs/123", &link).unwrap();
    link
}

#[test]
#[cfg(unix)]
fn the_cache_of_the_hub_s_tools_is_used_in_place() {
    let home = Home::new();
    let file = "diffusion_pytorch_model.safetensors";
    let control = weights(CONTROL, 2);
    let old = put_in_cache(
        &home,
        "lllyasviel--sd-controlnet-hed",
        "0ld",
        file,
        &control,
    );
    let folder = home.path(".cache/huggingface/hub/models--lllyasviel--sd-controlnet-hed");
    hollow(
        &folder.join("blobs/123"),
        &published("controlnet-sd15/keys.txt"),
    );
    let new = folder.join("snapshots/new").join(file);
    std::fs::create_dir_all(new.parent().unwrap()).unwrap();
    std::fs::rename(&old, &new).unwrap();
    put(&folder.join("refs/main"), b"new\n");
    let library = home.scan();
    let found = named(&library, "lllyasviel/sd-controlnet-hed");
    assert_eq!(found.len(), 1, "{:#?}", library.found);
    assert_eq!((found[0].owner, &found[0].path), (Owner::HuggingFace, &new));
    assert_eq!(
        state(&library, "controlnet-hed"),
        &State::Ready { path: new }
    );
    assert_eq!(state(&library, "controlnet-canny"), &State::Missing);
}

#[test]
#[cfg(unix)]
fn links_lead_neither_in_circles_nor_out_of_the_cache() {
    let home = Home::new();
    home.weights("models/a.safetensors", LORA);
    let link = |to: &str, from: &str| {
        let from = home.path(from);
        std::fs::create_dir_all(from.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to, from).unwrap();
    };
    link(".", "models/again");
    link("..", "models/up");
    link("self.safetensors", "models/self.safetensors");
    link("a.safetensors", "models/b.safetensors");
    let elsewhere = home.weights("elsewhere/c.safetensors", LORA);
    link(
        elsewhere.parent().unwrap().to_str().unwrap(),
        "models/there",
    );
    let cache = ".cache/huggingface/hub/models--x--y/snapshots/1";
    let secret = home.weights("secret/s.safetensors", LORA);
    link(secret.to_str().unwrap(), &format!("{cache}/s.safetensors"));
    let library = home.scan();
    let names: Vec<&str> = library.found.iter().map(|found| &*found.name).collect();
    // The folder above is reached by a link, and what is below it is seen once.
    assert_eq!(names, ["a", "c", "s"], "{:#?}", library.found);
    assert!(library.found.iter().all(|found| found.owner == Owner::Own));
    let notes = library.notes.join("\n");
    assert!(notes.contains("leads out of its cache"), "{notes}");
}

#[test]
#[cfg(unix)]
fn a_pipe_is_not_waited_for() {
    let home = Home::new();
    home.weights("models/ink.safetensors", LORA);
    let pipes = [
        "models/pipe.safetensors",
        "models/hed/ControlNetHED.pth",
        "models/paint/unet/diffusion_pytorch_model.safetensors",
    ];
    put(&home.path("models/paint/unet/config.json"), b"{}");
    for name in pipes {
        let path = home.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match std::process::Command::new("mkfifo").arg(&path).status() {
            Ok(status) => assert!(status.success()),
            Err(error) => {
                eprintln!("skipped: no mkfifo here: {error}");
                return;
            }
        }
    }
    let library = home.scan();
    assert_eq!(named(&library, "ink")[0].trouble, None);
    let notes = library.notes.join("\n");
    assert!(notes.contains("pipe.safetensors is passed over"), "{notes}");
    let paint = named(&library, "paint")[0].trouble.as_deref();
    assert!(paint.unwrap().contains("no file"), "{paint:?}");
    assert!(matches!(
        state(&library, "hed"),
        State::Missing | State::Damaged { .. }
    ));
    let pipe = home.path(pipes[0]);
    assert!(ModelFolder::open(&pipe, None).is_err());
    assert!(Lora::read(&pipe).is_err());
    let paint = ModelFolder::open(&home.path("models/paint"), None).unwrap();
    assert!(paint.part("unet").weights().is_err());
}

#[test]
fn one_name_means_the_first_of_several() {
    let home = Home::new();
    let own = home.weights("models/ink.safetensors", LORA);
    let a1111 = home.weights("stable-diffusion-webui/models/Lora/ink.safetensors", LORA);
    std::fs::create_dir_all(home.path("stable-diffusion-webui/models/Stable-diffusion")).unwrap();
    let deeper = home.weights("models/x/ink.safetensors", LORA);
    home.weights("models/ink-2.safetensors", LORA);
    let first = home.scan();
    let paths: Vec<&Path> = named(&first, "ink")
        .iter()
        .map(|found| &*found.path)
        .collect();
    assert_eq!(paths, [&*own, &*deeper, &*a1111]);
    assert_eq!(first.notes.len(), 2, "{:?}", first.notes);
    assert!(
        first
            .notes
            .iter()
            .all(|note| note.contains(&format!("ink means {}", own.display())))
    );
    assert_eq!(first, home.scan());
}

#[test]
fn files_of_the_catalogue_are_known_wherever_they_are() {
    let home = Home::new();
    let name = "Realistic_Vision_V2.0-fp16-no-ema.safetensors";
    let found = home.weights(&format!("ComfyUI/models/checkpoints/{name}"), CHECKPOINT);
    // Called like it, and something else.
    let other = home.scan();
    assert_eq!(state(&other, "realistic-vision-2"), &State::Missing);
    hollow(&found, &published("sd15/single_file.keys.txt"));
    let cut = home.path("models/taesd/diffusion_pytorch_model.safetensors");
    put(&cut, &weights("decoder.layers.1.bias", 9)[..40]);
    put(
        &home.path("models/sd15/.partial-v1-5-pruned-emaonly-fp16.safetensors"),
        b"12345",
    );
    let memo = "address = \"http://x\"\ntotal = 20\n";
    put(
        &home.path("models/sd15/.partial-v1-5-pruned-emaonly-fp16.safetensors.toml"),
        memo.as_bytes(),
    );
    let library = home.scan();
    assert_eq!(
        state(&library, "realistic-vision-2"),
        &State::Ready { path: found }
    );
    let State::Damaged { path, reason } = state(&library, "taesd") else {
        panic!("{:?}", state(&library, "taesd"));
    };
    assert_eq!(path, &cut);
    assert!(reason.contains("cut off"), "{reason}");
    let unfinished = State::Unfinished {
        done: 5,
        total: Some(20),
    };
    assert_eq!(state(&library, "sd15"), &unfinished);
    assert_eq!(state(&library, "egnet"), &State::Missing);
}

#[test]
fn folders_in_diffusers_layout_are_models() {
    let home = Home::new();
    put(&home.path("models/paint/unet/config.json"), b"{}");
    home.weights(
        "models/paint/unet/diffusion_pytorch_model.safetensors",
        "conv_in.bias",
    );
    put(&home.path("models/old/unet/config.json"), b"{}");
    put(
        &home.path("models/old/unet/diffusion_pytorch_model.bin"),
        b"x",
    );
    put(&home.path("models/lines/config.json"), b"{}");
    home.weights("models/lines/diffusion_pytorch_model.safetensors", CONTROL);
    let library = home.scan();
    let paint = named(&library, "paint");
    assert_eq!(paint[0].path, home.path("models/paint"));
    assert_eq!(
        (paint[0].role, &paint[0].trouble),
        (Role::Checkpoint, &None)
    );
    let old = named(&library, "old")[0].trouble.as_deref();
    assert!(old.unwrap().contains("can run code"));
    let lines = named(&library, "lines");
    assert_eq!(
        (lines[0].role, &lines[0].path),
        (Role::ControlNet, &home.path("models/lines"))
    );
}
