//! A graphics card with as little memory as a test wants, made of the software driver.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Lies between the Vulkan loader and the driver; says how.
const LAYER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/small_card/layer.rs");
const NAME: &str = "VK_LAYER_FRESCO_small_card";

/// Where the layer lies, compiled.
pub struct SmallCard(PathBuf);

impl SmallCard {
    /// Compiles the layer into a folder. Nothing, after saying why, where there is no software driver to lay it on.
    pub fn build(folder: &Path) -> Option<Self> {
        if !cfg!(target_os = "linux") || !fresco_studio::gpu::cards().is_empty() {
            eprintln!(
                "skipped: a small card is made of the software driver of a system without a card"
            );
            return None;
        }
        let library = folder.join("libsmall_card.so");
        let compiled = Command::new("rustc")
            .args([
                "--edition=2024",
                "--crate-type=cdylib",
                "-Cpanic=abort",
                "-o",
            ])
            .args([&library, Path::new(LAYER)])
            .output();
        let Ok(compiled) = compiled else {
            eprintln!("skipped: no rustc to compile the layer with");
            return None;
        };
        let told = String::from_utf8_lossy(&compiled.stderr);
        assert!(compiled.status.success(), "{told}");
        let manifest = serde_json::json!({
            "file_format_version": "1.0.0",
            "layer": {
                "name": NAME,
                "type": "GLOBAL",
                "library_path": library,
                "api_version": "1.3.0",
                "implementation_version": "1",
                "description": "a card with little memory",
            },
        });
        std::fs::write(folder.join("small_card.json"), manifest.to_string()).unwrap();
        Some(Self(folder.to_owned()))
    }

    /// The program, on a card with so many bytes.
    pub fn program(&self, bytes: u64, flags: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fresco-studio"));
        command
            .args(flags)
            .env("VK_LAYER_PATH", &self.0)
            .env("VK_INSTANCE_LAYERS", NAME)
            .env("SMALL_CARD_BYTES", bytes.to_string());
        command
    }
}
