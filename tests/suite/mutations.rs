//! Every parser of what others wrote meets files that are nearly right: it takes them or gives an error, and never
//! panics. A few hundred mutations run with the suite; `FRESCO_FUZZ_SECS` asks for more.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fresco_studio::app::preferences::Preferences;
use fresco_studio::app::project;
use fresco_studio::diffusion::noise_schedule::{NoiseSchedule, SchedulerConfig};
use fresco_studio::models::clip::{ClipTextModel, TextEncoderConfig, Tokenizer};
use fresco_studio::models::controlnet::{ControlNetConfig, ControlNetModel};
use fresco_studio::models::inspect;
use fresco_studio::models::library::parse_manifest;
use fresco_studio::models::unet::{UNet2DConditionModel, UNetConfig};
use fresco_studio::models::vae::{AutoencoderKL, VaeConfig};
use fresco_studio::pipeline::job::JobSpec;
use fresco_studio::tensor::Device;

/// Mutations of each seed in a usual run.
const USUAL: usize = 150;
/// Seeds longer than this are cut, so that a mutation has a chance to hit something.
const LONGEST_SEED: usize = 1 << 16;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }
}

/// Bytes that parsers trip over.
const ODD: [&[u8]; 13] = [
    b"\0",
    b"\xff\xff\xff\xff",
    b"-1",
    b"1e999",
    b"\"",
    b"\n[",
    b"{",
    b"]]",
    b"=",
    b"NaN",
    b"\xc3",
    b"99999999999999999999",
    b"999999999",
];

