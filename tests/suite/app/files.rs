//! Opening, saving, closing, and the project file.

use fresco_studio::app::actions::FilePick;
use fresco_studio::app::edits::Keyframes;
use fresco_studio::app::notices::{NoticeKind, notice};
use fresco_studio::app::preferences::{Preferences, ThemeChoice};
use fresco_studio::app::project::{self, ProjectError};
use fresco_studio::app::state::{Access, Dialog};
use fresco_studio::pipeline::job::ControlNetSpec;

use super::*;

const FILE: &str = "/films/me/films/beach.fresco.toml";

/// A window with a project that was saved under [`FILE`], and its text.
fn kept() -> (AppState, String) {
    let mut state = opened();
    set(&mut state, Setting::ControlNets, |spec| {
        spec.controlnet.push(ControlNetSpec {
            path: "/films/me/nets/hed".into(),
            clip: Some("/films/me/films/edges.mp4".into()),
            ..ControlNetSpec::default()
        });
    });
    perform(&mut state, Action::ToggleKeyframe(FrameIdx(12)));
    perform(&mut state, Action::ToggleCut(FrameIdx(8)));
    let picked = Action::Picked(FilePick::SaveProject, Some(FILE.into()));
    let effects = perform(&mut state, picked);
    let saves = saved(&effects);
    let (_, text) = saves
        .iter()
        .find(|(path, _)| path == Path::new(FILE))
        .unwrap();
    (state, text.clone())
}

#[test]
fn a_project_comes_back_as_it_was() {
    let (state, text) = kept();
    assert!(!project(&state).unsaved);
    for relative in ["../videos/beach.mp4", "../nets/hed", "\"edges.mp4\""] {
        assert!(text.contains(relative), "{text}");
    }
    assert!(!text.contains("/home"), "{text}");
    let mut again = empty();
    let asked = perform(&mut again, Action::Open(FILE.into()));
    assert!(matches!(
        asked.last(),
        Some(Effect::Send(Command::File(FileTask::Load {
            lock: true,
            ..
        })))
    ));
    let told = news(&mut again, [loaded(Path::new(FILE), Some(&text))]);
    assert!(
        told.iter()
            .any(|effect| matches!(effect, Effect::Send(Command::Open(path)) if *path == video()))
    );
    assert_eq!(project(&again).edits, project(&state).edits);
    assert_eq!(project(&again).view, project(&state).view);
    assert_eq!(project(&again).path.as_deref(), Some(Path::new(FILE)));
    assert_eq!(again.preferences.recent[0], PathBuf::from(FILE));
    news(&mut again, surveyed(&video()));
    assert_eq!(keyframes(&again), keyframes(&state));
}

#[test]
fn a_moved_folder_keeps_its_parts_together() {
    let (_, text) = kept();
    let file = project::from_text(&text, Path::new("/mnt/a/films")).unwrap();
    assert_eq!(
        file.edits.spec.source,
        PathBuf::from("/mnt/a/videos/beach.mp4")
    );
    let clip = file.edits.spec.controlnet[0].clip.clone();
    assert_eq!(clip, Some("/mnt/a/films/edges.mp4".into()));
}

#[test]
fn keys_of_other_versions_are_kept_at_their_places() {
    let (_, text) = kept();
    let mut table: toml::Table = text.parse().unwrap();
    table["settings"]
        .as_table_mut()
        .unwrap()
        .insert("aura".into(), 3.into());
    table["view"]
        .as_table_mut()
        .unwrap()
        .insert("mood".into(), "calm".into());
    table.insert("plugins".into(), toml::Value::Array(vec!["a".into()]));
    let changed = toml::to_string(&table).unwrap();
    let mut state = empty();
    perform(&mut state, Action::Open(FILE.into()));
    news(&mut state, [loaded(Path::new(FILE), Some(&changed))]);
    perform(&mut state, Action::SuggestKeyframes);
    let effects = perform(&mut state, Action::Save);
    let written: toml::Table = saved(&effects)[0].1.parse().unwrap();
    assert_eq!(written["settings"]["aura"].as_integer(), Some(3));
    assert_eq!(written["view"]["mood"].as_str(), Some("calm"));
    assert_eq!(written["plugins"].as_array().unwrap().len(), 1);
    let read = project::from_text(&changed, Path::new("/")).unwrap();
    assert!(matches!(read.edits.keyframes, Keyframes::Placed(_)));
    assert_eq!(read.unknown.len(), 3, "{:?}", read.unknown);
}

