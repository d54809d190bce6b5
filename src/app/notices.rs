//! States in which something is missing or wrong: what happened, what it means, and the button that helps.

mod model;
mod no_room;

use std::path::Path;

use super::actions::{Action, FilePick, Gesture, Setting};
use super::button::{Situation, situation};
use super::fit::short_of_disk;
use super::format;
use super::state::{Access, AppState, Check, PreferencesPage, Project, SourceTrouble};
use crate::worker::message::Report;
pub use model::model;

/// Where FFmpeg is to be had.
pub const FFMPEG_HELP: &str = "https://ffmpeg.org/download.html";

/// Something that is missing or wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Which state.
    pub kind: NoticeKind,
    /// What happened and what it means.
    pub text: String,
    /// What helps, the best first.
    pub buttons: Vec<(&'static str, Action)>,
    /// More, for those who unfold it.
    pub details: Option<Report>,
}

/// A state in which something is missing or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum NoticeKind {
    NoFfmpeg,
    OldFfmpeg,
    NoGpu,
    NoModel,
    WrongModel,
    DamagedModel,
    WrongLora,
    NoControlNet,
    NoRoom,
    NotAVideo,
    TooShort,
    BrokenFile,
    LongClip,
    SourceMoved,
    SourceChanged,
    ProjectNewer,
    ProjectInUse,
    EmptyPrompt,
    CrashedBefore,
    ResultsGone,
    SettingsChanged,
    NoKeyframesYet,
    NoJobs,
}

impl NoticeKind {
    /// Whether it belongs to a place of its own in the window, and not above the viewer.
    #[must_use]
    pub fn is_local(self) -> bool {
        matches!(
            self,
            Self::NoKeyframesYet | Self::NoJobs | Self::EmptyPrompt
        )
    }
}

/// Everything that is missing or wrong now, the most serious first.
#[must_use]
pub fn notices(state: &AppState) -> Vec<Notice> {
    let mut notices = Vec::new();
    notices.extend(ffmpeg(state));
    if let Some(project) = &state.project {
        notices.extend(source(project));
        notices.extend(access(project));
    }
    notices.extend(long_clip(state));
    notices.extend(model(state));
    notices.extend(no_room::no_room(state));
    notices.extend(device(state));
    notices.extend(after_a_crash(state));
    notices.extend(results_gone(state));
    notices.extend(settings_changed(state));
    notices.extend(state.project.as_ref().and_then(empty_prompt));
    notices.extend(no_keyframes(state));
    notices.extend(no_jobs(state));
    notices
}

/// The notice of a kind, if that is the state.
#[must_use]
pub fn notice(state: &AppState, kind: NoticeKind) -> Option<Notice> {
    notices(state)
        .into_iter()
        .find(|notice| notice.kind == kind)
}

