//! What is noted of a LoRA's scales, and after a zero byte names of tensors: what is taken gives every layer a number.
#![no_main]

use std::collections::BTreeMap;

use fresco_studio_fuzz::loras::{Notes, layer_of, module_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let json = parts.next().unwrap_or_default();
    let names = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let beside = Notes::read(&BTreeMap::new(), Some(json));
    if let Ok(text) = str::from_utf8(json) {
        let list = BTreeMap::from([("lora_adapter_metadata".to_owned(), text.to_owned())]);
        assert_eq!(Notes::read(&list, None).is_ok(), beside.is_ok());
    }
    let Ok(notes) = beside else { return };
    for name in names.lines() {
        let Some(layer) = layer_of(name) else { continue };
        let module = module_of(name).expect("a layer is of a module");
        for rank in [1, 4, usize::MAX] {
            if let Ok(scale) = notes.scale(layer.target, module, rank) {
                assert!(scale.is_finite());
            }
        }
    }
});
