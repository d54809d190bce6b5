//! A LoRA that was made to do harm.

use fresco_studio::models::ModelError;
use fresco_studio::models::checkpoint::published_tensors;
use fresco_studio::models::inspect::Fault;
use fresco_studio::models::library::Places;
use fresco_studio::models::lora::{Lora, LoraError};
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::pipeline::error::Error;
use fresco_studio::pipeline::job::{ControlKind, DeviceChoice, JobSpec, LoraSpec, model_files};
use fresco_studio::pipeline::model_folders::ModelFolders;
use fresco_studio::tensor::FloatDType;

use super::hostile::{Folder, entry, fault, tensors};

/// A LoRA of one layer in PEFT's layout, with a rank of two, in a file of this name, and this in the list beside it.
fn peft(folder: &Folder, name: &str, metadata: &str) -> std::path::PathBuf {
    let module = "base_model.model.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    let part = |half: &str, shape: &str, offsets: &str| {
        entry(
            &format!("{module}.lora_{half}.weight"),
            "F32",
            shape,
            offsets,
        )
    };
    let list = format!(
        "{{{metadata}{},{}}}",
        part("A", "[2,3]", "[0,24]"),
        part("B", "[3,2]", "[24,48]"),
    );
    folder.file(name, &tensors(&list, 48))
}

#[test]
fn what_is_noted_of_scales_is_read_with_care() {
    let folder = Folder::new();
    let list = |noted: &str| {
        let quoted = serde_json::to_string(noted).unwrap();
        format!("\"__metadata__\":{{\"lora_adapter_metadata\":{quoted}}},")
    };
    for noted in [
        "{}",
        r#"{"unet.lora_alpha": 4, "unet.r": 2}"#,
        r#"{"unet.r": 9, "unet.rank_pattern": {"to_q": 2}}"#,
        r#"{"text_encoder.r": 0}"#,
    ] {
        let read = Lora::read(&peft(&folder, "good.safetensors", &list(noted)));
        assert!(read.is_ok(), "{noted}: {read:?}");
    }
    for noted in [
        "",
        "[]",
        r#"{"unet.lora_alpha": NaN}"#,
        r#"{"lora_alpha": "1"}"#,
    ] {
        let read = Lora::read(&peft(&folder, "bad.safetensors", &list(noted)));
        assert!(
            matches!(read, Err(LoraError::Notes { .. })),
            "{noted}: {read:?}"
        );
    }
    for noted in [
        r#"{"unet.r": 0}"#,
        r#"{"r": 3}"#,
        r#"{"lora_alpha": 1e300}"#,
    ] {
        let read = Lora::read(&peft(&folder, "bad.safetensors", &list(noted)));
        assert!(
            matches!(read, Err(LoraError::Malformed { .. })),
            "{noted}: {read:?}"
        );
    }
    // Beside a file of another name there may be a config of something else.
    folder.file("adapter_config.json", b"{");
    assert!(Lora::read(&peft(&folder, "good.safetensors", "")).is_ok());
    let path = peft(&folder, "adapter_model.safetensors", "");
    let read = Lora::read(&path).unwrap_err();
    assert!(read.to_string().ends_with("adapter_config.json"), "{read}");
    folder.file("adapter_config.json", br#"{"lora_alpha": 4, "r": 2}"#);
    assert!(Lora::read(&path).is_ok());
}

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
