//! The shaders parse and are valid, which needs no adapter, and every file is embedded.

use fresco_studio::gpu::shader;
use naga::valid::{Capabilities, ValidationFlags, Validator};

use super::files_below;

#[test]
fn every_shader_parses_and_is_valid() {
    let mut complaints = Vec::new();
    for name in shader::names() {
        let source = shader::assemble(name).unwrap();
        match naga::front::wgsl::parse_str(&source) {
            Err(error) => complaints.push(format!("{name}: {}", error.emit_to_string(&source))),
            Ok(module) => {
                let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
                if let Err(error) = validator.validate(&module) {
                    complaints.push(format!("{name}: {}", error.emit_to_string(&source)));
                }
                if module.entry_points.len() != 1 {
                    complaints.push(format!("{name}: not one entry point"));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_shader_file_is_embedded() {
    for file in files_below("shaders", "wgsl") {
        let name = file.strip_prefix("shaders").unwrap().with_extension("");
        let name = name.to_str().unwrap().replace('\\', "/");
        let found = shader::assemble(&name);
        assert!(
            found.is_ok(),
            "add {name} to the table of src/gpu/shader.rs"
        );
    }
}
