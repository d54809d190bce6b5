//! Lists of tensors: what is taken here is taken by the reader too, with the same tensors.
#![no_main]

use fresco_studio_fuzz::inspect::read_header;
use libfuzzer_sys::fuzz_target;
use safetensors::SafeTensors;

fuzz_target!(|bytes: &[u8]| {
    let Ok(header) = read_header(bytes, bytes.len() as u64) else {
        return;
    };
    let tensors = SafeTensors::deserialize(bytes).expect("the reader takes what was checked");
    assert_eq!(tensors.len(), header.tensors.len());
    for info in header.tensors {
        let tensor = tensors.tensor(&info.name).expect("it was listed");
        let shape: Vec<u64> = tensor.shape().iter().map(|side| *side as u64).collect();
        assert_eq!(shape, info.shape);
    }
});