#[test]
fn older_files_are_migrated_step_by_step() {
    let (_, text) = kept();
    let rename: project::Migration = |mut table| {
        let settings = table["settings"].as_table_mut().unwrap();
        let old = settings.remove("prompt").unwrap();
        settings.insert("negative".into(), old);
        table
    };
    let shout: project::Migration = |mut table| {
        let settings = table["settings"].as_table_mut().unwrap();
        let text = settings["negative"].as_str().unwrap().to_uppercase();
        settings.insert("negative".into(), text.into());
        table
    };
    let read = |text: &str| project::from_text_migrating(text, Path::new("/"), &[rename, shout]);
    let file = read(&text).unwrap();
    assert_eq!(
        (file.edits.spec.negative.as_str(), file.is_newer),
        ("A FOX", false)
    );
    let second = text.replace("format-version = 1", "format-version = 2");
    let second = second.replace("negative = \"\"", "negative = \"fog\"");
    assert_eq!(read(&second).unwrap().edits.spec.negative, "FOG");
}

#[test]
fn what_is_no_project_is_told_so() {
    let of = |text: &str| project::from_text(text, Path::new("/")).unwrap_err();
    assert!(matches!(of("= 3"), ProjectError::Damaged(_)));
    assert_eq!(of("a = 3"), ProjectError::NoVersion);
    assert_eq!(of("format-version = 0"), ProjectError::NoVersion);
    let wrong = "format-version = 1\n[settings]\nsteps = \"many\"";
    assert!(matches!(of(wrong), ProjectError::Value(_)));
    let mut state = empty();
    perform(&mut state, Action::Open(FILE.into()));
    news(&mut state, [loaded(Path::new(FILE), Some("= 3"))]);
    assert!(state.project.is_none() && state.messages.unread() == 1);
}

#[test]
fn newer_and_busy_projects_are_read_only() {
    let (_, text) = kept();
    let newer = text.replace("format-version = 1", "format-version = 9");
    let mut state = empty();
    perform(&mut state, Action::Open(FILE.into()));
    news(&mut state, [loaded(Path::new(FILE), Some(&newer))]);
    assert_eq!(project(&state).access, Access::Newer);
    let said = notice(&state, NoticeKind::ProjectNewer).unwrap();
    assert_eq!(said.buttons[0], ("Save a copy…", Action::SaveAs));
    perform(&mut state, Action::ToggleKeyframe(FrameIdx(3)));
    let effects = perform(&mut state, Action::Save);
    assert!(matches!(
        effects[0],
        Effect::Pick {
            pick: FilePick::SaveProject,
            ..
        }
    ));
    assert!(
        later(&mut state, 99.0).is_empty(),
        "no automatic copy either"
    );

    let mut state = empty();
    perform(&mut state, Action::Open(FILE.into()));
    let busy = Event::File(FileAnswer::Loaded(Loaded {
        path: FILE.into(),
        text: Ok(Some(text)),
        lock: LockState::Taken,
    }));
    news(&mut state, [busy]);
    assert!(notice(&state, NoticeKind::ProjectInUse).is_some());
}

#[test]
fn changes_are_saved_by_themselves_after_a_while() {
    let mut state = opened();
    assert!(saved(&later(&mut state, 9.0)).is_empty());
    let saves = saved(&later(&mut state, 2.0));
    assert_eq!(saves[0].0, project(&state).autosave_path());
    assert!(saves[0].1.contains("open = true"));
    assert!(
        saved(&later(&mut state, 60.0)).is_empty(),
        "nothing changed since"
    );
}

#[test]
fn closing_while_working_asks_first() {
    let mut state = opened();
    let id = translated(&mut state, 1);
    assert!(perform(&mut state, Action::Close).is_empty());
    assert_eq!(state.dialogs, [Dialog::CloseWhileWorking]);
    let effects = perform(&mut state, Action::PauseAndQuit);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Cancel(job) if *job == id))
    );
    assert!(saved(&effects)[0].1.contains("unfinished = true"));
    assert!(state.quitting);
}

