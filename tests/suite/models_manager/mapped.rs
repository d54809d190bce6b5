//! Networks and the files that they were loaded from: neither knows of the other afterwards.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use burn::module::{Module, Param, ParamId};
use burn::nn::{Linear, LinearConfig};
use burn::store::bridge;
use burn::tensor::Int;
use fresco_studio::models::KeyMap;
use fresco_studio::models::checkpoint::{Weights, load, stored_tensors};
use fresco_studio::tensor::{Device, FloatDType, Tensor};
use safetensors::{Dtype, serialize, tensor::TensorView};

const KEYS: KeyMap = KeyMap {
    rules: &[],
    ignored: &[],
};

/// A network whose tensors are turned, kept, or no floats.
#[derive(Module, Debug)]
struct Small {
    x: Linear,
    steps: Param<Tensor<1, Int>>,
}

impl Small {
    fn new() -> Self {
        let device = Device::flex();
        Self {
            x: LinearConfig::new(4, 2).init(&device),
            steps: Param::initialized(ParamId::new(), Tensor::zeros([3], &device)),
        }
    }

    /// All values, as bytes.
    fn values(&self) -> Vec<Vec<u8>> {
        let bias = self.x.bias.as_ref().unwrap();
        let data = [
            self.x.weight.val().into_data(),
            bias.val().into_data(),
            self.steps.val().into_data(),
        ];
        data.map(|data| data.as_bytes().to_vec()).into()
    }
}

/// A file for it, the floats as they are in memory.
fn file(path: &Path) {
    let floats: Vec<u8> = (0..10_u8)
        .flat_map(|i| f32::from(i).to_le_bytes())
        .collect();
    let steps: Vec<u8> = (1..4_i64).flat_map(i64::to_le_bytes).collect();
    let view = |dtype, shape: &[usize], bytes| TensorView::new(dtype, shape.to_vec(), bytes);
    let tensors = [
        (
            "x.weight",
            view(Dtype::F32, &[2, 4], &floats[..32]).unwrap(),
        ),
        ("x.bias", view(Dtype::F32, &[2], &floats[32..]).unwrap()),
        ("steps", view(Dtype::I64, &[3], &steps).unwrap()),
    ];
    std::fs::write(path, serialize(tensors, None).unwrap()).unwrap();
}

/// Whether this process has the file mapped, where the system tells.
fn is_mapped(path: &Path) -> Option<bool> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    Some(maps.contains(path.to_str()?))
}

#[test]
fn a_loaded_network_keeps_nothing_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("x.safetensors");
    for dtype in [FloatDType::F32, FloatDType::F16] {
        file(&path);
        let (network, _) = load(Small::new(), &Weights::File(path.clone()), &KEYS, dtype).unwrap();
        assert_ne!(is_mapped(&path), Some(true));
        let loaded = network.values();
        assert_eq!(loaded[2][..8], 1_i64.to_le_bytes());
        let length = path.metadata().unwrap().len();
        let mut same_file = File::options().write(true).open(&path).unwrap();
        same_file.write_all(&vec![0xff; length as usize]).unwrap();
        assert_eq!(network.values(), loaded);
        drop(same_file);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(network.values(), loaded);
    }
}

#[test]
fn values_are_mapped_while_somebody_looks_at_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("x.safetensors");
    file(&path);
    let tensors = stored_tensors(&path).unwrap();
    if is_mapped(&path).is_none() {
        eprintln!("skipped: this system does not tell what is mapped");
        return;
    }
    assert_eq!(is_mapped(&path), Some(false));
    for (name, tensor) in &tensors {
        let data = bridge::to_data(tensor).unwrap();
        assert_eq!(is_mapped(&path), Some(true), "{name}");
        drop(data);
        assert_eq!(is_mapped(&path), Some(false), "{name}");
    }
}
