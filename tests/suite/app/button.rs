//! The one button: every row of its table.

use fresco_studio::app::actions::{ExportWhat, FilePick, TranslateScope};
use fresco_studio::app::button::main_button;
use fresco_studio::app::state::Dialog;
use fresco_studio::app::{Action, AppState, perform};
use fresco_studio::worker::message::{Event, JobEvent};

use super::*;

/// Label, action, and labels of the menu.
fn row(state: &AppState) -> (String, Action, Vec<&'static str>) {
    let button = main_button(state);
    assert!(button.enabled, "{button:?}");
    let menu = button.menu.iter().map(|item| item.label).collect();
    (button.label, button.action, menu)
}

fn expect(state: &AppState, label: &str, action: Action, menu: &[&str]) {
    assert_eq!(row(state), (label.to_owned(), action, menu.to_vec()));
}

const TRANSLATE: Action = Action::Translate(TranslateScope::All);

#[test]
fn without_a_source_a_video_is_opened() {
    expect(&empty(), "Open video…", Action::Pick(FilePick::Video), &[]);
}

#[test]
fn without_a_model_one_is_got() {
    let mut state = opened();
    news(&mut state, [Event::Model(Err(report("no model folder")))]);
    let models = Action::OpenDialog(Dialog::Models);
    expect(
        &state,
        "Get model…",
        models,
        &["Models…", "Use the demo model"],
    );
}

#[test]
fn what_is_not_translated_is() {
    let menu = ["Keyframes only", "This shot only"];
    expect(&opened(), "Translate", TRANSLATE, &menu);
}

#[test]
fn work_is_paused_and_continued() {
    let mut state = opened();
    translated(&mut state, 3);
    let menu = ["Cancel", "Stop after keyframes"];
    expect(&state, "Pause", Action::Pause, &menu);
    perform(&mut state, Action::MainButton);
    expect(&state, "Continue", Action::Resume, &["Cancel"]);
    perform(&mut state, Action::MainButton);
    expect(&state, "Pause", Action::Pause, &menu);
    perform(&mut state, Action::Cancel);
    assert!(!main_button(&state).enabled, "until it has stopped");
}

#[test]
fn what_was_stopped_is_continued() {
    let mut state = opened();
    let id = translated(&mut state, 3);
    perform(&mut state, Action::Cancel);
    news(&mut state, [Event::Job(id, JobEvent::Cancelled)]);
    let menu = ["Cancel", "Translate all again"];
    expect(&state, "Continue", TRANSLATE, &menu);
}

#[test]
fn after_the_keyframes_come_the_in_betweens() {
    let mut state = opened();
    let id = translated(&mut state, 10);
    news(&mut state, [Event::Job(id, JobEvent::Cancelled)]);
    let export = "Export keyframes…";
    expect(&state, "Fill in-betweens", TRANSLATE, &[export]);
}

#[test]
fn what_is_out_of_date_is_updated() {
    let mut state = opened();
    let id = translated(&mut state, 10);
    news(&mut state, [Event::Job(id, JobEvent::Finished(summary()))]);
    let event = inventory(&state);
    news(&mut state, [event]);
    let export = Action::OpenExport(ExportWhat::Frames);
    expect(&state, "Export…", export, &["Translate all again"]);
    perform(&mut state, Action::Seek(FrameIdx(33)));
    perform(&mut state, Action::ToggleKeyframe(FrameIdx(33)));
    // Its whole shot is one batch: five that are there, and the new one.
    let menu = ["Translate all again", "Export…"];
    expect(&state, "Update 6 keyframes", TRANSLATE, &menu);
    perform(&mut state, Action::Undo);
    assert_eq!(main_button(&state).label, "Export…");
}

#[test]
fn a_failure_is_tried_again() {
    let mut state = opened();
    let id = translated(&mut state, 3);
    let failed = JobEvent::Failed(report("out of luck"));
    news(&mut state, [Event::Job(id, failed)]);
    expect(&state, "Try again", TRANSLATE, &["Show details"]);
    let details = main_button(&state).menu[0].action.clone();
    assert_eq!(details, Action::ShowDetails(report("out of luck")));
}

#[test]
fn nothing_can_be_pressed_before_the_source_is_known() {
    let mut state = empty();
    perform(&mut state, Action::Open(video()));
    assert!(!main_button(&state).enabled);
    assert!(perform(&mut state, Action::MainButton).is_empty());
    news(&mut state, surveyed(&video()));
    assert!(main_button(&state).enabled);
}
