//! What will run: a job whose every setting was checked.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::checks::{self, JobErrors};
use super::{
    CannyThresholds, Compat, Consistency, ControlKind, ControlNetSpec, DeviceChoice, FillSettings,
    FreeU, JobSpec, KeyframeGap, Look, LoraSpec, Precision, Sampler, without_lora_tags,
};
use crate::annotators::Annotator;
use crate::frame::FrameIdx;

/// What will run: a [`JobSpec`] whose every value was checked. Only [`Job::new`] makes one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Job {
    /// Video to translate.
    pub source: PathBuf,
    /// File to write.
    pub out: PathBuf,
    /// Container of `out`, by its extension.
    pub container: Container,
    /// Folder for frames and results.
    pub work: PathBuf,
    /// Frames of the source to translate, at least two; all of them if absent.
    pub range: Option<Range<usize>>,
    /// Words.
    pub prompt: Prompt,
    /// Weights.
    pub models: ModelFiles,
    /// Control image.
    pub control: ControlSettings,
    /// Diffusion.
    pub sampling: SamplingSettings,
    /// Guidance between frames.
    pub consistency: Consistency,
    /// Short side of the working size in pixels.
    pub short_side: u32,
    /// Which frames are keyframes.
    pub keyframes: KeyframeChoice,
    /// Keyframes whose pictures stay as they are.
    pub locked: Vec<FrameIdx>,
    /// First frames of all shots but the first; found in the pictures if absent.
    pub cuts: Option<Vec<FrameIdx>>,
    /// Most keyframes in a batch, anchors included.
    pub batch_size: usize,
    /// How the frames between keyframes are made; if they are not wanted, the keyframes are the
    /// result.
    pub fill: Option<FillSettings>,
    /// Program whose choices are followed.
    pub compat: Option<Compat>,
    /// Where the networks run.
    pub device: DeviceChoice,
    /// In which precision they compute.
    pub precision: Precision,
}

/// What the pictures become, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Prompt {
    /// The prompt itself, not blank.
    pub text: String,
    /// Appended to every prompt.
    pub quality: String,
    /// What to avoid.
    pub negative: String,
    /// Appended to the prompt of single keyframes.
    pub extra: BTreeMap<FrameIdx, String>,
}

/// Weights to load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelFiles {
    /// The model; the bundled demo model if absent.
    pub checkpoint: Option<PathBuf>,
    /// Configs of single files, if not the usual ones.
    pub configs: Option<PathBuf>,
    /// VAE in place of the checkpoint's own.
    pub vae: Option<PathBuf>,
    /// ControlNets, in order.
    pub controlnets: Vec<ControlNetSpec>,
    /// LoRAs by their path or name: those of the settings, then those of the prompt.
    pub loras: Vec<LoraSpec>,
}

/// How the source's structure is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ControlSettings {
    /// Which structure.
    pub kind: ControlKind,
    /// Thresholds where `kind` is Canny.
    pub canny: CannyThresholds,
    /// Factor on the residuals of every ControlNet.
    pub strength: f32,
}

impl ControlSettings {
    /// The control of settings that need not have been checked.
    pub(crate) fn of(spec: &JobSpec) -> Self {
        Self {
            kind: spec.control,
            canny: spec.canny,
            strength: spec.control_strength,
        }
    }

    /// What makes the control images of a ControlNet; nothing if they come from a clip, or none are wanted.
    #[must_use]
    pub fn annotator(&self, net: &ControlNetSpec) -> Option<Annotator> {
        net.drawn(self.kind)?.annotator(self.canny)
    }
}

/// How latents are denoised.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SamplingSettings {
    /// What denoising starts from.
    pub start: Start,
    /// Steps of the whole schedule.
    pub steps: usize,
    /// Classifier-free guidance scale.
    pub guidance_scale: f32,
    /// The rule of one step.
    pub sampler: Sampler,
    /// What is strengthened in the U-Net's decoder.
    pub free_u: Option<FreeU>,
    /// Seed of all noise.
    pub seed: u32,
    /// Whether all frames of a batch get the same noise in a step.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shared_step_noise: bool,
}

/// What denoising starts from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// The noised source; the denoising strength, 0 to 1, says how far noised.
    Source(f32),
    /// Pure noise.
    Noise,
}

/// Which frames are keyframes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyframeChoice {
    /// Chosen by their distance.
    Gap(KeyframeGap),
    /// These, in order and without repetition.
    Listed(Vec<FrameIdx>),
}

/// Container of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Container {
    /// MPEG-4.
    Mp4,
    /// Apple's container.
    Mov,
    /// Matroska.
    Mkv,
}

