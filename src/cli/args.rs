//! Flags and subcommands.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use super::models::ModelsArguments;
use crate::app::preferences::MOST_THREADS;
use crate::pipeline::job::{DeviceChoice, FillSpec, JobSpec, Look, Precision};

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

impl Arguments {
    /// Reads a command line. A look's settings are taken where no flag says otherwise.
    ///
    /// # Errors
    /// A request for help or version, or a command line that makes no sense.
    pub(super) fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(arguments)?;
        let mut read = Self::from_arg_matches(&matches)?;
        let Some(Action::Translate(translate)) = &mut read.action else {
            return Ok(read);
        };
        let Some((_, flags)) = matches.subcommand() else {
            return Ok(read);
        };
        translate.chooses_control = is_given(flags, "control");
        if let Some(look) = translate.spec.look.as_deref().and_then(Look::named) {
            look.apply(&mut translate.spec, |field| is_given(flags, field));
        }
        Ok(read)
    }
}

impl Action {
    /// Threads that compute on the CPU, if that is said.
    pub(super) fn threads(&self) -> Option<u32> {
        match self {
            Self::Translate(arguments) => arguments.compute.threads,
            Self::Fill(arguments) => arguments.compute.threads,
            Self::Demo(arguments) => arguments.compute.threads,
            Self::Evaluate(arguments) => arguments.compute.threads,
            Self::Models(_) => None,
        }
    }
}

/// Whether a field is said and not only the default.
fn is_given(flags: &ArgMatches, field: &str) -> bool {
    flags.value_source(field) == Some(ValueSource::CommandLine)
}

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Translate a video without a window.
    Translate(Box<TranslateArguments>),
    /// Fill the frames between keyframes that you have painted; no model is needed.
    ///
    /// Each frame between two keyframes is painted from both of them, in small patches that follow the motion of the
    /// source; frames before the first keyframe and after the last one are painted from that one. Sound and timing of a
    /// source video are kept; a folder of pictures becomes a video of 25 frames a second.
    Fill(Box<FillArguments>),
    /// Translate the bundled clip with the bundled model, to see the steps and not the quality.
    Demo(DemoArguments),
    /// See which models there are, download some, or find those that other programs keep.
    Models(ModelsArguments),
    /// Measure how steady a result is, along the motion of the video it was made from.
    ///
    /// Both must have the same frames and length, else the exit code is 1. The motion is the TV-L1 optical flow of the
    /// source, resized to the result: another method than guides a translation.
    ///
    /// `pixel_mse`: the mean, over all consecutive pairs of frames and all unoccluded pixels, of the squared difference
    /// between a frame of the result and the one before it, moved along the flow by bilinear sampling. It is the mean
    /// of the channels R, G and B, which go from 0 to 1. A pixel is occluded where the flows there and back do not
    /// cancel (by more than 0.5 pixels and a hundredth of both lengths) or lead to another colour of the source (by
    /// more than a quarter of the range). Where no pixel is left, it is null.
    ///
    /// `colour_drift`: with M(t) the mean colour of frame t of the result in CIELAB and m(t) that of the source, the mean
    /// over t of the length of (M(t) - M(0)) - (m(t) - m(0)). A clip compared with itself has 0.
    Evaluate(EvaluateArguments),
}

/// How everything is computed, whatever it is.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ComputeArguments {
    /// Threads that compute on the CPU; FFmpeg has its own (default: one for each core).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_THREADS)))]
    pub threads: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct EvaluateArguments {
    /// The video that the result was made from.
    #[arg(value_name = "SOURCE")]
    pub source: PathBuf,
    /// The result.
    #[arg(value_name = "RESULT")]
    pub result: PathBuf,
    #[command(flatten)]
    pub compute: ComputeArguments,
    /// Print one JSON object with `pixel_mse`, `colour_drift`, `frames` and `duration_s`, and nothing else.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct TranslateArguments {
    #[command(flatten)]
    pub spec: JobSpec,
    /// Whether a control is named, and not only the default.
    #[arg(skip)]
    pub chooses_control: bool,
    #[command(flatten)]
    pub compute: ComputeArguments,
    /// Print one JSON object per line, and nothing else.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct FillArguments {
    #[command(flatten)]
    pub spec: FillSpec,
    #[command(flatten)]
    pub compute: ComputeArguments,
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
    /// What the clip becomes (default: neon outlines, or what the look says).
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    /// Named look: words that are added to the prompt, and settings.
    #[arg(long, value_name = "NAME")]
    pub look: Option<String>,
    /// Where the networks run: auto, gpu, cpu or the name of a device.
    #[arg(long, value_name = "DEVICE", default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    /// In which precision U-Net and ControlNets compute.
    #[arg(long, value_enum, default_value_t = Precision::Auto)]
    pub precision: Precision,
    /// How everything is computed.
    #[command(flatten)]
    pub compute: ComputeArguments,
    /// Print one JSON object per line, and nothing else.
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of `translate` with these flags.
    fn translate(flags: &[&str]) -> Result<JobSpec, String> {
        let line = ["fresco-studio", "translate", "a.mp4", "--out", "b.mp4"];
        let line: Vec<OsString> = line.iter().chain(flags).map(OsString::from).collect();
        match Arguments::read(&line) {
            Ok(Arguments {
                action: Some(Action::Translate(arguments)),
                ..
            }) => Ok(arguments.spec),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn flags_override_the_look() {
        let snow = Look::named("snow").unwrap();
        let plain = JobSpec::default();
        let spec = translate(&[
            "--look",
            "snow",
            "--guidance-scale",
            "7.5",
            "--negative",
            "",
        ]);
        let spec = spec.unwrap();
        assert_eq!(spec.look.as_deref(), Some("snow"));
        let same = |a: f32, b: f32| (a - b).abs() < f32::EPSILON;
        assert!(same(spec.guidance_scale, plain.guidance_scale) && spec.negative.is_empty());
        assert!(same(spec.strength, snow.strength));
        assert!(same(spec.control_strength, snow.control_strength));
        assert!(!same(snow.guidance_scale, plain.guidance_scale));
        assert!(same(
            translate(&["--prompt", "x"]).unwrap().strength,
            plain.strength
        ));
    }

    #[test]
    fn a_prompt_or_a_look_is_needed() {
        assert!(translate(&[]).unwrap_err().contains("--prompt"));
        assert!(translate(&["--prompt", "a dog", "--look", "snow"]).is_ok());
    }

    #[test]
    fn the_flags_are_consistent() {
        Arguments::command().debug_assert();
    }
}
