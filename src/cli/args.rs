//! Flags and subcommands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::pipeline::job::{DeviceChoice, JobSpec};

/// Re-render a video in a new style from a text prompt, on your own machine.
#[derive(Debug, Parser)]
#[command(
    name = "fresco-studio",
    version,
    args_conflicts_with_subcommands = true
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub action: Option<Action>,
    /// Video or project to open in the window.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Translate a video without a window.
    Translate(Box<TranslateArguments>),
    /// Translate the bundled clip with the bundled model, to see the steps and not the quality.
    Demo(DemoArguments),
}

#[derive(Debug, Args)]
pub(super) struct TranslateArguments {
    #[command(flatten)]
    pub spec: JobSpec,
    /// Print one JSON object per line, and nothing else.
    #[arg(long)]
    pub json: bool,
}

/// What can be chosen for the demo.
#[derive(Clone, Debug, Args)]
pub struct DemoArguments {
    /// File to write; the extension chooses the container: mp4, mov or mkv.
    #[arg(long, value_name = "FILE", default_value = "fresco-demo.mp4")]
    pub out: PathBuf,
    /// What the clip becomes.
    #[arg(long, value_name = "TEXT", default_value = "neon outlines")]
    pub prompt: String,
    /// Where the networks run: auto, gpu, cpu or the name of a device.
    #[arg(long, value_name = "DEVICE", default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    /// Print one JSON object per line, and nothing else.
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        Arguments::command().debug_assert();
    }
}
