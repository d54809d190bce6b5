//! Jobs and tries: what is sent, what is told, what remains.

use fresco_studio::app::actions::TranslateScope;
use fresco_studio::app::notices::{NoticeKind, notice};
use fresco_studio::app::state::{Ending, TrialState};
use fresco_studio::app::{preview, progress};
use fresco_studio::frame::Frame;
use fresco_studio::pipeline::job::{CutList, FrameRange, Job};
use fresco_studio::worker::message::{
    JobProgress, Preview, PreviewOf, Progress, Stage, StepOf, TrialEvent, Unit,
};

use super::*;

fn picture() -> Arc<Frame> {
    let size = Size {
        width: 2,
        height: 2,
    };
    Arc::new(Frame::from_fn(size, |_, _| [1, 2, 3]))
}

fn shown(of: PreviewOf, frames: &[usize]) -> Preview {
    Preview {
        of,
        step: Some(StepOf {
            step: 11,
            executed: 20,
        }),
        pictures: frames.iter().map(|&f| (FrameIdx(f), picture())).collect(),
    }
}

#[test]
fn a_translation_says_everything_it_means() {
    let mut state = opened();
    let effects = perform(&mut state, Action::MainButton);
    let (id, spec) = sent(&effects).unwrap();
    assert!(Job::new(&spec).is_ok());
    assert_eq!(id, state.job.as_ref().unwrap().id);
    let named: Vec<usize> = spec.keyframes.iter().map(|f| f.0).collect();
    assert_eq!(named, keyframes(&state));
    assert_eq!(spec.cuts, Some(CutList(vec![FrameIdx(CUT)])));
    assert_eq!(spec.work, Some(project(&state).work()));
    let saves = saved(&effects);
    assert_eq!(saves[0].0, project(&state).autosave_path());
    assert!(saves[0].1.contains("unfinished = true"), "{}", saves[0].1);
    assert!(
        matches!(effects.last(), Some(Effect::Send(Command::Translate(..)))),
        "after the note"
    );
    assert!(
        sent(&perform(&mut state, Action::Translate(TranslateScope::All))).is_none(),
        "one at a time"
    );
}

#[test]
fn a_part_is_translated_alone() {
    let mut state = opened();
    perform(&mut state, Action::Seek(FrameIdx(25)));
    let effects = perform(&mut state, Action::Translate(TranslateScope::Shot));
    let (_, spec) = sent(&effects).unwrap();
    assert_eq!(spec.range, Some(FrameRange { start: 20, end: 40 }));
    assert_eq!(spec.keyframes.first(), Some(&FrameIdx(20)));
    let mut state = opened();
    let effects = perform(&mut state, Action::Translate(TranslateScope::KeyframesOnly));
    assert!(sent(&effects).unwrap().1.no_fill);
}

#[test]
fn settings_that_cannot_work_are_told_before_anything_is_sent() {
    let mut state = opened();
    set(&mut state, Setting::Prompt, |spec| spec.prompt.clear());
    let kind = NoticeKind::EmptyPrompt;
    assert!(
        notice(&state, kind)
            .unwrap()
            .text
            .starts_with("Without a prompt")
    );
    let effects = perform(&mut state, Action::MainButton);
    assert!(effects.is_empty() && state.job.is_none());
    assert_eq!(state.messages.unread(), 1);
}

#[test]
fn marks_follow_the_work() {
    let mut state = opened();
    let id = translated(&mut state, 3);
    let working = MarkState::Working {
        step: 0,
        n_steps: 20,
    };
    let done = MarkState::Done;
    let expected = [&[done; 3][..], &[working; 2], &[MarkState::Planned; 5]].concat();
    assert_eq!(states(&state), expected);
    preview(&mut state, shown(PreviewOf::Job(id), &[0, 15, 19]));
    assert_eq!(
        states(&state)[3],
        MarkState::Working {
            step: 11,
            n_steps: 20
        }
    );
    assert_eq!(states(&state)[0], MarkState::Done, "a sample may come late");
    preview(&mut state, shown(PreviewOf::Job(JobId(99)), &[20]));
    assert!(!project(&state).results.previews.contains_key(&FrameIdx(20)));
    news(&mut state, [Event::Job(id, JobEvent::Cancelled)]);
    assert!(project(&state).results.previews.is_empty());
    assert_eq!(states(&state)[3], MarkState::Planned);
    let said = &state.messages.toasts(state.now)[0].report.summary;
    assert_eq!(said, "Stopped. 3 of 10 keyframes kept.");
}