impl Container {
    /// By the extension of a file's name.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "mp4" => Some(Self::Mp4),
            "mov" => Some(Self::Mov),
            "mkv" => Some(Self::Mkv),
            _ => None,
        }
    }
}

impl Job {
    /// Checks every setting. Files are not looked at: see [`Job::check_files`].
    ///
    /// # Errors
    /// All settings that are out of range or contradict each other.
    pub fn new(spec: &JobSpec) -> Result<Self, JobErrors> {
        let container = checks::settings(spec)?;
        Ok(Self::from_checked(spec, container))
    }

    /// Checks that the files it reads are there and that its result has a folder to lie in.
    ///
    /// # Errors
    /// Every file or folder that is missing.
    pub fn check_files(&self) -> Result<(), JobErrors> {
        checks::files(self)
    }

    /// Folder of the keyframes where they are the result: `<stem of out>-keyframes` beside `out`.
    #[must_use]
    pub fn keyframes_folder(&self) -> PathBuf {
        beside(&self.out, "-keyframes")
    }

    fn from_checked(spec: &JobSpec, container: Container) -> Self {
        let short_side = if spec.model.is_some() {
            512
        } else {
            DEMO_SHORT_SIDE
        };
        Self {
            source: spec.source.clone(),
            out: spec.out.clone(),
            container,
            work: spec
                .work
                .clone()
                .unwrap_or_else(|| default_work_folder(&spec.out)),
            range: spec.range.map(Range::from),
            prompt: Prompt::of(spec),
            models: model_files(spec),
            control: ControlSettings::of(spec),
            sampling: SamplingSettings::of(spec),
            short_side: spec.size.unwrap_or(short_side),
            keyframes: keyframe_choice(spec),
            locked: spec.lock.clone(),
            cuts: spec.cuts.as_ref().map(|cuts| cuts.0.clone()),
            batch_size: spec.batch_size,
            fill: (!spec.no_fill).then(|| FillSettings::new(spec.in_betweens, spec.compat)),
            consistency: Consistency::from(&spec.guidance),
            compat: spec.compat,
            device: spec.device.clone(),
            precision: spec.precision,
        }
    }
}

impl Prompt {
    /// The words of settings that need not have been checked.
    pub(crate) fn of(spec: &JobSpec) -> Self {
        let extra = spec.extra.iter();
        Self {
            text: without_lora_tags(&words(spec)).0,
            quality: without_lora_tags(&spec.quality).0,
            negative: spec.negative.clone(),
            extra: extra
                .map(|words| (words.frame, words.text.clone()))
                .collect(),
        }
    }
}

impl SamplingSettings {
    /// The sampling of settings that need not have been checked.
    pub(crate) fn of(spec: &JobSpec) -> Self {
        Self {
            start: if spec.from_noise {
                Start::Noise
            } else {
                Start::Source(spec.strength)
            },
            steps: spec.steps,
            guidance_scale: spec.guidance_scale,
            sampler: spec.sampler,
            free_u: spec.free_u,
            seed: spec.seed,
            shared_step_noise: spec.shared_step_noise,
        }
    }
}

/// The weights that settings name.
#[must_use]
pub fn model_files(spec: &JobSpec) -> ModelFiles {
    let named = [words(spec), spec.quality.clone()];
    let named = named.iter().flat_map(|text| without_lora_tags(text).1);
    ModelFiles {
        checkpoint: spec.model.clone(),
        configs: spec.model_config.clone(),
        vae: spec.vae.clone(),
        controlnets: spec.controlnet.clone(),
        loras: spec.lora.iter().cloned().chain(named).collect(),
    }
}

/// Working folder of a job that names none: `<stem of out>.fresco` beside `out`.
#[must_use]
pub fn default_work_folder(out: &Path) -> PathBuf {
    beside(out, ".fresco")
}

/// The prompt with the words of the look.
fn words(spec: &JobSpec) -> String {
    let look = spec.look.as_deref().and_then(Look::named);
    match look {
        Some(look) if spec.prompt.trim().is_empty() => look.words,
        Some(look) => format!("{}, {}", spec.prompt, look.words),
        None => spec.prompt.clone(),
    }
}

/// The demo model was trained on small pictures.
const DEMO_SHORT_SIDE: u32 = 256;

fn beside(out: &Path, suffix: &str) -> PathBuf {
    let mut name = out.file_stem().unwrap_or_default().to_owned();
    name.push(suffix);
    out.with_file_name(name)
}

fn keyframe_choice(spec: &JobSpec) -> KeyframeChoice {
    if spec.keyframes.is_empty() {
        return KeyframeChoice::Gap(spec.keyframe_gap);
    }
    let mut listed = spec.keyframes.clone();
    listed.sort_unstable();
    listed.dedup();
    KeyframeChoice::Listed(listed)
}
