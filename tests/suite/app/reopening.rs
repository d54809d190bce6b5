//! What is found of earlier work when a project is opened again.

use fresco_studio::app::button::main_button;
use fresco_studio::app::notices::{NoticeKind, notice};
use fresco_studio::app::state::Ending;

use super::*;

/// Keyframes that a working folder holds.
fn found(work: &Path, keyframes: &[usize]) -> Event {
    Event::File(FileAnswer::Inventory {
        work: work.to_owned(),
        keyframes: keyframes.iter().copied().map(FrameIdx).collect(),
        filled: Vec::new(),
    })
}

fn count(state: &AppState, wanted: MarkState) -> usize {
    states(state)
        .iter()
        .filter(|state| **state == wanted)
        .count()
}

#[test]
fn unfinished_work_is_found_again_after_a_crash() {
    let mut state = opened();
    let id = translated(&mut state, 4);
    let (path, text) = saved(&later(&mut state, 11.0)).remove(0);
    let _ = id;
    let mut again = empty();
    let asked = perform(&mut again, Action::Open(video()));
    let loads = asked.iter().any(|effect| {
        matches!(effect, Effect::Send(Command::File(FileTask::Load { path: asked, .. })) if *asked == path)
    });
    assert!(loads, "{asked:?}");
    news(&mut again, [loaded(&path, Some(&text))]);
    news(&mut again, surveyed(&video()));
    let work = project(&again).work();
    news(&mut again, [found(&work, &[0, 5, 10])]);
    let done = states(&again)
        .iter()
        .filter(|state| **state == MarkState::Done)
        .count();
    assert_eq!(done, 3, "one of the four is gone");
    assert_eq!(main_button(&again).label, "Continue");
    assert!(notice(&again, NoticeKind::CrashedBefore).is_some());
    let effects = perform(&mut again, Action::MainButton);
    assert_eq!(sent(&effects).unwrap().1.prompt, "a fox");
}

#[test]
fn a_proper_end_is_no_crash() {
    let mut state = opened();
    let effects = perform(&mut state, Action::Close);
    assert!(state.quitting && matches!(effects.last(), Some(Effect::Quit)));
    let (path, text) = saved(&effects).remove(0);
    let mut again = empty();
    perform(&mut again, Action::Open(video()));
    news(&mut again, [loaded(&path, Some(&text))]);
    assert!(notice(&again, NoticeKind::CrashedBefore).is_none());
    assert_eq!(project(&again).edits.spec.prompt, "a fox");
}

#[test]
fn a_finished_batch_is_written_down_at_once() {
    let mut state = opened();
    let effects = perform(&mut state, Action::MainButton);
    let (id, _) = sent(&effects).unwrap();
    let plan = plan_of(&state);
    news(
        &mut state,
        [Event::Job(id, JobEvent::Started(plan.clone()))],
    );
    let mut tell = |frame: FrameIdx| {
        let path = format!("/results/keyframes/{frame:06}.png").into();
        let effects = news(
            &mut state,
            [Event::Job(id, JobEvent::Keyframe { frame, path })],
        );
        saved(&effects)
    };
    let (last, others) = plan.batches()[0].new.split_last().unwrap();
    assert!(others.iter().all(|&frame| tell(frame).is_empty()));
    let saves = tell(*last);
    assert_eq!(saves.len(), 1);
    assert!(
        tell(*last).is_empty(),
        "what is known need not be written again"
    );

    let mut again = empty();
    perform(&mut again, Action::Open(video()));
    news(&mut again, surveyed(&video()));
    news(&mut again, [loaded(&saves[0].0, Some(&saves[0].1))]);
    let work = project(&again).work();
    let all: Vec<usize> = plan.batches()[0].new.iter().map(|frame| frame.0).collect();
    news(&mut again, [found(&work, &all)]);
    assert_eq!(count(&again, MarkState::Done), all.len());
    let key = project(&again).result_key(FrameIdx(all[0]));
    assert!(key.is_some(), "its picture is shown");
}

#[test]
fn pictures_that_nobody_remembers_are_shown_as_out_of_date_where_there_are_keyframes() {
    let mut state = empty();
    perform(&mut state, Action::Open(video()));
    let work = project(&state).work();
    // They are found before it is known which frames are keyframes.
    news(&mut state, [found(&work, &[0, 5, 7])]);
    news(&mut state, surveyed(&video()));
    set(&mut state, Setting::KeyframeGap, |spec| {
        spec.keyframe_gap = KeyframeGap::Fixed(5);
    });
    news(&mut state, [found(&work, &[0, 5, 7])]);
    assert_eq!(count(&state, MarkState::OutOfDate), 2);
    assert!(project(&state).result_of(FrameIdx(7)).is_none());
}

#[test]
fn that_results_were_removed_is_said() {
    let mut state = opened();
    let id = translated(&mut state, 10);
    news(&mut state, [Event::Job(id, JobEvent::Finished(summary()))]);
    assert!(matches!(state.finished_jobs[0].ending, Ending::Done(_)));
    let work = project(&state).work();
    news(&mut state, [found(&work, &[0, 5])]);
    assert!(notice(&state, NoticeKind::ResultsGone).is_none());
    news(&mut state, [found(&work, &[])]);
    let said = notice(&state, NoticeKind::ResultsGone).unwrap();
    assert_eq!(said.text, "Results were removed. Settings are kept.");
    assert_eq!(said.buttons[0].0, "Translate");
    let effects = perform(&mut state, said.buttons[0].1.clone());
    let (id, _) = sent(&effects).unwrap();
    let plan = plan_of(&state);
    news(&mut state, [Event::Job(id, JobEvent::Started(plan))]);
    assert!(notice(&state, NoticeKind::ResultsGone).is_none());
}
