//! Every rule that settings must keep, checked at once.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::{
    CannyThresholds, Container, ControlKind, ControlNetSpec, DeviceChoice, FrameRange, FreeU, Job,
    JobSpec, KeyframeGap, Look, Sampler, loras::malformed_lora_tag, model_files,
};
use crate::diffusion::samplers::lcm;
use crate::files;
use crate::frame::FrameIdx;

/// One setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Name of the field in a project file and of its flag; `source` for the video.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dashes = if self.field == "source" { "" } else { "--" };
        write!(f, "{dashes}{}: {}", self.field, self.message)
    }
}

/// Every setting that cannot be used; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobErrors(pub Vec<FieldError>);

impl fmt::Display for JobErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => one.fmt(f),
            several => write!(f, "{} settings cannot be used", several.len()),
        }
    }
}

impl std::error::Error for JobErrors {}

/// Checks everything that can be said without looking at a file.
pub(super) fn settings(spec: &JobSpec) -> Result<Container, JobErrors> {
    let mut checks = Checks::default();
    let container = checks.output(spec);
    checks.paths(spec);
    checks.device(&spec.device);
    checks.words(spec);
    checks.loras(spec);
    checks.range(spec);
    checks.control(spec);
    checks.sampling(spec);
    checks.keyframes(spec);
    match container {
        Some(container) if checks.is_clean() => Ok(container),
        _ => Err(checks.into_errors()),
    }
}

/// Checks that the files a job reads are there and that its result has a folder to lie in.
pub(super) fn files(job: &Job) -> Result<(), JobErrors> {
    let mut checks = Checks::default();
    checks.exists("source", [&job.source]);
    checks.exists("model", &job.models.checkpoint);
    checks.exists("model-config", &job.models.configs);
    checks.exists("vae", &job.models.vae);
    for ControlNetSpec { path, clip, .. } in &job.models.controlnets {
        checks.exists("controlnet", std::iter::once(path).chain(clip));
    }
    let folder = files::parent(&job.out);
    // The working folder is made by the job itself.
    if !folder.is_dir() && folder != job.work {
        checks.fail(
            "out",
            format!("no such folder; create it first: {}", folder.display()),
        );
    } else if same_file(&job.source, &job.out) {
        checks.fail("out", OVERWRITES_SOURCE);
    }
    checks.done()
}

const LONGEST_GAP: usize = 120;
pub(super) const OVERWRITES_SOURCE: &str =
    "the result would replace the source; choose another name";

pub(super) fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// What was found wrong so far.
#[derive(Default)]
pub(super) struct Checks(Vec<FieldError>);

