//! Finds golden fixtures, reads their tensors and compares with them.
//!
//! Fixtures lie under `FRESCO_GOLDEN`, else `../shared/golden/models` where it exists, else `tests/golden`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// One folder with a `fixture.json` of the wanted kind.
pub struct Fixture {
    pub name: String,
    pub path: PathBuf,
    root: PathBuf,
    about: Value,
}

/// A tensor read to the host: its shape and its values in f32, rows last.
#[derive(Clone, Debug)]
pub struct HostTensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl HostTensor {
    /// The largest absolute value.
    pub fn largest(&self) -> f32 {
        self.values.iter().fold(0.0_f32, |m, v| m.max(v.abs()))
    }
}

/// Runs `check` on every fixture of `kind`, and fails with all complaints at once.
///
/// Finding none fails where fixtures are expected to be, and is said and passed over elsewhere.
pub fn for_each(kind: &str, check: impl Fn(&Fixture)) {
    let (root, expected) = root();
    let found = find(&root, kind);
    assert!(
        !(found.is_empty() && expected),
        "no fixture of kind {kind} under {}",
        root.display()
    );
    if found.is_empty() {
        eprintln!(
            "skipped: no fixture of kind {kind} under {}",
            root.display()
        );
    }
    for fixture in &found {
        eprintln!("fixture {}", fixture.name);
        check(fixture);
    }
}

fn root() -> (PathBuf, bool) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = package.join("../shared/golden/models");
    match std::env::var_os("FRESCO_GOLDEN") {
        Some(folder) => (folder.into(), true),
        None if shared.is_dir() => (shared, true),
        None => (package.join("tests/golden"), false),
    }
}

fn find(root: &Path, kind: &str) -> Vec<Fixture> {
    let Ok(entries) = std::fs::read_dir(root) else {
        return Vec::new();
    };
    let mut found: Vec<Fixture> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let text = std::fs::read_to_string(path.join("fixture.json")).ok()?;
            let about: Value =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let name = path.file_name()?.to_string_lossy().into_owned();
            (about["kind"] == kind).then(|| Fixture {
                name,
                path,
                root: root.to_owned(),
                about,
            })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

impl Fixture {
    /// The allowed difference, in the fixture's own measure.
    pub fn tolerance(&self) -> f32 {
        self.about["tolerance"]
            .as_f64()
            .unwrap_or_else(|| panic!("{}: no tolerance", self.name)) as f32
    }

    /// The same, or `usual` where `fixture.json` gives no number.
    pub fn tolerance_or(&self, usual: f32) -> f32 {
        self.about["tolerance"]
            .as_f64()
            .map_or(usual, |tolerance| tolerance as f32)
    }

    /// The mean error that `fixture.json` allows in the words of its `measure`: so many times what the reference itself
    /// `moves`, and never less than a floor, which may be a share of the largest value that is wanted.
    pub fn mean_bound(&self, moves: f32, want: &HostTensor) -> f32 {
        let measure = self.about["measure"].as_str().unwrap_or_default();
        let number_after = |words: &str| -> Option<(f32, &str)> {
            let rest = measure.split_once(words)?.1.trim_start();
            let (number, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            Some((number.trim_end_matches([',', ';', '.']).parse().ok()?, rest))
        };
        // What all fixtures say so far, for one that says it in other words.
        let (times, _) = number_after("mean error at most").unwrap_or((3.0, ""));
        let floor = number_after("never asked to be under");
        let (floor, of) = floor.unwrap_or((2e-4, "the largest"));
        let unit = if of.contains("largest") {
            want.largest()
        } else {
            1.0
        };
        (times * moves).max(floor * unit)
    }

    /// Fixtures of another kind with the same weights.
    pub fn with_same_weights(&self, kind: &str) -> Vec<Fixture> {
        let mut found = find(&self.root, kind);
        found.retain(|other| other.about["weights"] == self.about["weights"]);
        found
    }

    /// Folder named by a field of `fixture.json`, relative to the folder of all fixtures.
    pub fn folder(&self, field: &str) -> PathBuf {
        let relative = self.about[field]
            .as_str()
            .unwrap_or_else(|| panic!("{}: no {field}", self.name));
        self.root.join(relative)
    }

    /// Whether `fixture.json` has this field, and not as null.
    pub fn has(&self, field: &str) -> bool {
        !self.about[field].is_null()
    }

    /// A JSON file of this fixture.
    pub fn json(&self, file: &str) -> Value {
        read_json(&self.path.join(file))
    }

    /// The same, null where there is no such file.
    pub fn json_if_any(&self, file: &str) -> Value {
        let path = self.path.join(file);
        if path.exists() {
            read_json(&path)
        } else {
            Value::Null
        }
    }

    /// What the folder says of itself, nothing where it has no such file.
    pub fn readme(&self) -> String {
        std::fs::read_to_string(self.path.join("README.md")).unwrap_or_default()
    }

    /// All tensors of a safetensors file of this fixture.
    pub fn tensors(&self, file: &str) -> BTreeMap<String, HostTensor> {
        read_tensors(&self.path.join(file))
    }

    /// Fails unless `got` is within `tolerance × max |want|` of `want` everywhere.
    pub fn assert_close(&self, what: &str, got: &[f32], want: &HostTensor) {
        let scale = want.largest().max(f32::MIN_POSITIVE);
        self.assert_within(what, got, want, self.tolerance() * scale);
    }

    /// Fails unless `got` is within `bound` of `want` everywhere.
    pub fn assert_within(&self, what: &str, got: &[f32], want: &HostTensor, bound: f32) {
        assert_eq!(
            got.len(),
            want.values.len(),
            "{}/{what}: number of values",
            self.name
        );
        let worst = got
            .iter()
            .zip(&want.values)
            .map(|(g, w)| (g - w).abs())
            .fold(
                0.0_f32,
                |m, d| {
                    if d.is_nan() { f32::INFINITY } else { m.max(d) }
                },
            );
        eprintln!(
            "  {}/{what}: worst difference {worst:.2e}, allowed {bound:.2e}",
            self.name
        );
        assert!(
            worst <= bound,
            "{}/{what}: differs by {worst}, allowed {bound}",
            self.name
        );
    }
}

pub fn read_json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn read_tensors(path: &Path) -> BTreeMap<String, HostTensor> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file =
        SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let convert = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        (
            name,
            HostTensor {
                shape: view.shape().to_vec(),
                values: widen(view.dtype(), view.data()),
            },
        )
    };
    file.tensors().into_iter().map(convert).collect()
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "ids and indices are small"
)]
fn widen(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    fn map<const N: usize>(bytes: &[u8], to_f32: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        bytes
            .as_chunks::<N>()
            .0
            .iter()
            .map(|c| to_f32(*c))
            .collect()
    }
    match dtype {
        Dtype::F32 => map(bytes, f32::from_le_bytes),
        Dtype::F64 => map(bytes, |b| f64::from_le_bytes(b) as f32),
        Dtype::F16 => map(bytes, |b| half::f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => map(bytes, |b| half::bf16::from_le_bytes(b).to_f32()),
        Dtype::I16 => map(bytes, |b| f32::from(i16::from_le_bytes(b))),
        Dtype::I32 => map(bytes, |b| i32::from_le_bytes(b) as f32),
        Dtype::I64 => map(bytes, |b| i64::from_le_bytes(b) as f32),
        Dtype::U8 => map(bytes, |[b]: [u8; 1]| f32::from(b)),
        Dtype::BOOL => map(bytes, |[b]: [u8; 1]| f32::from(b)),
        other => panic!("no conversion for {other:?}"),
    }
}
