//! What the window remembers, without a window.

mod button;
mod editing;
mod estimates;
mod files;
mod jobs;
mod playing;
mod precision;
mod reopening;
mod results;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fresco_studio::app::actions::{Gesture, Setting};
use fresco_studio::app::marks::{MarkState, marks};
use fresco_studio::app::{Action, AppState, Effect, Project, perform, start, update};
use fresco_studio::files::UserFolders;
use fresco_studio::frame::{FrameIdx, Size};
use fresco_studio::pipeline::job::{JobSpec, KeyframeGap};
use fresco_studio::worker::message::{
    Command, Event, FileAnswer, FileTask, JobEvent, JobId, Loaded, LockState, ModelSources, Plan,
    Ratio, SourceEvent, SourceState, Summary, Survey, TimestampIndex, VideoInfo,
};

use crate::facts;
pub use crate::facts::report;

/// Frames of the video that tests open, with a cut before the 20th.
pub const N_FRAMES: usize = 40;
pub const CUT: usize = 20;

pub fn folders() -> UserFolders {
    facts::folders("/films/me")
}

pub fn video() -> PathBuf {
    "/films/me/videos/beach.mp4".into()
}

pub fn info() -> VideoInfo {
    let size = Size {
        width: 64,
        height: 36,
    };
    facts::info(&video(), size, 20, N_FRAMES)
}

pub fn file_state() -> SourceState {
    SourceState {
        bytes: 1000,
        modified_secs: 7,
    }
}

pub fn survey() -> Survey {
    let motion = (0..N_FRAMES).map(|i| ((i * 7) % 11) as f64).collect();
    Survey::new(&[FrameIdx(CUT)], motion)
}

/// A window whose checks all went well, without a project.
pub fn empty() -> AppState {
    let (mut state, _) = start(folders(), ModelSources::default(), None);
    news(&mut state, facts::everything_ready());
    state
}

/// What the look at the video tells.
pub fn surveyed(path: &Path) -> [Event; 3] {
    let times = TimestampIndex::constant(Ratio { num: 20, den: 1 }, N_FRAMES);
    [
        SourceEvent::Info(Arc::new(info()), file_state()),
        SourceEvent::Times(Arc::new(times), None),
        SourceEvent::Done(Arc::new(survey())),
    ]
    .map(|event| Event::Source(path.to_owned(), event))
}

/// A window with a video that is known, and a prompt.
pub fn opened() -> AppState {
    let mut state = empty();
    perform(&mut state, Action::Open(video()));
    news(&mut state, surveyed(&video()));
    set(&mut state, Setting::Prompt, |spec| {
        spec.prompt = "a fox".into();
    });
    set(&mut state, Setting::KeyframeGap, |spec| {
        spec.keyframe_gap = KeyframeGap::Fixed(5);
    });
    state
}

pub fn news(state: &mut AppState, events: impl IntoIterator<Item = Event>) -> Vec<Effect> {
    let effects = events.into_iter().map(|event| update(state, event));
    effects.collect::<Vec<_>>().into_iter().flatten().collect()
}

pub fn project(state: &AppState) -> &Project {
    state.project.as_ref().unwrap()
}

/// Changes a setting in one step.
pub fn set(state: &mut AppState, what: Setting, change: impl FnOnce(&mut JobSpec)) -> Vec<Effect> {
    let mut spec = project(state).edits.spec.clone();
    change(&mut spec);
    let action = Action::Change {
        what,
        spec: Box::new(spec),
        gesture: Gesture::Finished,
    };
    perform(state, action)
}

pub fn keyframes(state: &AppState) -> Vec<usize> {
    project(state).keyframes().iter().map(|f| f.0).collect()
}

pub fn states(state: &AppState) -> Vec<MarkState> {
    marks(state).into_iter().map(|mark| mark.state).collect()
}

/// The job that effects send, with its plan as the worker would make it.
pub fn sent(effects: &[Effect]) -> Option<(JobId, JobSpec)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Translate(id, spec)) => Some((*id, (**spec).clone())),
        _ => None,
    })
}

pub fn saved(effects: &[Effect]) -> Vec<(PathBuf, String)> {
    let saves = effects.iter().filter_map(|effect| match effect {
        Effect::Send(Command::File(FileTask::Save { path, text })) => {
            Some((path.clone(), text.clone()))
        }
        _ => None,
    });
    saves.collect()
}

pub fn plan_of(state: &AppState) -> Plan {
    fresco_studio::app::marks::plan(project(state)).unwrap()
}

/// Starts a translation and finishes `n` keyframes of it.
pub fn translated(state: &mut AppState, n: usize) -> JobId {
    let effects = perform(state, Action::MainButton);
    let (id, _) = sent(&effects).expect("a job");
    let plan = plan_of(state);
    news(state, [Event::Job(id, JobEvent::Started(plan.clone()))]);
    for &frame in plan.keyframes().iter().take(n) {
        let path = format!("/results/keyframes/{frame:06}.png").into();
        news(state, [Event::Job(id, JobEvent::Keyframe { frame, path })]);
    }
    id
}

pub fn summary() -> Summary {
    facts::summary("/results/result.mp4", N_FRAMES, 10)
}

/// Everything the working folder holds after a whole translation.
pub fn inventory(state: &AppState) -> Event {
    Event::File(FileAnswer::Inventory {
        work: project(state).work(),
        keyframes: project(state).keyframes(),
        filled: (0..N_FRAMES).map(FrameIdx).collect(),
    })
}

pub fn loaded(path: &Path, text: Option<&str>) -> Event {
    Event::File(FileAnswer::Loaded(Loaded {
        path: path.to_owned(),
        text: Ok(text.map(ToOwned::to_owned)),
        lock: LockState::Ours,
    }))
}

pub fn later(state: &mut AppState, secs: f64) -> Vec<Effect> {
    let now = state.now + Duration::from_secs_f64(secs);
    perform(state, Action::Tick(now))
}

#[test]
fn the_picture_of_tests_is_known() {
    let state = opened();
    let source = &project(&state).source;
    assert_eq!(source.n_frames(), Some(N_FRAMES));
    let size = source.info.as_ref().unwrap().display_size;
    assert_eq!(
        size,
        Size {
            width: 64,
            height: 36
        }
    );
    assert_eq!(keyframes(&state), [0, 5, 10, 15, 19, 20, 25, 30, 35, 39]);
}
