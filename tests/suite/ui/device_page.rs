//! The preferences of the device: precision, memory, threads; what they change, what cannot be chosen and why.

use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fresco_studio::app::Action;
use fresco_studio::app::preferences::Preferences;
use fresco_studio::app::state::PreferencesPage;
use fresco_studio::pipeline::job::Precision;
use fresco_studio::worker::message::{Command, DeviceStatus, Event, FileTask};

use super::models::sent;
use super::notices::assert_said;
use super::{Bench, ask, open_clip, settle, tell};

/// The page, on a card that has half precision or not.
pub fn page(mut bench: Bench, half: bool) -> Bench {
    let card = DeviceStatus {
        name: "Test card".into(),
        is_fallback: false,
        cards: vec!["Test card".into()],
        half,
        threads: 8,
    };
    tell(&mut bench, vec![Event::Device(Ok(card))]);
    ask(&mut bench, Action::ShowPreferences(PreferencesPage::Device));
    bench.state().script().take_asked();
    bench
}

fn click(bench: &mut Bench, role: Role, name: &str) {
    bench.get_by_role_and_label(role, name).click_accesskit();
    settle(bench);
}

/// What is written to the file of preferences.
fn saved(bench: &Bench) -> Preferences {
    let commands = sent(bench);
    let text = commands.iter().rev().find_map(|command| match command {
        Command::File(FileTask::Save { path, text }) if path.ends_with(Preferences::FILE) => {
            Some(text)
        }
        _ => None,
    });
    let (preferences, lost) = Preferences::from_text(text.expect("the preferences are saved"));
    assert!(lost.is_empty(), "{lost:?}");
    preferences
}

#[test]
fn a_precision_is_chosen_and_kept() {
    let mut bench = page(open_clip(), true);
    assert_said(&bench, "Test card · half precision");
    click(&mut bench, Role::RadioButton, "full");
    assert_eq!(saved(&bench).precision, Precision::Full);
    assert_said(&bench, "Test card · full precision");
    click(&mut bench, Role::RadioButton, "half");
    assert_eq!(saved(&bench).precision, Precision::Half);
}

#[test]
fn half_precision_is_disabled_with_the_reason_where_there_is_none() {
    let mut bench = page(open_clip(), false);
    let half = bench.get_by_role_and_label(Role::RadioButton, "half");
    assert!(half.accesskit_node().is_disabled());
    assert_said(&bench, "Test card has no half precision.");
    assert_said(&bench, "Test card · full precision");
    click(&mut bench, Role::RadioButton, "half");
    assert_eq!(
        bench.state().state().preferences.precision,
        Precision::Auto,
        "nothing happens"
    );
}

#[test]
fn threads_are_limited_from_the_next_start_on() {
    let mut bench = page(open_clip(), true);
    assert_said(&bench, "8 now. A change holds from the next start on.");
    click(&mut bench, Role::CheckBox, "Limit CPU threads");
    assert_eq!(saved(&bench).cpu_threads, Some(8));
    assert!(
        bench
            .query_by_role_and_label(Role::SpinButton, "CPU threads")
            .is_some()
    );
    click(&mut bench, Role::CheckBox, "Limit CPU threads");
    assert_eq!(saved(&bench).cpu_threads, None);
    click(&mut bench, Role::CheckBox, "Limit memory");
    assert_eq!(saved(&bench).memory_limit_gb, Some(8));
}

#[test]
fn the_file_of_preferences_may_be_older_or_wrong() {
    let chosen = Preferences {
        precision: Precision::Full,
        cpu_threads: Some(3),
        ..Preferences::default()
    };
    assert_eq!(Preferences::from_text(&chosen.to_text()), (chosen, vec![]));
    let (older, lost) = Preferences::from_text("autosave-secs = 9");
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(
        (older.precision, older.cpu_threads),
        (Precision::Auto, None)
    );
    let (wrong, lost) = Preferences::from_text("precision = \"double\"\ncpu-threads = 0");
    assert_eq!(lost, ["precision"]);
    assert_eq!(
        (wrong.precision, wrong.cpu_threads),
        (Precision::Auto, Some(1))
    );
}