impl Checks {
    pub fn is_clean(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_errors(self) -> JobErrors {
        JobErrors(self.0)
    }

    pub fn done(self) -> Result<(), JobErrors> {
        if self.is_clean() {
            Ok(())
        } else {
            Err(self.into_errors())
        }
    }

    pub fn fail(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push(FieldError {
            field,
            message: message.into(),
        });
    }

    fn within<T>(&mut self, field: &'static str, value: T, allowed: RangeInclusive<T>)
    where
        T: PartialOrd + fmt::Display,
    {
        if !allowed.contains(&value) {
            let (low, high) = allowed.into_inner();
            self.fail(
                field,
                format!("expected a value from {low} to {high}, not {value}"),
            );
        }
    }

    pub fn exists<'a>(
        &mut self,
        field: &'static str,
        paths: impl IntoIterator<Item = &'a PathBuf>,
    ) {
        for path in paths {
            if !path.exists() {
                self.fail(field, format!("not found: {}", path.display()));
            }
        }
    }

    fn output(&mut self, spec: &JobSpec) -> Option<Container> {
        let container = Container::of(&spec.out);
        if container.is_none() {
            self.fail("out", "the name must end in .mp4, .mov or .mkv");
        } else if spec.out == spec.source {
            self.fail("out", OVERWRITES_SOURCE);
        }
        container
    }

    /// Paths are stored in JSON and TOML, which hold Unicode only.
    pub fn path(&mut self, field: &'static str, path: &Path) {
        if path.to_str().is_none() {
            self.fail(
                field,
                format!(
                    "the path is not valid Unicode; rename it: {}",
                    path.display()
                ),
            );
        }
    }

    fn paths(&mut self, spec: &JobSpec) {
        if spec.source.as_os_str().is_empty() {
            self.fail("source", "no video is named");
        }
        let optional = [
            ("model", &spec.model),
            ("model-config", &spec.model_config),
            ("vae", &spec.vae),
            ("work", &spec.work),
        ];
        let named = optional
            .into_iter()
            .filter_map(|(field, path)| Some((field, path.as_ref()?)));
        let controlnets = spec
            .controlnet
            .iter()
            .flat_map(|c| std::iter::once(&c.path).chain(&c.clip));
        let all = [("source", &spec.source), ("out", &spec.out)]
            .into_iter()
            .chain(named)
            .chain(controlnets.map(|path| ("controlnet", path)))
            .chain(spec.lora.iter().map(|lora| ("lora", &lora.path)));
        for (field, path) in all {
            self.path(field, path);
        }
    }

    pub fn device(&mut self, device: &DeviceChoice) {
        if matches!(device, DeviceChoice::Named(name) if name.trim().is_empty()) {
            self.fail("device", "expected auto, gpu, cpu or the name of a device");
        }
    }

    fn words(&mut self, spec: &JobSpec) {
        if let Some(name) = spec
            .look
            .as_deref()
            .filter(|name| Look::named(name).is_none())
        {
            let names: Vec<&str> = Look::names().collect();
            self.fail(
                "look",
                format!("no look is named `{name}`; there are {}", names.join(", ")),
            );
        }
        if spec.prompt.trim().is_empty() && spec.look.is_none() {
            self.fail(
                "prompt",
                "without a prompt the video only becomes cleaner; describe what it should become",
            );
        }
        let mut seen = BTreeSet::new();
        for words in &spec.extra {
            if !seen.insert(words.frame) {
                self.fail(
                    "extra",
                    format!("frame {} is named twice; give its words once", words.frame),
                );
            }
        }
    }

    fn loras(&mut self, spec: &JobSpec) {
        for lora in &model_files(spec).loras {
            self.within("lora", lora.strength, -2.0..=2.0);
        }
        let prompts = [("prompt", &spec.prompt), ("quality", &spec.quality)];
        for (field, text) in prompts {
            if let Some(tag) = malformed_lora_tag(text) {
                let message = format!("expected a LoRA as in <lora:name:0.8>, not {tag}");
                self.fail(field, message);
            }
        }
        let extra = spec.extra.iter().map(|words| ("extra", &words.text));
        for (field, text) in extra.chain([("negative", &spec.negative)]) {
            if text.contains("<lora:") {
                let message = "a LoRA changes every frame; name it in the prompt or with --lora";
                self.fail(field, message);
            }
        }
    }

    fn range(&mut self, spec: &JobSpec) {
        let Some(FrameRange { start, end }) = spec.range else {
            return;
        };
        if end < start.saturating_add(2) {
            self.fail(
                "range",
                format!("{start}..{end} holds fewer than two frames; the end is not included"),
            );
        }
        let outside = |frame: &&FrameIdx| !(start..end).contains(&frame.0);
        for frame in spec.keyframes.iter().filter(outside) {
            self.fail(
                "keyframes",
                format!("frame {frame} is outside of --range {start}..{end}"),
            );
        }
        for frame in spec.extra.iter().map(|words| &words.frame).filter(outside) {
            self.fail(
                "extra",
                format!("frame {frame} is outside of --range {start}..{end}"),
            );
        }
    }

    fn control(&mut self, spec: &JobSpec) {
        self.within("control-strength", spec.control_strength, 0.0..=2.0);
        let CannyThresholds { low, high } = spec.canny;
        if low < 1 || low > high {
            self.fail(
                "canny",
                format!("expected two thresholds from 1 to 255, the lower first, not {low},{high}"),
            );
        }
        for net in &spec.controlnet {
            let ControlNetSpec {
                path,
                weight,
                start,
                end,
                ..
            } = net;
            self.within("controlnet", *weight, 0.0..=2.0);
            let share = 0.0..=1.0;
            if !(share.contains(start) && share.contains(end) && start < end) {
                self.fail(
                    "controlnet",
                    format!("expected start below end, both from 0 to 1, not {start} and {end}"),
                );
            }
            if path.as_os_str().is_empty() {
                self.fail("controlnet", "no file is named");
            }
            if net.drawn(spec.control) == Some(ControlKind::None) {
                self.fail(
                    "controlnet",
                    "the control \"none\" leaves it without a control image; choose another --control, \
                     or give it one with control=KIND, or a clip with clip=FILE",
                );
            }
        }
    }

    fn sampling(&mut self, spec: &JobSpec) {
        self.within("strength", spec.strength, 0.0..=1.0);
        let most_steps = match spec.sampler {
            Sampler::Lcm => lcm::TRAINED_STEPS,
            _ => 100,
        };
        self.within("steps", spec.steps, 1..=most_steps);
        self.within("guidance-scale", spec.guidance_scale, 1.0..=30.0);
        if let Some(FreeU { b1, b2, s1, s2 }) = spec.free_u {
            for b in [b1, b2] {
                self.within("freeu", b, 1.0..=1.6);
            }
            for s in [s1, s2] {
                self.within("freeu", s, 0.0..=1.0);
            }
        }
        if let Some(size) = spec
            .size
            .filter(|size| !(64..=1024).contains(size) || size % 64 != 0)
        {
            self.fail(
                "size",
                format!("expected a multiple of 64 from 64 to 1024, not {size}"),
            );
        }
    }

    fn keyframes(&mut self, spec: &JobSpec) {
        self.within("batch-size", spec.batch_size, 3..=16);
        let (min, max) = match spec.keyframe_gap {
            KeyframeGap::Fixed(gap) => (gap, gap),
            KeyframeGap::Range { min, max } => (min, max),
        };
        if min < 1 || max > LONGEST_GAP || min > max {
            self.fail(
                "keyframe-gap",
                format!(
                    "expected 1 to {LONGEST_GAP} frames, the smaller first, not {}",
                    spec.keyframe_gap
                ),
            );
        }
    }
}
