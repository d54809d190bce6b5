//! A running FFmpeg whose complaints are read as they come and which does not outlive its owner.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use ffmpeg_sidecar::child::FfmpegChild;
use ffmpeg_sidecar::command::FfmpegCommand;

use super::error::VideoError;
use super::ffmpeg::Ffmpeg;

/// Lines kept from the beginning and from the end of what FFmpeg prints.
const KEPT_LINES: usize = 20;

/// Shared with who may kill it from another thread.
type Child = Arc<Mutex<FfmpegChild>>;

/// A child process; killed when dropped.
pub(super) struct Process {
    child: Child,
    log: Option<JoinHandle<Vec<String>>>,
}

/// How a process ended.
pub(super) struct Ending {
    /// Whether it said that all went well.
    pub success: bool,
    /// The first and last lines it printed.
    pub log: Vec<String>,
}

impl Process {
    /// Starts a command and a thread that empties its error output, so that it never blocks there.
    pub fn start(ffmpeg: &Ffmpeg, command: &mut FfmpegCommand) -> Result<Self, VideoError> {
        let fail = |source| VideoError::Run {
            path: ffmpeg.path().to_owned(),
            source,
        };
        let mut child = command.spawn().map_err(fail)?;
        let stderr = child.take_stderr();
        let child = Arc::new(Mutex::new(child));
        let mut process = Self { child, log: None };
        if let Some(stderr) = stderr {
            let reader = thread::Builder::new().name("ffmpeg-log".to_owned());
            process.log = Some(reader.spawn(move || read_log(stderr)).map_err(fail)?);
        }
        Ok(process)
    }

    /// What the process writes; once only.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        lock(&self.child).take_stdout()
    }

    /// What the process reads; once only.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        lock(&self.child).take_stdin()
    }

    /// A function that kills the process from another thread: its pipes then end.
    pub fn killer(&self) -> impl Fn() + Send + 'static {
        let child = Arc::clone(&self.child);
        move || {
            // Fails only for a process that has already ended.
            let _ = lock(&child).kill();
        }
    }

    /// Waits for the end; its pipes must have been taken and drained or closed.
    pub fn finish(mut self) -> Ending {
        drop(self.take_stdin());
        let success = lock(&self.child)
            .wait()
            .is_ok_and(|status| status.success());
        let log = self
            .log
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        Ending { success, log }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a process that has already ended.
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A panic elsewhere leaves the process as it is.
fn lock(child: &Mutex<FfmpegChild>) -> MutexGuard<'_, FfmpegChild> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ending {
    /// Whether FFmpeg complained that the disk is full.
    pub fn disk_full(&self) -> bool {
        self.mentions(&[
            "No space left on device",
            "Disk quota exceeded",
            "not enough space",
        ])
    }

    /// Whether FFmpeg complained that the source ends too early.
    pub fn truncated(&self) -> bool {
        self.mentions(&[
            "partial file",
            "ended prematurely",
            "moov atom not found",
            "runcat",
        ])
    }

    /// The error for a failure without a better name.
    pub fn error(&self, path: &Path) -> VideoError {
        let last = self.log.len().saturating_sub(5);
        let log = match self.log[last..].join("; ") {
            empty if empty.is_empty() => "it gave no reason".to_owned(),
            log => log,
        };
        VideoError::Ffmpeg {
            path: path.to_owned(),
            log,
        }
    }

    fn mentions(&self, phrases: &[&str]) -> bool {
        self.log
            .iter()
            .any(|line| phrases.iter().any(|phrase| line.contains(phrase)))
    }
}

fn read_log(stderr: impl Read) -> Vec<String> {
    let mut stderr = BufReader::new(stderr);
    let (mut first, mut last) = (Vec::new(), VecDeque::new());
    let mut line = Vec::new();
    while stderr.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        line.clear();
        if first.len() < KEPT_LINES {
            first.push(text);
            continue;
        }
        if last.len() == KEPT_LINES {
            last.pop_front();
        }
        last.push_back(text);
    }
    first.extend(last);
    first
}
