//! The worker's threads for models: downloads that are stopped and go on, and LoRAs that are looked at before the start.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fresco_studio::models::{egnet, gmflow};
use fresco_studio::pipeline::job::{JobSpec, LoraSpec};
use fresco_studio::worker::message::{
    DownloadState, Event, GetModel, HelpersFound, Hub, ModelId, Places, Report,
};
use fresco_studio::worker::{Command, WorkerHandle, spawn};

use super::server::{Server, TAG, serve};
use super::{put, small_decoder, weights};
use crate::scripted::{Scripted, summary};

/// Long enough for any machine; only reached by a test that fails.
const PATIENCE: Duration = Duration::from_mins(1);

fn worker() -> WorkerHandle {
    let build = || Scripted::new(|job, _| Ok(summary(job)));
    spawn(build, Arc::new(|| {})).unwrap()
}

fn next(worker: &WorkerHandle) -> Event {
    worker.events().recv_timeout(PATIENCE).expect("an event")
}

fn order(worker: &WorkerHandle, name: &str, how: &GetModel) {
    let command = Command::GetModel(ModelId(name.to_owned()), Box::new(how.clone()));
    worker.send(command).unwrap();
}

/// How a server's files come into a folder.
fn how(server: &Server, folder: &Path) -> GetModel {
    GetModel {
        folder: folder.to_owned(),
        hub: Hub {
            endpoint: server.address.clone(),
            ..Hub::default()
        },
    }
}

/// News of a download, up to the first that is as wanted.
fn until(worker: &WorkerHandle, name: &str, wanted: impl Fn(&DownloadState) -> bool) {
    loop {
        match next(worker) {
            Event::Download(id, state) if id.0 == name => {
                if wanted(&state) {
                    return;
                }
                assert!(!state.is_last(), "{state:?}");
            }
            other => panic!("unexpected {other:?}"),
        }
    }
}

#[test]
fn a_paused_download_goes_on_and_one_that_waited_never_begins() {
    let file = small_decoder();
    let half = file.len() / 2;
    let server = Server::that_hangs_once(&file, half);
    let models = tempfile::tempdir().unwrap();
    let how = how(&server, models.path());
    let worker = worker();
    order(&worker, "taesd", &how);
    order(&worker, "midas", &how);
    let is_half = |state: &DownloadState| matches!(state, DownloadState::Going { done, .. } if *done == half as u64);
    until(&worker, "taesd", is_half);
    worker.stop_download(&ModelId("midas".to_owned()));
    worker.stop_download(&ModelId("taesd".to_owned()));
    let is_stopped = |state: &DownloadState| matches!(state, DownloadState::Cancelled);
    until(&worker, "taesd", is_stopped);
    until(&worker, "midas", is_stopped);
    assert_eq!(server.asked().len(), 1, "nobody asked for the second");
    order(&worker, "taesd", &how);
    let is_done = |state: &DownloadState| matches!(state, DownloadState::Finished(_));
    until(&worker, "taesd", is_done);
    let range = format!("bytes={half}-");
    assert_eq!(server.asked()[1].header("range"), Some(range.as_str()));
}

#[test]
fn models_are_looked_for_while_one_is_downloaded() {
    let file = weights("decoder.layers.1.bias", 1000);
    let server = Server::start(move |_, asked, stream| {
        serve(asked, stream, &file, TAG, 100);
        super::server::hang(stream);
    });
    let models = tempfile::tempdir().unwrap();
    let worker = worker();
    order(&worker, "taesd", &how(&server, models.path()));
    let has_begun = |state: &DownloadState| matches!(state, DownloadState::Going { done: 100, .. });
    until(&worker, "taesd", has_begun);
    let places = Places::from(models.path().to_owned());
    worker.send(Command::ScanModels(Box::new(places))).unwrap();
    let library = loop {
        match next(&worker) {
            Event::Models(answer) => break answer.unwrap(),
            Event::Download(_, state) => assert!(!state.is_last(), "{state:?}"),
            other => panic!("unexpected {other:?}"),
        }
    };
    assert_eq!(library.folder, models.path());
}

fn check(worker: &WorkerHandle, spec: JobSpec, places: &Places) -> Result<HelpersFound, Report> {
    let command = Command::CheckModel(Box::new(spec), Box::new(places.clone()));
    worker.send(command).unwrap();
    match next(worker) {
        Event::Model(answer) => answer.map(|model| model.helpers),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn helpers_that_are_there_are_told_with_the_model() {
    let home = tempfile::tempdir().unwrap();
    let places = Places::from(home.path().to_owned());
    let worker = worker();
    let found = || check(&worker, JobSpec::default(), &places).unwrap();
    assert_eq!(found(), HelpersFound::default());
    put(
        &home.path().join("gmflow").join(gmflow::FILES[0]),
        b"weights",
    );
    let one = found();
    assert_eq!((one.gmflow, one.saliency), (true, None));
    put(&home.path().join("egnet").join(egnet::FILES[0]), b"weights");
    assert_eq!(found().saliency, Some("EGNet"));
}

#[test]
fn loras_are_looked_at_with_the_model() {
    let home = tempfile::tempdir().unwrap();
    let worker = worker();
    let mut places = Places::from(home.path().join("models"));
    places.others = vec![home.path().join("webui")];
    assert!(check(&worker, JobSpec::default(), &places).is_ok());

    let cut = home.path().join("cut.safetensors");
    put(&cut, b"no header");
    let listed = JobSpec {
        lora: vec![LoraSpec {
            path: cut.clone(),
            strength: 0.5,
        }],
        ..JobSpec::default()
    };
    let said = check(&worker, listed, &places).unwrap_err();
    assert!(said.summary.contains("cut.safetensors"), "{said:?}");

    let prompted = |prompt: &str| JobSpec {
        prompt: prompt.to_owned(),
        ..JobSpec::default()
    };
    let said = check(&worker, prompted("a fox <lora:ink:0.8>"), &places).unwrap_err();
    assert!(said.summary.contains("no LoRA \"ink\""), "{said:?}");
    // It is found where another program keeps it, and does not fit.
    let half = weights("lora_unet_mid_block_attentions_0_proj_in.lora_up.weight", 4);
    put(
        &home.path().join("webui/models/Lora/ink.safetensors"),
        &half,
    );
    let said = check(&worker, prompted("a fox <lora:ink:0.8>"), &places).unwrap_err();
    assert!(said.summary.contains("ink.safetensors"), "{said:?}");
}
