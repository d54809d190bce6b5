//! Settings, keyframes, shots, range, locks, and undo of each.

use fresco_studio::app::actions::{Section, SelectMode, TranslateScope};
use fresco_studio::app::edits::Edits;
use fresco_studio::app::history::STEPS;
use fresco_studio::pipeline::job::{Compat, CutList, DeviceChoice, FrameRange};

use super::*;

fn edits(state: &AppState) -> Edits {
    project(state).edits.clone()
}

/// Does something that undo takes back and redo does again; returns the name of the step.
fn undoable(state: &mut AppState, action: Action) -> String {
    let before = edits(state);
    perform(state, action.clone());
    let after = edits(state);
    assert_ne!(before, after, "{action:?} does something");
    let name = project(state).history.undo_name().unwrap().text();
    perform(state, Action::Undo);
    assert_eq!(edits(state), before, "undo of {action:?}");
    perform(state, Action::Redo);
    assert_eq!(edits(state), after, "redo of {action:?}");
    name
}

fn dragged(state: &mut AppState, strength: f32, gesture: Gesture) {
    let spec = JobSpec {
        strength,
        ..project(state).edits.spec.clone()
    };
    let (what, spec) = (Setting::Strength, Box::new(spec));
    perform(
        state,
        Action::Change {
            what,
            spec,
            gesture,
        },
    );
}

#[test]
fn every_kind_of_edit_can_be_undone() {
    let mut state = opened();
    perform(&mut state, Action::Seek(FrameIdx(12)));
    let at = FrameIdx(12);
    assert_eq!(
        undoable(&mut state, Action::ToggleKeyframe(at)),
        "add keyframe"
    );
    let moved = Action::MoveKeyframe {
        from: at,
        to: FrameIdx(13),
        gesture: Gesture::Finished,
    };
    assert_eq!(undoable(&mut state, moved), "move keyframe");
    perform(&mut state, Action::Select(FrameIdx(13), SelectMode::Only));
    assert_eq!(
        undoable(&mut state, Action::NudgeSelected(-2)),
        "move keyframe"
    );
    perform(&mut state, Action::Select(FrameIdx(11), SelectMode::Only));
    assert_eq!(
        undoable(&mut state, Action::RemoveSelected),
        "remove keyframe"
    );
    assert_eq!(
        undoable(&mut state, Action::SuggestKeyframes),
        "suggest keyframes"
    );
    assert_eq!(
        undoable(&mut state, Action::ToggleCut(FrameIdx(8))),
        "cut shot"
    );
    assert_eq!(
        undoable(&mut state, Action::ToggleCut(FrameIdx(CUT))),
        "join shots"
    );
    assert_eq!(undoable(&mut state, Action::SetIn), "change range");
    assert_eq!(undoable(&mut state, Action::ClearRange), "change range");
    let prompt = Action::ResetSetting(Setting::Prompt);
    assert_eq!(undoable(&mut state, prompt), "change prompt");
    set(&mut state, Setting::Steps, |spec| spec.steps = 7);
    let reset = Action::ResetSection(Section::Sampling);
    assert_eq!(undoable(&mut state, reset), "reset section");
    assert_eq!(project(&state).edits.spec.steps, 20);
}

#[test]
fn whoever_follows_the_reference_sees_its_keyframes() {
    let mut state = opened();
    set(&mut state, Setting::Compat, |spec| {
        spec.compat = Some(Compat::Reference);
    });
    let every_fifth: Vec<usize> = (0..N_FRAMES).step_by(5).collect();
    assert_eq!(keyframes(&state), every_fifth, "no cut, and no last frame");
    assert_eq!(plan_of(&state).shots().len(), 1);
    let spec = project(&state).job_spec(TranslateScope::All);
    assert_eq!(spec.cuts, Some(CutList::default()));
    assert_eq!(spec.keyframes.len(), every_fifth.len());

    perform(&mut state, Action::Select(FrameIdx(35), SelectMode::Only));
    perform(&mut state, Action::RemoveSelected);
    assert_eq!(
        keyframes(&state).last(),
        Some(&30),
        "only the first is fixed"
    );
    perform(&mut state, Action::ToggleCut(FrameIdx(CUT + 1)));
    assert_eq!(plan_of(&state).shots().len(), 2, "cuts of one's own count");
    assert!(keyframes(&state).contains(&(CUT + 1)));
}

