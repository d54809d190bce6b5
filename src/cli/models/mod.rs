//! `models list`, `models get` and `models scan`.

mod get;
mod list;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::because;
use super::console::Console;
use super::run::{self, Exit};
use crate::worker::message::{GetModel, Library, ModelSources, Places};
use crate::worker::{self, Command, Event, Report, Work, WorkerHandle};

#[derive(Debug, Args)]
pub(super) struct ModelsArguments {
    #[command(subcommand)]
    action: ModelsAction,
}

#[derive(Debug, Subcommand)]
enum ModelsAction {
    /// Show every model that can be had: what it is for, size, licence, source and state.
    List(ListArguments),
    /// Download models.
    ///
    /// A download that was stopped goes on where it stopped. The variables `HF_TOKEN`, `HF_ENDPOINT`, `HF_HUB_OFFLINE`,
    /// `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are honoured; the token is sent to the hub and to no other server.
    Get(GetArguments),
    /// Find the models that are on this machine; they are used in place and never moved.
    ///
    /// Looked through are the models folder, the Hugging Face cache (`HF_HUB_CACHE`, `HF_HOME`) and the usual folders of
    /// A1111 and `ComfyUI`. What is called the same in several of them is taken from the first.
    Scan(ScanArguments),
}

#[derive(Debug, Args)]
struct ListArguments {
    /// The models folder, if not the usual one.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Print one JSON object per line, and nothing else.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct GetArguments {
    /// Names, as `models list` shows them.
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// The models folder, if not the usual one.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Print one JSON object per line, and nothing else.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ScanArguments {
    /// More folders to look through: of A1111, of `ComfyUI`, a Hugging Face cache, or any other.
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The models folder, if not the usual one.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Print one JSON object per line, and nothing else.
    #[arg(long)]
    json: bool,
}

pub(super) fn run<W: Work>(
    arguments: ModelsArguments,
    sources: ModelSources,
    build: impl FnOnce() -> W + Send + 'static,
) -> Exit {
    let ModelSources { mut places, hub } = sources;
    let mut choose = |folder: Option<PathBuf>| {
        places.folder = folder.unwrap_or_else(|| std::mem::take(&mut places.folder));
    };
    match arguments.action {
        ModelsAction::List(ListArguments { folder, json }) => {
            choose(folder);
            let console = &mut Console::standard(json);
            with_library(build, places, console, |library, console| {
                list::list(&library, &hub.endpoint, console);
            })
        }
        ModelsAction::Scan(ScanArguments {
            folders,
            folder,
            json,
        }) => {
            choose(folder);
            let console = &mut Console::standard(json);
            if let Some(missing) = folders.iter().find(|folder| !folder.is_dir()) {
                let summary = format!("there is no folder {}", missing.display());
                return run::fail(&report(summary), console);
            }
            places.others.extend(folders);
            with_library(build, places, console, |library, console| {
                list::show_found(&library, console);
            })
        }
        ModelsAction::Get(GetArguments {
            names,
            folder,
            json,
        }) => {
            choose(folder);
            let how = GetModel {
                folder: places.folder,
                hub,
            };
            get::get(&names, &how, build, &mut Console::standard(json))
        }
    }
}

fn report(summary: String) -> Report {
    Report {
        summary,
        ..Report::default()
    }
}

fn spawn<W: Work>(
    build: impl FnOnce() -> W + Send + 'static,
    console: &mut Console,
) -> Result<WorkerHandle, Exit> {
    worker::spawn(build, Arc::new(|| {})).map_err(|error| {
        let summary = "cannot start the worker's thread".to_owned();
        run::fail(&because(summary, &error), console)
    })
}

fn with_library<W: Work>(
    build: impl FnOnce() -> W + Send + 'static,
    places: Places,
    console: &mut Console,
    show: impl FnOnce(Box<Library>, &mut Console),
) -> Exit {
    let worker = match spawn(build, console) {
        Ok(worker) => worker,
        Err(exit) => return exit,
    };
    if let Err(error) = worker.send(Command::ScanModels(Box::new(places))) {
        return run::fail(&report(error.to_string()), console);
    }
    let answer = worker.events().iter().find_map(|event| match event {
        Event::Models(answer) => Some(answer),
        _ => None,
    });
    match answer {
        Some(Ok(library)) => {
            show(library, console);
            Exit::Done
        }
        Some(Err(report)) => run::fail(&report, console),
        None => run::fail(&report("the worker ended early".to_owned()), console),
    }
}
