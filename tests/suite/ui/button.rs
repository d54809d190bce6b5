//! The one button: what it says in each situation, and what pressing it sends.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::actions::FilePick;
use fresco_studio::app::state::Dialog;
use fresco_studio::worker::message::{Command, Event, JobEvent};

use super::script::Asked;
use super::{
    Bench, key, names, open_clip, press, sent_job, start_job, start_screen, tell, translate_all,
};
use crate::facts::report;

fn assert_offered(bench: &mut Bench, labels: &[&str]) {
    press(bench, "More ways to go on");
    for label in labels {
        let found = bench
            .query_all_by_role_and_label(Role::Button, label)
            .next();
        assert!(found.is_some(), "{label} is not in {:?}", names(bench));
    }
    key(bench, Modifiers::NONE, Key::Escape);
}

#[test]
fn without_a_source_it_opens_one() {
    let mut bench = start_screen();
    key(&mut bench, Modifiers::COMMAND, Key::Enter);
    assert_eq!(*bench.state().desktop.picks.borrow(), [FilePick::Video]);
}

#[test]
fn without_a_model_it_gets_one() {
    let mut bench = open_clip();
    tell(&mut bench, vec![Event::Model(Err(report("no such model")))]);
    press(&mut bench, "Get model…");
    assert_eq!(bench.state().state().dialogs, [Dialog::Models]);
}

#[test]
fn untranslated_it_translates() {
    let mut bench = open_clip();
    assert_offered(&mut bench, &["Keyframes only", "This shot only"]);
    start_job(&mut bench);
}

#[test]
fn keyframes_only_says_so_in_the_job() {
    let mut bench = open_clip();
    press(&mut bench, "More ways to go on");
    press(&mut bench, "Keyframes only");
    let asked = bench.state().script().take_asked();
    let spec = asked.iter().find_map(|asked| match asked {
        Asked::Sent(Command::Translate(_, spec)) => Some(spec),
        _ => None,
    });
    assert!(spec.expect("a job is sent").no_fill);
}

#[test]
fn working_it_pauses_and_paused_it_continues() {
    let mut bench = open_clip();
    let job = start_job(&mut bench);
    assert_offered(&mut bench, &["Cancel", "Stop after keyframes"]);
    press(&mut bench, "Pause");
    assert!(matches!(bench.state().script().take_asked()[..], [Asked::Paused(id)] if id == job));
    press(&mut bench, "Continue");
    assert!(matches!(bench.state().script().take_asked()[..], [Asked::Resumed(id)] if id == job));
}

#[test]
fn a_cancelled_job_keeps_what_is_finished() {
    let mut bench = open_clip();
    let job = start_job(&mut bench);
    key(&mut bench, Modifiers::COMMAND, Key::Period);
    let asked = bench.state().script().take_asked();
    assert!(
        asked
            .iter()
            .any(|asked| matches!(asked, Asked::Cancelled(id) if *id == job))
    );
    tell(&mut bench, vec![Event::Job(job, JobEvent::Cancelled)]);
    let kept = names(&bench)
        .into_iter()
        .find(|name| name.starts_with("Stopped. 0 of"));
    assert!(kept.is_some(), "{:?}", names(&bench));
}

#[test]
fn failed_it_tries_again_and_shows_why() {
    let mut bench = open_clip();
    let job = start_job(&mut bench);
    tell(
        &mut bench,
        vec![Event::Job(
            job,
            JobEvent::Failed(report("the card caught fire")),
        )],
    );
    assert_offered(&mut bench, &["Show details"]);
    press(&mut bench, "Try again");
    assert!(sent_job(&bench.state().script().take_asked()).is_some());
}

#[test]
fn a_changed_prompt_makes_it_update() {
    let mut bench = open_clip();
    translate_all(&mut bench);
    let n_keyframes = bench.state().project().keyframes().len();
    let mut spec = Box::new(bench.state().project().edits.spec.clone());
    spec.prompt += ", at night";
    let change = fresco_studio::app::Action::Change {
        what: fresco_studio::app::settings::Setting::Prompt,
        spec,
        gesture: fresco_studio::app::actions::Gesture::Finished,
    };
    super::ask(&mut bench, change);
    let label = format!("Update {n_keyframes} keyframes");
    assert_offered(&mut bench, &["Translate all again", "Export…"]);
    press(&mut bench, &label);
    assert!(sent_job(&bench.state().script().take_asked()).is_some());
}

#[test]
fn with_keyframes_alone_it_fills() {
    let mut bench = open_clip();
    translate_all(&mut bench);
    let mut spec = Box::new(bench.state().project().edits.spec.clone());
    spec.no_fill = false;
    let change = fresco_studio::app::Action::Change {
        what: fresco_studio::app::settings::Setting::Fill,
        spec,
        gesture: fresco_studio::app::actions::Gesture::Finished,
    };
    super::ask(&mut bench, change);
    assert_offered(&mut bench, &["Export keyframes…"]);
    assert!(
        bench
            .query_by_role_and_label(Role::Button, "Fill in-betweens")
            .is_some()
    );
}

#[test]
fn with_everything_current_it_exports() {
    let mut bench = open_clip();
    let mut spec = Box::new(bench.state().project().edits.spec.clone());
    spec.keyframe_gap = fresco_studio::pipeline::job::KeyframeGap::Fixed(1);
    let change = fresco_studio::app::Action::Change {
        what: fresco_studio::app::settings::Setting::KeyframeGap,
        spec,
        gesture: fresco_studio::app::actions::Gesture::Finished,
    };
    super::ask(&mut bench, change);
    translate_all(&mut bench);
    press(&mut bench, "Export…");
    assert!(matches!(
        bench.state().state().dialogs[..],
        [Dialog::Export(_)]
    ));
    press(&mut bench, "Export");
    let asked = bench.state().script().take_asked();
    let exports = |asked: &Asked| matches!(asked, Asked::Sent(Command::Export(..)));
    assert!(asked.iter().any(exports), "{asked:?}");
}
