//! Manifests: what is taken leads to no other place than the model's own.
#![no_main]

use std::path::{Component, Path};

use fresco_studio_fuzz::manifest::parse_manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for entry in parse_manifest(text, &[]).unwrap_or_default() {
        let place = entry.place(Path::new("models"));
        assert_eq!(place.components().count(), 3);
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        assert!(place.components().all(is_plain));
    }
});
