//! The command line: flags in, progress and a result out.
//!
//! It speaks the same protocol with the worker as the window does.

mod args;
mod console;
mod demo;
mod models;
mod progress;
mod run;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::pipeline::job::{FillSpec, JobSpec, model_files};
use crate::worker::message::{
    ModelSources, Places, own_control, proposed_control, weights_are_there,
};
use crate::worker::{self, JobId, Report, Work, WorkerHandle};
use args::{Action, Arguments, EvaluateArguments, TranslateArguments};

pub use args::{ComputeArguments, DemoArguments};
pub use console::{Console, Style};
pub use demo::demo_spec;
pub use run::{Exit, follow};

/// A command line runs one job.
const JOB: JobId = JobId(1);

/// Runs the program as its arguments say. `build` makes the engine, on the worker's thread;
/// `demo_clip` is the bundled video; `models` says where models are and come from; `window` opens the window on a file,
/// or says why it cannot.
pub fn run<W: Work>(
    arguments: impl IntoIterator<Item = OsString>,
    build: impl FnOnce() -> W + Send + 'static,
    demo_clip: &[u8],
    models: ModelSources,
    window: impl FnOnce(Option<PathBuf>) -> Result<(), String>,
) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let read = Arguments::read(&arguments);
    let action = read.as_ref().ok().and_then(|read| read.action.as_ref());
    if let Some(threads) = action.and_then(Action::threads) {
        worker::limit_threads(threads);
    }
    let exit = match read {
        Err(error) => {
            return misused(
                &error,
                arguments.iter().any(|argument| argument == "--json"),
            );
        }
        Ok(Arguments { action: None, file }) => match window(file) {
            Ok(()) => Exit::Done,
            Err(reason) => no_window(&reason),
        },
        Ok(Arguments {
            action: Some(Action::Translate(arguments)),
            ..
        }) => translate(*arguments, &models.places, build),
        Ok(Arguments {
            action: Some(Action::Fill(arguments)),
            ..
        }) => fill(
            arguments.spec,
            build,
            &mut Console::standard(arguments.json),
        ),
        Ok(Arguments {
            action: Some(Action::Demo(arguments)),
            ..
        }) => demo(
            &arguments,
            build,
            demo_clip,
            &mut Console::standard(arguments.json),
        ),
        Ok(Arguments {
            action: Some(Action::Models(arguments)),
            ..
        }) => models::run(arguments, models, build),
        Ok(Arguments {
            action: Some(Action::Evaluate(arguments)),
            ..
        }) => evaluate(arguments, build),
    };
    exit.into()
}

fn translate<W: Work>(
    arguments: TranslateArguments,
    places: &Places,
    build: impl FnOnce() -> W + Send + 'static,
) -> Exit {
    let console = &mut Console::standard(arguments.json);
    let mut spec = arguments.spec;
    if !arguments.chooses_control {
        propose_controls(&mut spec, places, console);
    }
    match run::check(&spec, console) {
        Ok(()) => start(spec, build, console),
        Err(exit) => exit,
    }
}

/// Chooses what settings leave open: the control of the job, and those of ControlNets that it does not serve.
fn propose_controls(spec: &mut JobSpec, places: &Places, console: &mut Console) {
    let usual = spec.control;
    spec.control = proposed_control(&model_files(spec), places);
    if spec.control != usual {
        run::note(
            &format!("No --control is given: using {}.", spec.control),
            console,
        );
    }
    for net in &mut spec.controlnet {
        let can_draw = |control| weights_are_there(control, places);
        if let Some(control) = own_control(net, spec.control, can_draw) {
            let path = net.path.display();
            run::note(
                &format!("No --control is given: using {control} for {path}."),
                console,
            );
            net.control = Some(control);
        }
    }
}

fn fill<W: Work>(
    spec: FillSpec,
    build: impl FnOnce() -> W + Send + 'static,
    console: &mut Console,
) -> Exit {
    match run::check_fill(&spec, console) {
        Ok(()) => with_worker(build, console, |worker, console| {
            run::fill(worker, JOB, spec, console)
        }),
        Err(exit) => exit,
    }
}

fn demo<W: Work>(
    arguments: &DemoArguments,
    build: impl FnOnce() -> W + Send + 'static,
    clip: &[u8],
    console: &mut Console,
) -> Exit {
    let path = demo::clip_path(&arguments.out);
    let spec = demo_spec(path.clone(), arguments);
    if let Err(exit) = run::check(&spec, console) {
        return exit;
    }
    match demo::write_clip(clip, &path) {
        Ok(()) => start(spec, build, console),
        Err(error) => {
            let summary = format!("cannot write the demo clip {}", path.display());
            run::fail(&because(summary, &error), console)
        }
    }
}

fn start<W: Work>(
    spec: JobSpec,
    build: impl FnOnce() -> W + Send + 'static,
    console: &mut Console,
) -> Exit {
    with_worker(build, console, |worker, console| {
        run::follow(worker, JOB, spec, console)
    })
}

fn evaluate<W: Work>(
    arguments: EvaluateArguments,
    build: impl FnOnce() -> W + Send + 'static,
) -> Exit {
    let EvaluateArguments {
        source,
        result,
        json,
        ..
    } = arguments;
    with_worker(build, &mut Console::standard(json), |worker, console| {
        run::evaluate(worker, JOB, source, result, console)
    })
}

/// Starts a worker that an interrupt stops, and lets it do something.
fn with_worker<W: Work>(
    build: impl FnOnce() -> W + Send + 'static,
    console: &mut Console,
    act: impl FnOnce(&WorkerHandle, &mut Console) -> Exit,
) -> Exit {
    let worker = match worker::spawn(build, Arc::new(|| {})) {
        Ok(worker) => worker,
        Err(error) => {
            let summary = "cannot start the worker's thread".to_owned();
            return run::fail(&because(summary, &error), console);
        }
    };
    stop_on_interrupt(worker.canceller(JOB));
    act(&worker, console)
}

fn no_window(reason: &str) -> Exit {
    let text = format!(
        "No window: {reason}. Without one:\n  \
         fresco-studio translate FILE --out OUT.mp4 --prompt TEXT\n  \
         fresco-studio demo\n"
    );
    let _ = io::stderr().write_all(text.as_bytes());
    Exit::Usage
}

/// Help and version are printed; a wrong command line is explained, as an event too where events
/// are wanted.
fn misused(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        let text = error.to_string();
        let first = text.split("\n\n").next().unwrap_or_default();
        let words: Vec<&str> = first
            .trim_start_matches("error:")
            .split_whitespace()
            .collect();
        let report = Report {
            summary: words.join(" "),
            ..Report::default()
        };
        Console::standard(true).tell(&progress::Line::Failed(&report));
    }
    let _ = error.print();
    if error.use_stderr() {
        Exit::Usage.into()
    } else {
        Exit::Done.into()
    }
}

fn because(summary: String, error: &io::Error) -> Report {
    Report {
        summary,
        causes: vec![error.to_string()],
        ..Report::default()
    }
}

/// The first interrupt stops the job cleanly, the second ends the program at once.
fn stop_on_interrupt(cancel: impl Fn() + Send + 'static) {
    let mut asked = false;
    let handler = move || {
        if asked {
            std::process::exit(Exit::Cancelled as i32);
        }
        asked = true;
        cancel();
        let _ = io::stderr().write_all(b"\nStopping. Press again to end at once.\n");
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::warn!(%error, "an interrupt will end the program at once");
    }
}
