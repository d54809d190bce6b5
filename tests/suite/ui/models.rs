//! The models dialog: how each model is and what can be done with it, and what other programs have.

use std::path::{Path, PathBuf};

use egui::accesskit::Role as NodeRole;
use egui::{OutputCommand, Theme, Vec2};
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::Action;
use fresco_studio::app::actions::FilePick;
use fresco_studio::app::models::ModelAction;
use fresco_studio::app::state::Dialog;
use fresco_studio::ui::dialogs::Chosen;
use fresco_studio::worker::message::{
    Command, DownloadState, Event, Found, GetModel, Library, ModelId, ModelSources, NOT_SD15,
    Owner, Role, State, catalogue,
};

use super::script::Asked;
use super::{Bench, CLIP, ask, clip_known, names, open_clip, press, tell, window_with};

pub const FOLDER: &str = "/studio/models";

pub fn id(name: &str) -> ModelId {
    ModelId(name.to_owned())
}

/// A look that found these models in these states, and no others.
fn library(states: &[(&str, State)]) -> Event {
    let state = |id: &ModelId| {
        let found = states.iter().find(|(name, _)| *name == id.0);
        found.map_or(State::Missing, |(_, state)| state.clone())
    };
    let entries = catalogue().iter();
    let found = |name: &str, role, owner, trouble: Option<&str>| Found {
        name: name.to_owned(),
        role,
        path: Path::new("/others").join(name),
        owner,
        bytes: 2_100_000_000,
        trouble: trouble.map(ToOwned::to_owned),
    };
    Event::Models(Ok(Box::new(Library {
        folder: FOLDER.into(),
        entries: entries
            .map(|entry| (entry.clone(), state(&entry.id)))
            .collect(),
        found: vec![
            found("flat", Role::Checkpoint, Owner::A1111, None),
            found("ink", Role::Lora, Owner::A1111, None),
            found("big", Role::Checkpoint, Owner::ComfyUi, Some(NOT_SD15)),
            found("mine", Role::Lora, Owner::Own, None),
        ],
        notes: Vec::new(),
    })))
}

fn ready(path: &str) -> State {
    State::Ready { path: path.into() }
}

fn damaged(reason: &str) -> State {
    State::Damaged {
        path: "/studio/models/x".into(),
        reason: reason.to_owned(),
    }
}

pub fn going(name: &str, done: u64, total: u64, left_secs: Option<f64>) -> Event {
    let total = Some(total);
    let state = DownloadState::Going {
        done,
        total,
        left_secs,
    };
    Event::Download(id(name), state)
}

/// A library with a model in each state that does not move.
pub fn all_states() -> Vec<Event> {
    let unfinished = State::Unfinished {
        done: 43,
        total: Some(100),
    };
    vec![library(&[
        ("realistic-vision-2", ready("/studio/models/rv.safetensors")),
        ("sd15", unfinished),
        ("dreamshaper-8-lcm", damaged(NOT_SD15)),
        ("sd-vae-ft-mse", ready("/hub/vae.safetensors")),
        ("controlnet-hed", ready("/hub/hed")),
        ("gmflow", ready("/studio/models/gmflow/x.pth")),
        ("hed", damaged("it is cut off")),
    ])]
}

/// The dialog over an open clip, with a model in each state.
pub fn opened() -> Bench {
    let mut bench = open_clip();
    ask(&mut bench, Action::OpenDialog(Dialog::Models));
    tell(&mut bench, all_states());
    bench.state().script().take_asked();
    bench
}

/// Shows rows, wherever the list is scrolled to.
pub fn click(bench: &mut Bench, name: &str) {
    let found = bench.query_by_role_and_label(NodeRole::Button, name);
    let node = found.unwrap_or_else(|| panic!("no button {name:?} in {:?}", names(bench)));
    node.click_accesskit();
    super::settle(bench);
}

pub fn shows(bench: &Bench, text: &str) -> bool {
    names(bench).iter().any(|name| name.contains(text))
}

