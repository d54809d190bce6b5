//! The frames between keyframes: how they are filled, and the job that does only that.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::checks::{Checks, OVERWRITES_SOURCE, same_file};
use super::validated::default_work_folder;
use super::{Compat, Container, DeviceChoice, FillPreset, JobErrors};
use crate::files;

/// How the frames between keyframes are made, as flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[serde(default, rename_all = "kebab-case")]
pub struct InBetweensSpec {
    /// How much work a frame between keyframes is worth.
    #[arg(
        long,
        value_enum,
        value_name = "PRESET",
        default_value_t = FillPreset::Default,
        help_heading = "In-betweens"
    )]
    pub fill_preset: FillPreset,
    /// Blend the two paintings of a frame without giving the result the gradients of the better one: softer, and
    /// steadier where keyframes differ.
    #[arg(long, help_heading = "In-betweens")]
    pub no_gradient_blending: bool,
}

/// How the frames between keyframes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FillSettings {
    /// How much work a frame is worth.
    pub preset: FillPreset,
    /// Whether the blend of two paintings gets the gradients of the better one.
    pub gradient_blending: bool,
    /// Program whose choices are followed.
    pub compat: Option<Compat>,
}

impl FillSettings {
    pub(super) fn new(spec: InBetweensSpec, compat: Option<Compat>) -> Self {
        Self {
            preset: spec.fill_preset,
            gradient_blending: !spec.no_gradient_blending,
            compat,
        }
    }
}

/// What the user asked for: fill the frames between keyframes of their own; not yet validated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[serde(default, rename_all = "kebab-case")]
pub struct FillSpec {
    /// Video whose frames are filled, or a folder with a picture (PNG or JPEG) for each frame, in the order of the
    /// numbers in their names.
    #[arg(long, value_name = "DIR|FILE")]
    pub source: PathBuf,
    /// Folder of painted keyframes, PNG or JPEG, of any size. The last number in a name is its frame, counted from 0.
    #[arg(long, value_name = "DIR")]
    pub keyframes: PathBuf,
    /// Video to write (mp4, mov or mkv), or a folder that gets every frame as `NNNN.png`.
    #[arg(long, value_name = "DIR|FILE")]
    pub out: PathBuf,
    /// Folder of optical flow to use: `cur_TTTT_prev_SSSS.png`, 16 bits, with the flow from frame T to frame S in red
    /// and green, (value - 32768) / 64 + 1 / 128 pixels, and in blue 65535 where T is not seen in S
    /// (default: it is estimated).
    #[arg(long, value_name = "DIR")]
    pub flow: Option<PathBuf>,
    /// How the frames are made.
    #[serde(flatten)]
    #[command(flatten)]
    pub in_betweens: InBetweensSpec,
    /// Blend as the reference implementation does: mirrored errors, its weights, tone and rounding.
    #[arg(long, value_enum, help_heading = "In-betweens")]
    pub compat: Option<Compat>,
    /// Where the work is done: auto, gpu, cpu or the name of a device.
    #[arg(long, value_name = "DEVICE", default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    /// Folder for unfinished work, safe to delete (default: `<stem of --out>.fresco` beside --out).
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
}

/// Frames between keyframes that exist: a [`FillSpec`] whose every value was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FillJob {
    /// A video, or a folder of pictures.
    pub source: PathBuf,
    /// Folder of pictures.
    pub keyframes: PathBuf,
    /// What to write.
    pub out: FillOutput,
    /// Folder of flow files, if the flow is not estimated.
    pub flow: Option<PathBuf>,
    /// How frames are made.
    pub settings: FillSettings,
    /// Where the work is done.
    pub device: DeviceChoice,
    /// Folder for unfinished work.
    pub work: PathBuf,
}

/// What filling writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FillOutput {
    /// A video file.
    Video(PathBuf),
    /// A folder with a picture for each frame.
    Folder(PathBuf),
}

impl FillOutput {
    /// The file or folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        let (Self::Video(path) | Self::Folder(path)) = self;
        path
    }

    /// A folder is what is one already, or has no extension.
    fn of(path: &Path) -> Option<Self> {
        if Container::of(path).is_some() {
            Some(Self::Video(path.to_owned()))
        } else if path.extension().is_none() || path.is_dir() {
            Some(Self::Folder(path.to_owned()))
        } else {
            None
        }
    }
}

impl FillJob {
    /// Checks every setting; of the files, only whether the output is a folder is looked at.
    ///
    /// # Errors
    /// All settings that cannot be used.
    pub fn new(spec: &FillSpec) -> Result<Self, JobErrors> {
        let mut checks = Checks::default();
        let paths = [
            ("source", Some(&spec.source)),
            ("keyframes", Some(&spec.keyframes)),
            ("out", Some(&spec.out)),
            ("flow", spec.flow.as_ref()),
            ("work", spec.work.as_ref()),
        ];
        for (field, path) in paths {
            let Some(path) = path else { continue };
            if path.as_os_str().is_empty() {
                checks.fail(field, "no file or folder is named");
            }
            checks.path(field, path);
        }
        checks.device(&spec.device);
        let out = FillOutput::of(&spec.out);
        if out.is_none() && !spec.out.as_os_str().is_empty() {
            let message = "the name must end in .mp4, .mov or .mkv, or be that of a folder";
            checks.fail("out", message);
        }
        match out {
            Some(out) if checks.is_clean() => Ok(Self::from_checked(spec, out)),
            _ => Err(checks.into_errors()),
        }
    }

    /// Checks that what it reads is there and that its result does not replace it.
    ///
    /// # Errors
    /// Every file or folder that is missing or in the way.
    pub fn check_files(&self) -> Result<(), JobErrors> {
        let mut checks = Checks::default();
        checks.exists("source", [&self.source]);
        for (field, folder) in [
            ("keyframes", Some(&self.keyframes)),
            ("flow", self.flow.as_ref()),
        ] {
            let Some(folder) = folder else { continue };
            if !folder.exists() {
                checks.exists(field, [folder]);
            } else if !folder.is_dir() {
                checks.fail(field, format!("not a folder: {}", folder.display()));
            }
        }
        let out = self.out.path();
        let folder = files::parent(out);
        if !folder.is_dir() {
            let message = format!("no such folder; create it first: {}", folder.display());
            checks.fail("out", message);
        }
        if let FillOutput::Folder(path) = &self.out
            && path.is_file()
        {
            checks.fail("out", format!("a file is in the way: {}", path.display()));
        }
        if same_file(&self.source, out) {
            checks.fail("out", OVERWRITES_SOURCE);
        }
        if same_file(&self.keyframes, out) {
            checks.fail(
                "out",
                "the result would replace the keyframes; choose another name",
            );
        }
        if self.flow.as_ref().is_some_and(|flow| same_file(flow, out)) {
            checks.fail(
                "out",
                "the result would lie among the flow files; choose another name",
            );
        }
        checks.done()
    }

    fn from_checked(spec: &FillSpec, out: FillOutput) -> Self {
        Self {
            source: spec.source.clone(),
            keyframes: spec.keyframes.clone(),
            work: spec
                .work
                .clone()
                .unwrap_or_else(|| default_work_folder(out.path())),
            out,
            flow: spec.flow.clone(),
            settings: FillSettings::new(spec.in_betweens, spec.compat),
            device: spec.device.clone(),
        }
    }
}