#[test]
fn a_drag_is_one_step() {
    let mut state = opened();
    for strength in [0.7, 0.6, 0.5] {
        dragged(&mut state, strength, Gesture::Ongoing);
    }
    dragged(&mut state, 0.5, Gesture::Finished);
    dragged(&mut state, 0.4, Gesture::Finished);
    perform(&mut state, Action::Undo);
    assert!((project(&state).edits.spec.strength - 0.5).abs() < 1e-6);
    perform(&mut state, Action::Undo);
    assert!((project(&state).edits.spec.strength - 0.75).abs() < 1e-6);
}

#[test]
fn a_hundred_steps_are_kept() {
    let mut state = opened();
    for seed in 1..=STEPS as u32 + 20 {
        set(&mut state, Setting::Seed, |spec| spec.seed = seed);
    }
    for _ in 0..STEPS + 50 {
        perform(&mut state, Action::Undo);
    }
    assert_eq!(project(&state).edits.spec.seed, 20);
    assert!(project(&state).history.undo_name().is_none());
}

#[test]
fn a_new_step_forgets_what_was_undone() {
    let mut state = opened();
    set(&mut state, Setting::Steps, |spec| spec.steps = 7);
    perform(&mut state, Action::Undo);
    set(&mut state, Setting::Steps, |spec| spec.steps = 8);
    perform(&mut state, Action::Redo);
    assert_eq!(project(&state).edits.spec.steps, 8);
}

#[test]
fn ends_of_shots_stay_keyframes() {
    let mut state = opened();
    let before = keyframes(&state);
    for end in [0, 19, 20, 39] {
        perform(&mut state, Action::ToggleKeyframe(FrameIdx(end)));
        let from = FrameIdx(end);
        let to = FrameIdx(7);
        let gesture = Gesture::Finished;
        perform(&mut state, Action::MoveKeyframe { from, to, gesture });
    }
    assert_eq!(keyframes(&state), before);
    perform(&mut state, Action::ToggleKeyframe(FrameIdx(N_FRAMES)));
    assert_eq!(keyframes(&state), before, "beyond the end");
    perform(&mut state, Action::ToggleCut(FrameIdx(8)));
    assert_eq!(
        keyframes(&state),
        [0, 5, 7, 8, 13, 18, 19, 20, 25, 30, 35, 39]
    );
}

#[test]
fn keyframes_do_not_run_into_each_other() {
    let mut state = opened();
    let before = keyframes(&state);
    perform(&mut state, Action::Select(FrameIdx(5), SelectMode::Only));
    perform(&mut state, Action::Select(FrameIdx(10), SelectMode::Toggle));
    perform(&mut state, Action::NudgeSelected(5));
    assert_eq!(keyframes(&state), before, "10 would meet 15");
    perform(&mut state, Action::NudgeSelected(-6));
    assert_eq!(keyframes(&state), before, "5 would leave the video");
    perform(&mut state, Action::NudgeSelected(2));
    assert_eq!(keyframes(&state)[..4], [0, 7, 12, 15]);
    let selected: Vec<usize> = project(&state).view.selection.iter().map(|f| f.0).collect();
    assert_eq!(selected, [7, 12]);
}

#[test]
fn a_selection_extends() {
    let mut state = opened();
    perform(&mut state, Action::Select(FrameIdx(5), SelectMode::Only));
    perform(&mut state, Action::Select(FrameIdx(20), SelectMode::Extend));
    assert_eq!(project(&state).view.selection.len(), 5);
    perform(&mut state, Action::Select(FrameIdx(6), SelectMode::Only));
    assert_eq!(project(&state).view.selection.len(), 5, "6 is no keyframe");
}

