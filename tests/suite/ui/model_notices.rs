//! Models that cannot be used: real files, looked at by the real worker, and what the window says of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fresco_studio::app::Action;
use fresco_studio::app::settings::Setting;
use fresco_studio::app::state::Dialog;
use fresco_studio::models::checkpoint::TensorList;
use fresco_studio::pipeline::job::{ControlKind, ControlNetSpec, JobSpec, LoraSpec};
use fresco_studio::worker::message::{Command, Event, ModelId, catalogue};
use tempfile::TempDir;

use super::notices::assert_said;
use super::script::Asked;
use super::{Bench, CLIP, ask, change, open_clip, press, start_screen, tell};
use crate::scripted::{Scripted, summary};
use crate::single_files::{hollow, list};

/// Long enough for any machine; only reached by a test that fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// Answers as the worker does what the window asks of models, until it asks no more; how often that was.
fn answer(bench: &mut Bench) -> usize {
    let build = || Scripted::new(|job, _| Ok(summary(job)));
    let worker = fresco_studio::worker::spawn(build, Arc::new(|| {})).unwrap();
    for n_answers in 0..5 {
        let asked = bench.state().script().take_asked().into_iter().rev();
        let mut checks = asked.filter_map(|asked| match asked {
            Asked::Sent(command @ Command::CheckModel(..)) => Some(command),
            _ => None,
        });
        let Some(command) = checks.next() else {
            return n_answers;
        };
        worker.send(command).unwrap();
        let answer = worker.events().recv_timeout(PATIENCE).unwrap();
        assert!(matches!(answer, Event::Model(_)), "{answer:?}");
        tell(bench, vec![answer]);
    }
    panic!("it never stops asking");
}

/// A window, and a folder for models.
pub struct Trial {
    home: TempDir,
    pub bench: Bench,
}

impl Trial {
    pub fn new() -> Self {
        Self::with(open_clip())
    }

    fn with(mut bench: Bench) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut preferences = Box::new(bench.state().state().preferences.clone());
        preferences.models_folder = Some(home.path().join("models"));
        ask(&mut bench, Action::SetPreferences(preferences));
        bench.state().script().take_asked();
        Self { home, bench }
    }

    pub fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn hollow(&self, name: &str, tensors: &[(&str, &[usize])]) -> PathBuf {
        let path = self.put(name, b"");
        let list = tensors.iter();
        let list: TensorList = list
            .map(|(name, shape)| ((*name).to_owned(), shape.to_vec()))
            .collect();
        hollow(&path, &list);
        path
    }

    /// A model in diffusers layout, of which only the U-Net's config is there, with these values in place of the demo
    /// model's.
    fn folder(&self, name: &str, changes: serde_json::Value) -> PathBuf {
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo/unet/config.json");
        let mut config: serde_json::Value =
            serde_json::from_slice(&fs::read(demo).unwrap()).unwrap();
        for (field, value) in changes.as_object().unwrap() {
            config[field] = value.clone();
        }
        let file = self.put(
            &format!("{name}/unet/config.json"),
            config.to_string().as_bytes(),
        );
        file.ancestors().nth(2).unwrap().to_owned()
    }

    /// Changes the settings; the worker looks at the models that they name.
    pub fn look(&mut self, edit: impl FnOnce(&mut JobSpec)) {
        self.bench.state().script().take_asked();
        change(&mut self.bench, Setting::Model, edit);
        let n_answers = answer(&mut self.bench);
        assert!(n_answers > 0, "the models were not looked at");
    }

    fn look_at(&mut self, model: &Path) {
        self.look(|spec| spec.model = Some(model.to_owned()));
    }

    /// The window says it, and offers another model.
    fn assert_refused(&mut self, text: &str) {
        assert_said(&self.bench, text);
        press(&mut self.bench, "Choose another…");
        assert_eq!(self.bench.state().state().dialogs, [Dialog::Models]);
        ask(&mut self.bench, Action::Escape);
    }
}

const SDXL: (&str, &[usize]) = (
    "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight",
    &[768],
);

#[test]
fn models_of_other_families_are_named_with_their_family() {
    let mut trial = Trial::new();
    let file = trial.hollow("big.safetensors", &[SDXL]);
    trial.look_at(&file);
    trial.assert_refused("big.safetensors is an SDXL model. FRESCO needs the SD 1.5 family.");
    let folder = trial.folder("second", serde_json::json!({"cross_attention_dim": 1024}));
    trial.look_at(&folder);
    trial.assert_refused("second is an SD 2 model. FRESCO needs the SD 1.5 family.");
    let net = [
        (
            "controlnet_cond_embedding.conv_in.weight",
            &[16, 3, 3, 3][..],
        ),
        ("add_embedding.linear_1.weight", &[8, 8]),
    ];
    let net = trial.hollow("net.safetensors", &net);
    trial.look(|spec| {
        spec.model = None;
        spec.controlnet = vec![ControlNetSpec {
            path: net,
            ..ControlNetSpec::default()
        }];
    });
    trial.assert_refused("net.safetensors is an SDXL model.");
}

