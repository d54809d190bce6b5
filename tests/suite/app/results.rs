//! What is out of date after which change, and which pictures are shown.

use fresco_studio::app::actions::ExportWhat;
use fresco_studio::app::export::{ExportDraft, ExportPreset};
use fresco_studio::app::pictures::{ResultPicture, wanted};
use fresco_studio::app::state::Dialog;
use fresco_studio::app::view::{Overlay, ViewerMode};
use fresco_studio::pipeline::job::{ControlKind, ExtraWords};
use fresco_studio::worker::message::{ExportSpec, Missing, PictureKey};

use super::*;

/// A window with everything translated.
fn finished() -> AppState {
    let mut state = opened();
    let id = translated(&mut state, 10);
    news(&mut state, [Event::Job(id, JobEvent::Finished(summary()))]);
    let event = inventory(&state);
    news(&mut state, [event]);
    assert_eq!(states(&state), [MarkState::Done; 10]);
    state
}

fn out_of_date(state: &AppState) -> usize {
    let old = |state: &MarkState| *state == MarkState::OutOfDate;
    states(state).iter().filter(|state| old(state)).count()
}

#[test]
fn a_setting_of_pictures_puts_all_out_of_date_and_back() {
    let mut state = finished();
    set(&mut state, Setting::Prompt, |spec| {
        spec.prompt = "a dog".into();
    });
    assert_eq!(out_of_date(&state), 10);
    perform(&mut state, Action::Undo);
    assert_eq!(out_of_date(&state), 0);
    for (what, change) in [
        (
            Setting::Device,
            (|spec| spec.device = fresco_studio::pipeline::job::DeviceChoice::Cpu)
                as fn(&mut JobSpec),
        ),
        (Setting::Fill, |spec| spec.no_fill = true),
    ] {
        set(&mut state, what, change);
        assert_eq!(out_of_date(&state), 0, "{what:?}");
    }
}

#[test]
fn words_of_one_keyframe_touch_its_shot_alone() {
    let mut state = finished();
    set(&mut state, Setting::ExtraWords, |spec| {
        let text = ", asleep".into();
        spec.extra.push(ExtraWords {
            frame: FrameIdx(25),
            text,
        });
    });
    assert_eq!(out_of_date(&state), 5);
}

#[test]
fn a_locked_keyframe_is_never_out_of_date() {
    let mut state = finished();
    perform(&mut state, Action::Seek(FrameIdx(5)));
    perform(&mut state, Action::ToggleLock);
    set(&mut state, Setting::Seed, |spec| spec.seed = 77);
    assert_eq!(out_of_date(&state), 9);
    assert_eq!(marks(&state)[1].glyph(), "◈");
    let effects = perform(&mut state, Action::MainButton);
    assert_eq!(sent(&effects).unwrap().1.lock, [FrameIdx(5)]);
}

#[test]
fn each_mark_has_a_shape_of_its_own_and_a_description() {
    let mut state = opened();
    translated(&mut state, 3);
    let all = marks(&state);
    let glyphs: Vec<_> = all
        .iter()
        .map(fresco_studio::app::marks::Mark::glyph)
        .collect();
    assert_eq!(glyphs[2..6], ["◆", "◐", "◐", "◇"]);
    assert_eq!(all[2].description(), "Keyframe 10, done, shot 1, batch 1");
    assert_eq!(
        all[5].description(),
        "Keyframe 20, planned, shot 2, batch 2"
    );
}

#[test]
fn the_viewer_wants_what_it_shows() {
    let mut state = finished();
    perform(&mut state, Action::Seek(FrameIdx(6)));
    let source = PictureKey::Source(FrameIdx(6));
    let keys = |state: &AppState| wanted(state).wanted;
    let [PictureKey::File(path, _)] = &keys(&state)[..] else {
        panic!("{:?}", keys(&state))
    };
    assert!(path.ends_with("filled/000006.png"), "{path:?}");
    perform(&mut state, Action::SetMode(ViewerMode::Wipe));
    assert_eq!(keys(&state).len(), 2);
    perform(&mut state, Action::HoldSource(true));
    assert_eq!(keys(&state), std::slice::from_ref(&source));
    perform(&mut state, Action::SetOverlay(Overlay::Control));
    assert!(matches!(
        keys(&state)[1],
        PictureKey::Control(FrameIdx(6), _)
    ));
    set(&mut state, Setting::ControlType, |spec| {
        spec.control = ControlKind::None;
    });
    assert_eq!(keys(&state), [source]);
    perform(&mut state, Action::TogglePlay);
    assert!(wanted(&state).ahead > 0);
}