#[test]
fn a_range_has_two_frames_at_least() {
    let mut state = opened();
    for (start, end, is) in [(3, 4, (3, 5)), (39, 90, (38, 40)), (9, 2, (9, 11))] {
        let gesture = Gesture::Finished;
        perform(
            &mut state,
            Action::SetRange {
                start,
                end,
                gesture,
            },
        );
        let (start, end) = is;
        assert_eq!(project(&state).edits.range, Some(FrameRange { start, end }));
    }
    let (start, end, gesture) = (0, N_FRAMES, Gesture::Finished);
    perform(
        &mut state,
        Action::SetRange {
            start,
            end,
            gesture,
        },
    );
    assert_eq!(project(&state).edits.range, None, "all of it");
}

#[test]
fn only_finished_keyframes_are_locked() {
    let mut state = opened();
    perform(&mut state, Action::ToggleLock);
    assert!(project(&state).edits.locked.is_empty());
    translated(&mut state, 2);
    assert_eq!(undoable(&mut state, Action::ToggleLock), "lock keyframe");
    assert!(project(&state).edits.locked.contains(&FrameIdx(0)));
}

#[test]
fn models_and_devices_are_looked_at_when_they_change() {
    let mut state = opened();
    let told = set(&mut state, Setting::Steps, |spec| spec.steps = 9);
    assert!(told.is_empty());
    let told = set(&mut state, Setting::Model, |spec| {
        spec.model = Some("x".into());
    });
    assert!(matches!(
        &told[..],
        [
            Effect::Send(Command::CheckModel(..)),
            Effect::Send(Command::CountTokens(_))
        ]
    ));
    let told = set(&mut state, Setting::Prompt, |spec| {
        spec.prompt = "a fox <lora:ink:0.8>".into();
    });
    assert!(matches!(
        &told[0],
        Effect::Send(Command::CheckModel(spec, _)) if spec.prompt.contains("ink")
    ));
    let told = set(&mut state, Setting::Prompt, |spec| {
        spec.prompt = "a fox <lora:ink:0.9>".into();
    });
    assert!(
        matches!(&told[..], [Effect::Send(Command::CountTokens(_))]),
        "another strength is no other file"
    );
    let told = set(&mut state, Setting::Device, |spec| {
        spec.device = DeviceChoice::Cpu;
    });
    assert!(matches!(
        &told[..],
        [Effect::Send(Command::CheckDevice(DeviceChoice::Cpu))]
    ));
    let told = perform(&mut state, Action::Undo);
    assert!(matches!(
        &told[..],
        [Effect::Send(Command::CheckDevice(DeviceChoice::Auto))]
    ));
}

#[test]
fn a_panel_cannot_change_what_the_project_is_about() {
    let mut state = opened();
    set(&mut state, Setting::Prompt, |spec| {
        spec.source = "other.mp4".into();
        spec.work = Some("elsewhere".into());
        spec.prompt = "a dog".into();
    });
    let spec = &project(&state).edits.spec;
    assert_eq!((&spec.source, &spec.work), (&video(), &None));
    assert_eq!(spec.prompt, "a dog");
}

#[test]
fn edits_without_a_project_do_nothing() {
    let mut state = empty();
    for action in [
        Action::Undo,
        Action::ToggleKeyframe(FrameIdx(0)),
        Action::SetIn,
        Action::ToggleLock,
        Action::MainButton,
        Action::Try(FrameIdx(0)),
        Action::Save,
        Action::TogglePlay,
    ] {
        perform(&mut state, action);
    }
    assert!(state.project.is_none());
}

#[test]
fn every_setting_is_reset_and_belongs_somewhere() {
    for setting in Setting::ALL {
        let fresh = JobSpec::default();
        assert!(!setting.is_changed(&fresh, &fresh), "{setting:?}");
        assert!(!setting.label().is_empty() && !setting.tooltip().is_empty());
    }
    let sections = Section::ALL
        .into_iter()
        .map(|section| section.settings().len());
    assert_eq!(sections.sum::<usize>(), Setting::ALL.len());
}

#[test]
#[allow(
    clippy::float_cmp_const,
    clippy::float_cmp,
    reason = "these values are exact"
)]
fn numbers_are_clamped_to_their_steps() {
    let number = Setting::WorkingSize.number().unwrap();
    let clamped = [0.0, 500.0, 544.1, 5000.0, f64::NAN].map(|value| number.clamp(value));
    assert_eq!(clamped, [64.0, 512.0, 576.0, 1024.0, 64.0]);
}