#[test]
fn formats_that_can_run_code_are_refused_in_these_words() {
    const WORDS: &str = "This format can run code. Use a .safetensors file.";
    let mut trial = Trial::new();
    let old = trial.put("old.ckpt", b"PK");
    trial.look_at(&old);
    trial.assert_refused(&format!("old.ckpt cannot be used. {WORDS}"));
    let net = trial.put("net.pth", b"PK");
    trial.look(|spec| {
        spec.model = None;
        spec.controlnet = vec![ControlNetSpec {
            path: net,
            ..ControlNetSpec::default()
        }];
    });
    trial.assert_refused(&format!("net.pth cannot be used. {WORDS}"));
    let ink = trial.put("ink.pt", b"PK");
    trial.look(|spec| {
        spec.controlnet.clear();
        let strength = 1.0;
        spec.lora = vec![LoraSpec {
            path: ink,
            strength,
        }];
    });
    trial.assert_refused(&format!("ink.pt cannot be used. {WORDS}"));
}

#[test]
fn a_damaged_file_is_downloaded_again_if_the_catalogue_has_it() {
    let mut trial = Trial::new();
    let own = trial.put("own.safetensors", b"no list of tensors");
    trial.look_at(&own);
    trial.assert_refused("own.safetensors is damaged.");
    let mut entries = catalogue().iter();
    let entry = entries.find(|entry| entry.id.0 == "realistic-vision-2");
    let name = entry.unwrap().place(Path::new("models"));
    let file = trial.put(name.to_str().unwrap(), b"no list of tensors");
    trial.look_at(&file);
    assert_said(&trial.bench, "fp16-no-ema.safetensors is damaged.");
    press(&mut trial.bench, "Download again");
    let asked = trial.bench.state().script().take_asked();
    let is_get = |asked: &Asked| matches!(asked, Asked::Sent(Command::GetModel(id, _)) if id.0 == "realistic-vision-2");
    assert!(asked.iter().any(is_get), "{asked:?}");
}

#[test]
fn without_a_model_or_a_controlnet_one_is_offered() {
    let mut trial = Trial::new();
    trial.look_at(Path::new("/nowhere/gone.safetensors"));
    assert_said(&trial.bench, "A model is needed to translate.");
    assert_said(&trial.bench, "gone.safetensors was not found.");
    let bare = trial.folder("bare", serde_json::json!({}));
    trial.look_at(&bare);
    assert_said(&trial.bench, "No ControlNet for Soft edges is installed.");
    press(&mut trial.bench, "Get ControlNet…");
    let dialog = Dialog::Download(ModelId("controlnet-hed".to_owned()));
    assert_eq!(trial.bench.state().state().dialogs, [dialog]);
    ask(&mut trial.bench, Action::Escape);
    press(&mut trial.bench, "Use no control");
    let control = trial.bench.state().project().edits.spec.control;
    assert_eq!(control, ControlKind::None);
}

#[test]
fn what_is_no_model_of_a_family_is_said_as_it_is() {
    let mut trial = Trial::new();
    let lora = trial.hollow("style.safetensors", &[("lora_unet_a.lora_up.weight", &[4])]);
    trial.look_at(&lora);
    trial.assert_refused("this is a LoRA, which is added to a model");
}

#[test]
fn a_downloaded_model_brings_the_control_that_is_there() {
    let mut trial = Trial::with(start_screen());
    let place = |id: &str| {
        let mut entries = catalogue().iter();
        let entry = entries.find(|entry| entry.id.0 == id).unwrap();
        let place = entry.place(Path::new("models"));
        place.to_str().unwrap().to_owned()
    };
    let model = trial.put(&place("realistic-vision-2"), b"");
    hollow(&model, &list("sd15/single_file.keys.txt"));
    let mut preferences = Box::new(trial.bench.state().state().preferences.clone());
    preferences.model = Some(model.clone());
    ask(&mut trial.bench, Action::SetPreferences(preferences));
    ask(&mut trial.bench, Action::CheckAgain);
    answer(&mut trial.bench);
    let alone = "No ControlNet for Soft edges is installed.";
    assert_said(&trial.bench, alone);

    let net = trial.put(&place("controlnet-hed"), b"");
    hollow(&net, &list("controlnet-sd15/keys.txt"));
    ask(&mut trial.bench, Action::CheckAgain);
    answer(&mut trial.bench);
    assert_said(&trial.bench, "Ready: Realistic Vision 2 + HED");
    let control = |trial: &Trial| trial.bench.state().project().edits.spec.control;
    ask(&mut trial.bench, Action::Open(CLIP.into()));
    answer(&mut trial.bench);
    assert_eq!(control(&trial), ControlKind::SoftEdges);

    // With what draws them, HED edges are the control of a new project, and what it is put back to.
    let annotator = trial.put(&place("hed"), b"weights");
    ask(&mut trial.bench, Action::New);
    ask(&mut trial.bench, Action::CheckAgain);
    answer(&mut trial.bench);
    ask(&mut trial.bench, Action::Open(CLIP.into()));
    answer(&mut trial.bench);
    assert_eq!(control(&trial), ControlKind::Hed);
    let spec = &trial.bench.state().project().edits.spec;
    assert_eq!(spec.model, Some(model));
    assert_eq!(
        trial.bench.state().project().fresh.control,
        ControlKind::Hed
    );

    // A job would fail, so the window does not say that all is ready.
    fs::remove_file(annotator).unwrap();
    ask(&mut trial.bench, Action::CheckAgain);
    answer(&mut trial.bench);
    assert_said(&trial.bench, "The control \"hed\" needs a helper");
    press(&mut trial.bench, "Get helper…");
    let dialog = Dialog::Download(ModelId("hed".to_owned()));
    assert_eq!(trial.bench.state().state().dialogs, [dialog]);
}
