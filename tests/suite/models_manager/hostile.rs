//! Files that were made to do harm: each is a typed error, found before anything is allocated for what they claim.

use std::path::PathBuf;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use fresco_studio::models::KeyMap;
use fresco_studio::models::checkpoint::{CheckpointError, Weights, check, load};
use fresco_studio::models::inspect::Fault;
use fresco_studio::tensor::{Device, FloatDType};

use super::weights;

const KEYS: KeyMap = KeyMap {
    rules: &[],
    ignored: &[],
};

/// A network with one tensor, `x.weight` `[1, 4]`.
#[derive(Module, Debug)]
struct Small {
    x: Linear,
}

fn small() -> Small {
    let config = LinearConfig::new(4, 1).with_bias(false);
    Small {
        x: config.init(&Device::flex()),
    }
}

pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// What is wrong with a file of tensors.
    fn fault(&self, bytes: &[u8]) -> Fault {
        let path = self.file("x.safetensors", bytes);
        fault(check(&small(), &Weights::File(path), &KEYS))
    }

    /// What is wrong with a PyTorch file.
    fn pickle_fault(&self, bytes: &[u8]) -> Fault {
        let path = self.file("x.pth", bytes);
        fault(check(&small(), &Weights::Pickle(path), &KEYS))
    }
}

