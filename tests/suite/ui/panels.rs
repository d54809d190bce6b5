//! Panels can be hidden and come back as they were left; the status bar tells how long a job has run.

use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::actions::Action;
use fresco_studio::app::preferences::Preferences;
use fresco_studio::worker::message::{Command, Event, FileTask};

use super::script::Asked;
use super::{Bench, ask, names, open_clip, press, settle, start_job, tell, window};

const TOGGLES: [(&str, &str); 3] = [
    ("Show or hide settings", "Settings panel"),
    ("Show or hide timeline", "Timeline panel"),
    ("Show or hide keyframes", "Keyframes panel"),
];

fn is_shown(bench: &Bench, panel: &str) -> bool {
    bench.query_by_label(panel).is_some()
}

/// The preferences that were written last.
fn stored(bench: &Bench) -> Option<Preferences> {
    let asked = bench.state().script().take_asked().into_iter().rev();
    asked.into_iter().find_map(|asked| match asked {
        Asked::Sent(Command::File(FileTask::Save { text, .. })) => {
            Some(Preferences::from_text(&text).0)
        }
        _ => None,
    })
}

#[test]
fn each_panel_is_hidden_and_shown_and_that_is_stored() {
    let mut bench = open_clip();
    for (toggle, panel) in TOGGLES {
        assert!(is_shown(&bench, panel), "{panel}");
        press(&mut bench, toggle);
        assert!(!is_shown(&bench, panel), "{panel}");
        assert!(is_shown(&bench, "Viewer panel"));
        let stored = stored(&bench).expect("the preferences are written");
        let hidden = [
            stored.hides_settings,
            stored.hides_timeline,
            stored.hides_results,
        ];
        assert_eq!(hidden.into_iter().filter(|hidden| *hidden).count(), 1);
        press(&mut bench, toggle);
        assert!(is_shown(&bench, panel), "{panel}");
    }
}

#[test]
fn without_the_settings_the_one_button_is_still_there() {
    let mut bench = open_clip();
    press(&mut bench, "Show or hide settings");
    assert!(!is_shown(&bench, "Settings panel"));
    start_job(&mut bench);
}

#[test]
fn reset_layout_brings_all_panels_back() {
    let mut bench = open_clip();
    for (toggle, _) in TOGGLES {
        press(&mut bench, toggle);
    }
    assert!(TOGGLES.iter().all(|(_, panel)| !is_shown(&bench, panel)));
    bench.get_by_label("View").click();
    settle(&mut bench);
    press(&mut bench, "Reset layout");
    assert!(TOGGLES.iter().all(|(_, panel)| is_shown(&bench, panel)));
    assert!(!stored(&bench).expect("it is stored").hides_settings);
}

#[test]
fn panels_that_were_hidden_are_hidden_at_the_next_start() {
    let mut bench = window(
        egui::Vec2::new(1440.0, 900.0),
        egui::Theme::Dark,
        Some(super::CLIP.into()),
    );
    let preferences = Preferences {
        hides_timeline: true,
        ..Preferences::default()
    };
    let (read, lost) = Preferences::from_text(&preferences.to_text());
    assert!(lost.is_empty());
    ask(&mut bench, Action::SetPreferences(Box::new(read)));
    tell(&mut bench, super::clip_known());
    assert!(!is_shown(&bench, "Timeline panel") && is_shown(&bench, "Settings panel"));
}

#[test]
fn a_narrow_window_has_a_strip_of_keyframes() {
    let width = |window_width: f32| {
        let mut bench = window(
            egui::Vec2::new(window_width, 700.0),
            egui::Theme::Dark,
            Some(super::CLIP.into()),
        );
        tell(&mut bench, super::clip_known());
        let panel = bench.get_by_label("Keyframes panel").rect();
        window_width - panel.left()
    };
    assert!(width(1300.0) > 200.0 && width(1100.0) < 130.0);
}

#[test]
fn elapsed_time_stands_beside_the_time_left() {
    let mut bench = open_clip();
    let job = start_job(&mut bench);
    let stage = fresco_studio::worker::message::Stage::Keyframes;
    let event = fresco_studio::worker::message::JobEvent::Stage(stage);
    tell(&mut bench, vec![Event::Job(job, event)]);
    bench.run_steps(150);
    let told = |bench: &Bench| {
        let names = names(bench).into_iter();
        names
            .filter(|name| name.contains("0:02 elapsed · measuring"))
            .count()
    };
    assert_eq!(told(&bench), 1, "{:?}", names(&bench));
    press(&mut bench, "Jobs");
    assert_eq!(told(&bench), 2, "the list says it too");
}
