//! A LoRA that was made to do harm.

use fresco_studio::models::ModelError;
use fresco_studio::models::checkpoint::published_tensors;
use fresco_studio::models::inspect::Fault;
use fresco_studio::models::library::Places;
use fresco_studio::models::lora::LoraError;
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::job::{ControlKind, DeviceChoice, JobSpec, LoraSpec, model_files};
use fresco_studio::pipeline::model_folders::ModelFolders;
use fresco_studio::tensor::FloatDType;

use super::hostile::{Folder, entry, fault, tensors};

#[test]
fn a_lora_with_values_that_are_no_numbers_is_told_by_its_own_name() {
    let folder = Folder::new();
    let demo = ModelFolders::resolve(
        &model_files(&JobSpec::default()),
        ControlKind::None,
        &Places::default(),
    )
    .unwrap();
    let unet = published_tensors(&demo.model.part("unet").weights().unwrap()).unwrap();
    let is_layer = |(name, _): &(&String, &Vec<usize>)| name.ends_with("attn1.to_q.weight");
    let (name, shape) = unet.iter().find(is_layer).unwrap();
    let path = name.trim_end_matches(".weight").replace('.', "_");
    let (up, down) = (4 * shape[0], 4 * shape[1]);
    let part = |end: &str, shape: String, offsets: String| {
        entry(
            &format!("lora_unet_{path}.lora_{end}.weight"),
            "F32",
            &shape,
            &offsets,
        )
    };
    let list = format!(
        "{{{},{}}}",
        part("up", format!("[{},1]", shape[0]), format!("[0,{up}]")),
        part(
            "down",
            format!("[1,{}]", shape[1]),
            format!("[{up},{}]", up + down)
        ),
    );
    let mut bytes = tensors(&list, up + down);
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    let spec = JobSpec {
        lora: vec![LoraSpec {
            path: folder.file("ink.safetensors", &bytes),
            strength: 1.0,
        }],
        ..JobSpec::default()
    };
    let folders =
        ModelFolders::resolve(&model_files(&spec), ControlKind::None, &Places::default()).unwrap();
    let mut engine = Engine::default();
    let device = engine.device(&DeviceChoice::Cpu).unwrap();
    let loaded = engine.denoiser(&folders, &device, FloatDType::F32, None);
    match loaded.err() {
        Some(Error::Model(ModelError::Lora(LoraError::File(error)))) => {
            assert!(error.to_string().ends_with("ink.safetensors"), "{error}");
            let wanted = Fault::NotFinite(format!("lora_unet_{path}.lora_down.weight"));
            assert_eq!(fault::<()>(Err(error)), wanted);
        }
        other => panic!("{other:?}"),
    }
}
