//! Every control has a name, in every dialog and state; Tab goes in reading order.

use egui::accesskit::Role;
use egui::{Key, Modifiers, Vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fresco_studio::app::Action;
use fresco_studio::app::actions::ExportWhat;
use fresco_studio::app::state::{Dialog, PreferencesPage};
use fresco_studio::app::view::ViewerMode;
use fresco_studio::worker::message::{ModelId, Report};

use super::{Bench, ask, key, open_clip, settle, start_job, start_screen, translate_all, window};

fn assert_named(bench: &Bench, place: &str) {
    let unnamed = bench.unnamed_widgets();
    assert!(unnamed.is_empty(), "{place}: {unnamed:#?}");
}

#[test]
fn every_control_of_every_dialog_has_a_name() {
    let mut bench = open_clip();
    translate_all(&mut bench);
    super::tell(&mut bench, super::models::all_states());
    let pages = [
        PreferencesPage::General,
        PreferencesPage::Appearance,
        PreferencesPage::Device,
        PreferencesPage::Models,
        PreferencesPage::Video,
        PreferencesPage::Shortcuts,
    ];
    let report = Report {
        summary: "a summary".into(),
        ..Report::default()
    };
    let mut openings = vec![
        Action::OpenExport(ExportWhat::Frames),
        Action::OpenExport(ExportWhat::Keyframes),
        Action::OpenDialog(Dialog::Shortcuts),
        Action::OpenDialog(Dialog::Models),
        Action::OpenDialog(Dialog::Download(ModelId("hed".into()))),
        Action::OpenDialog(Dialog::GoTo(String::new())),
        Action::OpenDialog(Dialog::Palette(String::new())),
        Action::OpenDialog(Dialog::CloseWhileWorking),
        Action::OpenDialog(Dialog::SaveBeforeClosing),
        Action::OpenDialog(Dialog::Details(report)),
        Action::OpenDialog(Dialog::About),
    ];
    openings.extend(pages.map(Action::ShowPreferences));
    for opening in openings {
        let place = format!("{opening:?}");
        ask(&mut bench, opening);
        assert!(
            !bench.state().state().dialogs.is_empty(),
            "{place} opens a dialog"
        );
        let dialogs = bench.get_all_by_role(Role::Dialog);
        assert!(
            dialogs
                .into_iter()
                .all(|node| node.accesskit_node().label().is_some()),
            "{place}"
        );
        assert_named(&bench, &place);
        while !bench.state().state().dialogs.is_empty() {
            ask(&mut bench, Action::Escape);
        }
    }
}

#[test]
fn every_control_of_the_window_has_a_name() {
    assert_named(&start_screen(), "start screen");
    let mut bench = open_clip();
    assert_named(&bench, "idle");
    for mode in ViewerMode::ALL {
        ask(&mut bench, Action::SetMode(mode));
        assert_named(&bench, mode.label());
    }
    start_job(&mut bench);
    assert_named(&bench, "working");
    for act in ["Jobs", "Messages"] {
        super::press(&mut bench, act);
        assert_named(&bench, act);
    }
}

#[test]
fn pictures_and_sliders_say_what_they_show() {
    let mut bench = open_clip();
    ask(&mut bench, Action::SetMode(ViewerMode::Wipe));
    ask(&mut bench, Action::Seek(fresco_studio::frame::FrameIdx(34)));
    for (role, name) in [
        (
            Role::Image,
            "Picture, frame 34 of 48, wipe of source and result",
        ),
        (Role::Slider, "Frame 34 of 48, 1.42 seconds"),
        (Role::Slider, "Wipe 50 percent"),
        (Role::Slider, "In point, frame 0"),
        (Role::Slider, "Out point, frame 47"),
        (Role::RadioButton, "Wipe"),
    ] {
        let found = bench.query_by_role_and_label(role, name);
        assert!(
            found.is_some(),
            "{name} is not in {:?}",
            super::names(&bench)
        );
    }
}

#[test]
fn tab_goes_in_reading_order() {
    let mut bench = open_clip();
    let wanted = [
        "Settings panel",
        "Prompt",
        "Viewer panel",
        "Timeline panel",
        "Keyframes panel",
        "Status bar",
    ];
    let mut visited: Vec<String> = Vec::new();
    for _ in 0..160 {
        bench.key_press(Key::Tab);
        settle(&mut bench);
        let focused = bench
            .root()
            .children_recursive()
            .find(egui_kittest::Node::is_focused);
        visited.extend(focused.and_then(|node| node.accesskit_node().label()));
        if visited.last().is_some_and(|last| last == "Status bar") {
            break;
        }
    }
    let mut rest = visited.iter();
    for name in wanted {
        assert!(
            rest.any(|visited| visited == name),
            "{name} is not in its place: {visited:?}"
        );
    }
}

#[test]
fn focus_returns_after_a_dialog() {
    let mut bench = open_clip();
    bench
        .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
        .focus();
    settle(&mut bench);
    key(&mut bench, Modifiers::COMMAND, Key::K);
    key(&mut bench, Modifiers::NONE, Key::Escape);
    assert!(bench.state().state().dialogs.is_empty());
    let prompt = bench.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
    assert!(prompt.is_focused());
}

#[test]
fn the_smallest_window_and_a_large_scale_hold_together() {
    let mut bench = window(
        Vec2::new(1024.0, 640.0),
        egui::Theme::Light,
        Some(super::CLIP.into()),
    );
    super::tell(&mut bench, super::clip_known());
    assert_named(&bench, "smallest");
    let button = super::button(&bench, "Translate").rect();
    assert!(button.bottom() <= 640.0 && button.width() > 100.0);
    bench.set_pixels_per_point(2.0);
    settle(&mut bench);
    assert_named(&bench, "twice the pixels");
}
