//! The thread that reads and writes small files for the window, in order: projects, preferences, autosaves.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crossbeam_channel::Receiver;

use super::handle::Outbox;
use super::message::Event;
use super::report::Report;
use crate::files;
use crate::frame::FrameIdx;
use crate::pipeline::model_manager::Secret;
use crate::video::FrameStore;

/// Something to do with files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileTask {
    /// Read a text file. Locked files are held until they are unlocked or the program ends.
    Load {
        /// The file.
        path: PathBuf,
        /// Whether to lock it against other windows.
        lock: bool,
    },
    /// Write a text file, atomically; its folder is created if it is missing.
    Save {
        /// The file.
        path: PathBuf,
        /// Its text.
        text: String,
    },
    /// The same for a text that only this user may read.
    SavePrivate {
        /// The file.
        path: PathBuf,
        /// Its text.
        text: Secret,
    },
    /// Lock a file that is to be written, without reading it.
    Lock(PathBuf),
    /// Let other windows use a file.
    Unlock(PathBuf),
    /// Move a working folder, or copy it to another disk; what is at its new place stays.
    Adopt {
        /// Where it is.
        from: PathBuf,
        /// Where it goes.
        to: PathBuf,
    },
    /// Remove a file, if it is there.
    Remove(PathBuf),
    /// See which files are there.
    Look(Vec<PathBuf>),
    /// See which pictures a working folder holds.
    Inventory(PathBuf),
    /// See how much room there is on the disk of a folder, which need not be there yet.
    Space(PathBuf),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileAnswer {
    /// Of [`FileTask::Load`].
    Loaded(Loaded),
    /// Of [`FileTask::Save`] and [`FileTask::SavePrivate`].
    Saved(PathBuf, Result<(), Report>),
    /// Of [`FileTask::Lock`].
    Locked(PathBuf, LockState),
    /// Of [`FileTask::Look`]: each file, and whether it is there.
    Looked(Vec<(PathBuf, bool)>),
    /// Of [`FileTask::Space`]: bytes, where the system tells.
    Space(PathBuf, Option<u64>),
    /// Of [`FileTask::Inventory`].
    Inventory {
        /// The working folder.
        work: PathBuf,
        /// Keyframes that are there.
        keyframes: Vec<FrameIdx>,
        /// In-betweens that are there.
        filled: Vec<FrameIdx>,
    },
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The file.
    pub path: PathBuf,
    /// Its text; nothing if there is no such file.
    pub text: Result<Option<String>, Report>,
    /// Whether it is ours now.
    pub lock: LockState,
}

/// Whether a file is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    /// It was not asked for.
    NotAsked,
    /// It is.
    Ours,
    /// Another window has it.
    Taken,
}

/// Does tasks until the queue is closed; those that wait then are done first, since they save.
pub(super) fn run(tasks: &Receiver<FileTask>, outbox: &Outbox) {
    let mut desk = FileDesk::default();
    for task in tasks {
        if let Some(answer) = desk.run(task) {
            outbox.send(Event::File(answer));
        }
    }
}

/// Files that are held.
#[derive(Debug, Default)]
struct FileDesk {
    locks: BTreeMap<PathBuf, File>,
}

