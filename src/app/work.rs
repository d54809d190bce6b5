//! What a project's files are called, and the job that its settings make.

use std::path::{Path, PathBuf};

use super::actions::TranslateScope;
use super::edits::Edits;
use super::history::History;
use super::state::{Access, KeyframeResult, Project, Results, Source};
use super::view::ViewState;
use crate::files::ContentHash;
use crate::frame::FrameIdx;
use crate::pipeline::job::{CutList, FrameRange, JobSpec};

/// How the names of project files end.
pub const EXTENSION: &str = ".fresco.toml";

/// Name of the automatic copy in a working folder.
pub(super) const AUTOSAVE: &str = "autosave.toml";

impl Project {
    /// A project on a video, whose results go to `home` until it has a file.
    #[must_use]
    pub fn new(spec: JobSpec, home: PathBuf) -> Self {
        Self {
            path: None,
            home,
            access: Access::default(),
            fresh: spec.clone(),
            is_new: true,
            edits: Edits {
                spec,
                ..Edits::default()
            },
            history: History::default(),
            source: Source::default(),
            results: Results::default(),
            trial: None,
            view: ViewState::default(),
            unsaved: false,
            changed_at: None,
            unknown: toml::Table::new(),
        }
    }

    /// What the window's title says: the project's name, or the video's.
    #[must_use]
    pub fn name(&self) -> String {
        let path = self.path.as_ref().unwrap_or(&self.edits.spec.source);
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// The name without its ending, for files made from it.
    #[must_use]
    pub fn stem(&self) -> String {
        let name = self.name();
        let stem = name.strip_suffix(EXTENSION).map(str::to_owned);
        let source = || {
            let stem = self.edits.spec.source.file_stem().unwrap_or_default();
            stem.to_string_lossy().into_owned()
        };
        stem.unwrap_or_else(source)
    }

    /// The working folder.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        match &self.path {
            Some(path) => work_beside(path),
            None => self.home.clone(),
        }
    }

    /// The automatic copy of the project.
    #[must_use]
    pub fn autosave_path(&self) -> PathBuf {
        self.work().join(AUTOSAVE)
    }

    /// Where the project would be saved: beside its video.
    #[must_use]
    pub fn proposed_path(&self) -> PathBuf {
        let path = self.path.clone();
        path.unwrap_or_else(|| {
            let name = format!("{}{EXTENSION}", self.stem());
            self.edits.spec.source.with_file_name(name)
        })
    }

    /// Whether every frame of the range has a picture.
    #[must_use]
    pub fn is_filled(&self) -> bool {
        let mut range = self.range();
        !range.is_empty() && range.all(|frame| self.result_of(FrameIdx(frame)).is_some())
    }

    /// The finished picture of a frame.
    #[must_use]
    pub fn result_of(&self, frame: FrameIdx) -> Option<&Path> {
        let keyframe = self.results.keyframes.get(&frame);
        let filled = self.results.filled.get(&frame);
        keyframe
            .map(|keyframe| keyframe.path.as_path())
            .or(filled.map(PathBuf::as_path))
    }

    /// The job that the settings make.
    #[must_use]
    pub fn job_spec(&self, scope: TranslateScope) -> JobSpec {
        let mut keyframes = self.keyframes();
        let mut range = self.edits.range;
        let survey = self.source.survey.as_ref();
        let shots = survey.map_or(Vec::new(), |survey| self.edits.shots(survey));
        if scope == TranslateScope::Shot
            && let Some(shot) = shots.iter().find(|shot| shot.contains(self.view.playhead))
        {
            let std::ops::Range { start, end } = shot.range();
            range = Some(FrameRange { start, end });
            keyframes.retain(|frame| shot.contains(*frame));
        }
        let spec = &self.edits.spec;
        let locked = self.edits.locked.iter().copied();
        let locked = locked.filter(|frame| keyframes.contains(frame)).collect();
        let words = spec.extra.iter();
        JobSpec {
            out: self.work().join("result.mp4"),
            work: Some(self.work()),
            range,
            cuts: survey.map(|_| {
                let starts = shots.iter().skip(1);
                CutList(starts.map(crate::worker::message::Shot::first).collect())
            }),
            // Words stay with their frame in the project, also while it is no keyframe.
            extra: words
                .filter(|words| keyframes.is_empty() || keyframes.contains(&words.frame))
                .cloned()
                .collect(),
            lock: locked,
            keyframes,
            no_fill: spec.no_fill || scope == TranslateScope::KeyframesOnly,
            ..spec.clone()
        }
    }

    /// Nothing is translated any more.
    pub(super) fn forget_results(&mut self) {
        let version = self.results.version;
        self.results = Results {
            version,
            ..Results::default()
        };
        self.edits.locked.clear();
    }

    /// The working folder was moved: results are where it is now.
    pub(super) fn moved_results(&mut self) {
        let keyframes: Vec<FrameIdx> = self.results.keyframes.keys().copied().collect();
        let filled: Vec<FrameIdx> = self.results.filled.keys().copied().collect();
        self.found_pictures(&keyframes, &filled);
    }

    /// Takes in the pictures that a working folder holds; those without a known origin count as out of date.
    pub(super) fn found_pictures(&mut self, keyframes: &[FrameIdx], filled: &[FrameIdx]) {
        let work = self.work();
        let at = |folder: &str, frame: FrameIdx| work.join(folder).join(format!("{frame:06}.png"));
        let had_some = !self.results.keyframes.is_empty();
        self.results
            .keyframes
            .retain(|frame, _| keyframes.contains(frame));
        self.results.removed = had_some && self.results.keyframes.is_empty();
        for &frame in keyframes {
            let path = at("keyframes", frame);
            let version = self.results.version;
            let found = || KeyframeResult {
                path: PathBuf::new(),
                made_with: String::new(),
                version,
            };
            let result = self.results.keyframes.entry(frame).or_insert_with(found);
            result.path = path;
        }
        self.forget_strays();
        self.results.filled = filled
            .iter()
            .map(|&frame| (frame, at("filled", frame)))
            .collect();
    }

    /// Pictures that nobody remembers making are shown where there is a keyframe now; elsewhere they would hide what is
    /// filled in.
    pub(super) fn forget_strays(&mut self) {
        if self.source.survey.is_none() {
            return;
        }
        let keyframes = self.keyframes();
        let is_known = |result: &KeyframeResult| !result.made_with.is_empty();
        let kept = &mut self.results.keyframes;
        kept.retain(|frame, result| is_known(result) || keyframes.contains(frame));
    }
}

/// The working folder of a project file: `name.fresco` beside `name.fresco.toml`.
#[must_use]
pub fn work_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(EXTENSION).unwrap_or(&name);
    path.with_file_name(format!("{stem}.fresco"))
}

/// Where the results of a video without a project file go: the same folder each time it is opened.
#[must_use]
pub fn home_of(video: &Path, data: &Path) -> PathBuf {
    let hash = ContentHash::of_bytes(video.as_os_str().as_encoded_bytes());
    let stem = video.file_stem().unwrap_or_default().to_string_lossy();
    let short: String = stem.chars().take(40).collect();
    data.join(format!("{short}-{}.fresco", &hash.as_str()[..8]))
}

/// Whether a file is a project, by its name.
#[must_use]
pub fn is_project(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.to_lowercase().ends_with(EXTENSION)
}
