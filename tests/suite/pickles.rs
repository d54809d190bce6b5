//! Weights in PyTorch's pickles: read without running them, whatever they are wrapped in.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::store::bridge;
use burn::tensor::DType;
use fresco_studio::models::KeyMap;
use fresco_studio::models::checkpoint::{
    CheckpointError, StoredTensor, Weights, is_pickle, load, pickled_tensors,
};
use fresco_studio::tensor::read::host_values;
use fresco_studio::tensor::{Device, FloatDType};
use safetensors::SafeTensors;

use crate::golden::fixture::{self, Fixture};
use crate::support::names_in;

const KEYS: KeyMap = KeyMap {
    rules: &[],
    ignored: &[],
};

/// The part of the fixture's tensors that is a layer.
#[derive(Module, Debug)]
struct Part {
    conv: Conv2d,
}

fn read(path: &Path) -> Result<(Part, Vec<String>), CheckpointError> {
    let conv = Conv2dConfig::new([4, 3], [3, 3]).init(&Device::flex());
    let weights = Weights::Pickle(path.to_owned());
    load(Part { conv }, &weights, &KEYS, FloatDType::F32)
}

/// The pickles of a fixture: those that must be refused, or the others.
fn pickles(fixture: &Fixture, are_evil: bool) -> Vec<PathBuf> {
    let names = names_in(&fixture.path).into_iter();
    let names = names.filter(|name| is_pickle(Path::new(name)));
    let chosen = names.filter(|name| name.starts_with("evil") == are_evil);
    let paths: Vec<PathBuf> = chosen.map(|name| fixture.path.join(name)).collect();
    assert!(!paths.is_empty(), "{}: nothing to compare", fixture.name);
    paths
}

/// A type as `.safetensors` files call it.
fn type_name(tensor: &StoredTensor) -> String {
    match tensor.dtype {
        DType::Bool(_) => "BOOL".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn containers_hold_what_they_should() {
    fixture::for_each("torch_pickle", |fixture| {
        let expected = std::fs::read(fixture.path.join("expected.safetensors")).unwrap();
        let expected = SafeTensors::deserialize(&expected).unwrap();
        let mut names = expected.names();
        names.sort_unstable();
        for path in pickles(fixture, false) {
            let file = path.display();
            let tensors = pickled_tensors(&path).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(tensors.keys().collect::<Vec<_>>(), names, "{file}");
            for (name, tensor) in &tensors {
                let wanted = expected.tensor(name).unwrap();
                let data =
                    bridge::to_data(tensor).unwrap_or_else(|e| panic!("{name}, {file}: {e}"));
                assert_eq!(&tensor.name, name, "{file}");
                assert_eq!(tensor.shape.to_vec(), wanted.shape(), "{name}, {file}");
                let dtype = format!("{:?}", wanted.dtype());
                assert_eq!(type_name(tensor), dtype, "{name}, {file}");
                assert!(data.as_bytes() == wanted.data(), "{name}, {file}");
            }
        }
    });
}

#[test]
fn networks_are_filled_however_they_were_saved() {
    fixture::for_each("torch_pickle", |fixture| {
        let expected = fixture.tensors("expected.safetensors");
        for path in pickles(fixture, false) {
            let file = path.display();
            let (part, unknown) = read(&path).unwrap_or_else(|error| panic!("{error}"));
            for (name, values) in [
                ("conv.weight", host_values(part.conv.weight.val())),
                ("conv.bias", host_values(part.conv.bias.unwrap().val())),
            ] {
                assert_eq!(values.unwrap(), expected[name].values, "{name}, {file}");
            }
            assert_eq!(unknown.len(), expected.len() - 2, "{file}: {unknown:?}");
        }
    });
}

#[test]
fn code_is_refused() {
    fixture::for_each("torch_pickle", |fixture| {
        for path in pickles(fixture, true) {
            assert!(read(&path).is_err(), "{}", path.display());
            assert!(pickled_tensors(&path).is_err(), "{}", path.display());
        }
    });
}