fn simple(
    kind: NoticeKind,
    text: impl Into<String>,
    buttons: Vec<(&'static str, Action)>,
) -> Notice {
    Notice {
        kind,
        text: text.into(),
        buttons,
        details: None,
    }
}

fn ffmpeg(state: &AppState) -> Option<Notice> {
    let Check::Failed(report) = &state.ffmpeg else {
        return None;
    };
    let locate = ("Locate…", Action::Pick(FilePick::Ffmpeg));
    let is_old = report.summary.contains("too old");
    let mut notice = if is_old {
        let said = without_path(&report.summary);
        simple(NoticeKind::OldFfmpeg, format!("{said}."), vec![locate])
    } else {
        let how = ("How to install", Action::OpenOutside(FFMPEG_HELP.into()));
        let text = "FFmpeg was not found. It reads and writes video files.";
        simple(NoticeKind::NoFfmpeg, text, vec![locate, how])
    };
    notice.buttons.push(("Look again", Action::CheckAgain));
    notice.details = Some(report.clone());
    Some(notice)
}

fn source(project: &Project) -> Option<Notice> {
    let name = name_of(&project.edits.spec.source);
    let another = ("Open another…", Action::Pick(FilePick::Video));
    Some(match project.source.trouble.as_ref()? {
        SourceTrouble::Moved => simple(
            NoticeKind::SourceMoved,
            format!("{name} is not where it was."),
            vec![("Locate…", Action::Pick(FilePick::Source))],
        ),
        SourceTrouble::Changed => simple(
            NoticeKind::SourceChanged,
            format!("{name} changed since the last translation."),
            vec![
                ("Start over", Action::StartOver),
                ("Keep results", Action::KeepResults),
            ],
        ),
        SourceTrouble::Broken { report, .. } => Notice {
            kind: NoticeKind::BrokenFile,
            text: format!("{}.", without_path(&report.summary)),
            buttons: vec![
                ("Use these frames", Action::UseReadable),
                ("Cancel", Action::New),
            ],
            details: Some(report.clone()),
        },
        SourceTrouble::Unusable(report) => unusable(&name, report, another),
    })
}

fn unusable(name: &str, report: &Report, another: (&'static str, Action)) -> Notice {
    let summary = report.summary.to_lowercase();
    let said = |part: &str| summary.contains(part);
    let (kind, text) = if said("one frame only") {
        let text = "One frame only. Open a video of two frames or more.";
        (NoticeKind::TooShort, text.to_owned())
    } else if said("no picture track") {
        (
            NoticeKind::NotAVideo,
            format!("{name} has no picture track."),
        )
    } else {
        (NoticeKind::NotAVideo, format!("{name} cannot be opened."))
    };
    Notice {
        kind,
        text,
        buttons: vec![another],
        details: Some(report.clone()),
    }
}

fn long_clip(state: &AppState) -> Option<Notice> {
    if state.job.is_some() {
        return None;
    }
    let short = short_of_disk(state)?;
    let frames = format::count(short.n_frames, "frame");
    let (needed, free) = (format::bytes(short.needed), format::bytes(short.free));
    let start = state.project.as_ref()?.range().start;
    let fitting = Action::SetRange {
        start,
        end: start + short.fitting.max(2),
        gesture: Gesture::Finished,
    };
    let text = format!("{frames} need about {needed} on disk. {free} are free.");
    let choose = ("Choose folder…", Action::Pick(FilePick::WorkFolder));
    Some(simple(
        NoticeKind::LongClip,
        text,
        vec![choose, ("Set range", fitting)],
    ))
}

fn access(project: &Project) -> Option<Notice> {
    let save_copy = ("Save a copy…", Action::SaveAs);
    match project.access {
        Access::ReadWrite => None,
        Access::Newer => Some(simple(
            NoticeKind::ProjectNewer,
            "Made with a newer version. It is opened read-only.",
            vec![save_copy],
        )),
        Access::InUse => Some(simple(
            NoticeKind::ProjectInUse,
            "Open in another window. It is opened read-only.",
            vec![save_copy],
        )),
    }
}

fn device(state: &AppState) -> Option<Notice> {
    let settings = ("Device…", Action::ShowPreferences(PreferencesPage::Device));
    match &state.device {
        Check::Ready(device) if device.is_fallback && !state.preferences.knows_no_gpu => {
            let mut preferences = state.preferences.clone();
            preferences.knows_no_gpu = true;
            let go_on = Action::SetPreferences(Box::new(preferences));
            Some(simple(
                NoticeKind::NoGpu,
                "No usable GPU. Translation runs on the CPU and takes much longer; the estimate is \
                 at the button.",
                vec![("Continue", go_on), settings],
            ))
        }
        Check::Failed(report) => Some(Notice {
            kind: NoticeKind::NoGpu,
            text: format!("{}.", capitalised(&report.summary)),
            buttons: vec![settings],
            details: Some(report.clone()),
        }),
        _ => None,
    }
}

fn after_a_crash(state: &AppState) -> Option<Notice> {
    if !state.crashed_before || state.job.is_some() {
        return None;
    }
    let go_on = match situation(state) {
        Situation::Unfinished => Action::MainButton,
        _ => Action::ForgetCrash,
    };
    Some(simple(
        NoticeKind::CrashedBefore,
        "FRESCO Studio closed unexpectedly. Everything finished is kept.",
        vec![("Continue", go_on), ("Close", Action::ForgetCrash)],
    ))
}

fn results_gone(state: &AppState) -> Option<Notice> {
    let project = state.project.as_ref()?;
    (project.results.removed && state.job.is_none()).then(|| {
        simple(
            NoticeKind::ResultsGone,
            "Results were removed. Settings are kept.",
            vec![("Translate", Action::MainButton)],
        )
    })
}

fn settings_changed(state: &AppState) -> Option<Notice> {
    state.settings_changed_while_working().then(|| {
        simple(
            NoticeKind::SettingsChanged,
            "Settings changed. They apply to the next run.",
            vec![("Restart with new settings", Action::RestartWithNewSettings)],
        )
    })
}

fn empty_prompt(project: &Project) -> Option<Notice> {
    let spec = &project.edits.spec;
    (spec.prompt.trim().is_empty() && spec.look.is_none()).then(|| {
        simple(
            NoticeKind::EmptyPrompt,
            "Without a prompt the video only becomes cleaner. Describe what it should become.",
            vec![("Write a prompt", Action::Focus(Setting::Prompt))],
        )
    })
}

fn no_keyframes(state: &AppState) -> Option<Notice> {
    let results = &state.project.as_ref()?.results;
    let none = results.keyframes.is_empty() && results.previews.is_empty();
    let playhead = state.project.as_ref()?.view.playhead;
    none.then(|| {
        simple(
            NoticeKind::NoKeyframesYet,
            "Keyframes appear here while translating.",
            vec![("Try (P)", Action::Try(playhead))],
        )
    })
}

fn no_jobs(state: &AppState) -> Option<Notice> {
    let none = state.job.is_none() && state.finished_jobs.is_empty();
    none.then(|| simple(NoticeKind::NoJobs, "Nothing is running.", Vec::new()))
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Reports end in a path, which belongs to the details here.
fn without_path(text: &str) -> &str {
    let text = text.split_once(": ").map_or(text, |(text, _)| text);
    text.trim_end_matches('.')
}

/// A report's summary as a sentence of the window begins.
fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(characters).collect()
}
