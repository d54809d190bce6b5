//! The shortcut table: every key asks for its act, none while typing, none clashes.

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, RawInput};
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::actions::Step;
use fresco_studio::app::state::Dialog;
use fresco_studio::app::view::ViewerMode;
use fresco_studio::frame::FrameIdx;
use fresco_studio::ui::acts;
use fresco_studio::ui::keys::{KeyTaker, Press};
use fresco_studio::ui::shortcuts::{Act, Keys, TABLE};

use super::{key, open_clip, press, settle};

fn down(keys: Keys) -> Vec<Event> {
    let event = |key, modifiers| Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers,
    };
    let held = keys.held.map(|key| event(key, Modifiers::NONE));
    held.into_iter()
        .chain([event(keys.key, typed(keys.modifiers))])
        .collect()
}

/// As a keyboard sends them: `command` is Ctrl here.
fn typed(modifiers: Modifiers) -> Modifiers {
    Modifiers {
        ctrl: modifiers.command,
        ..modifiers
    }
}

/// What the plugin takes of some events, and what is left of them.
fn taken(events: Vec<Event>) -> (Vec<Act>, Vec<Event>) {
    let ctx = egui::Context::default();
    let mut taker = KeyTaker::default();
    let mut input = RawInput {
        events,
        ..RawInput::default()
    };
    egui::Plugin::input_hook(&mut taker, &ctx, &mut input);
    let acts = taker
        .take()
        .into_iter()
        .filter(|press| press.is_down)
        .map(|press| press.act);
    (acts.collect(), input.events)
}

#[test]
fn every_key_asks_for_its_act() {
    for row in TABLE {
        for keys in row.keys {
            let (acts, _) = taken(down(*keys));
            assert_eq!(
                acts.last(),
                Some(&row.act),
                "{} by {}",
                row.label,
                keys.text(false)
            );
        }
    }
}

#[test]
fn the_toolkit_never_sees_a_taken_key() {
    for row in TABLE.iter().filter(|row| row.act != Act::Dismiss) {
        for keys in row.keys {
            let (_, left) = taken(down(*keys));
            assert!(left.is_empty(), "{}: {left:?}", row.label);
        }
    }
}

#[test]
fn no_two_rows_have_the_same_keys_on_any_system() {
    for is_mac in [false, true] {
        let mut texts: Vec<(String, &str)> = Vec::new();
        for row in TABLE {
            texts.extend(row.keys.iter().map(|keys| (keys.text(is_mac), row.label)));
        }
        texts.sort();
        for pair in texts.windows(2) {
            assert_ne!(pair[0].0, pair[1].0, "{} and {}", pair[0].1, pair[1].1);
        }
    }
}

#[test]
fn no_key_is_one_that_a_system_keeps_for_itself() {
    // Quit, hide and minimise on macOS; close, switch and lock elsewhere.
    for row in TABLE.iter().filter(|row| row.act != Act::Quit) {
        for keys in row.keys {
            let command = keys.modifiers.command;
            assert!(
                !(command && matches!(keys.key, Key::H | Key::W | Key::Q)),
                "{}",
                row.label
            );
            assert!(
                !(keys.modifiers.alt && matches!(keys.key, Key::F4 | Key::Tab)),
                "{}",
                row.label
            );
        }
    }
}

#[test]
fn nothing_fires_while_typing() {
    let mut bench = open_clip();
    bench
        .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
        .focus();
    settle(&mut bench);
    let before = bench.state().project().view.clone();
    for row in TABLE {
        for keys in row
            .keys
            .iter()
            .filter(|keys| keys.is_typed() && keys.held.is_none())
        {
            key(&mut bench, keys.modifiers, keys.key);
        }
    }
    let after = &bench.state().project().view;
    assert_eq!(
        (after.playhead, after.mode, after.overlay),
        (before.playhead, before.mode, before.overlay)
    );
    assert!(!after.playback.is_playing());
    assert!(bench.state().state().dialogs.is_empty());
}

#[test]
fn a_taken_key_types_nothing_into_the_next_field() {
    let mut events = down(
        TABLE
            .iter()
            .find(|row| row.act == Act::Palette)
            .unwrap()
            .keys[0],
    );
    events.push(Event::Text("k".into()));
    let (acts, left) = taken(events);
    assert_eq!((acts, left.len()), (vec![Act::Palette], 0));
}

#[test]
fn after_tab_space_belongs_to_the_control() {
    let mut bench = open_clip();
    bench.key_press(Key::Tab);
    settle(&mut bench);
    key(&mut bench, Modifiers::NONE, Key::Space);
    assert!(
        !bench.state().project().view.playback.is_playing(),
        "Space pressed the control"
    );
    key(&mut bench, Modifiers::NONE, Key::Escape);
    key(&mut bench, Modifiers::NONE, Key::Space);
    assert!(
        bench.state().project().view.playback.is_playing(),
        "after Escape it plays"
    );
}

#[test]
fn the_source_shows_as_long_as_b_is_held() {
    let mut bench = open_clip();
    bench.key_down(Key::B);
    settle(&mut bench);
    assert!(bench.state().project().view.hold_source);
    bench.key_up(Key::B);
    settle(&mut bench);
    assert!(!bench.state().project().view.hold_source);
}

