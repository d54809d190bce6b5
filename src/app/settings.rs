//! The settings of a take, one by one: what they are called, what they may be, and what they do.
//!
//! Every value is a field of [`JobSpec`]; this table adds what a window needs to show it.

use crate::pipeline::job::{ControlKind, JobSpec, KeyframeGap};

/// A group of settings, in the order in which they act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// What is read.
    Source,
    /// Words.
    Prompt,
    /// Which structure of the source is kept.
    Control,
    /// Model and denoising.
    Sampling,
    /// Guidance between frames, batches and keyframes.
    Consistency,
    /// Frames between keyframes.
    InBetweens,
}

impl Section {
    /// All, top to bottom.
    pub const ALL: [Self; 6] = [
        Self::Source,
        Self::Prompt,
        Self::Control,
        Self::Sampling,
        Self::Consistency,
        Self::InBetweens,
    ];

    /// Its title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Source => "Source",
            Self::Prompt => "Prompt",
            Self::Control => "Control",
            Self::Sampling => "Sampling",
            Self::Consistency => "Consistency",
            Self::InBetweens => "In-betweens",
        }
    }

    /// Its settings.
    #[must_use]
    pub fn settings(self) -> Vec<Setting> {
        Setting::ALL
            .into_iter()
            .filter(|setting| setting.section() == self)
            .collect()
    }
}

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the field of the job of that name")]
pub enum Setting {
    WorkingSize,
    Look,
    Prompt,
    Quality,
    Negative,
    ExtraWords,
    ControlType,
    ControlStrength,
    Canny,
    ControlNets,
    Model,
    Vae,
    Loras,
    Device,
    Strength,
    FromNoise,
    Steps,
    GuidanceScale,
    Sampler,
    Seed,
    SharedStepNoise,
    FreeU,
    Consistency,
    BatchSize,
    KeyframeGap,
    Compat,
    Fill,
    FillPreset,
    GradientBlending,
}

impl Setting {
    /// All, top to bottom.
    pub const ALL: [Self; 29] = [
        Self::WorkingSize,
        Self::Look,
        Self::Prompt,
        Self::Quality,
        Self::Negative,
        Self::ExtraWords,
        Self::ControlType,
        Self::ControlStrength,
        Self::Canny,
        Self::ControlNets,
        Self::Model,
        Self::Vae,
        Self::Loras,
        Self::Device,
        Self::Strength,
        Self::FromNoise,
        Self::Steps,
        Self::GuidanceScale,
        Self::Sampler,
        Self::Seed,
        Self::SharedStepNoise,
        Self::FreeU,
        Self::Consistency,
        Self::BatchSize,
        Self::KeyframeGap,
        Self::Compat,
        Self::Fill,
        Self::FillPreset,
        Self::GradientBlending,
    ];

