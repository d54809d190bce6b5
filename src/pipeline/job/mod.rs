//! What the user asked for ([`JobSpec`]) and what will run ([`Job`]).
//!
//! Command-line flags and project files fill the same [`JobSpec`], so names, defaults and help text
//! are written once: the documentation of a field is its help text. [`Job::new`] turns it into a
//! [`Job`] or says everything that is wrong with it at once; nothing below sees unvalidated input.

mod checks;
mod consistency;
mod fill;
mod looks;
mod loras;
mod options;
mod precision;
mod prompt_faults;
mod validated;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::frame::FrameIdx;

pub use crate::diffusion::samplers::Sampler;
pub use crate::models::unet::FreeU;
pub use crate::pipeline::keyframes::KeyframeGap;
pub use crate::tensor::DeviceChoice;
pub use checks::{FieldError, JobErrors};
pub use consistency::{Consistency, ConsistencySpec, Preset};
pub use fill::{FillJob, FillOutput, FillSettings, FillSpec, InBetweensSpec};
pub use looks::Look;
pub use loras::{LoraSpec, without_lora_tags};
pub use options::{
    CannyThresholds, Compat, ControlKind, ControlNetSpec, CutList, ExtraWords, FillPreset,
    FrameRange, ParseOptionError,
};
pub use precision::Precision;
pub use prompt_faults::{PromptFault, PromptField, prompt_faults};
pub use validated::{
    Container, ControlSettings, Job, KeyframeChoice, ModelFiles, Prompt, SamplingSettings, Start,
    default_work_folder, model_files,
};