pub(super) fn fault<T>(result: Result<T, CheckpointError>) -> Fault {
    match result {
        Err(error @ CheckpointError::Faulty { .. }) => {
            assert!(error.to_string().contains("download them again"), "{error}");
            let CheckpointError::Faulty { fault, .. } = error else {
                unreachable!()
            };
            fault
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

/// A file of tensors with this list, and so many bytes of values.
pub(super) fn tensors(list: &str, n_bytes: usize) -> Vec<u8> {
    let length = (list.len() as u64).to_le_bytes();
    [&length[..], list.as_bytes(), &vec![0; n_bytes]].concat()
}

pub(super) fn entry(name: &str, dtype: &str, shape: &str, offsets: &str) -> String {
    format!("\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":{offsets}}}")
}

#[test]
fn a_whole_file_is_taken() {
    let folder = Folder::new();
    let list = format!("{{{}}}", entry("x.weight", "F32", "[1,4]", "[0,16]"));
    let path = folder.file("x.safetensors", &tensors(&list, 16));
    load(small(), &Weights::File(path), &KEYS, FloatDType::F32).unwrap();
}

#[test]
fn lists_of_tensors_that_lie() {
    let folder = Folder::new();
    let one = |dtype: &str, shape: &str, offsets: &str| {
        format!("{{{}}}", entry("x.weight", dtype, shape, offsets))
    };
    let two = |second: &str| {
        let first = entry("a", "F32", "[2]", "[0,8]");
        format!("{{{first},{second}}}")
    };
    let name = "x.weight".to_owned();
    let cut_off = |wanted, found| Fault::CutOff { wanted, found };
    let length = |wanted, found| Fault::Length {
        tensor: "x.weight".into(),
        wanted,
        found,
    };
    let huge = "[4294967296,4294967296,4294967296]";
    let cases = [
        (tensors("", 0)[..4].to_vec(), cut_off(8, 4)),
        (
            u64::MAX.to_le_bytes().to_vec(),
            Fault::HeaderTooLong(u64::MAX),
        ),
        (
            (1_u64 << 40).to_le_bytes().to_vec(),
            Fault::HeaderTooLong(1 << 40),
        ),
        (1000_u64.to_le_bytes().to_vec(), cut_off(1008, 8)),
        (tensors(&one("F32", "[1,4]", "[0,16]"), 9), cut_off(16, 9)),
        (tensors(&one("F32", "[1,4]", "[0,16]"), 17), Fault::Gap(1)),
        (
            tensors(&one("F32", "[1,-4]", "[0,16]"), 16),
            Fault::Shape(name.clone()),
        ),
        (
            tensors(&one("F32", huge, "[0,16]"), 16),
            Fault::Shape(name.clone()),
        ),
        (tensors(&one("F16", "[1,4]", "[0,16]"), 16), length(8, 16)),
        (tensors(&one("F32", "[1,4]", "[16,0]"), 16), length(16, 0)),
        (
            tensors(&one("F7", "[1,4]", "[0,16]"), 16),
            Fault::Type {
                tensor: name.clone(),
                dtype: "F7".into(),
            },
        ),
        (
            tensors(&two(&entry("b", "F32", "[2]", "[4,12]")), 12),
            Fault::Overlap {
                tensor: "b".into(),
                other: "a".into(),
            },
        ),
        (
            tensors(&two(&entry("b", "F32", "[2]", "[12,20]")), 20),
            Fault::Gap(4),
        ),
        (
            tensors(&two(&entry("a", "F32", "[2]", "[8,16]")), 16),
            Fault::Duplicate("a".into()),
        ),
    ];
    for (bytes, wanted) in cases {
        let found = folder.fault(&bytes);
        assert_eq!(found, wanted, "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn lists_of_tensors_that_are_none() {
    let folder = Folder::new();
    let no_size = format!("{{{}}}", entry("x.weight", "F32", "[1.5]", "[0,4]"));
    let deep = "[".repeat(100_000);
    for list in ["{", "[]", "null", &deep, "{\"x\":1}", &no_size] {
        let found = folder.fault(&tensors(list, 0));
        assert!(matches!(found, Fault::Header(_)), "{found}");
    }
}

#[test]
fn values_that_are_no_numbers_are_named() {
    let folder = Folder::new();
    for (dtype, bad) in [
        ("F32", f32::NAN.to_le_bytes().to_vec()),
        ("F32", f32::NEG_INFINITY.to_le_bytes().to_vec()),
        ("F16", half::f16::NAN.to_le_bytes().to_vec()),
        ("BF16", half::bf16::INFINITY.to_le_bytes().to_vec()),
    ] {
        let n_bytes = 4 * bad.len();
        let offsets = format!("[0,{n_bytes}]");
        let list = format!("{{{}}}", entry("x.weight", dtype, "[1,4]", &offsets));
        let mut bytes = tensors(&list, n_bytes);
        let end = bytes.len();
        bytes[end - bad.len()..].copy_from_slice(&bad);
        let path = folder.file("x.safetensors", &bytes);
        let found = fault(load(small(), &Weights::File(path), &KEYS, FloatDType::F32));
        assert_eq!(found, Fault::NotFinite("x.weight".into()), "{dtype}");
    }
}

/// A zip archive by hand: entries of a name, a method, and the sizes that they claim.
fn archive(entries: &[(&str, u16, u32, u32)]) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend([0; 60]);
    let start = bytes.len() as u32;
    for (name, method, packed, unpacked) in entries {
        let mut fixed = [0_u8; 46];
        fixed[..4].copy_from_slice(b"PK\x01\x02");
        fixed[10..12].copy_from_slice(&method.to_le_bytes());
        fixed[20..24].copy_from_slice(&packed.to_le_bytes());
        fixed[24..28].copy_from_slice(&unpacked.to_le_bytes());
        fixed[28..30].copy_from_slice(&(name.len() as u16).to_le_bytes());
        bytes.extend(fixed);
        bytes.extend(name.as_bytes());
    }
    let n_bytes = bytes.len() as u32 - start;
    let n = entries.len() as u16;
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([n.to_le_bytes(), n.to_le_bytes()].concat());
    bytes.extend([n_bytes.to_le_bytes(), start.to_le_bytes()].concat());
    bytes.extend([0, 0]);
    bytes
}

/// The beginning of the older container, and a pickle of tensors that is nothing but this.
fn legacy(pickle: &[u8]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    let start = [&magic[..], b"\x80\x02M\xe9\x03.", b"\x80\x02}."].concat();
    [&start, pickle].concat()
}

#[test]
fn pytorch_files_that_lie() {
    let folder = Folder::new();
    let long = 5 << 20;
    let padded = [
        &archive(&[("a/data.pkl", 0, long, long)])[..],
        &vec![0; 1000],
    ]
    .concat();
    let cases = [
        (Vec::new(), Fault::Empty),
        (b"hello".to_vec(), Fault::NoContainer),
        (b"\x80\x02}.".to_vec(), Fault::NoContainer),
        (b"PK\x03\x04".to_vec(), Fault::Entries),
        (
            archive(&[("a/data.pkl", 8, 50, 4_000_000_000)]),
            Fault::Compressed("a/data.pkl".into()),
        ),
        (
            archive(&[("a/data.pkl", 0, 50, 4_000_000_000)]),
            Fault::Compressed("a/data.pkl".into()),
        ),
        (
            archive(&[("a/0", 0, 4_000_000_000, 4_000_000_000)]),
            Fault::Claims(4_000_000_000),
        ),
        // Entries that share their bytes: each is small, all of them are not.
        (archive(&[("a/0", 0, 90, 90); 40]), Fault::Claims(2070)),
        (padded, Fault::Claims(u64::from(long))),
        (legacy(b"\x80\x02}"), Fault::Pickle),
        (legacy(b"\xff."), Fault::Pickle),
        (legacy(b"X\xff\xff\xff\xff"), Fault::Pickle),
        (legacy(&vec![b')'; 5 << 20]), Fault::PickleTooLong(4 << 20)),
    ];
    for (bytes, wanted) in cases {
        let found = folder.pickle_fault(&bytes);
        assert_eq!(
            found,
            wanted,
            "{}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(99)])
        );
    }
}

#[test]
#[cfg(unix)]
fn links_that_lead_to_themselves_are_errors() {
    let folder = Folder::new();
    for name in ["x.safetensors", "x.pth"] {
        let path = folder.0.path().join(name);
        std::os::unix::fs::symlink(&path, &path).unwrap();
        let opened = match name {
            "x.pth" => load(small(), &Weights::Pickle(path), &KEYS, FloatDType::F32),
            _ => load(small(), &Weights::File(path), &KEYS, FloatDType::F32),
        };
        let error = opened.unwrap_err();
        assert!(matches!(error, CheckpointError::Open { .. }), "{error}");
    }
}

/// Every hostile file of this module in a folder is looked at by the real program, which may have one gigabyte.
#[test]
#[cfg(target_os = "linux")]
fn a_folder_of_them_is_looked_at_in_little_memory() {
    let folder = Folder::new();
    let claims = format!(
        "{{{}}}",
        entry("x", "F32", "[1000000,1000000]", "[0,4000000000000]")
    );
    folder.file("claims.safetensors", &tensors(&claims, 16));
    folder.file("long.safetensors", &(1_u64 << 62).to_le_bytes());
    let deep = "[".repeat(1 << 20);
    folder.file("deep.safetensors", &tensors(&deep, 0));
    folder.file(
        "ControlNetHED.pth",
        &archive(&[("a/data.pkl", 8, 50, 4_000_000_000)]),
    );
    folder.file("epoch_resnet.pth", &legacy(&vec![b')'; 64 << 20]));
    let good = weights("lora_unet_a.lora_up.weight", 4);
    folder.file("good.safetensors", &good);
    let script = "ulimit -v 1000000; exec \"$0\" models scan \"$1\" --json --folder \"$2\"";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_fresco-studio")]);
    command
        .arg(folder.0.path())
        .arg(folder.0.path().join("none"));
    let output = command
        .env("HOME", folder.0.path())
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {told}", output.status);
    let lines = String::from_utf8(output.stdout).unwrap();
    let found: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let trouble = |name: &str| {
        let of = |event: &&serde_json::Value| {
            let path = event["path"].as_str();
            path.is_some_and(|path| path.ends_with(name))
        };
        found.iter().find(of).unwrap()["trouble"].clone()
    };
    assert!(trouble("good.safetensors").is_null(), "{lines}");
    for name in ["claims", "long", "deep"] {
        assert!(
            lines.contains(&format!("{name}.safetensors is passed over, damaged")),
            "{lines}"
        );
    }
    for name in ["ControlNetHED.pth", "epoch_resnet.pth"] {
        assert!(
            trouble(name).as_str().unwrap().contains("damaged"),
            "{lines}"
        );
    }
}

/// What the readers themselves make of a file is an error too, never a panic.
#[test]
fn a_pickle_of_something_else_is_refused() {
    let folder = Folder::new();
    let rest = b"\x80\x02K\x01.\x80\x02].";
    let weights = Weights::Pickle(folder.file("x.pth", &legacy(rest)));
    let refused = load(small(), &weights, &KEYS, FloatDType::F32).unwrap_err();
    assert!(
        matches!(refused, CheckpointError::Damaged { .. }),
        "{refused}"
    );
}
