//! `models list`, `get` and `scan` through the real program.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::server::{Server, refuse};
use super::{put, small_decoder, weights};
use crate::support::{Ended, Program};

/// A user with an empty home, whose hub is a server of the test.
struct User {
    home: tempfile::TempDir,
    endpoint: String,
}

impl User {
    fn of(server: &Server) -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            endpoint: server.address.clone(),
        }
    }

    fn models(&self) -> PathBuf {
        self.home.path().join("models")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fresco-studio"));
        command.arg("models").args(arguments);
        command.args(["--json", "--folder"]).arg(self.models());
        command.env("HOME", self.home.path());
        for name in [
            "HF_HOME",
            "HF_HUB_CACHE",
            "HF_TOKEN",
            "HF_HUB_OFFLINE",
            "XDG_CACHE_HOME",
        ] {
            command.env_remove(name);
        }
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(name);
        }
        command.env("HF_ENDPOINT", &self.endpoint);
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Program::start_as(&mut self.command(arguments)).finish()
    }

    /// The state of a model as `list` tells it.
    fn state(&self, id: &str) -> Value {
        let ended = self.run(&["list"]);
        assert_eq!(ended.code, Some(0), "{}", ended.errors);
        let mut models = ended.events.into_iter();
        models.find(|event| event["id"] == id).unwrap()
    }
}

fn last(ended: &Ended) -> &Value {
    ended.events.last().unwrap()
}

/// Where the small decoder is on the hub, and in the models folder.
const DECODER: &str = "/madebyollin/taesd/resolve/main/diffusion_pytorch_model.safetensors";

fn decoder_in(models: &Path) -> PathBuf {
    models.join("taesd/diffusion_pytorch_model.safetensors")
}

#[test]
fn a_killed_download_goes_on_at_the_next_start() {
    let file = small_decoder();
    let half = file.len() / 2;
    let server = Server::that_hangs_once(&file, half);
    let user = User::of(&server);
    let mut first = Program::start_as(&mut user.command(&["get", "taesd"]));
    first.until(|event| event["done"].as_u64() == Some(half as u64));
    first.kill();
    let state = user.state("taesd");
    assert_eq!(state["state"], "unfinished");
    assert_eq!(state["done"], half);
    let second = user.run(&["get", "taesd"]);
    assert_eq!(second.code, Some(0), "{}", second.errors);
    assert_eq!(last(&second)["event"], "finished");
    assert_eq!(last(&second)["bytes"], file.len());
    assert!(std::fs::read(decoder_in(&user.models())).unwrap() == file);
    let asked = server.asked();
    assert_eq!(asked[0].line, format!("GET {DECODER} HTTP/1.1"));
    let range = format!("bytes={half}-");
    assert_eq!(asked[1].header("range"), Some(range.as_str()));
    assert_eq!(user.state("taesd")["state"], "ready");
    // What is there is not fetched again.
    assert_eq!(user.run(&["get", "taesd"]).code, Some(0));
    assert_eq!(server.asked().len(), 2);
}

#[test]
#[cfg(unix)]
fn an_interrupt_stops_a_download() {
    let file = weights("decoder.layers.1.bias", 1000);
    let server = Server::that_hangs_once(&file, 1000);
    let user = User::of(&server);
    let mut program = Program::start_as(&mut user.command(&["get", "taesd"]));
    program.until(|event| event["done"].as_u64() == Some(1000));
    let id = program.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(killed.success());
    let ended = program.finish();
    assert_eq!(ended.code, Some(130), "{}", ended.errors);
    assert_eq!(last(&ended)["event"], "cancelled");
    assert_eq!(user.state("taesd")["done"], 1000);
}

#[test]
fn failures_have_exit_codes_and_say_what_to_do() {
    let server = Server::start(|_, _, stream| refuse(stream, 401, &[]));
    let user = User::of(&server);
    let unknown = user.run(&["get", "sdxl"]);
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.errors.contains("no model called sdxl"),
        "{}",
        unknown.errors
    );
    assert!(unknown.errors.contains("taesd"));
    let closed = user.run(&["get", "taesd"]);
    assert_eq!(closed.code, Some(1));
    assert_eq!(last(&closed)["event"], "failed");
    assert!(last(&closed)["hint"].as_str().unwrap().contains("HF_TOKEN"));
    let mut offline = user.command(&["get", "taesd"]);
    let offline = Program::start_as(offline.env("HF_HUB_OFFLINE", "1")).finish();
    assert_eq!(offline.code, Some(1));
    assert!(
        offline.errors.contains("working offline"),
        "{}",
        offline.errors
    );
    assert_eq!(server.asked().len(), 1);
    assert_eq!(user.run(&["scan", "no-such-folder"]).code, Some(1));
    assert_eq!(user.run(&["frobnicate"]).code, Some(2));
}

#[test]
fn the_list_says_what_each_model_is_for() {
    let server = Server::start(|_, _, stream| refuse(stream, 404, &[]));
    let user = User::of(&server);
    put(&decoder_in(&user.models()), &small_decoder());
    let ended = user.run(&["list"]);
    let models: Vec<_> = ended
        .events
        .iter()
        .filter(|event| event["event"] == "model")
        .collect();
    for model in &models {
        for field in ["id", "title", "purpose", "licence", "address", "state"] {
            assert!(
                !model[field].as_str().unwrap().is_empty(),
                "{field}: {model}"
            );
        }
        assert!(model["bytes"].as_u64().unwrap() > 1_000_000, "{model}");
        let address = model["address"].as_str().unwrap();
        assert!(address.starts_with(&user.endpoint), "{model}");
    }
    assert!(models.len() > 10);
    let mut command = Command::new(env!("CARGO_BIN_EXE_fresco-studio"));
    command
        .args(["models", "list", "--folder"])
        .arg(user.models());
    let output = command.env("HOME", user.home.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for words in [
        "Realistic Vision 2",
        "licence: creativeml-openrail-m",
        "research use, unclear",
        "missing",
        "ready: ",
        "0 found",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(server.asked().is_empty());
}

#[test]
fn scans_show_what_is_found() {
    let server = Server::start(|_, _, stream| refuse(stream, 404, &[]));
    let user = User::of(&server);
    let folder = user.home.path().join("mine");
    put(
        &folder.join("ink.safetensors"),
        &weights("lora_unet_x.lora_up.weight", 1),
    );
    let ended = user.run(&["scan", folder.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    let found = &ended.events[0];
    assert_eq!(
        (&found["event"], &found["name"]),
        (&"found".into(), &"ink".into())
    );
    assert_eq!(
        (&found["role"], &found["owner"]),
        (&"lora".into(), &"folder".into())
    );
}
