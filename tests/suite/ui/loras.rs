//! LoRAs: rows of the settings, tags of the prompt, and those that cannot be used.

use std::path::Path;

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::actions::FilePick;
use fresco_studio::app::settings::Setting;
use fresco_studio::pipeline::job::LoraSpec;
use fresco_studio::ui::dialogs::Chosen;
use fresco_studio::worker::message::{Command, Event};

use super::script::Asked;
use super::{Bench, change, names, open_clip, press, settle, tell};
use crate::facts::report;

/// The section *Sampling*, with one LoRA in the list.
fn with_ink() -> Bench {
    let mut bench = open_clip();
    bench
        .get_by_role_and_label(Role::DisclosureTriangle, "Sampling")
        .click_accesskit();
    settle(&mut bench);
    change(&mut bench, Setting::Loras, |spec| {
        spec.lora.push(LoraSpec {
            path: "/loras/ink.safetensors".into(),
            strength: 1.0,
        });
    });
    bench
}

fn loras(bench: &Bench) -> Vec<LoraSpec> {
    bench.state().project().edits.spec.lora.clone()
}

#[test]
fn a_lora_is_added_weighed_and_removed() {
    let mut bench = open_clip();
    bench
        .get_by_role_and_label(Role::DisclosureTriangle, "Sampling")
        .click_accesskit();
    settle(&mut bench);
    bench
        .get_by_role_and_label(Role::Button, "Add LoRA…")
        .click_accesskit();
    settle(&mut bench);
    assert_eq!(*bench.state().desktop.picks.borrow(), [FilePick::Lora]);
    bench.state().script().take_asked();
    let file = Path::new("/loras/ink.safetensors");
    *bench.state().desktop.answer.borrow_mut() =
        Some((FilePick::Lora, Chosen::File(file.to_owned())));
    settle(&mut bench);
    assert_eq!(loras(&bench)[0].path, file);
    let asked = bench.state().script().take_asked();
    let is_check = |asked: &Asked| matches!(asked, Asked::Sent(Command::CheckModel(spec, _)) if spec.lora[0].path == file);
    assert!(asked.iter().any(is_check), "{asked:?}");
    let slider = |bench: &mut Bench, value: f64| {
        let slider = bench.get_by_role_and_label(Role::Slider, "ink");
        slider.set_value_accesskit(value);
        settle(bench);
    };
    for (asked, is) in [(-0.72, -0.7), (9.0, 2.0)] {
        slider(&mut bench, asked);
        let strength = loras(&bench)[0].strength;
        assert!((strength - is).abs() < 1e-6, "{strength}");
    }
    bench
        .get_by_role_and_label(Role::Button, "Remove LoRA ink")
        .click_accesskit();
    settle(&mut bench);
    assert!(loras(&bench).is_empty());
}

#[test]
fn tags_of_the_prompt_are_shown_and_can_be_moved_to_the_list() {
    let mut bench = with_ink();
    change(&mut bench, Setting::Loras, |spec| {
        spec.prompt = "a fox <lora:snow:0.8>".to_owned();
    });
    for text in ["snow", "0.80, from the prompt"] {
        assert!(
            bench.query_by_label(text).is_some(),
            "{text}: {:?}",
            names(&bench)
        );
    }
    bench
        .get_by_role_and_label(Role::Button, "Move LoRAs of the prompt to the list")
        .click_accesskit();
    settle(&mut bench);
    assert_eq!(bench.state().project().edits.spec.prompt, "a fox");
    let moved = LoraSpec {
        path: "snow".into(),
        strength: 0.8,
    };
    assert_eq!(loras(&bench)[1], moved);
    assert!(bench.query_by_label("0.80, from the prompt").is_none());
}

#[test]
fn a_lora_that_does_not_fit_is_named_and_can_be_left_out() {
    let mut bench = with_ink();
    let mut why = report("cannot use the LoRA /loras/ink.safetensors");
    why.causes = vec!["it is for SDXL".to_owned()];
    tell(&mut bench, vec![Event::Model(Err(why))]);
    let text = "Cannot use the LoRA /loras/ink.safetensors: it is for SDXL.";
    assert!(bench.query_by_label(text).is_some(), "{:?}", names(&bench));
    press(&mut bench, "Use none");
    assert!(loras(&bench).is_empty());
}

#[test]
fn a_lora_of_the_prompt_is_mended_there() {
    let mut bench = open_clip();
    change(&mut bench, Setting::Loras, |spec| {
        spec.prompt = "a fox <lora:snow:0.8>".to_owned();
    });
    let why = report("there is no LoRA \"snow\"; name a file");
    tell(&mut bench, vec![Event::Model(Err(why))]);
    press(&mut bench, "Edit the prompt");
    let field = bench.get_by_role_and_label(Role::MultilineTextInput, "Prompt");
    assert!(field.is_focused());
}
