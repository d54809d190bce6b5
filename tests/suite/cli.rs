//! The command line: usage and exit codes through the real program, events through a scripted
//! engine.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fresco_studio::cli::{Console, Exit, Style, follow};
use fresco_studio::frame::FrameIdx;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::foretold::ForetoldMemory;
use fresco_studio::pipeline::job::Job;
use fresco_studio::pipeline::observer::{Observer, Progress, Stage, Summary, Unit, Warning};
use fresco_studio::pipeline::plan::{Partition, Plan};
use fresco_studio::pipeline::shots::shots_between;
use fresco_studio::worker::{JobId, spawn};
use serde_json::Value;

use crate::scripted::{Place, Scripted, summary};

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fresco-studio"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn help_and_version_succeed() {
    let help = program(&["translate", "--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = text(&help.stdout);
    for flag in [
        "--out",
        "--keyframe-gap",
        "--guidance-scale",
        "--no-fill",
        "--json",
        "<FILE>",
    ] {
        assert!(help.contains(flag), "{flag} in {help}");
    }
    let version = program(&["--version"]);
    assert_eq!(version.status.code(), Some(0));
    assert!(text(&version.stdout).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_two_and_says_why_on_standard_error() {
    for (arguments, reason) in [
        (vec!["translate"], "<FILE>"),
        (vec!["translate", "a.mp4", "--prompt", "x"], "--out"),
        (vec!["translate", "a.mp4", "--out", "b.mp4"], "--prompt"),
        (
            vec![
                "translate",
                "a.mp4",
                "--out",
                "b.mp4",
                "--prompt",
                "x",
                "--steps",
                "0",
            ],
            "--steps",
        ),
        (
            vec!["translate", "a.mp4", "--out", "b.avi", "--prompt", "x"],
            ".mkv",
        ),
        (
            vec!["translate", "a.mp4", "--out", "b.mp4", "--prompt", ""],
            "only becomes cleaner",
        ),
        (
            vec![
                "translate",
                "a.mp4",
                "--out",
                "b.mp4",
                "--prompt",
                "x",
                "--frobnicate",
            ],
            "--frobnicate",
        ),
        (vec!["demo", "--out", "b.gif"], ".mkv"),
    ] {
        let output = program(&arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(reason), "{arguments:?}: {told}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
    }
}

#[test]
fn every_wrong_setting_is_told() {
    let flags = [
        "translate",
        "a.mp4",
        "--out",
        "b.avi",
        "--prompt",
        "x",
        "--steps",
        "0",
        "--size",
        "500",
    ];
    let told = text(&program(&flags).stderr);
    for field in ["--out", "--steps", "--size"] {
        assert!(told.contains(&format!("because: {field}: ")), "{told}");
    }
    assert!(told.contains("what to do: "));
}

#[test]
fn a_refused_demo_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo.gif");
    assert_eq!(
        program(&["demo", "--out", out.to_str().unwrap()])
            .status
            .code(),
        Some(2)
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn with_json_wrong_usage_is_an_event_too() {
    let misspelt = [
        "translate",
        "a.mp4",
        "--out",
        "b.mp4",
        "--prompt",
        "x",
        "--json",
        "--stepz",
        "1",
    ];
    let refused = [
        "translate",
        "a.mp4",
        "--out",
        "b.mp4",
        "--prompt",
        "x",
        "--json",
        "--steps",
        "0",
    ];
    for arguments in [misspelt, refused] {
        let output = program(&arguments);
        assert_eq!(output.status.code(), Some(2));
        let lines = json_lines(&text(&output.stdout));
        let [event] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        assert_eq!(event["event"], "failed");
        assert!(
            event["summary"].as_str().unwrap().contains("--step"),
            "{event}"
        );
        assert!(!output.stderr.is_empty());
    }
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Keeps what is written to it.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        text(&self.0.lock().unwrap())
    }
}

/// Runs a script as the command line would; what it ended with and wrote to its two outputs. The
/// script sees the first.
fn run(
    style: Style,
    mut script: impl FnMut(&Job, &dyn Observer, &Paper) -> Result<Summary, Error> + Send + 'static,
) -> (Exit, String, String) {
    let place = Place::new();
    let (out, err) = (Paper::default(), Paper::default());
    let mut console = Console {
        out: Box::new(out.clone()),
        err: Box::new(err.clone()),
        style,
    };
    let seen = out.clone();
    let build = move || Scripted::new(move |job, observer| script(job, observer, &seen));
    let worker = spawn(build, Arc::new(|| {})).unwrap();
    let exit = follow(&worker, JobId(1), place.spec(), &mut console);
    let read = |paper: Paper| {
        paper
            .text()
            .replace(place.folder.path().to_str().unwrap(), "PLACE")
    };
    (exit, read(out), read(err))
}

fn plan() -> Plan {
    let keyframes = [0, 1, 2].map(FrameIdx).to_vec();
    Plan::new(shots_between(0..3, &[]), &[keyframes], 8, Partition::Filled).unwrap()
}

/// A job of one stage that goes on when its progress was shown as `shown`.
fn successful(
    job: &Job,
    observer: &dyn Observer,
    out: &Paper,
    shown: &str,
) -> Result<Summary, Error> {
    observer.started(&plan());
    observer.stage(Stage::Keyframes);
    observer.memory_foretold(ForetoldMemory {
        estimated: 5_540_000_000,
        available: Some(8_000_000_000),
    });
    observer.progress(Progress {
        done: 1,
        total: 2,
        unit: Unit::Steps,
    });
    while !out.text().contains(shown) {
        observer.checkpoint()?;
        std::thread::sleep(Duration::from_millis(5));
    }
    observer.warning(Warning {
        summary: "not enough memory for batches of 8".into(),
        hint: None,
    });
    observer.keyframe(FrameIdx(0), Path::new("0000.png"));
    Ok(summary(job))
}

#[test]
fn lines_say_the_stages_the_progress_and_where_the_result_is() {
    let (exit, out, err) = run(Style::Lines, |job, observer, out| {
        successful(job, observer, out, "1 of 2")
    });
    assert_eq!(exit, Exit::Done);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "Keyframes");
    assert_eq!(lines[1], "A batch takes about 5.5 GB of 8.0 GB of memory.");
    assert!(lines[2].starts_with("Keyframes: 1 of 2 steps, "), "{out}");
    assert_eq!(lines[3], "The source has no sound.");
    let last = "Done in about 2 min (Analyse 1 s, Keyframes 119 s): \
                12 frames, 3 of them keyframes, 0.5 s: PLACE/out.mp4";
    assert_eq!(lines[4..], [last]);
    assert_eq!(err, "warning: not enough memory for batches of 8\n");
}

#[test]
fn json_is_one_object_per_line_and_nothing_else() {
    let (exit, out, _) = run(Style::Json, |job, observer, out| {
        successful(job, observer, out, "progress")
    });
    assert_eq!(exit, Exit::Done);
    let lines = json_lines(&out);
    let names: Vec<&str> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "started",
            "stage",
            "memory-foretold",
            "progress",
            "warning",
            "keyframe",
            "finished"
        ]
    );
    assert_eq!(lines[0]["keyframes"], serde_json::json!([0, 1, 2]));
    assert_eq!(lines[1]["stage"], "keyframes");
    assert_eq!(
        (&lines[2]["estimated"], &lines[2]["available"]),
        (&5_540_000_000_u64.into(), &8_000_000_000_u64.into())
    );
    assert_eq!(
        (&lines[3]["done"], &lines[3]["unit"]),
        (&1.into(), &"steps".into())
    );
    assert_eq!(
        (&lines[5]["frame"], &lines[5]["path"]),
        (&0.into(), &"0000.png".into())
    );
    assert_eq!(lines[6]["out"], "PLACE/out.mp4");
}

#[test]
fn bars_leave_the_result_on_standard_output() {
    let (exit, out, _) = run(Style::Bars, |job, observer, out| {
        successful(job, observer, out, "")
    });
    assert_eq!(exit, Exit::Done);
    assert_eq!(out.lines().count(), 3, "{out}");
    assert!(out.ends_with("PLACE/out.mp4\n"));
}

#[test]
fn a_failure_says_what_why_and_what_to_do() {
    let script = |_: &Job, _: &dyn Observer, _: &Paper| {
        let source = io::ErrorKind::StorageFull.into();
        Err(Error::Io {
            what: "create the folder",
            path: "frames".into(),
            source,
        })
    };
    let (exit, out, err) = run(Style::Lines, script);
    assert_eq!((exit, out.as_str()), (Exit::Failed, ""));
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(lines[0], "error: cannot create the folder frames");
    assert!(lines[1].starts_with("  because: "), "{err}");
    assert!(
        lines[2].starts_with("  what to do: free some disk space"),
        "{err}"
    );
}

#[test]
fn a_panic_is_a_failure() {
    let (exit, _, err) = run(Style::Lines, |_, _, _| panic!("index out of bounds"));
    assert_eq!(exit, Exit::Failed);
    assert!(err.contains("because: index out of bounds"), "{err}");
}

#[test]
fn a_cancel_says_what_is_kept() {
    let script = |_: &Job, observer: &dyn Observer, _: &Paper| {
        observer.started(&plan());
        observer.keyframe(FrameIdx(0), Path::new("0000.png"));
        Err(Error::Cancelled)
    };
    let (exit, out, _) = run(Style::Lines, script);
    assert_eq!(exit, Exit::Cancelled);
    assert_eq!(
        out,
        "Stopped. 1 of 3 keyframes kept. The same command continues.\n"
    );
}
