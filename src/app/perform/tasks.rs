//! Tasks for the thread that reads and writes small files.

use std::path::PathBuf;

use super::super::actions::Effect;
use crate::worker::message::{Command, FileTask};

/// Read a text file.
pub fn load(path: PathBuf, lock: bool) -> Effect {
    Effect::Send(Command::File(FileTask::Load { path, lock }))
}

/// Write a text file.
pub fn write(path: PathBuf, text: String) -> Effect {
    Effect::Send(Command::File(FileTask::Save { path, text }))
}

/// Any other task.
pub fn file(task: FileTask) -> Effect {
    Effect::Send(Command::File(task))
}
