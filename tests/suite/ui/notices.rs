//! States in which something is missing or wrong: each is said, and its button does what it says.

use egui_kittest::kittest::Queryable as _;
use fresco_studio::app::actions::FilePick;
use fresco_studio::app::state::{Dialog, PreferencesPage};
use fresco_studio::pipeline::error::Error;
use fresco_studio::worker::message::{DeviceStatus, Event, JobEvent, Report, SourceEvent};

use super::{Bench, CLIP, names, open_clip, press, start_job, start_screen, tell};
use crate::facts::report;

pub fn assert_said(bench: &Bench, text: &str) {
    let names = names(bench);
    assert!(
        names.iter().any(|name| name.contains(text)),
        "{text:?} is not in {names:?}"
    );
}

fn source(event: SourceEvent) -> Vec<Event> {
    vec![Event::Source(CLIP.into(), event)]
}

#[test]
fn without_ffmpeg_it_can_be_located() {
    let mut bench = open_clip();
    tell(
        &mut bench,
        vec![Event::Ffmpeg(Err(report("ffmpeg was not found")))],
    );
    assert_said(
        &bench,
        "FFmpeg was not found. It reads and writes video files.",
    );
    press(&mut bench, "Locate…");
    assert_eq!(*bench.state().desktop.picks.borrow(), [FilePick::Ffmpeg]);
    press(&mut bench, "How to install");
    assert_eq!(bench.state().desktop.opened.borrow().len(), 1);
}

#[test]
fn an_old_ffmpeg_is_named() {
    let mut bench = open_clip();
    let old = "FFmpeg 3.4 is too old. Version 5.1 or newer is needed.";
    tell(&mut bench, vec![Event::Ffmpeg(Err(report(old)))]);
    assert_said(&bench, "3.4 is too old");
}

#[test]
fn without_a_gpu_the_cpu_is_announced() {
    let mut bench = open_clip();
    let cpu = DeviceStatus {
        name: "CPU".into(),
        is_fallback: true,
        cards: Vec::new(),
        half: false,
        threads: 8,
    };
    tell(&mut bench, vec![Event::Device(Ok(cpu))]);
    assert_said(&bench, "No usable GPU. Translation runs on the CPU");
    press(&mut bench, "Device…");
    let page = Dialog::Preferences(PreferencesPage::Device);
    assert_eq!(bench.state().state().dialogs, [page]);
}

#[test]
fn a_file_without_pictures_is_no_video() {
    let mut bench = open_clip();
    let text = "beach.mp4 has no picture track";
    tell(&mut bench, source(SourceEvent::Failed(report(text))));
    assert_said(&bench, "beach.mp4 has no picture track.");
    press(&mut bench, "Open another…");
    assert_eq!(*bench.state().desktop.picks.borrow(), [FilePick::Video]);
}

#[test]
fn a_single_frame_is_too_short() {
    let mut bench = open_clip();
    let text = "one frame only; open a video of two frames or more";
    tell(&mut bench, source(SourceEvent::Failed(report(text))));
    assert_said(
        &bench,
        "One frame only. Open a video of two frames or more.",
    );
}

#[test]
fn a_moved_source_is_located() {
    let mut bench = open_clip();
    tell(&mut bench, source(SourceEvent::Missing));
    assert_said(&bench, "beach.mp4 is not where it was.");
    press(&mut bench, "Locate…");
    assert_eq!(*bench.state().desktop.picks.borrow(), [FilePick::Source]);
}

#[test]
fn settings_changed_while_working_apply_later() {
    let mut bench = open_clip();
    start_job(&mut bench);
    let mut spec = Box::new(bench.state().project().edits.spec.clone());
    spec.steps += 1;
    let change = fresco_studio::app::Action::Change {
        what: fresco_studio::app::settings::Setting::Steps,
        spec,
        gesture: fresco_studio::app::actions::Gesture::Finished,
    };
    super::ask(&mut bench, change);
    assert_said(&bench, "Settings changed. They apply to the next run.");
    assert!(bench.query_by_label("Restart with new settings").is_some());
}

#[test]
fn without_memory_for_the_smallest_batch_a_working_size_is_proposed() {
    let mut bench = open_clip();
    let job = start_job(&mut bench);
    let error = Error::NoRoom {
        frames: 3,
        short_side: 256,
        smaller: Some(192),
    };
    let failed = JobEvent::Failed(Report::from(&error));
    tell(&mut bench, vec![Event::Job(job, failed)]);
    assert_said(&bench, "Not enough memory for a working size of 256");
    assert_said(&bench, "192 takes clearly less.");
    press(&mut bench, "Use the smaller size");
    assert_eq!(bench.state().project().edits.spec.size, Some(192));
    let names = names(&bench);
    assert!(names.iter().all(|name| !name.contains("Not enough memory")));
}

#[test]
fn empty_panels_say_what_will_be_there() {
    let bench = open_clip();
    assert_said(&bench, "Keyframes appear here while translating.");
    assert_said(&bench, "Nothing is running.");
}

#[test]
fn an_empty_prompt_is_explained_and_can_be_written() {
    let mut bench = open_clip();
    let mut spec = Box::new(bench.state().project().edits.spec.clone());
    spec.prompt.clear();
    let change = fresco_studio::app::Action::Change {
        what: fresco_studio::app::settings::Setting::Prompt,
        spec,
        gesture: fresco_studio::app::actions::Gesture::Finished,
    };
    super::ask(&mut bench, change);
    assert_said(&bench, "Without a prompt the video only becomes cleaner.");
    press(&mut bench, "Write a prompt");
    let field = bench.get_by_role_and_label(egui::accesskit::Role::MultilineTextInput, "Prompt");
    assert!(field.is_focused());
}

#[test]
fn a_failure_keeps_its_details_for_copying() {
    let mut bench = open_clip();
    let job = start_job(&mut bench);
    tell(
        &mut bench,
        vec![Event::Job(
            job,
            JobEvent::Failed(report("the card caught fire")),
        )],
    );
    assert_said(&bench, "the card caught fire");
    press(&mut bench, "Messages (1)");
    assert_said(&bench, "Copy details");
}

#[test]
fn nothing_is_wrong_at_the_start() {
    let bench = start_screen();
    assert!(
        names(&bench)
            .iter()
            .all(|name| !name.contains("was not found"))
    );
}