#[test]
fn a_repeated_key_does_not_toggle() {
    let event = |repeat| Event::Key {
        key: Key::M,
        physical_key: None,
        pressed: true,
        repeat,
        modifiers: Modifiers::NONE,
    };
    let (acts, left) = taken(vec![event(false), event(true), event(true)]);
    assert_eq!((acts, left.len()), (vec![Act::ToggleKeyframe], 0));
}

#[test]
fn k_and_l_together_are_slow() {
    let slow = TABLE
        .iter()
        .find(|row| row.act == Act::SlowForwards)
        .unwrap();
    let (acts, _) = taken(down(slow.keys[0]));
    assert_eq!(acts, [Act::StopPlaying, Act::SlowForwards]);
}

#[test]
fn only_escape_works_in_a_dialog() {
    let mut bench = open_clip();
    key(&mut bench, Modifiers::NONE, Key::F1);
    assert_eq!(bench.state().state().dialogs, [Dialog::Shortcuts]);
    key(&mut bench, Modifiers::NONE, Key::Num5);
    assert_eq!(bench.state().project().view.mode, ViewerMode::Result);
    key(&mut bench, Modifiers::NONE, Key::Escape);
    assert!(bench.state().state().dialogs.is_empty());
}

#[test]
fn keys_move_through_time() {
    let mut bench = open_clip();
    let at = |bench: &super::Bench| bench.state().project().view.playhead;
    key(&mut bench, Modifiers::NONE, Key::ArrowRight);
    assert_eq!(at(&bench), FrameIdx(1));
    key(&mut bench, Modifiers::SHIFT, Key::ArrowRight);
    assert_eq!(at(&bench), FrameIdx(25));
    key(&mut bench, Modifiers::NONE, Key::End);
    assert_eq!(at(&bench), FrameIdx(47));
    key(&mut bench, Modifiers::NONE, Key::PageUp);
    assert_eq!(at(&bench), FrameIdx(20), "the second shot begins there");
    key(&mut bench, Modifiers::NONE, Key::ArrowUp);
    assert_eq!(
        at(&bench),
        FrameIdx(19),
        "the last frame of a shot is a keyframe"
    );
    key(&mut bench, Modifiers::NONE, Key::G);
    bench.event(Event::Text("+1s".into()));
    settle(&mut bench);
    key(&mut bench, Modifiers::NONE, Key::Enter);
    assert_eq!(at(&bench), FrameIdx(43));
    assert!(bench.state().state().dialogs.is_empty());
}

#[test]
fn every_ready_command_does_something() {
    let bench = open_clip();
    let in_the_window = [
        Act::NextPanel,
        Act::PreviousPanel,
        Act::ResetLayout,
        Act::ShowJobs,
        Act::ShowMessages,
    ];
    for row in TABLE
        .iter()
        .filter(|row| row.is_ready && !in_the_window.contains(&row.act))
    {
        if acts::is_possible(row.act, bench.state().state()) {
            let actions = acts::actions(row.act, bench.state().state());
            assert!(!actions.is_empty(), "{}", row.label);
        }
    }
    let step = acts::actions(Act::FrameBack, bench.state().state());
    assert_eq!(step, [fresco_studio::app::Action::Step(Step::Frames(-1))]);
}

#[test]
fn every_command_is_in_the_palette() {
    let mut bench = open_clip();
    key(&mut bench, Modifiers::COMMAND, Key::K);
    for row in TABLE.iter().filter(|row| row.act != Act::Dismiss) {
        assert!(
            bench.query_all_by_label(row.label).next().is_some(),
            "{}",
            row.label
        );
    }
}

#[test]
fn f6_walks_the_panels_in_reading_order() {
    let mut bench = open_clip();
    let panels = [
        "Settings panel",
        "Viewer panel",
        "Timeline panel",
        "Keyframes panel",
        "Status bar",
    ];
    for name in panels {
        key(&mut bench, Modifiers::NONE, Key::F6);
        assert!(bench.get_by_label(name).is_focused(), "{name}");
    }
    key(&mut bench, Modifiers::SHIFT, Key::F6);
    assert!(bench.get_by_label("Keyframes panel").is_focused());
}

#[test]
fn a_release_is_told_apart() {
    let ctx = egui::Context::default();
    let mut taker = KeyTaker::default();
    for pressed in [true, false] {
        let event = Event::Key {
            key: Key::B,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        let mut input = RawInput {
            events: vec![event],
            focused: true,
            ..RawInput::default()
        };
        egui::Plugin::input_hook(&mut taker, &ctx, &mut input);
    }
    let press = |is_down| Press {
        act: Act::HoldSource,
        is_down,
    };
    assert_eq!(taker.take(), [press(true), press(false)]);
}

#[test]
fn menus_show_the_keys_of_the_table() {
    let mut bench = open_clip();
    press(&mut bench, "Edit");
    let names = super::names(&bench);
    assert!(
        names.iter().any(|name| name.starts_with("Undo")),
        "{names:?}"
    );
}