impl FileDesk {
    /// Does a task; some have no answer.
    fn run(&mut self, task: FileTask) -> Option<FileAnswer> {
        Some(match task {
            FileTask::Load { path, lock } => {
                let lock = if lock && path.is_file() {
                    self.lock(&path)
                } else {
                    LockState::NotAsked
                };
                let text = read(&path);
                FileAnswer::Loaded(Loaded { path, text, lock })
            }
            FileTask::Save { path, text } => saved(path, &text, files::write_atomic),
            FileTask::SavePrivate { path, text } => saved(path, &text.0, files::write_private),
            FileTask::Lock(path) => {
                // Without the folder there is nothing to hold; saving will say why it cannot be made.
                let _ = fs::create_dir_all(files::parent(&path));
                let state = self.lock(&path);
                FileAnswer::Locked(path, state)
            }
            FileTask::Unlock(path) => {
                self.unlock(&path);
                return None;
            }
            FileTask::Adopt { from, to } => {
                if let Err(error) = adopt(&from, &to) {
                    tracing::warn!(%error, from = %from.display(), "cannot move a working folder");
                }
                return None;
            }
            FileTask::Remove(path) => {
                if let Err(error) = fs::remove_file(&path)
                    && error.kind() != io::ErrorKind::NotFound
                {
                    tracing::warn!(%error, path = %path.display(), "cannot remove a file");
                }
                return None;
            }
            FileTask::Look(paths) => {
                let look = |path: PathBuf| {
                    let there = path.exists();
                    (path, there)
                };
                FileAnswer::Looked(paths.into_iter().map(look).collect())
            }
            FileTask::Space(folder) => {
                let free = files::free_bytes(&folder);
                FileAnswer::Space(folder, free)
            }
            FileTask::Inventory(work) => FileAnswer::Inventory {
                keyframes: pictures_in(&work.join("keyframes")),
                filled: pictures_in(&work.join("filled")),
                work,
            },
        })
    }

    /// The lock is a file of its own, since saving replaces the project file.
    fn lock(&mut self, path: &Path) -> LockState {
        if self.locks.contains_key(path) {
            return LockState::Ours;
        }
        let beside = lock_path(path);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&beside);
        let file = match file {
            Ok(file) => file,
            // A folder that cannot be written needs no lock: saving will say so.
            Err(error) => {
                tracing::debug!(%error, path = %beside.display(), "cannot lock");
                return LockState::Ours;
            }
        };
        match file.try_lock() {
            Ok(()) => {
                self.locks.insert(path.to_owned(), file);
                LockState::Ours
            }
            Err(TryLockError::WouldBlock) => LockState::Taken,
            Err(TryLockError::Error(error)) => {
                tracing::debug!(%error, path = %beside.display(), "this file system has no locks");
                LockState::Ours
            }
        }
    }

    fn unlock(&mut self, path: &Path) {
        if let Some(file) = self.locks.remove(path) {
            // Removed while it is held, so that no other window can hold a file without a name.
            let _ = fs::remove_file(lock_path(path));
            drop(file);
        }
    }
}

impl Drop for FileDesk {
    fn drop(&mut self) {
        for path in self.locks.keys().cloned().collect::<Vec<_>>() {
            self.unlock(&path);
        }
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.lock"))
}

fn read(path: &Path) -> Result<Option<String>, Report> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

fn saved(
    path: PathBuf,
    text: &str,
    write: impl FnOnce(&Path, &[u8]) -> io::Result<()>,
) -> FileAnswer {
    let save = || {
        fs::create_dir_all(files::parent(&path))?;
        write(&path, text.as_bytes())
    };
    let saved = save().map_err(|error| failed("write", &path, &error));
    FileAnswer::Saved(path, saved)
}

/// Moves what is in a folder into another, file by file where a folder is there already.
fn adopt(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    if !to.exists() && fs::rename(from, to).is_ok() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            adopt(&entry.path(), &target)?;
        } else if !target.exists() {
            fs::rename(entry.path(), &target)
                .or_else(|_| fs::copy(entry.path(), &target).map(drop))?;
        }
    }
    Ok(())
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Report {
    Report {
        summary: format!("cannot {what} {}", path.display()),
        causes: vec![error.to_string()],
        hint: Some("check that the folder is there and may be written to".to_owned()),
        ..Report::default()
    }
}

fn pictures_in(folder: &Path) -> Vec<FrameIdx> {
    if !folder.is_dir() {
        return Vec::new();
    }
    let store = FrameStore::open(folder);
    store
        .and_then(|store| store.list())
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot list finished pictures");
            Vec::new()
        })
}
