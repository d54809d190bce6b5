//! The settings panel: what is typed is brought into range, what is changed can be reset.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::settings::{Section, Setting};

use super::{key, open_clip, press, settle};

#[test]
fn every_setting_has_a_control() {
    let mut bench = open_clip();
    for folded in [
        "Quality words and negative prompt",
        "Sampling",
        "Consistency",
        "In-betweens",
    ] {
        bench
            .get_by_role_and_label(Role::DisclosureTriangle, folded)
            .click_accesskit();
        settle(&mut bench);
    }
    let names = super::names(&bench);
    for setting in Section::ALL.into_iter().flat_map(Section::settings) {
        // In the inspector, with Canny alone, and in two parts.
        let label = match setting {
            Setting::ExtraWords | Setting::Canny => continue,
            Setting::KeyframeGap => "Largest keyframe gap",
            other => other.label(),
        };
        assert!(
            names.iter().any(|name| name.contains(label)),
            "{label} is not in {names:?}"
        );
    }
}

#[test]
fn a_value_out_of_range_is_brought_into_it() {
    let mut bench = open_clip();
    let field = bench.get_by_role_and_label(Role::SpinButton, "Working size");
    field.click();
    settle(&mut bench);
    key(&mut bench, Modifiers::COMMAND, Key::A);
    bench.event(egui::Event::Text("5000".into()));
    settle(&mut bench);
    key(&mut bench, Modifiers::NONE, Key::Enter);
    assert_eq!(bench.state().project().edits.spec.size, Some(1024));
}

#[test]
fn a_changed_section_is_reset() {
    let mut bench = open_clip();
    let slider = bench.get_by_role_and_label(Role::Slider, "Strength");
    slider.set_value_accesskit(1.5);
    settle(&mut bench);
    assert!((bench.state().project().edits.spec.control_strength - 1.5).abs() < 1e-3);
    press(&mut bench, "Reset section Control");
    assert!((bench.state().project().edits.spec.control_strength - 1.0).abs() < 1e-3);
    key(&mut bench, Modifiers::COMMAND, Key::Z);
    assert!((bench.state().project().edits.spec.control_strength - 1.5).abs() < 1e-3);
}

#[test]
fn the_edit_menu_names_the_step() {
    let mut bench = open_clip();
    let slider = bench.get_by_role_and_label(Role::Slider, "Strength");
    slider.set_value_accesskit(1.5);
    settle(&mut bench);
    press(&mut bench, "Edit");
    assert!(
        bench.query_by_label("Undo change strength").is_some(),
        "{:?}",
        super::names(&bench)
    );
}

#[test]
fn preferences_change_theme_and_scale() {
    use fresco_studio::app::preferences::ThemeChoice;
    let mut bench = open_clip();
    key(&mut bench, Modifiers::COMMAND, Key::Comma);
    bench.get_by_label("Appearance").click();
    settle(&mut bench);
    bench
        .get_by_role_and_label(Role::RadioButton, "Light")
        .click();
    settle(&mut bench);
    assert_eq!(bench.state().state().preferences.theme, ThemeChoice::Light);
    assert_eq!(bench.ctx.theme(), egui::Theme::Light);
}
