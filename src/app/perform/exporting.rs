//! The export dialog, and what it sends.

use std::path::{Path, PathBuf};

use super::super::actions::{Action, Effect, ExportWhat};
use super::super::export::{ExportDraft, ExportPreset};
use super::super::state::{AppState, Dialog, JobKind, Project, RunningJob};
use crate::frame::FrameIdx;
use crate::worker::message::{
    Command, ExportQuality, ExportSettings, ExportSize, ExportSpec, JobId, Missing, Sound,
};

/// Opens the dialog, changes it, sends it, or hands the action back.
pub fn perform(state: &mut AppState, action: Action) -> Result<Vec<Effect>, Action> {
    Ok(match action {
        Action::OpenExport(what) => {
            let draft = state
                .project
                .as_ref()
                .map(|project| draft(state, project, what));
            close(state);
            state.dialogs.extend(draft.map(Dialog::Export));
            Vec::new()
        }
        Action::ChangeExport(draft) => {
            change(state, *draft);
            Vec::new()
        }
        Action::Export(draft) => export(state, &draft),
        other => return Err(other),
    })
}

fn close(state: &mut AppState) {
    state
        .dialogs
        .retain(|dialog| !matches!(dialog, Dialog::Export(_)));
}

fn draft(state: &AppState, project: &Project, what: ExportWhat) -> ExportDraft {
    let preferences = &state.preferences;
    let preset = match what {
        ExportWhat::Keyframes => ExportPreset::Keyframes,
        ExportWhat::Frames => preferences.export_preset,
    };
    let folder = match &project.path {
        Some(path) => crate::files::parent(path).to_owned(),
        None => state.folders.videos.clone(),
    };
    ExportDraft {
        what,
        preset,
        range_only: project.edits.range.is_some(),
        store_settings: preferences.store_settings,
        settings: ExportSettings {
            missing: Missing::Refuse,
            size: ExportSize::Source,
            codec: preset.codec(),
            quality: ExportQuality::default(),
            sound: Sound::Copy,
            keep_metadata: true,
            keep_subtitles: true,
            mark: preferences.mark_as_translated,
            path: folder.join(file_name(project, preset)),
            overwrite: false,
        },
    }
}

/// `beach – a watercolour.mp4`: the video and the first words of its prompt.
fn file_name(project: &Project, preset: ExportPreset) -> String {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\'');
    let prompt = project.edits.spec.prompt.split(',').next();
    let words: String = prompt
        .unwrap_or_default()
        .chars()
        .filter(|c| allowed(*c))
        .take(40)
        .collect();
    let words = words.trim();
    let stem = match words {
        "" => format!("{} – translated", project.stem()),
        words => format!("{} – {words}", project.stem()),
    };
    match (preset.extension(), preset) {
        (Some(extension), _) => format!("{stem}.{extension}"),
        (None, ExportPreset::Keyframes) => format!("{stem} – keyframes"),
        (None, _) => stem,
    }
}

/// Takes over what the dialog says; another preset brings its own codec and file ending.
fn change(state: &mut AppState, mut draft: ExportDraft) {
    let dialogs = state.dialogs.iter_mut().rev();
    let mut drafts = dialogs.filter_map(|dialog| match dialog {
        Dialog::Export(draft) => Some(draft),
        _ => None,
    });
    let Some(before) = drafts.next() else {
        return;
    };
    if draft.preset != before.preset {
        draft.settings.codec = draft.preset.codec();
        draft.what = if draft.preset == ExportPreset::Keyframes {
            ExportWhat::Keyframes
        } else {
            ExportWhat::Frames
        };
        draft.settings.path = with_ending(&draft.settings.path, draft.preset);
    }
    *before = draft;
}

fn with_ending(path: &Path, preset: ExportPreset) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let known = ["mp4", "mov", "mkv"];
    let stem = known
        .iter()
        .find_map(|ending| name.strip_suffix(&format!(".{ending}")))
        .unwrap_or(&name);
    match preset.extension() {
        Some(extension) => path.with_file_name(format!("{stem}.{extension}")),
        None => path.with_file_name(stem),
    }
}

