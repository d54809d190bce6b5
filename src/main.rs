//! The program: the command line for now.

use std::process::ExitCode;

use fresco_studio::cli;
use fresco_studio::files;
use fresco_studio::pipeline::engine::Engine;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// A short video that shows what the program does, without a download.
const DEMO_CLIP: &[u8] = include_bytes!("../assets/demo/clip.mp4");

fn main() -> ExitCode {
    start_logging();
    let engine = || Engine::new(files::models_folder());
    cli::run(std::env::args_os(), engine, DEMO_CLIP)
}

/// Logs go to standard error; `RUST_LOG` says which.
fn start_logging() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::ERROR.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
