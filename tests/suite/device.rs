//! Precision and threads, from the command line to the engine.

use std::process::{Command, Output};

use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::job::{DeviceChoice, Job, JobSpec, Precision};
use fresco_studio::tensor::FloatDType;

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fresco-studio"))
        .args(arguments)
        .env("RUST_LOG", "fresco_studio=debug")
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

/// The exit code and what was said.
fn told(arguments: &[&str]) -> (Option<i32>, String) {
    let output = program(arguments);
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn the_processor_computes_in_full_precision_alone() {
    let of = |precision| {
        let job = Job::new(&JobSpec {
            source: "clip.mp4".into(),
            out: "out.mp4".into(),
            prompt: "a cartoon".into(),
            device: DeviceChoice::Cpu,
            precision,
            ..JobSpec::default()
        });
        let job = job.unwrap();
        let device = Engine::default().device_of(&job)?;
        Ok::<_, Error>(job.precision.dtype(device.network_dtype))
    };
    for precision in [Precision::Auto, Precision::Full] {
        assert_eq!(of(precision).unwrap(), FloatDType::F32);
    }
    let error = of(Precision::Half).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the device \"CPU\" has no half precision; choose the precision \"auto\" or \"full\""
    );
}

#[test]
fn half_precision_that_the_device_lacks_is_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo.mp4");
    let flags = ["--device", "cpu", "--precision", "half"];
    let (code, told) = told(&[&["demo", "--out", out.to_str().unwrap()], &flags[..]].concat());
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("has no half precision"), "{told}");
    assert!(!out.with_extension("fresco").join("frames").exists());
}

#[test]
fn so_many_threads_compute_as_are_asked_for() {
    let commands: [&[&str]; 4] = [
        &["evaluate", "a.mp4", "b.mp4"],
        &[
            "fill",
            "--source",
            "a",
            "--keyframes",
            "b",
            "--out",
            "c.mp4",
        ],
        &["translate", "a.mp4", "--out", "b.mp4", "--prompt", "x"],
        &["demo", "--out", "b.gif"],
    ];
    for command in commands {
        let (_, with) = told(&[command, &["--threads", "3"]].concat());
        assert!(
            with.contains("compute on the CPU n=3"),
            "{command:?}: {with}"
        );
        for wrong in ["0", "many"] {
            let (code, told) = told(&[command, &["--threads", wrong]].concat());
            assert_eq!(code, Some(2), "{command:?}: {told}");
            assert!(told.contains("--threads"), "{told}");
        }
    }
}