/// A place for the file was picked. The system's dialog has asked whether a file there may be replaced.
pub fn set_path(state: &mut AppState, path: PathBuf) {
    for dialog in &mut state.dialogs {
        if let Dialog::Export(draft) = dialog {
            draft.settings.overwrite = draft.preset.extension().is_some();
            draft.settings.path.clone_from(&path);
        }
    }
}

fn export(state: &mut AppState, draft: &ExportDraft) -> Vec<Effect> {
    if state.job.is_some() {
        return Vec::new();
    }
    let Some(spec) = state.project.as_ref().and_then(|p| export_spec(p, draft)) else {
        return Vec::new();
    };
    let id = JobId(state.next_job);
    state.next_job += 1;
    let settings = state
        .project
        .as_ref()
        .map(|project| project.edits.spec.clone());
    let settings = settings.unwrap_or_default();
    let job = RunningJob::new(id, JobKind::Export, settings, state.now);
    state.job = Some(job);
    state.preferences.export_preset = match draft.preset {
        // Keyframes are exported now and then, not as a habit.
        ExportPreset::Keyframes => state.preferences.export_preset,
        preset => preset,
    };
    close(state);
    let saved = super::preferences::save_preferences(state);
    vec![saved, Effect::Send(Command::Export(id, Box::new(spec)))]
}

/// What the worker is asked for; nothing before the source is known.
#[must_use]
pub fn export_spec(project: &Project, draft: &ExportDraft) -> Option<ExportSpec> {
    let (info, times) = (
        project.source.info.as_ref()?,
        project.source.times.as_ref()?,
    );
    let range = if draft.range_only {
        project.range()
    } else {
        0..times.len()
    };
    let keyframes = project.results.keyframes.iter();
    let keyframes = keyframes.map(|(frame, result)| (*frame, result.path.clone()));
    let mut pictures: Vec<(FrameIdx, PathBuf)> = keyframes.collect();
    if draft.what == ExportWhat::Frames {
        let filled = project.results.filled.iter();
        let extra = filled.filter(|(frame, _)| !project.results.keyframes.contains_key(frame));
        pictures.extend(extra.map(|(frame, path)| (*frame, path.clone())));
    }
    pictures.retain(|(frame, _)| range.contains(&frame.0));
    pictures.sort();
    Some(ExportSpec {
        info: info.as_ref().clone(),
        times: times.as_ref().clone(),
        range,
        pictures,
        comment: draft.store_settings.then(|| parameters(project)),
        settings: ExportSettings {
            missing: match draft.what {
                ExportWhat::Frames => draft.settings.missing,
                ExportWhat::Keyframes => Missing::Skip,
            },
            ..draft.settings.clone()
        },
    })
}

impl Project {
    /// Frames of an export that have no result.
    #[must_use]
    pub fn frames_without_result(&self, draft: &ExportDraft) -> usize {
        let n_frames = self.source.n_frames().unwrap_or(0);
        let mut range = if draft.range_only {
            self.range()
        } else {
            0..n_frames
        };
        if draft.what == ExportWhat::Keyframes {
            return 0;
        }
        range
            .by_ref()
            .filter(|&frame| self.result_of(FrameIdx(frame)).is_none())
            .count()
    }
}

/// The settings as other programs write them into pictures.
fn parameters(project: &Project) -> String {
    let spec = &project.edits.spec;
    let mut prompt = spec.prompt.clone();
    if !spec.quality.is_empty() {
        prompt = format!("{prompt}, {}", spec.quality);
    }
    let name = |path: &Option<PathBuf>| {
        let path = path.as_ref().and_then(|path| path.file_stem());
        path.map_or_else(
            || "demo".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        )
    };
    let mut lines = vec![prompt];
    if !spec.negative.is_empty() {
        lines.push(format!("Negative prompt: {}", spec.negative));
    }
    let strength = if spec.from_noise { 1.0 } else { spec.strength };
    lines.push(format!(
        "Steps: {}, Sampler: {}, CFG scale: {}, Seed: {}, Denoising strength: {strength}, Model: {}",
        spec.steps,
        spec.sampler,
        spec.guidance_scale,
        spec.seed,
        name(&spec.model),
    ));
    lines.join("\n")
}
