//! Settings of a job that fills between the user's own keyframes.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use fresco_studio::pipeline::job::{
    Compat, DeviceChoice, FillJob, FillOutput, FillPreset, FillSpec, InBetweensSpec,
};

#[derive(clap::Parser)]
struct Flags {
    #[command(flatten)]
    spec: FillSpec,
}

fn spec() -> FillSpec {
    FillSpec {
        source: "clip.mp4".into(),
        keyframes: "keys".into(),
        out: "out.mp4".into(),
        ..FillSpec::default()
    }
}

fn parse(more: &str) -> FillSpec {
    let fixed = "test --source clip.mp4 --keyframes keys --out out.mp4".split(' ');
    let more = more.split(' ').filter(|flag| !flag.is_empty());
    Flags::try_parse_from(fixed.chain(more)).unwrap().spec
}

fn refused(spec: &FillSpec) -> Vec<&'static str> {
    match FillJob::new(spec) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.0.iter().map(|error| error.field).collect(),
    }
}

#[test]
fn every_flag_fills_its_field() {
    assert_eq!(parse(""), spec());
    let wanted = FillSpec {
        flow: Some("flow".into()),
        in_betweens: InBetweensSpec {
            fill_preset: FillPreset::Parity,
            no_gradient_blending: true,
        },
        compat: Some(Compat::Reference),
        device: DeviceChoice::Cpu,
        work: Some("w".into()),
        ..spec()
    };
    let flags = "--flow flow --fill-preset parity --no-gradient-blending --compat reference --device cpu --work w";
    assert_eq!(parse(flags), wanted);
    let file = toml::to_string(&wanted).unwrap();
    assert_eq!(toml::from_str::<FillSpec>(&file).unwrap(), wanted, "{file}");
}

#[test]
fn the_name_of_the_output_says_what_it_is() {
    let output = |out: &str| {
        let spec = FillSpec {
            out: out.into(),
            ..spec()
        };
        FillJob::new(&spec).map(|job| (job.out, job.work))
    };
    let video = |path: &str| FillOutput::Video(path.into());
    let folder = |path: &str| FillOutput::Folder(path.into());
    let work = PathBuf::from;
    assert_eq!(output("a.MKV").unwrap(), (video("a.MKV"), work("a.fresco")));
    assert_eq!(
        output("films/frames/").unwrap(),
        (folder("films/frames/"), work("films/frames.fresco"))
    );
    assert_eq!(output("a.avi").unwrap_err().0[0].field, "out");
    // A folder that is there may have any name.
    let there = tempfile::tempdir().unwrap();
    let dotted = there.path().join("take.2");
    std::fs::create_dir(&dotted).unwrap();
    let dotted = dotted.to_str().unwrap();
    assert_eq!(output(dotted).unwrap().0, folder(dotted));
}

#[test]
fn everything_wrong_is_told_at_once() {
    assert_eq!(refused(&spec()), [""; 0]);
    let nothing = FillSpec {
        device: DeviceChoice::Named(" ".into()),
        ..FillSpec::default()
    };
    assert_eq!(refused(&nothing), ["source", "keyframes", "out", "device"]);
}

#[test]
fn files_are_looked_for_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["source", "keys", "flow"] {
        std::fs::create_dir(path(name)).unwrap();
    }
    std::fs::write(path("file"), "").unwrap();
    let of = |source: &str, keyframes: &str, out: &str| FillSpec {
        source: path(source),
        keyframes: path(keyframes),
        out: path(out),
        flow: Some(path("flow")),
        ..FillSpec::default()
    };
    let complaints = |spec: &FillSpec| {
        let errors = FillJob::new(spec).unwrap().check_files();
        let errors = errors.map_or_else(|errors| errors.0, |()| Vec::new());
        errors
            .into_iter()
            .map(|e| (e.field, e.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(complaints(&of("source", "keys", "out")), []);
    assert_eq!(complaints(&of("source", "keys", "out.mp4")), []);
    let fields = |spec: &FillSpec| {
        complaints(spec)
            .iter()
            .map(|(field, _)| *field)
            .collect::<Vec<_>>()
    };
    let gone = FillSpec {
        flow: Some(path("no-flow")),
        ..of("gone", "gone", "gone/out.mp4")
    };
    assert_eq!(fields(&gone), ["source", "keyframes", "flow", "out"]);
    assert_eq!(
        fields(&of("source", "file", "file")),
        ["keyframes", "out", "out"]
    );
    for (out, what) in [
        ("source", "the source"),
        ("keys", "the keyframes"),
        ("flow", "flow files"),
    ] {
        let told = complaints(&of("source", "keys", out));
        assert!(told.len() == 1 && told[0].1.contains(what), "{told:?}");
    }
    let roundabout = Path::new("source/../source");
    assert_eq!(
        fields(&of("source", "keys", roundabout.to_str().unwrap())),
        ["out"]
    );
}
