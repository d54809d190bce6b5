//! The settings panel: what is typed is brought into range, what is changed can be reset.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fresco_studio::app::settings::{Section, Setting};
use fresco_studio::pipeline::job::{ConsistencySpec, FillPreset};
use fresco_studio::worker::message::{Event, TokenCount};

use super::{Bench, key, open_clip, press, settle, tell};

/// Opens a section of the settings.
pub fn unfold(bench: &mut Bench, section: &str) {
    bench
        .get_by_role_and_label(Role::DisclosureTriangle, section)
        .click_accesskit();
    settle(bench);
}

#[test]
fn every_setting_has_a_control() {
    let mut bench = open_clip();
    for folded in [
        "Quality words and negative prompt",
        "Sampling",
        "Consistency",
        "In-betweens",
    ] {
        unfold(&mut bench, folded);
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

#[test]
fn in_betweens_have_an_effort_and_a_blending() {
    let mut bench = open_clip();
    unfold(&mut bench, "In-betweens");
    let in_betweens = |bench: &Bench| bench.state().project().edits.spec.in_betweens;
    // The scripted clip wants keyframes alone, and then there is nothing to set.
    let blending = |bench: &mut Bench| {
        bench
            .get_by_role_and_label(Role::CheckBox, "Gradient blending")
            .click_accesskit();
        settle(bench);
    };
    bench
        .get_by_role_and_label(Role::CheckBox, "Fill")
        .click_accesskit();
    settle(&mut bench);
    assert!(!bench.state().project().edits.spec.no_fill);
    blending(&mut bench);
    assert!(in_betweens(&bench).no_gradient_blending);
    bench
        .get_by_role_and_label(Role::ComboBox, "Effort")
        .click_accesskit();
    settle(&mut bench);
    press(&mut bench, "Draft");
    assert_eq!(in_betweens(&bench).fill_preset, FillPreset::Draft);
    press(&mut bench, "Reset section In-betweens");
    assert_eq!(
        in_betweens(&bench),
        fresco_studio::pipeline::job::JobSpec::default().in_betweens
    );
}

#[test]
fn a_look_brings_its_settings_as_one_step() {
    let mut bench = open_clip();
    let before = bench.state().project().edits.spec.clone();
    bench
        .get_by_role_and_label(Role::ComboBox, "Look")
        .click_accesskit();
    settle(&mut bench);
    let neon = fresco_studio::pipeline::job::Look::named("neon").unwrap();
    press(&mut bench, &neon.title);
    let spec = &bench.state().project().edits.spec;
    assert_eq!(spec.look.as_deref(), Some("neon"));
    assert!((spec.guidance_scale - neon.guidance_scale).abs() < 1e-6);
    key(&mut bench, Modifiers::COMMAND, Key::Z);
    assert_eq!(bench.state().project().edits.spec, before);
}

#[test]
fn the_prompt_says_how_long_it_is() {
    let mut bench = open_clip();
    for (tokens, one_chunk_only, text) in [
        (23, false, "23 / 75 tokens"),
        (80, false, "80 / 150 tokens"),
        (80, true, "80 / 75 tokens, the last 5 are not read"),
    ] {
        let count = TokenCount {
            tokens,
            chunk: 75,
            one_chunk_only,
        };
        tell(&mut bench, vec![Event::Tokens(Some(count))]);
        assert!(
            bench.query_by_label(text).is_some(),
            "{:?}",
            super::names(&bench)
        );
    }
    tell(&mut bench, vec![Event::Tokens(None)]);
    assert!(bench.query_by_label_contains("tokens").is_none());
}

#[test]
fn memory_and_time_are_told_above_the_button_and_can_be_made_to_fit() {
    let mut bench = open_clip();
    let told = bench.get_by_label_contains("about ").rect();
    assert!(told.bottom() <= super::button(&bench, "Translate").rect().top());
    let mut preferences = Box::new(bench.state().state().preferences.clone());
    preferences.memory_limit_gb = Some(1);
    let mut spec = Box::new(bench.state().project().edits.spec.clone());
    spec.size = Some(1024);
    super::ask(
        &mut bench,
        fresco_studio::app::Action::SetPreferences(preferences),
    );
    super::ask(
        &mut bench,
        fresco_studio::app::Action::Change {
            what: Setting::WorkingSize,
            spec,
            gesture: fresco_studio::app::actions::Gesture::Finished,
        },
    );
    assert!(
        bench
            .query_by_label_contains("needed, limit 1.0 GB")
            .is_some(),
        "{:?}",
        super::names(&bench)
    );
    let names = super::names(&bench);
    let remedy = names
        .iter()
        .rfind(|name| name.starts_with("Use ") && name.ends_with(char::is_numeric));
    let remedy = remedy.unwrap_or_else(|| panic!("{names:?}")).clone();
    press(&mut bench, &remedy);
    assert!(bench.query_by_label_contains("needed, limit").is_none());
}

#[test]
fn selected_words_get_more_or_less_weight() {
    let mut bench = open_clip();
    bench
        .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
        .focus();
    settle(&mut bench);
    key(&mut bench, Modifiers::COMMAND, Key::A);
    key(&mut bench, Modifiers::COMMAND, Key::ArrowUp);
    let prompt = |bench: &Bench| bench.state().project().edits.spec.prompt.clone();
    assert_eq!(prompt(&bench), "(a watercolour:1.1)");
    key(&mut bench, Modifiers::COMMAND, Key::ArrowUp);
    assert_eq!(prompt(&bench), "(a watercolour:1.2)");
    for _ in 0..3 {
        key(&mut bench, Modifiers::COMMAND, Key::ArrowDown);
    }
    assert_eq!(prompt(&bench), "(a watercolour:0.9)");
}

#[test]
fn constraints_can_work_in_other_ways_where_they_are_on() {
    let mut bench = open_clip();
    unfold(&mut bench, "Consistency");
    unfold(&mut bench, "Constraints");
    let guidance = |bench: &Bench| bench.state().project().edits.spec.guidance.clone();
    let switch = |bench: &mut Bench, label: &str| {
        bench
            .get_by_role_and_label(Role::CheckBox, label)
            .click_accesskit();
        settle(bench);
    };
    let labels = ["Plain recording", "Drop unrelated wrap", "Keep foreground"];
    for label in labels {
        switch(&mut bench, label);
    }
    let ways = ConsistencySpec {
        plain_recording: true,
        drop_unrelated_wrap: true,
        smooth_background_only: true,
        ..ConsistencySpec::default()
    };
    assert_eq!(guidance(&bench), ways);
    switch(&mut bench, "Drop unrelated wrap");
    assert!(!guidance(&bench).drop_unrelated_wrap);

    let is_possible = |bench: &Bench, label| {
        let switch = bench.get_by_role_and_label(Role::CheckBox, label);
        !switch.accesskit_node().is_disabled()
    };
    let possible = |bench: &Bench| labels.map(|label| is_possible(bench, label));
    assert_eq!(possible(&bench), [true; 3]);
    switch(&mut bench, "Background smoothing");
    assert_eq!(possible(&bench), [true, true, false]);
    switch(&mut bench, "Temporal loss");
    assert_eq!(possible(&bench), [true, false, false]);
    switch(&mut bench, "Spatial attention");
    switch(&mut bench, "Spatial loss");
    assert_eq!(possible(&bench), [false; 3]);
}
