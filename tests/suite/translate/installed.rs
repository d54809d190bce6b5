//! ControlNets that nobody names: those of the models folder and of other programs, through the real program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Ended, MOVING, Program, Studio, contents_of, copy_folder};

/// The demo model without its `ControlNet`, and a home without models.
struct User {
    studio: Studio,
    clip: PathBuf,
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo")
}

impl User {
    fn new() -> Option<Self> {
        let studio = Studio::new()?;
        let clip = studio.clip("clip.mp4", MOVING, 2);
        let bare = studio.path("bare");
        for part in ["unet", "vae", "text_encoder", "tokenizer", "scheduler"] {
            copy_folder(&demo().join(part), &bare.join(part));
        }
        Some(Self { studio, clip })
    }

    /// Puts the demo model's `ControlNet` somewhere.
    fn install(&self, place: &str) -> PathBuf {
        let place = self.studio.path(place);
        copy_folder(&demo().join("controlnet"), &place);
        place
    }

    fn translate(&self, out: &str, more: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fresco-studio"));
        command.args(self.studio.flags(&self.clip, out));
        command.arg("--model").arg(self.studio.path("bare"));
        command.args(more).env("HOME", self.studio.path("home"));
        let folders = [
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "HF_HOME",
            "HF_HUB_CACHE",
        ];
        for name in folders {
            command.env_remove(name);
        }
        Program::start_as(&mut command).finish()
    }

    fn pictures(&self, out: &str) -> Vec<(String, Vec<u8>)> {
        contents_of(&self.studio.path(&format!("work-{out}")).join("keyframes"))
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_installed_is_used_as_if_it_were_named() {
    let Some(user) = User::new() else { return };
    let missing = user.translate("nothing.mp4", &[]);
    assert_eq!(missing.code, Some(1), "{}", missing.errors);
    for words in [
        "the model has no ControlNet of its own",
        "\"fresco-studio models get controlnet-hed\"",
    ] {
        assert!(missing.errors.contains(words), "{}", missing.errors);
    }

    // The one kind that there is serves, whatever kind that is.
    let net = user.install("home/.local/share/fresco-studio/models/controlnet-canny");
    let found = user.translate("found.mp4", &[]);
    found.assert_finished();
    let says = |ended: &Ended, words: &str| {
        let mut texts = ended
            .events
            .iter()
            .filter_map(|event| event["text"].as_str());
        texts.any(|text| text.contains(words))
    };
    assert!(says(&found, "using canny"), "{:?}", found.events);
    let named = ["--controlnet", net.to_str().unwrap(), "--control", "canny"];
    let named = user.translate("named.mp4", &named);
    named.assert_finished();
    assert!(!says(&named, "No --control is given"));
    assert_eq!(user.pictures("found.mp4"), user.pictures("named.mp4"));

    // A control that is named is not changed, and says what would serve it.
    let depth = user.translate("depth.mp4", &["--control", "depth"]);
    assert_eq!(depth.code, Some(1));
    for words in ["models get controlnet-depth", "--control canny"] {
        assert!(depth.errors.contains(words), "{}", depth.errors);
    }

    // Other programs' are used in place. Soft edges are proposed before thin lines.
    let soft = user.install("home/ComfyUI/models/controlnet/my_softedge");
    fs::create_dir_all(user.studio.path("home/ComfyUI/models/checkpoints")).unwrap();
    let in_place = user.translate("in-place.mp4", &["--control", "soft-edges"]);
    in_place.assert_finished();
    let unsaid = user.translate("unsaid.mp4", &[]);
    unsaid.assert_finished();
    assert!(!says(&unsaid, "using canny"));
    assert_eq!(user.pictures("in-place.mp4"), user.pictures("unsaid.mp4"));
    assert_ne!(user.pictures("found.mp4"), user.pictures("unsaid.mp4"));

    // Each of two looks at what its name tells.
    let (net, soft) = (net.display(), soft.display());
    let both = [
        format!("--controlnet={net}"),
        format!("--controlnet={soft}"),
    ];
    let both = user.translate("both.mp4", &both.each_ref().map(String::as_str));
    both.assert_finished();
    assert!(says(&both, "using soft-edges for"), "{:?}", both.events);
    let said = [
        format!("--controlnet={soft},control=soft-edges"),
        format!("--controlnet={net},control=canny"),
        "--control=none".to_owned(),
    ];
    let said = user.translate("said.mp4", &said.each_ref().map(String::as_str));
    said.assert_finished();
    assert_eq!(user.pictures("both.mp4"), user.pictures("said.mp4"));
    assert_ne!(user.pictures("both.mp4"), user.pictures("found.mp4"));
}