/// What the user asked for, from flags or from a project file; not yet validated.
///
/// In a file, a field has the name of its flag and may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, rename_all = "kebab-case")]
pub struct JobSpec {
    /// Video to translate.
    #[arg(value_name = "FILE")]
    pub source: PathBuf,
    /// File to write; the extension chooses the container: mp4, mov or mkv.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What the video becomes.
    #[arg(
        long,
        value_name = "TEXT",
        default_value_t = JobSpec::default().prompt,
        hide_default_value = true,
        required_unless_present = "look"
    )]
    pub prompt: String,
    /// Named look: words that are added to the prompt, and settings that flags override. A name that does not exist
    /// lists those that do.
    #[arg(long, value_name = "NAME")]
    pub look: Option<String>,
    /// Quality words, appended to every prompt.
    #[arg(
        long,
        value_name = "TEXT",
        default_value_t = JobSpec::default().quality,
        hide_default_value = true
    )]
    pub quality: String,
    /// What to avoid.
    #[arg(
        long,
        value_name = "TEXT",
        default_value_t = JobSpec::default().negative,
        hide_default_value = true
    )]
    pub negative: String,
    /// Words appended to the prompt of one keyframe, such as `24=, eyes closed`; may be repeated.
    #[arg(long, value_name = "FRAME=TEXT")]
    pub extra: Vec<ExtraWords>,
    /// Frames to translate, counted from 0, without the last: `0..48` is the first 48.
    #[arg(long, value_name = "A..B")]
    pub range: Option<FrameRange>,
    /// Folder for frames and results, safe to delete (default: `<stem of --out>.fresco` beside
    /// --out).
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,

    /// Model of the SD 1.5 family: a .safetensors file, or a folder in diffusers layout (default: the bundled demo
    /// model).
    #[arg(long, value_name = "PATH", help_heading = "Models")]
    pub model: Option<PathBuf>,
    /// Folder with the configs of single files, which have none of their own: unet/config.json and so on, or
    /// `unet_config.json`, `vae_config.json`, `clip_config.json`, `controlnet_config.json` (default: those of Stable
    /// Diffusion 1.5).
    #[arg(long, value_name = "DIR", help_heading = "Models")]
    pub model_config: Option<PathBuf>,
    /// VAE to use in place of the model's own: a .safetensors file or a folder.
    #[arg(long, value_name = "PATH", help_heading = "Models")]
    pub vae: Option<PathBuf>,
    /// LoRA to add to the model, and its strength (-2 to 2): a .safetensors file, or the name of one in the folder
    /// "loras" of the models folder; may be repeated. The prompt names them too: `<lora:name:0.8>`.
    #[arg(long, value_name = "PATH=W", help_heading = "Models")]
    pub lora: Vec<LoraSpec>,
    /// ControlNet (a .safetensors file or a folder), its weight (0 to 2), the share of steps it acts in (0 to 1), and a
    /// control or a control clip of its own; may be repeated. A comma inside a path is written `\,`.
    #[arg(
        long,
        value_name = "PATH[,weight=X][,start=X][,end=X][,control=KIND][,clip=FILE]",
        help_heading = "Models"
    )]
    pub controlnet: Vec<ControlNetSpec>,
    /// Where the networks run: auto, gpu, cpu or the name of a device.
    #[arg(
        long,
        value_name = "DEVICE",
        default_value_t = JobSpec::default().device,
        help_heading = "Models"
    )]
    pub device: DeviceChoice,
    /// In which precision U-Net and ControlNets compute.
    #[arg(
        long,
        value_enum,
        default_value_t = JobSpec::default().precision,
        help_heading = "Models"
    )]
    // Left out where the device chooses: what was made before there was this setting holds.
    #[serde(skip_serializing_if = "Precision::is_auto")]
    pub precision: Precision,

    /// Which structure of the source is kept (default: soft-edges; hed where a model is named, and its ControlNet and
    /// annotator are installed; else what is installed).
    #[arg(
        long,
        value_enum,
        default_value_t = JobSpec::default().control,
        hide_default_value = true,
        help_heading = "Control"
    )]
    pub control: ControlKind,
    /// Thresholds of Canny, 1 to 255: lower ones find more lines.
    #[arg(
        long,
        value_name = "LOW,HIGH",
        default_value_t = JobSpec::default().canny,
        help_heading = "Control"
    )]
    pub canny: CannyThresholds,
    /// How closely the source's shapes are kept, 0 to 2.
    #[arg(
        long,
        value_name = "X",
        default_value_t = JobSpec::default().control_strength,
        help_heading = "Control"
    )]
    pub control_strength: f32,

    /// Denoising strength, 0 to 1: more redraws more and takes longer, less stays closer to the
    /// source.
    #[arg(
        long,
        value_name = "X",
        default_value_t = JobSpec::default().strength,
        help_heading = "Sampling"
    )]
    pub strength: f32,
    /// Ignore the source's colours: start from pure noise.
    #[arg(long, conflicts_with = "strength", help_heading = "Sampling")]
    pub from_noise: bool,
    /// Denoising steps, 1 to 100: more is cleaner and slower.
    #[arg(
        long,
        value_name = "N",
        default_value_t = JobSpec::default().steps,
        help_heading = "Sampling"
    )]
    pub steps: usize,
    /// How strictly the prompt is obeyed, 1 to 30.
    #[arg(
        long,
        value_name = "X",
        default_value_t = JobSpec::default().guidance_scale,
        help_heading = "Sampling"
    )]
    pub guidance_scale: f32,
    /// Sampler: ddpm, ddim, unipc, dpmpp-2m-karras, euler-a, or lcm, which wants a model or LoRA made for it, 4 to 8
    /// steps and a guidance scale of 1 to 2.
    #[arg(
        long,
        value_name = "NAME",
        default_value_t = JobSpec::default().sampler,
        help_heading = "Sampling"
    )]
    pub sampler: Sampler,
    /// Seed of the noise: another seed gives another picture.
    #[arg(
        long,
        value_name = "N",
        default_value_t = JobSpec::default().seed,
        help_heading = "Sampling"
    )]
    pub seed: u32,
    /// Noise that the sampler adds in a step is the same for all frames of a batch: they are more alike, and grain stands
    /// still where things move. Nothing changes with ddim, unipc and dpmpp-2m-karras, which add none.
    #[arg(long, help_heading = "Sampling")]
    // Left out where it is off: what was made before there was this setting holds.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shared_step_noise: bool,
    /// FreeU: stronger shapes (B1, B2: 1 to 1.6) and fewer of the coarse colours that are handed across (S1, S2: 0 to
    /// 1), at the coarsest width of the U-Net and the one below.
    #[arg(long = "freeu", value_name = "B1,B2,S1,S2", help_heading = "Sampling")]
    #[serde(rename = "freeu")]
    pub free_u: Option<FreeU>,
    /// Short side of the working size in pixels, 64 to 1024, a multiple of 64 (default: 512, or 256
    /// with the demo model).
    #[arg(long, value_name = "PX", help_heading = "Sampling")]
    pub size: Option<u32>,

    /// Guidance between frames.
    #[serde(flatten)]
    #[command(flatten)]
    pub guidance: ConsistencySpec,

    /// Frames from one keyframe to the next: a number, or the smallest and largest, both included.
    #[arg(
        long,
        value_name = "N|MIN..MAX",
        default_value_t = JobSpec::default().keyframe_gap,
        help_heading = "Keyframes"
    )]
    pub keyframe_gap: KeyframeGap,
    /// Frames to use as keyframes, in place of a gap.
    #[arg(
        long,
        value_name = "F,F,…",
        value_delimiter = ',',
        value_parser = options::parse_frame,
        conflicts_with = "keyframe_gap",
        help_heading = "Keyframes"
    )]
    pub keyframes: Vec<FrameIdx>,
    /// Keyframes whose pictures in the working folder stay as they are, whatever the settings.
    #[arg(
        long,
        value_name = "F,F,…",
        value_delimiter = ',',
        value_parser = options::parse_frame,
        help_heading = "Keyframes"
    )]
    pub lock: Vec<FrameIdx>,
    /// Frames at which a new shot begins, in place of those that are found; `none` for a single shot.
    #[arg(long, value_name = "F,F,…|none", help_heading = "Keyframes")]
    pub cuts: Option<CutList>,
    /// Keyframes translated together, 3 to 16: more is steadier over time and needs more memory.
    #[arg(
        long,
        value_name = "N",
        default_value_t = JobSpec::default().batch_size,
        help_heading = "Keyframes"
    )]
    pub batch_size: usize,
    /// Follow the reference implementation where this program deviates from it.
    #[arg(long, value_enum, help_heading = "Keyframes")]
    pub compat: Option<Compat>,

    /// Write the keyframes only: to `<stem of --out>-keyframes`, and a clip of them to --out.
    #[arg(long, help_heading = "In-betweens")]
    pub no_fill: bool,
    /// How the frames between keyframes are made.
    #[serde(flatten)]
    #[command(flatten)]
    pub in_betweens: InBetweensSpec,
}

impl Default for JobSpec {
    fn default() -> Self {
        Self {
            source: PathBuf::new(),
            out: PathBuf::new(),
            prompt: String::new(),
            look: None,
            quality: String::new(),
            negative: String::new(),
            extra: Vec::new(),
            range: None,
            work: None,
            model: None,
            model_config: None,
            vae: None,
            lora: Vec::new(),
            controlnet: Vec::new(),
            device: DeviceChoice::Auto,
            precision: Precision::Auto,
            control: ControlKind::SoftEdges,
            canny: CannyThresholds { low: 50, high: 100 },
            control_strength: 1.0,
            strength: 0.75,
            from_noise: false,
            steps: 20,
            guidance_scale: 7.5,
            sampler: Sampler::Ddpm,
            seed: 0,
            shared_step_noise: false,
            free_u: None,
            size: None,
            keyframe_gap: KeyframeGap::default(),
            keyframes: Vec::new(),
            lock: Vec::new(),
            cuts: None,
            batch_size: 8,
            no_fill: false,
            in_betweens: InBetweensSpec::default(),
            guidance: ConsistencySpec::default(),
            compat: None,
        }
    }
}