    /// What it is called, also in *Undo change …*.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::WorkingSize => "Working size",
            Self::Look => "Look",
            Self::Prompt => "Prompt",
            Self::Quality => "Quality words",
            Self::Negative => "Negative prompt",
            Self::ExtraWords => "Extra words",
            Self::ControlType => "Type",
            Self::ControlStrength | Self::Strength => self.strength_label(),
            Self::Canny => "Low, high threshold",
            Self::ControlNets => "ControlNet",
            Self::Model => "Model",
            Self::Vae => "VAE",
            Self::Loras => "LoRA",
            Self::Device => "Device",
            Self::FromNoise => "Ignore source colours",
            Self::Steps => "Steps",
            Self::GuidanceScale => "Guidance scale",
            Self::Sampler => "Sampler",
            Self::Seed => "Seed",
            Self::SharedStepNoise => "Same noise in all frames",
            Self::FreeU => "FreeU b1, b2, s1, s2",
            Self::Consistency => "Preset",
            Self::BatchSize => "Batch size",
            Self::KeyframeGap => "Keyframe gap",
            Self::Compat => "Follow the reference",
            Self::Fill => "Fill",
            Self::FillPreset => "Effort",
            Self::GradientBlending => "Gradient blending",
        }
    }

    fn strength_label(self) -> &'static str {
        if self == Self::Strength {
            "Denoising strength"
        } else {
            "Strength"
        }
    }

    /// The group it belongs to.
    #[must_use]
    pub fn section(self) -> Section {
        match self {
            Self::WorkingSize => Section::Source,
            Self::Look | Self::Prompt | Self::Quality | Self::Negative | Self::ExtraWords => {
                Section::Prompt
            }
            Self::ControlType | Self::ControlStrength | Self::Canny | Self::ControlNets => {
                Section::Control
            }
            Self::Consistency | Self::BatchSize | Self::KeyframeGap | Self::Compat => {
                Section::Consistency
            }
            Self::Fill | Self::FillPreset | Self::GradientBlending => Section::InBetweens,
            _ => Section::Sampling,
        }
    }

    /// What more and less of it do and cost.
    #[must_use]
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::WorkingSize => {
                "More: more detail. Less: fits small GPUs. Costs: memory grows with the square of \
                 the area."
            }
            Self::Look => {
                "Words that are added to the prompt, and settings that suit them. What you change \
                 afterwards stands."
            }
            Self::Prompt => "What the video becomes.",
            Self::Quality => "Appended to every prompt.",
            Self::Negative => "What to avoid.",
            Self::ExtraWords => "Appended to the prompt of this keyframe alone.",
            Self::ControlType => "Which structure of the source is kept.",
            Self::ControlStrength => "More: closer to the source's shapes. Less: freer.",
            Self::Canny => "More: fewer lines. Less: more lines.",
            Self::ControlNets => "Networks that keep the source's shapes; each has its weight.",
            Self::Model => "A model of the SD 1.5 family; it decides most of the look.",
            Self::Vae => "Turns latents into pictures, in place of the model's own.",
            Self::Loras => {
                "Changes the model a little. More: stronger. Less: weaker, below 0 the opposite."
            }
            Self::Device => "Where the networks run.",
            Self::Strength => "More: redraws more. Less: stays closer to the source. Costs: time.",
            Self::FromNoise => "Start from pure noise, so that only shapes are kept.",
            Self::Steps => "More: cleaner. Less: faster. Costs: time, in proportion.",
            Self::GuidanceScale => "More: obeys the prompt. Less: softer, natural.",
            Self::Sampler => {
                "The rule of one denoising step. lcm wants a model or LoRA made for it, 4 to 8 steps \
                 and a guidance scale of 1 to 2."
            }
            Self::Seed => "Another seed gives another picture.",
            Self::SharedStepNoise => {
                "Noise that the sampler adds in a step is the same for all frames of a batch. On: \
                 frames more alike. Off: no grain that stands still where things move. Nothing \
                 changes with ddim, unipc and dpmpp-2m-karras, which add none."
            }
            Self::FreeU => "More: stronger texture and colour.",
            Self::Consistency => {
                "More: steadier. Less: faster. Costs: time and memory. Light leaves out the \
                 spatial loss, the costliest part."
            }
            Self::BatchSize => "More: steadier over time. Less: fits small GPUs. Costs: memory.",
            Self::KeyframeGap => "More: smoother, cheaper. Less: follows fast motion. Costs: time.",
            Self::Compat => {
                "Makes the choices of the authors' own program, to compare results with it."
            }
            Self::Fill => "Off exports keyframes only.",
            Self::FillPreset => {
                "More: every frame finds its best match. Less: sooner done. Costs: time."
            }
            Self::GradientBlending => "More: less ghosting. Less: steadier where keyframes differ.",
        }
    }

    /// Its numbers, if it is one.
    #[must_use]
    pub fn number(self) -> Option<Number> {
        let number = |min, max, step, decimals| Number {
            min,
            max,
            step,
            decimals,
        };
        Some(match self {
            Self::WorkingSize => number(64.0, 1024.0, 64.0, 0),
            Self::ControlStrength => number(0.0, 2.0, 0.01, 2),
            Self::Canny => number(1.0, 255.0, 1.0, 0),
            Self::Loras => number(-2.0, 2.0, 0.05, 2),
            Self::Strength => number(0.0, 1.0, 0.05, 2),
            Self::Steps => number(1.0, 100.0, 1.0, 0),
            Self::GuidanceScale => number(1.0, 30.0, 0.1, 1),
            Self::Seed => number(0.0, f64::from(u32::MAX), 1.0, 0),
            Self::BatchSize => number(3.0, 16.0, 1.0, 0),
            Self::KeyframeGap => number(1.0, 120.0, 1.0, 0),
            _ => return None,
        })
    }

    /// Takes its value over from other settings.
    pub fn copy(self, from: &JobSpec, to: &mut JobSpec) {
        match self {
            Self::WorkingSize => to.size = from.size,
            Self::Look => to.look.clone_from(&from.look),
            Self::Prompt => to.prompt.clone_from(&from.prompt),
            Self::Quality => to.quality.clone_from(&from.quality),
            Self::Negative => to.negative.clone_from(&from.negative),
            Self::ExtraWords => to.extra.clone_from(&from.extra),
            Self::ControlType => to.control = from.control,
            Self::ControlStrength => to.control_strength = from.control_strength,
            Self::Canny => to.canny = from.canny,
            Self::ControlNets => to.controlnet.clone_from(&from.controlnet),
            Self::Model => to.model.clone_from(&from.model),
            Self::Vae => to.vae.clone_from(&from.vae),
            Self::Loras => to.lora.clone_from(&from.lora),
            Self::Device => to.device.clone_from(&from.device),
            Self::Strength => to.strength = from.strength,
            Self::FromNoise => to.from_noise = from.from_noise,
            Self::Steps => to.steps = from.steps,
            Self::GuidanceScale => to.guidance_scale = from.guidance_scale,
            Self::Sampler => to.sampler = from.sampler,
            Self::Seed => to.seed = from.seed,
            Self::SharedStepNoise => to.shared_step_noise = from.shared_step_noise,
            Self::FreeU => to.free_u = from.free_u,
            Self::Consistency => to.guidance = from.guidance.clone(),
            Self::BatchSize => to.batch_size = from.batch_size,
            Self::KeyframeGap => to.keyframe_gap = from.keyframe_gap,
            Self::Compat => to.compat = from.compat,
            Self::Fill => to.no_fill = from.no_fill,
            Self::FillPreset => to.in_betweens.fill_preset = from.in_betweens.fill_preset,
            Self::GradientBlending => {
                to.in_betweens.no_gradient_blending = from.in_betweens.no_gradient_blending;
            }
        }
    }

    /// Whether it differs from a new project's.
    #[must_use]
    pub fn is_changed(self, spec: &JobSpec, fresh: &JobSpec) -> bool {
        let mut same = spec.clone();
        self.copy(fresh, &mut same);
        same != *spec
    }
}

/// What each control is called.
pub const CONTROLS: &[(ControlKind, &str)] = &[
    (ControlKind::SoftEdges, "Soft edges"),
    (ControlKind::Canny, "Canny"),
    (ControlKind::Hed, "HED edges"),
    (ControlKind::Depth, "Depth"),
    (ControlKind::None, "None"),
];

/// What a number may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number {
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Distance of neighbouring values.
    pub step: f64,
    /// Digits after the point.
    pub decimals: usize,
}

impl Number {
    /// The nearest value that is allowed.
    #[must_use]
    pub fn clamp(&self, value: f64) -> f64 {
        let value = if value.is_finite() { value } else { self.min };
        let steps = ((value - self.min) / self.step).round();
        (self.min + steps * self.step).clamp(self.min, self.max)
    }
}

/// The working size's short side: as set, or what the model is made for.
#[must_use]
pub fn short_side(spec: &JobSpec) -> u32 {
    let own = if spec.model.is_some() { 512 } else { 256 };
    spec.size.unwrap_or(own)
}

/// What a new project starts from, before the user's preferences.
#[must_use]
pub fn fresh_spec() -> JobSpec {
    JobSpec {
        keyframe_gap: KeyframeGap::default(),
        ..JobSpec::default()
    }
}
