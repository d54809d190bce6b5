//! The demo: settings that suit the bundled model and clip.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::args::DemoArguments;
use crate::files;
use crate::pipeline::job::{
    ConsistencySpec, FillPreset, InBetweensSpec, JobSpec, KeyframeGap, Look, Preset,
    default_work_folder,
};

/// What the clip becomes if nothing is said.
const DEFAULT_LOOK: &str = "neon";

/// The job that translates `clip` with the bundled model.
#[must_use]
pub fn demo_spec(clip: PathBuf, arguments: &DemoArguments) -> JobSpec {
    let look = match (&arguments.look, &arguments.prompt) {
        (None, None) => Some(DEFAULT_LOOK.to_owned()),
        (look, _) => look.clone(),
    };
    let mut spec = JobSpec {
        source: clip,
        out: arguments.out.clone(),
        prompt: arguments.prompt.clone().unwrap_or_default(),
        device: arguments.device.clone(),
        precision: arguments.precision,
        guidance_scale: 3.0,
        strength: 0.75,
        steps: 15,
        size: Some(256),
        keyframe_gap: KeyframeGap::Fixed(8),
        in_betweens: InBetweensSpec {
            fill_preset: FillPreset::Fast,
            ..InBetweensSpec::default()
        },
        control_strength: 1.25,
        guidance: ConsistencySpec {
            consistency: Preset::Light,
            ..ConsistencySpec::default()
        },
        ..JobSpec::default()
    };
    if let Some(look) = look.as_deref().and_then(Look::named) {
        look.apply(&mut spec, |_| false);
    }
    JobSpec { look, ..spec }
}

/// Where the bundled clip is written: in the demo's working folder.
pub(super) fn clip_path(out: &Path) -> PathBuf {
    default_work_folder(out).join("demo-clip.mp4")
}

/// Writes the bundled clip, so that ffmpeg can read it.
pub(super) fn write_clip(clip: &[u8], path: &Path) -> io::Result<()> {
    fs::create_dir_all(files::parent(path))?;
    files::write_atomic(path, clip)
}