#[test]
fn a_source_that_moved_or_changed_is_noticed() {
    let mut state = empty();
    perform(&mut state, Action::Open(video()));
    news(&mut state, [Event::Source(video(), SourceEvent::Missing)]);
    let said = notice(&state, NoticeKind::SourceMoved).unwrap();
    assert_eq!(said.text, "beach.mp4 is not where it was.");
    let effects = perform(
        &mut state,
        Action::Picked(FilePick::Source, Some("/x/y.mp4".into())),
    );
    assert!(
        matches!(&effects[..], [Effect::Send(Command::Open(path))] if path == Path::new("/x/y.mp4"))
    );

    let mut state = opened();
    translated(&mut state, 2);
    let (path, text) = saved(&later(&mut state, 11.0)).remove(0);
    let mut again = empty();
    perform(&mut again, Action::Open(video()));
    news(&mut again, [loaded(&path, Some(&text))]);
    let other = SourceState {
        bytes: 1001,
        ..file_state()
    };
    let event = SourceEvent::Info(Arc::new(info()), other);
    news(&mut again, [Event::Source(video(), event)]);
    assert!(notice(&again, NoticeKind::SourceChanged).is_some());
    perform(&mut again, Action::KeepResults);
    assert!(notice(&again, NoticeKind::SourceChanged).is_none());
}

#[test]
fn sources_that_cannot_be_used_say_why() {
    for (said, kind, text) in [
        (
            "beach.mp4 has no picture track. Open another: x",
            NoticeKind::NotAVideo,
            "beach.mp4 has no picture track.",
        ),
        (
            "One frame only. Open a video of two frames or more: x",
            NoticeKind::TooShort,
            "One frame only. Open a video of two frames or more.",
        ),
        (
            "beach.mp4 is empty (0 bytes)",
            NoticeKind::NotAVideo,
            "beach.mp4 cannot be opened.",
        ),
    ] {
        let mut state = empty();
        perform(&mut state, Action::Open(video()));
        let event = SourceEvent::Failed(report(said));
        news(&mut state, [Event::Source(video(), event)]);
        let found = notice(&state, kind).unwrap_or_else(|| panic!("{said}"));
        assert_eq!(found.text, text);
        assert_eq!(found.buttons[0].0, "Open another…");
    }
}

#[test]
fn preferences_survive_damage_field_by_field() {
    let mut preferences = Preferences {
        theme: ThemeChoice::Light,
        ..Preferences::default()
    };
    preferences.opened(Path::new("/a.mp4"));
    let text = preferences.to_text();
    assert_eq!(Preferences::from_text(&text), (preferences.clone(), vec![]));
    let damaged = text.replace("\"light\"", "\"mauve\"");
    let damaged =
        format!("{damaged}\nfuture = 3\n").replace("scale-percent = 100", "scale-percent = 900");
    let (read, lost) = Preferences::from_text(&damaged);
    assert_eq!(lost, ["theme"]);
    assert_eq!((read.theme, read.scale_percent), (ThemeChoice::System, 200));
    assert_eq!(read.recent, preferences.recent);
    assert!(read.to_text().contains("future = 3"));
    assert_eq!(Preferences::from_text("").1.len(), 0);
    assert_eq!(Preferences::from_text("= =").0, Preferences::default());
}

#[test]
fn recent_files_are_few_and_newest_first() {
    let mut preferences = Preferences::default();
    for i in 0..20 {
        preferences.opened(Path::new(&format!("/{i}.mp4")));
    }
    preferences.opened(Path::new("/15.mp4"));
    assert_eq!(preferences.recent.len(), 12);
    assert_eq!(
        preferences.recent[..2],
        [PathBuf::from("/15.mp4"), "/19.mp4".into()]
    );
}

#[test]
fn the_demo_is_written_before_it_is_opened() {
    let mut state = empty();
    let effects = perform(&mut state, Action::OpenDemo);
    let place = |wanted: fn(&Effect) -> bool| effects.iter().position(wanted).unwrap();
    let written = place(|effect| matches!(effect, Effect::WriteDemoClip(_)));
    let opened = place(|effect| matches!(effect, Effect::Send(Command::Open(_))));
    assert!(written < opened);
    let spec = &project(&state).edits.spec;
    assert!(spec.model.is_none() && !spec.prompt.is_empty());
}

#[test]
fn the_program_starts_with_a_file() {
    let (state, effects) = start(folders(), ModelSources::default(), Some(video()));
    assert!(state.project.is_some());
    assert!(
        matches!(&effects[0], Effect::Send(Command::File(FileTask::Load { path, .. })) if path.ends_with(Preferences::FILE))
    );
    let mut state = state;
    let told = news(
        &mut state,
        [loaded(
            Path::new("/films/me/.config/preferences.toml"),
            None,
        )],
    );
    assert!(
        told.iter()
            .any(|effect| matches!(effect, Effect::Send(Command::CheckDevice(_))))
    );
    assert_eq!(
        state.preferences.recent,
        [video()],
        "what was opened meanwhile is not forgotten"
    );
}
