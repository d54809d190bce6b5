//! The prompt editor says what it cannot read.

use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::actions::{Action, Gesture};
use fresco_studio::app::settings::Setting;
use fresco_studio::worker::message::Event;

use super::{Bench, ask, facts, names, open_clip, settle, tell};

fn write(bench: &mut Bench, prompt: &str) {
    let mut spec = Box::new(bench.state().project().edits.spec.clone());
    prompt.clone_into(&mut spec.prompt);
    let change = Action::Change {
        what: Setting::Prompt,
        spec,
        gesture: Gesture::Finished,
    };
    ask(bench, change);
}

fn says(bench: &Bench, text: &str) -> bool {
    names(bench).iter().any(|name| name.contains(text))
}

#[test]
fn faults_are_told_in_words_and_go_when_they_are_mended() {
    let mut bench = open_clip();
    for (prompt, text) in [
        ("a (red fox", "(  no ) closes it"),
        ("a red] fox", "]  no [ opens it"),
        ("a (red:abc) fox", ":abc  no number"),
        (
            "a fox <lora:ink:strong>",
            "<lora:ink:strong>  expected a LoRA as in",
        ),
    ] {
        write(&mut bench, prompt);
        assert!(says(&bench, text), "{prompt}: {:?}", names(&bench));
    }
    write(&mut bench, "a (red:1.2) fox <lora:ink:0.5>");
    assert!(!says(&bench, "no number") && !says(&bench, "expected a LoRA"));
}

#[test]
fn a_lora_that_is_not_there_is_marked() {
    let mut bench = open_clip();
    write(&mut bench, "a fox <lora:oil>");
    let reason = "there is no LoRA \"oil\"; name a .safetensors file";
    tell(&mut bench, vec![Event::Model(Err(facts::report(reason)))]);
    assert!(
        says(&bench, &format!("<lora:oil>  {reason}")),
        "{:?}",
        names(&bench)
    );
}

#[test]
fn the_reason_is_shown_under_the_pointer() {
    let mut bench = open_clip();
    write(&mut bench, "(((((((((((((((((( fox");
    let reason = "no ) closes it; \\( is the bracket itself";
    let exact = |bench: &Bench| names(bench).iter().filter(|name| *name == reason).count();
    assert_eq!(exact(&bench), 0);
    let editor = bench
        .get_by_role_and_label(egui::accesskit::Role::MultilineTextInput, "Prompt")
        .rect();
    bench.hover_at(editor.left_top() + egui::vec2(24.0, 14.0));
    settle(&mut bench);
    bench.run_steps(60);
    assert_eq!(exact(&bench), 1, "{:?}", names(&bench));
}
