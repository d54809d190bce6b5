//! Downloads in the models dialog: asked for once, shown while they go on, stopped and taken up again.

use std::path::{Path, PathBuf};

use egui::accesskit::Role as NodeRole;
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::Action;
use fresco_studio::app::models::ModelAction;
use fresco_studio::app::state::Dialog;
use fresco_studio::worker::message::{CheckedBy, Command, DownloadState, Event, FileTask, Receipt};

use super::models::{FOLDER, assert_shown, begin, click, gets, going, id, opened, sent, shows};
use super::script::Asked;
use super::{ask, names, press, tell};
use crate::facts::report;

#[test]
fn a_download_asks_once_with_size_and_licence() {
    let mut bench = opened();
    click(&mut bench, "Download Line art 1.1");
    for text in ["723 MB", "openrail", "control_v11p_sd15_lineart", FOLDER] {
        assert_shown(&bench, text);
    }
    assert!(gets(&sent(&bench)).is_empty());
    press(&mut bench, "Cancel");
    assert!(gets(&sent(&bench)).is_empty());
    click(&mut bench, "Download Line art 1.1");
    press(&mut bench, "Download");
    assert_eq!(bench.state().state().dialogs, [Dialog::Models]);
    let how = bench.state().state().how_to_get();
    assert_eq!(how.folder, Path::new(FOLDER));
    assert_eq!(gets(&sent(&bench)), [(id("controlnet-lineart"), how)]);
    assert_shown(&bench, "waiting for its turn");
}

#[test]
fn progress_is_shown_and_a_download_can_be_paused() {
    let mut bench = opened();
    begin(&mut bench, "controlnet-canny");
    assert_shown(&bench, "0 %, measuring");
    let half = going("controlnet-canny", 50, 100, Some(130.0));
    tell(&mut bench, vec![half]);
    let bar = "Canny, 50 %, about 2 min left";
    let found = bench.query_by_role_and_label(NodeRole::ProgressIndicator, bar);
    assert!(found.is_some(), "{:?}", names(&bench));
    let waits = DownloadState::Waiting {
        secs: 3.0,
        reason: "the line broke".into(),
    };
    tell(
        &mut bench,
        vec![Event::Download(id("controlnet-canny"), waits)],
    );
    assert_shown(&bench, "the line broke; trying again in 3 s");
    click(&mut bench, "Pause Canny");
    assert_shown(&bench, "stopping…");
    let asked = bench.state().script().take_asked();
    let is_stop = |asked: &Asked| matches!(asked, Asked::StoppedDownload(stopped) if stopped.0 == "controlnet-canny");
    assert!(asked.iter().any(is_stop), "{asked:?}");
    let stopped = Event::Download(id("controlnet-canny"), DownloadState::Cancelled);
    tell(&mut bench, vec![stopped]);
    assert_shown(&bench, "stopped at 50 %");
    assert!(sent(&bench).is_empty(), "what came in is kept");
    click(&mut bench, "Continue Canny");
    let again = gets(&sent(&bench));
    assert_eq!(
        again[0].0,
        id("controlnet-canny"),
        "without another question"
    );
}

#[test]
fn what_came_in_of_a_cancelled_download_is_thrown_away_when_nobody_writes_it() {
    let mut bench = opened();
    begin(&mut bench, "egnet");
    tell(&mut bench, vec![going("egnet", 50, 100, None)]);
    click(&mut bench, "Cancel Saliency");
    assert!(sent(&bench).is_empty(), "it is still written");
    let stopped = Event::Download(id("egnet"), DownloadState::Cancelled);
    tell(&mut bench, vec![stopped]);
    let removed = |commands: Vec<Command>| -> Vec<PathBuf> {
        let paths = commands.into_iter().filter_map(|command| match command {
            Command::File(FileTask::Remove(path)) => Some(path),
            _ => None,
        });
        paths.collect()
    };
    let part = "/studio/models/egnet/.partial-epoch_resnet.pth";
    let both = [PathBuf::from(part), PathBuf::from(format!("{part}.toml"))];
    assert_eq!(removed(sent(&bench)), both);
    let found = bench.query_by_role_and_label(NodeRole::Button, "Download Saliency");
    assert!(found.is_some(), "{:?}", names(&bench));
    // One that had stopped before is thrown away at once.
    click(&mut bench, "Cancel Stable Diffusion 1.5");
    assert_eq!(removed(sent(&bench)).len(), 2);
    let found = bench.query_by_role_and_label(NodeRole::Button, "Download Stable Diffusion 1.5");
    assert!(found.is_some(), "{:?}", names(&bench));
}

#[test]
fn a_finished_download_is_ready_and_a_failed_one_says_why() {
    let mut bench = opened();
    begin(&mut bench, "controlnet-canny");
    let checking = Event::Download(id("controlnet-canny"), DownloadState::Checking);
    tell(&mut bench, vec![checking]);
    assert_shown(&bench, "checking its SHA-256");
    let receipt = Receipt {
        path: "/studio/models/canny.safetensors".into(),
        bytes: 100,
        sha256: String::new(),
        checked_by: CheckedBy::Hub,
    };
    let finished = Event::Download(
        id("controlnet-canny"),
        DownloadState::Finished(receipt.clone()),
    );
    tell(&mut bench, vec![finished]);
    assert_shown(&bench, "Canny is ready.");
    let commands = sent(&bench);
    assert!(
        matches!(commands[..], [Command::ScanModels(_)]),
        "{commands:?}"
    );
    click(&mut bench, "Use Canny");
    let nets = bench.state().project().edits.spec.controlnet.clone();
    assert_eq!(nets[0].path, Path::new("/studio/models/canny.safetensors"));

    begin(&mut bench, "egnet");
    let why = report("the file does not match its checksum");
    let failed = Event::Download(id("egnet"), DownloadState::Failed(why));
    tell(&mut bench, vec![failed]);
    assert_shown(
        &bench,
        "failed: Saliency: the file does not match its checksum",
    );
    click(&mut bench, "Try again Saliency");
    assert_eq!(gets(&sent(&bench))[0].0, id("egnet"));

    // A helper takes the place of a classical method, and the settings say which is used.
    let finished = Event::Download(id("egnet"), DownloadState::Finished(receipt));
    tell(&mut bench, vec![finished]);
    let commands = sent(&bench);
    assert!(
        matches!(
            commands[..],
            [Command::ScanModels(_), Command::CheckModel(..)]
        ),
        "{commands:?}"
    );
}

#[test]
fn a_model_that_waits_is_stopped_at_once() {
    let mut bench = opened();
    ask(
        &mut bench,
        Action::Model(ModelAction::Download(id("midas"))),
    );
    click(&mut bench, "Pause Depth (MiDaS)");
    let found = bench.query_by_role_and_label(NodeRole::Button, "Download Depth (MiDaS)");
    assert!(found.is_some(), "{:?}", names(&bench));
    let stopped = Event::Download(id("midas"), DownloadState::Cancelled);
    tell(&mut bench, vec![stopped]);
    assert!(!shows(&bench, "stopping…"));
}