pub fn assert_shown(bench: &Bench, text: &str) {
    assert!(shows(bench, text), "{text:?} is not in {:?}", names(bench));
}

pub fn sent(bench: &Bench) -> Vec<Command> {
    let asked = bench.state().script().take_asked().into_iter();
    let commands = asked.filter_map(|asked| match asked {
        Asked::Sent(command) => Some(command),
        _ => None,
    });
    commands.collect()
}

pub fn gets(commands: &[Command]) -> Vec<(ModelId, GetModel)> {
    let gets = commands.iter().filter_map(|command| match command {
        Command::GetModel(id, how) => Some((id.clone(), (**how).clone())),
        _ => None,
    });
    gets.collect()
}

fn copied(bench: &Bench) -> Option<String> {
    let commands = &bench.output().platform_output.commands;
    commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

/// Begins the download of a model that is missing.
pub fn begin(bench: &mut Bench, name: &str) {
    ask(bench, Action::Model(ModelAction::Download(id(name))));
    tell(bench, vec![going(name, 0, 100, None)]);
    bench.state().script().take_asked();
}

#[test]
fn opening_the_dialog_looks_for_models() {
    let mut bench = open_clip();
    press(&mut bench, "File");
    press(&mut bench, "Models…");
    assert_eq!(bench.state().state().dialogs, [Dialog::Models]);
    assert_shown(&bench, "looking…");
    let commands = sent(&bench);
    let Some(Command::ScanModels(places)) = commands.first() else {
        panic!("{commands:?}");
    };
    assert_eq!(places.folder, Path::new(FOLDER));
    tell(&mut bench, all_states());
    assert!(!shows(&bench, "looking…"));
    press(&mut bench, "Rescan");
    let commands = sent(&bench);
    let scans = |command: &Command| matches!(command, Command::ScanModels(_));
    assert!(commands.iter().any(scans), "{commands:?}");
}

#[test]
fn every_state_is_said_and_has_its_buttons() {
    let mut bench = opened();
    for (words, buttons) in [
        (
            "ready",
            &[
                "Use Realistic Vision 2",
                "Use VAE ft MSE",
                "Use HED",
                "Use mine",
            ][..],
        ),
        ("ready, used by itself", &[]),
        (
            "stopped at 43 %",
            &[
                "Continue Stable Diffusion 1.5",
                "Cancel Stable Diffusion 1.5",
            ],
        ),
        ("not SD 1.5", &["Download again DreamShaper 8 LCM"]),
        (
            "damaged: it is cut off",
            &["Download again HED edges", "Copy address HED edges"],
        ),
        ("missing", &["Download Canny", "Copy address Canny"]),
    ] {
        assert_shown(&bench, words);
        for button in buttons {
            let found = bench.query_by_role_and_label(NodeRole::Button, button);
            assert!(found.is_some(), "{button:?} is not in {:?}", names(&bench));
        }
    }
    for not in ["Use Flow", "Use HED edges", "Download Flow", "Use Canny"] {
        let found = bench.query_by_role_and_label(NodeRole::Button, not);
        assert!(found.is_none(), "{not}");
    }
    // What a model is for, and under which licence.
    for entry in catalogue() {
        assert_shown(&bench, &entry.purpose);
        let licence = format!("Licence of {}: {}", entry.title, entry.licence);
        let link = bench.query_by_role_and_label(NodeRole::Link, &licence);
        assert!(link.is_some(), "{licence}");
    }
    bench
        .get_by_label_contains("Licence of Realistic Vision 2")
        .click_accesskit();
    super::settle(&mut bench);
    let page = "https://huggingface.co/SG161222/Realistic_Vision_V2.0";
    let opened = bench.state().desktop.opened.borrow().clone();
    assert_eq!(opened, [PathBuf::from(page)]);
}

#[test]
fn models_are_used_where_they_are() {
    let mut bench = opened();
    click(&mut bench, "Use Realistic Vision 2");
    let model = |bench: &Bench| bench.state().project().edits.spec.model.clone();
    let path = PathBuf::from("/studio/models/rv.safetensors");
    assert_eq!(model(&bench), Some(path));
    let commands = sent(&bench);
    let checks = |command: &Command| matches!(command, Command::CheckModel(..));
    assert!(commands.iter().any(checks), "{commands:?}");
    assert_shown(&bench, "in use");
    click(&mut bench, "Use VAE ft MSE");
    let vae = bench.state().project().edits.spec.vae.clone();
    assert_eq!(vae, Some("/hub/vae.safetensors".into()));
    for owner in ["A1111 (2)", "ComfyUI (1)"] {
        let header = bench.get_by_role_and_label(NodeRole::DisclosureTriangle, owner);
        header.click_accesskit();
        super::settle(&mut bench);
    }
    click(&mut bench, "Use flat");
    assert_eq!(model(&bench), Some("/others/flat".into()));
    click(&mut bench, "Use ink");
    let loras = bench.state().project().edits.spec.lora.clone();
    assert_eq!(loras[0].path, Path::new("/others/ink"));
    let refused = bench.query_by_role_and_label(NodeRole::Button, "Use big");
    assert!(refused.is_none());
}

#[test]
fn all_that_an_offline_machine_needs_is_copied() {
    let mut bench = opened();
    let button = "Copy address Soft edges 1.1";
    bench
        .get_by_role_and_label(NodeRole::Button, button)
        .click_accesskit();
    let texts = (0..6).filter_map(|_| {
        bench.step();
        copied(&bench)
    });
    let text = texts.last().expect("a text on the clipboard");
    let entry = catalogue()
        .iter()
        .find(|entry| entry.id.0 == "controlnet-softedge");
    let entry = entry.unwrap();
    let hash = entry.sha256.as_ref().unwrap();
    for part in [
        "https://huggingface.co/lllyasviel/control_v11p_sd15_softedge/resolve/main/",
        "/studio/models/controlnet-softedge/diffusion_pytorch_model.safetensors",
        hash,
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn offline_nothing_is_downloaded_and_the_reason_is_said() {
    let mut sources = ModelSources::default();
    sources.hub.offline = true;
    let place = (Vec2::new(1440.0, 900.0), Theme::Dark);
    let mut bench = window_with(sources, place, Some(CLIP.into()));
    tell(&mut bench, clip_known());
    ask(&mut bench, Action::OpenDialog(Dialog::Models));
    tell(&mut bench, all_states());
    assert_shown(&bench, "HF_HUB_OFFLINE is set, so nothing is downloaded.");
    bench.state().script().take_asked();
    for name in ["Download Canny", "Continue Stable Diffusion 1.5"] {
        click(&mut bench, name);
    }
    assert!(gets(&sent(&bench)).is_empty());
    assert_eq!(bench.state().state().dialogs, [Dialog::Models]);
}

#[test]
fn another_folder_is_looked_through_and_told_to_the_engine() {
    let mut bench = opened();
    press(&mut bench, "Change models folder…");
    let picks = bench.state().desktop.picks.borrow().clone();
    assert_eq!(picks, [FilePick::ModelsFolder]);
    let answer = (
        FilePick::ModelsFolder,
        Chosen::File(PathBuf::from("/large/disk")),
    );
    *bench.state().desktop.answer.borrow_mut() = Some(answer);
    super::settle(&mut bench);
    let commands = sent(&bench);
    let tells = |command: &Command| matches!(command, Command::UseModels(places) if places.folder == Path::new("/large/disk"));
    assert!(commands.iter().any(tells), "{commands:?}");
    let looks = |command: &Command| matches!(command, Command::ScanModels(places) if places.folder == Path::new("/large/disk"));
    assert!(commands.iter().any(looks), "{commands:?}");
    assert_shown(&bench, "/large/disk");
    // Not while something is written there.
    begin(&mut bench, "egnet");
    click(&mut bench, "Change models folder…");
    assert_eq!(bench.state().desktop.picks.borrow().len(), 1);
}
