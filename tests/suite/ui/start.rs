//! From the start screen to a first try.

use std::path::Path;
use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::actions::FilePick;
use fresco_studio::app::state::Dialog;
use fresco_studio::ui::dialogs::Chosen;
use fresco_studio::worker::message::{Command, FileTask};

use super::script::Asked;
use super::{
    CLIP, clip_known, key, names, open_clip, press, settle, start_screen, tell, write_prompt,
};

#[derive(Debug)]
struct Dropped;

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        Path::new(CLIP)
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("it is not read by the window".to_owned())
    }
}

#[test]
fn a_dropped_video_is_tried_in_three_actions() {
    let mut bench = start_screen();
    // The first: drop a video.
    bench.input_mut().dropped_files = vec![Arc::new(Dropped)];
    settle(&mut bench);
    assert!(
        bench.query_by_label("Drop a video here").is_none(),
        "the main window is open"
    );
    tell(&mut bench, clip_known());
    // The second: a prompt.
    bench
        .get_by_role_and_label(Role::MultilineTextInput, "Prompt")
        .focus();
    settle(&mut bench);
    bench.event(egui::Event::Text("an oil painting".into()));
    settle(&mut bench);
    assert_eq!(bench.state().project().edits.spec.prompt, "an oil painting");
    bench.state().script().take_asked();
    // The third: Try.
    press(&mut bench, "Try");
    let asked = bench.state().script().take_asked();
    let tried = asked.iter().find_map(|asked| match asked {
        Asked::Tried(request) => Some(&request.trial),
        _ => None,
    });
    assert_eq!(
        tried.expect("a frame is tried").spec.prompt,
        "an oil painting"
    );
}

#[test]
fn the_start_screen_says_what_is_ready() {
    let bench = start_screen();
    for text in [
        "Ready: Demo model (demonstration)",
        "Ready: Test card",
        "Ready: FFmpeg 7.1",
    ] {
        assert!(
            bench.query_by_label(text).is_some(),
            "{text} not in {:?}",
            names(&bench)
        );
    }
}

#[test]
fn buttons_of_the_start_screen_open_dialogs() {
    let mut bench = start_screen();
    press(&mut bench, "Open video…");
    press(&mut bench, "Open project…");
    let picks = bench.state().desktop.picks.borrow().clone();
    assert_eq!(picks, [FilePick::Video, FilePick::Project]);
}

#[test]
fn a_chosen_file_is_opened() {
    let mut bench = start_screen();
    press(&mut bench, "Open video…");
    *bench.state().desktop.answer.borrow_mut() = Some((FilePick::Video, Chosen::File(CLIP.into())));
    settle(&mut bench);
    let asked = bench.state().script().take_asked();
    let opens = |asked: &Asked| matches!(asked, Asked::Sent(Command::Open(path)) if *path == *CLIP);
    assert!(asked.iter().any(opens), "{asked:?}");
}

#[test]
fn without_a_file_dialog_the_palette_takes_a_path() {
    let mut bench = start_screen();
    press(&mut bench, "Open video…");
    *bench.state().desktop.answer.borrow_mut() = Some((FilePick::Video, Chosen::NoDialog));
    settle(&mut bench);
    assert!(names(&bench).contains(&"this system shows no file dialog".to_owned()));
    press(&mut bench, "Type a path");
    let open = bench.state().state().dialogs.clone();
    assert!(matches!(open[..], [Dialog::Palette(_)]), "{open:?}");
    bench.get_by_label("Search commands").type_text(CLIP);
    settle(&mut bench);
    key(&mut bench, Modifiers::NONE, Key::Enter);
    let project = bench.state().project();
    assert_eq!(project.edits.spec.source, Path::new(CLIP));
}

#[test]
fn the_demo_clip_is_written_before_it_is_opened() {
    let mut bench = start_screen();
    bench.state().script().take_asked();
    press(&mut bench, "Try the demo clip");
    let asked = bench.state().script().take_asked();
    let opens = |asked: &&Asked| matches!(asked, Asked::Sent(Command::Open(_)));
    assert_eq!(asked.iter().filter(opens).count(), 1, "{asked:?}");
    assert!(bench.state().state().project.is_some());
}

#[test]
fn a_missing_recent_file_says_so() {
    let mut bench = start_screen();
    let mut preferences = Box::new(bench.state().state().preferences.clone());
    preferences.recent = vec!["/clips/gone.mp4".into()];
    super::ask(
        &mut bench,
        fresco_studio::app::Action::SetPreferences(preferences),
    );
    let looked =
        fresco_studio::worker::message::FileAnswer::Looked(vec![("/clips/gone.mp4".into(), false)]);
    tell(
        &mut bench,
        vec![fresco_studio::worker::message::Event::File(looked)],
    );
    assert!(bench.query_by_label("file is missing").is_some());
    press(&mut bench, "Forget gone.mp4");
    assert!(bench.state().state().preferences.recent.is_empty());
}

#[test]
fn the_palette_opens_a_path() {
    let mut bench = start_screen();
    key(&mut bench, Modifiers::COMMAND, Key::K);
    bench.event(egui::Event::Text(CLIP.into()));
    settle(&mut bench);
    bench.state().script().take_asked();
    key(&mut bench, Modifiers::NONE, Key::Enter);
    let asked = bench.state().script().take_asked();
    let opens = |asked: &Asked| matches!(asked, Asked::Sent(Command::Open(path)) if *path == *CLIP);
    assert!(asked.iter().any(opens), "{asked:?}");
    assert!(
        bench.state().state().dialogs.is_empty(),
        "the palette is closed"
    );
}

#[test]
fn the_palette_finds_a_command() {
    let mut bench = open_clip();
    write_prompt(&mut bench);
    key(&mut bench, Modifiers::COMMAND, Key::K);
    bench.event(egui::Event::Text("wipe".into()));
    settle(&mut bench);
    key(&mut bench, Modifiers::NONE, Key::Enter);
    let mode = bench.state().project().view.mode;
    assert_eq!(mode, fresco_studio::app::view::ViewerMode::Wipe);
}

#[test]
fn changes_are_saved_by_themselves() {
    let mut bench = open_clip();
    bench.state().script().take_asked();
    // Ten seconds of a still window, in frames of a sixtieth.
    for _ in 0..(11 * 60) {
        bench.step();
    }
    let asked = bench.state().script().take_asked();
    let saves = |asked: &Asked| matches!(asked, Asked::Sent(Command::File(FileTask::Save { .. })));
    assert!(asked.iter().any(saves), "{asked:?}");
}