#[test]
fn progress_is_of_the_job_that_runs() {
    let mut state = opened();
    let id = translated(&mut state, 1);
    let of = |job| JobProgress {
        job,
        stage: Stage::Keyframes,
        progress: Progress {
            done: 3,
            total: 40,
            unit: Unit::Steps,
        },
        left: None,
    };
    progress(&mut state, of(JobId(77)));
    assert!(state.job.as_ref().unwrap().progress.is_none());
    progress(&mut state, of(id));
    assert_eq!(state.job.as_ref().unwrap().progress, Some(of(id)));
}

#[test]
fn a_failed_batch_is_marked_and_told_once() {
    let mut state = opened();
    let id = translated(&mut state, 6);
    news(
        &mut state,
        [Event::Job(id, JobEvent::Stage(Stage::Keyframes))],
    );
    let effects = news(
        &mut state,
        [Event::Job(id, JobEvent::Failed(report("flat")))],
    );
    assert_eq!(states(&state)[4..6], [MarkState::Done, MarkState::Failed]);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Notify(text) if text == "flat"))
    );
    assert!(matches!(state.finished_jobs[0].ending, Ending::Failed(_)));
    assert_eq!(state.messages.unread(), 1);
    perform(&mut state, Action::MainButton);
    assert!(project(&state).results.failed.is_empty());
}

#[test]
fn it_stops_after_the_keyframes_if_asked() {
    let mut state = opened();
    let id = translated(&mut state, 10);
    perform(&mut state, Action::StopAfterKeyframes);
    let stage = |stage| Event::Job(id, JobEvent::Stage(stage));
    assert!(news(&mut state, [stage(Stage::Keyframes)]).is_empty());
    let effects = news(&mut state, [stage(Stage::Encode)]);
    assert!(matches!(&effects[..], [Effect::Cancel(job)] if *job == id));
}

#[test]
fn settings_may_change_while_working_and_be_used_at_once() {
    let mut state = opened();
    let id = translated(&mut state, 1);
    assert!(notice(&state, NoticeKind::SettingsChanged).is_none());
    set(&mut state, Setting::Steps, |spec| spec.steps = 30);
    let said = notice(&state, NoticeKind::SettingsChanged).unwrap();
    let effects = perform(&mut state, said.buttons[0].1.clone());
    assert!(matches!(effects[0], Effect::Cancel(job) if job == id));
    let effects = news(&mut state, [Event::Job(id, JobEvent::Cancelled)]);
    let (next, spec) = sent(&effects).unwrap();
    assert_eq!(spec.steps, 30);
    assert_ne!(next, id);
}

#[test]
fn news_of_other_jobs_change_nothing() {
    let mut state = opened();
    let id = translated(&mut state, 1);
    news(
        &mut state,
        [Event::Job(JobId(id.0 + 5), JobEvent::Cancelled)],
    );
    assert!(state.job.is_some());
}

#[test]
fn a_try_is_answered_and_the_newest_wins() {
    let mut state = opened();
    let ask = |state: &mut AppState, frame| {
        let effects = perform(state, Action::Try(FrameIdx(frame)));
        let [Effect::Try(request)] = &effects[..] else {
            panic!("{effects:?}")
        };
        assert_eq!(request.trial.frame, FrameIdx(frame));
        assert!(Job::new(&request.trial.spec).is_ok());
        request.request
    };
    let (first, second) = (ask(&mut state, 3), ask(&mut state, 7));
    assert_eq!(project(&state).view.playhead, FrameIdx(7));
    let trial = |request, event| Event::Trial(request, event);
    news(&mut state, [trial(first, TrialEvent::Done(picture()))]);
    let now = |state: &AppState| project(state).trial.clone().unwrap().state;
    assert!(
        matches!(now(&state), TrialState::Working(None)),
        "an old answer"
    );
    news(&mut state, [trial(second, TrialEvent::Waits)]);
    assert!(matches!(now(&state), TrialState::WaitsForJob));
    preview(&mut state, shown(PreviewOf::Trial(second), &[7]));
    assert!(matches!(now(&state), TrialState::Working(Some(preview)) if preview.step == 11));
    news(&mut state, [trial(second, TrialEvent::Done(picture()))]);
    assert!(matches!(now(&state), TrialState::Done(_)));
    perform(&mut state, Action::Escape);
    assert!(project(&state).trial.is_none());
}

#[test]
fn a_try_that_cannot_work_says_why() {
    let mut state = opened();
    set(&mut state, Setting::Prompt, |spec| spec.prompt.clear());
    assert!(perform(&mut state, Action::Try(FrameIdx(3))).is_empty());
    let trial = project(&state).trial.clone().unwrap();
    assert!(matches!(trial.state, TrialState::Failed(report) if report.summary.contains("prompt")));
}
