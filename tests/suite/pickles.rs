//! Weights in PyTorch's pickles: read without running them, and refused where they are not what was asked for.

use std::path::Path;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use fresco_studio::models::KeyMap;
use fresco_studio::models::checkpoint::{CheckpointError, load_pickle};
use fresco_studio::tensor::read::host_values;
use fresco_studio::tensor::{Device, FloatDType};

use crate::golden::fixture;

const KEYS: KeyMap = KeyMap {
    rules: &[],
    ignored: &[],
};

/// The part of the fixture's tensors that is a layer.
#[derive(Module, Debug)]
struct Part {
    conv: Conv2d,
}

fn read(path: &Path, entry: Option<&str>) -> Result<(Part, Vec<String>), CheckpointError> {
    let conv = Conv2dConfig::new([4, 3], [3, 3]).init(&Device::flex());
    load_pickle(Part { conv }, path, entry, &KEYS, FloatDType::F32)
}

#[test]
fn containers_hold_what_they_should() {
    fixture::for_each("torch_pickle", |fixture| {
        let expected = fixture.tensors("expected.safetensors");
        let files = [
            ("zip_plain.pth", None),
            ("zip_model.pth", Some("model")),
            ("legacy_plain.pth", None),
            ("legacy_model.pth", Some("model")),
        ];
        for (file, entry) in files {
            let (part, unknown) =
                read(&fixture.path.join(file), entry).unwrap_or_else(|e| panic!("{file}: {e}"));
            let weight = host_values(part.conv.weight.val()).unwrap();
            assert_eq!(weight, expected["conv.weight"].values, "{file}");
            assert!(
                unknown.contains(&"half.weight".to_owned()),
                "{file}: {unknown:?}"
            );
        }
    });
}

#[test]
fn code_is_refused() {
    fixture::for_each("torch_pickle", |fixture| {
        let evil = read(&fixture.path.join("evil.pth"), None);
        assert!(evil.is_err(), "{}: evil.pth", fixture.name);
    });
}

#[test]
fn other_names_are_refused() {
    let refused = read(Path::new("weights.bin"), None).unwrap_err();
    assert!(
        matches!(refused, CheckpointError::NotPickle(_)),
        "{refused}"
    );
}