#[test]
fn a_new_picture_under_an_old_name_has_another_key() {
    let mut state = finished();
    let key = project(&state).result_key(FrameIdx(0)).unwrap();
    set(&mut state, Setting::Seed, |spec| spec.seed = 7);
    translated(&mut state, 1);
    let new = project(&state).result_key(FrameIdx(0)).unwrap();
    assert_ne!(key, new);
    let PictureKey::File(path, _) = new else {
        panic!("a file")
    };
    assert_eq!(path, PathBuf::from("/results/keyframes/000000.png"));
}

#[test]
fn what_has_no_result_is_tagged() {
    let state = opened();
    let picture = project(&state).result_picture(FrameIdx(3));
    assert!(matches!(picture, ResultPicture::None));
    assert_eq!(picture.tag().as_deref(), Some("source"));
    assert_eq!(wanted(&state).wanted, [PictureKey::Source(FrameIdx(0))]);
    assert!(wanted(&empty()).wanted.is_empty());
}

fn draft(state: &AppState) -> ExportDraft {
    match state.dialogs.last() {
        Some(Dialog::Export(draft)) => draft.clone(),
        other => panic!("{other:?}"),
    }
}

fn exported(state: &mut AppState) -> ExportSpec {
    let draft = Box::new(draft(state));
    let effects = perform(state, Action::Export(draft));
    let spec = effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Export(_, spec)) => Some((**spec).clone()),
        _ => None,
    });
    spec.expect("an export")
}

#[test]
fn an_export_names_every_picture() {
    let mut state = finished();
    set(&mut state, Setting::Negative, |spec| {
        spec.negative = "blur".into();
    });
    perform(&mut state, Action::OpenExport(ExportWhat::Frames));
    assert_eq!(project(&state).frames_without_result(&draft(&state)), 0);
    assert_eq!(
        draft(&state).settings.path,
        PathBuf::from("/films/me/videos/beach – a fox.mp4")
    );
    let spec = exported(&mut state);
    assert_eq!((spec.range, spec.pictures.len()), (0..N_FRAMES, N_FRAMES));
    assert!(spec.pictures[5].1.ends_with("keyframes/000005.png"));
    assert!(spec.pictures[6].1.ends_with("filled/000006.png"));
    let comment = spec.comment.unwrap();
    let lines: Vec<&str> = comment.lines().collect();
    assert_eq!(lines[..2], ["a fox", "Negative prompt: blur"]);
    assert!(
        lines[2].starts_with("Steps: 20, Sampler: ddpm, CFG scale: 7.5, Seed: "),
        "{comment}"
    );
    assert!(state.dialogs.is_empty() && state.job.is_some());
}

#[test]
fn keyframes_alone_and_missing_frames_are_known() {
    let mut state = opened();
    let id = translated(&mut state, 4);
    news(&mut state, [Event::Job(id, JobEvent::Cancelled)]);
    perform(&mut state, Action::OpenExport(ExportWhat::Frames));
    assert_eq!(
        project(&state).frames_without_result(&draft(&state)),
        N_FRAMES - 4
    );
    perform(&mut state, Action::OpenExport(ExportWhat::Keyframes));
    assert_eq!(state.dialogs.len(), 1);
    assert_eq!(draft(&state).preset, ExportPreset::Keyframes);
    let spec = exported(&mut state);
    assert_eq!(
        (spec.pictures.len(), spec.settings.missing),
        (4, Missing::Skip)
    );
}

#[test]
fn another_preset_brings_its_own_ending() {
    let mut state = finished();
    perform(&mut state, Action::OpenExport(ExportWhat::Frames));
    for preset in ExportPreset::ALL {
        let changed = ExportDraft {
            preset,
            ..draft(&state)
        };
        perform(&mut state, Action::ChangeExport(Box::new(changed)));
        let draft = draft(&state);
        let ending = draft.settings.path.extension().and_then(|e| e.to_str());
        assert_eq!(
            (ending, draft.settings.codec),
            (preset.extension(), preset.codec())
        );
    }
}