/// Changes a few places.
fn mutate(seed: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.roll(4) {
        let place = dice.roll(bytes.len() + 1);
        let length = dice.roll(9).min(bytes.len() - place);
        match dice.roll(5) {
            0 => bytes.truncate(place),
            1 => drop(bytes.drain(place..place + length)),
            2 => drop(bytes.splice(
                place..place + length,
                ODD[dice.roll(ODD.len())].iter().copied(),
            )),
            3 => {
                let copy = bytes[place..place + length].to_vec();
                let to = dice.roll(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            _ if place < bytes.len() => bytes[place] = dice.roll(256) as u8,
            _ => {}
        }
    }
    bytes
}

/// A parser, and what it reads.
struct Subject {
    name: &'static str,
    parse: fn(&[u8]),
    seeds: Vec<PathBuf>,
}

/// Where networks are built from configs, as empty as they are until they are filled.
fn device() -> Device {
    Device::flex()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn subject(name: &'static str, seeds: Vec<PathBuf>, parse: fn(&[u8])) -> Subject {
    Subject { name, parse, seeds }
}

/// A file of the demo model, as a seed.
fn demo(file: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    vec![root.join("models/demo").join(file)]
}

/// Configs, and the networks that are built from those that are taken.
fn configs() -> Vec<Subject> {
    vec![
        subject("U-Net config", demo("unet/config.json"), |bytes| {
            drop(UNetConfig::from_json(bytes).map(|it| UNet2DConditionModel::new(&it, &device())));
        }),
        subject("VAE config", demo("vae/config.json"), |bytes| {
            drop(VaeConfig::from_json(bytes).map(|it| AutoencoderKL::new(&it, &device())));
        }),
        subject(
            "ControlNet config",
            demo("controlnet/config.json"),
            |bytes| {
                drop(
                    ControlNetConfig::from_json(bytes)
                        .map(|it| ControlNetModel::new(&it, &device())),
                );
            },
        ),
        subject(
            "text encoder config",
            demo("text_encoder/config.json"),
            |bytes| {
                drop(
                    TextEncoderConfig::from_json(bytes)
                        .map(|it| ClipTextModel::new(&it, &device())),
                );
            },
        ),
        subject(
            "scheduler config",
            demo("scheduler/scheduler_config.json"),
            |bytes| {
                drop(SchedulerConfig::from_json(bytes).map(|it| NoiseSchedule::new(&it)));
            },
        ),
    ]
}

fn subjects() -> Vec<Subject> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let models = root.join("models");
    let manifests = ["sd15", "egnet", "controlnet-sd15"];
    let golden = root.join("../shared/golden/models/torch_pickle");
    let pickles = [
        "zip_plain.pth",
        "zip_model.pth",
        "legacy_plain.pth",
        "legacy_model.pth",
    ];
    let mut subjects = configs();
    subjects.extend([
        subject("project", Vec::new(), |bytes| {
            drop(project::from_text(&text(bytes), Path::new("/a")));
        }),
        subject("preferences", Vec::new(), |bytes| {
            drop(Preferences::from_text(&text(bytes)));
        }),
        subject(
            "manifest",
            manifests
                .map(|name| models.join(name).join("manifest.toml"))
                .to_vec(),
            |bytes| {
                drop(parse_manifest(&text(bytes), &[]));
            },
        ),
        subject("merges", demo("tokenizer/merges.txt"), |bytes| {
            drop(Tokenizer::from_files(
                b"{\"a\":0,\"<|endoftext|>\":1}",
                bytes,
                None,
            ));
        }),
        subject("vocabulary", demo("tokenizer/vocab.json"), |bytes| {
            drop(Tokenizer::from_files(bytes, b"a b\n", None));
        }),
        subject(
            "tensors",
            demo("unet/diffusion_pytorch_model.safetensors"),
            |bytes| {
                drop(inspect::read_header(bytes, bytes.len() as u64));
            },
        ),
        subject(
            "pickle",
            pickles.map(|name| golden.join(name)).to_vec(),
            pickle,
        ),
    ]);
    subjects
}

/// A PyTorch file goes to its reader if its structure is right.
fn pickle(bytes: &[u8]) {
    let file = std::io::Cursor::new(bytes);
    if inspect::check_pickle(file, bytes.len() as u64).is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pth");
    std::fs::write(&path, bytes).unwrap();
    let mut store = burn::store::PytorchStore::from_file(&path);
    drop(burn::store::ModuleStore::keys(&mut store));
}

#[test]
fn parsers_survive_what_is_nearly_right() {
    let asked = std::env::var("FRESCO_FUZZ_SECS").ok();
    let long = asked.map(|secs| Duration::from_secs(secs.parse().unwrap()));
    let subjects = subjects();
    let mut dice = Dice(0x1234_5678_9abc_def1);
    let mut runs: BTreeMap<&str, usize> = BTreeMap::new();
    let begun = Instant::now();
    loop {
        for subject in &subjects {
            for seed in seeds(subject) {
                for _ in 0..USUAL {
                    let bytes = mutate(&seed, &mut dice);
                    let parsed = catch_unwind(AssertUnwindSafe(|| (subject.parse)(&bytes)));
                    assert!(parsed.is_ok(), "{}: {:?}", subject.name, text(&bytes));
                    *runs.entry(subject.name).or_default() += 1;
                }
            }
        }
        if long.is_none_or(|long| begun.elapsed() > long) {
            break;
        }
    }
    eprintln!("{runs:?}");
}

/// The text of a project.
fn project() -> String {
    let settings = toml::to_string(&JobSpec::default()).unwrap();
    format!(
        "format-version = 1\n[settings]\n{settings}\n[edits]\ncuts = [3]\nlocked = [1, 2]\n\
         [view]\nplayhead = 4\n[results]\nopen = true\n[results.made-with]\n7 = \"abc\"\n"
    )
}

fn seeds(subject: &Subject) -> Vec<Vec<u8>> {
    let read = |path: &PathBuf| std::fs::read(path).ok();
    let mut seeds: Vec<Vec<u8>> = subject.seeds.iter().filter_map(read).collect();
    match subject.name {
        "project" => seeds.push(project().into_bytes()),
        "preferences" => seeds.push(Preferences::default().to_text().into_bytes()),
        _ => {}
    }
    for seed in &mut seeds {
        seed.truncate(LONGEST_SEED);
    }
    seeds
}
