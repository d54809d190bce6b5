//! The command that measures results, through the real program, on clips made by ffmpeg.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn evaluate(source: &Path, result: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fresco-studio"))
        .arg("evaluate")
        .args([source, result])
        .args(more)
        .output()
        .unwrap()
}

/// A moving test picture as a lossless clip, with a filter of ffmpeg's; nothing where there is no ffmpeg.
fn clip(folder: &Path, name: &str, secs: &str, filter: &str) -> Option<PathBuf> {
    let path = folder.join(name);
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i"])
        .arg(format!("testsrc2=size=128x96:rate=10:duration={secs}"))
        .args(["-vf", filter, "-c:v", "ffv1"])
        .arg(&path)
        .status();
    let Ok(status) = made else {
        eprintln!("skipped: no ffmpeg to make a clip");
        return None;
    };
    assert!(status.success());
    Some(path)
}

fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("exactly one JSON object")
}

#[test]
fn a_clip_against_itself_is_steady() {
    let folder = tempfile::tempdir().unwrap();
    let Some(source) = clip(folder.path(), "a.mkv", "0.5", "null") else {
        return;
    };
    let output = evaluate(&source, &source, &["--json"]);
    assert_eq!(output.status.code(), Some(0));
    let measures = object(&output);
    assert_eq!(measures["frames"], 5);
    assert!((measures["duration_s"].as_f64().unwrap() - 0.5).abs() < 1e-6);
    assert!(measures["colour_drift"].as_f64().unwrap() < 1e-9);
    let steady = measures["pixel_mse"].as_f64().unwrap();
    let words = String::from_utf8(evaluate(&source, &source, &[]).stdout).unwrap();
    assert!(
        words.contains("Pixel-MSE") && words.contains("5 frames"),
        "{words}"
    );

    // Every other frame is darker, which is neither steady nor true to the colours.
    let flicker = "lutrgb=r=val:g=val:b=val,geq=r='r(X,Y)*(1-0.4*mod(N,2))':g='g(X,Y)*(1-0.4*mod(N,2))':\
                   b='b(X,Y)*(1-0.4*mod(N,2))'";
    let Some(result) = clip(folder.path(), "b.mkv", "0.5", flicker) else {
        return;
    };
    let measures = object(&evaluate(&source, &result, &["--json"]));
    assert!(
        measures["colour_drift"].as_f64().unwrap() > 2.0,
        "{measures}"
    );
    assert!(
        measures["pixel_mse"].as_f64().unwrap() > 2.0 * steady + 0.01,
        "{measures}"
    );
}

#[test]
fn where_everything_changes_nothing_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let flashes = "geq=r='255*mod(N,2)':g='255*mod(N,2)':b='255*mod(N,2)'";
    let Some(source) = clip(folder.path(), "a.mkv", "0.3", flashes) else {
        return;
    };
    let output = evaluate(&source, &source, &["--json"]);
    assert_eq!(output.status.code(), Some(0));
    let measures = object(&output);
    assert_eq!(measures["frames"], 3);
    assert_eq!(measures["pixel_mse"], Value::Null);
    let words = String::from_utf8(evaluate(&source, &source, &[]).stdout).unwrap();
    assert!(words.contains("no pixel is seen in two frames"), "{words}");
}

#[test]
fn clips_of_other_length_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name, secs, filter| clip(folder.path(), name, secs, filter);
    let Some(source) = of("a.mkv", "0.5", "null") else {
        return;
    };
    let shorter = of("b.mkv", "0.4", "null").unwrap();
    let slower = of("c.mkv", "0.5", "setpts=2*PTS").unwrap();
    for result in [&shorter, &slower] {
        let output = evaluate(&source, result, &["--json"]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(object(&output)["event"], "failed");
    }
    let told = evaluate(&source, &shorter, &[]);
    assert_eq!(told.status.code(), Some(1));
    assert!(String::from_utf8(told.stderr).unwrap().contains("5 frames"));
    assert_eq!(
        evaluate(&source, Path::new("absent.mkv"), &[])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn help_defines_the_measures() {
    let help = Command::new(env!("CARGO_BIN_EXE_fresco-studio"))
        .args(["evaluate", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for word in ["pixel_mse", "colour_drift", "CIELAB", "TV-L1", "unoccluded"] {
        assert!(help.contains(word), "{word} in {help}");
    }
}
