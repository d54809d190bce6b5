//! Small files for the window: read, written, locked, moved.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use fresco_studio::frame::{Frame, FrameIdx, Size};
use fresco_studio::video::FrameStore;
use fresco_studio::worker::message::{FileAnswer, FileTask, Loaded, LockState, Secret};
use fresco_studio::worker::{Command, Event, WorkerHandle, spawn};

use super::next;
use crate::scripted::{Scripted, summary};

fn worker() -> WorkerHandle {
    let build = || Scripted::new(|job, _| Ok(summary(job)));
    spawn(build, Arc::new(|| {})).unwrap()
}

fn ask(worker: &WorkerHandle, task: FileTask) -> FileAnswer {
    worker.send(Command::File(task)).unwrap();
    match next(worker) {
        Event::File(answer) => answer,
        other => panic!("unexpected {other:?}"),
    }
}

fn load(worker: &WorkerHandle, path: &Path, lock: bool) -> Loaded {
    let path = path.to_owned();
    match ask(worker, FileTask::Load { path, lock }) {
        FileAnswer::Loaded(loaded) => loaded,
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("a.toml");
    let worker = worker();
    assert_eq!(load(&worker, &path, false).text, Ok(None));
    let text = "a = 1".to_owned();
    let save = FileTask::Save {
        path: path.clone(),
        text: text.clone(),
    };
    assert_eq!(ask(&worker, save), FileAnswer::Saved(path.clone(), Ok(())));
    let loaded = load(&worker, &path, false);
    assert_eq!(
        (loaded.text, loaded.lock),
        (Ok(Some(text)), LockState::NotAsked)
    );
    let bad = FileTask::Save {
        path: path.join("b.toml"),
        text: String::new(),
    };
    assert!(
        matches!(ask(&worker, bad), FileAnswer::Saved(_, Err(report)) if report.hint.is_some())
    );
    let gone = path.with_file_name("c.toml");
    let look = FileTask::Look(vec![path.clone(), gone.clone()]);
    assert_eq!(
        ask(&worker, look),
        FileAnswer::Looked(vec![(path, true), (gone, false)])
    );
}

#[test]
#[cfg(unix)]
fn a_private_text_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    let worker = worker();
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    let save = FileTask::Save {
        path: path.clone(),
        text: "a = 1".to_owned(),
    };
    ask(&worker, save);
    assert_eq!(mode(), 0o644);
    let save = FileTask::SavePrivate {
        path: path.clone(),
        text: Secret("token".to_owned()),
    };
    assert_eq!(ask(&worker, save), FileAnswer::Saved(path.clone(), Ok(())));
    assert_eq!(mode(), 0o600);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "token");
}

#[test]
fn a_project_is_open_in_one_window_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.fresco.toml");
    fs::write(&path, "x").unwrap();
    let (first, second) = (worker(), worker());
    assert_eq!(load(&first, &path, true).lock, LockState::Ours);
    assert_eq!(
        load(&first, &path, true).lock,
        LockState::Ours,
        "it is ours already"
    );
    let taken = load(&second, &path, true);
    assert_eq!(
        (taken.lock, taken.text),
        (LockState::Taken, Ok(Some("x".into())))
    );
    first
        .send(Command::File(FileTask::Unlock(path.clone())))
        .unwrap();
    load(&first, &path, false);
    assert_eq!(load(&second, &path, true).lock, LockState::Ours);
    drop(second);
    assert_eq!(
        load(&first, &path, true).lock,
        LockState::Ours,
        "a window that closes lets go"
    );
    drop(first);
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "no lock remains");
}

#[test]
fn what_was_asked_is_done_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let worker = worker();
    for n in 0..50 {
        let path = folder.path().join(format!("{n}.toml"));
        let text = n.to_string();
        worker
            .send(Command::File(FileTask::Save { path, text }))
            .unwrap();
    }
    drop(worker);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 50);
}

#[test]
fn a_working_folder_is_moved_and_looked_through() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a"), folder.path().join("b"));
    let size = Size {
        width: 2,
        height: 2,
    };
    for (part, frame) in [("keyframes", 3), ("keyframes", 12), ("filled", 4)] {
        let store = FrameStore::open(&from.join(part)).unwrap();
        let picture = Frame::from_fn(size, |_, _| [9; 3]);
        store.write(FrameIdx(frame), &picture).unwrap();
    }
    fs::create_dir_all(to.join("keyframes")).unwrap();
    fs::write(to.join("keyframes/000003.png"), "theirs").unwrap();
    let worker = worker();
    let adopt = FileTask::Adopt {
        from,
        to: to.clone(),
    };
    worker.send(Command::File(adopt)).unwrap();
    let found = ask(&worker, FileTask::Inventory(to.clone()));
    let expected = FileAnswer::Inventory {
        work: to.clone(),
        keyframes: vec![FrameIdx(3), FrameIdx(12)],
        filled: vec![FrameIdx(4)],
    };
    assert_eq!(found, expected);
    assert_eq!(
        fs::read(to.join("keyframes/000003.png")).unwrap(),
        b"theirs"
    );
    let nothing = folder.path().join("nothing");
    let found = ask(&worker, FileTask::Inventory(nothing.clone()));
    assert!(matches!(found, FileAnswer::Inventory { keyframes, .. } if keyframes.is_empty()));
    assert!(!nothing.exists(), "looking makes no folder");
    let look = to.join("keyframes/000012.png");
    worker
        .send(Command::File(FileTask::Remove(look.clone())))
        .unwrap();
    load(&worker, &look, false);
    assert!(!look.exists());
}

#[test]
fn the_room_on_a_disk_is_told_for_folders_that_are_not_there_yet() {
    if cfg!(windows) {
        eprintln!("skipped: nothing tells the room on a disk here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let later = folder.path().join("not").join("yet");
    let worker = worker();
    match ask(&worker, FileTask::Space(later.clone())) {
        FileAnswer::Space(told, Some(free)) => assert!(told == later && free > 0),
        other => panic!("unexpected {other:?}"),
    }
}
