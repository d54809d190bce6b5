//! What the window needs of the system around it: file dialogs, other programs, a file for the demo
//! clip. Tests put a script in its place.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::Arc;

use super::dialogs::{Answer, FileDialogs};
use crate::app::actions::FilePick;
use crate::worker::handle::Wake;
use crate::worker::latest::Latest;

/// The system around the window; nothing here waits.
pub trait Desktop {
    /// Shows a file dialog.
    fn pick(&mut self, pick: FilePick, proposal: Option<PathBuf>, wake: Wake);

    /// What was chosen in it.
    fn picked(&mut self) -> Option<Answer>;

    /// Opens a file, a folder or an address with the program that the system has for it.
    fn open(&self, path: &Path);

    /// Writes the bundled clip to a file.
    fn write_demo(&mut self, path: PathBuf, wake: Wake);

    /// What came of it.
    fn demo_written(&mut self) -> Option<io::Result<()>>;
}

/// Writes the bundled clip to a file; called on a thread of its own.
pub type WriteDemo = Arc<dyn Fn(&Path) -> io::Result<()> + Send + Sync>;

/// The system that the program runs on.
pub struct SystemDesktop {
    dialogs: FileDialogs,
    write_demo: WriteDemo,
    written: Arc<Latest<io::Result<()>>>,
}

impl SystemDesktop {
    /// The system, and how the bundled clip is written.
    #[must_use]
    pub fn new(write_demo: WriteDemo) -> Self {
        Self {
            dialogs: FileDialogs::default(),
            write_demo,
            written: Arc::default(),
        }
    }
}

impl Desktop for SystemDesktop {
    fn pick(&mut self, pick: FilePick, proposal: Option<PathBuf>, wake: Wake) {
        self.dialogs.open(pick, proposal, wake);
    }

    fn picked(&mut self) -> Option<Answer> {
        self.dialogs.take()
    }

    fn open(&self, path: &Path) {
        let opener = if cfg!(target_os = "macos") {
            "open"
        } else if cfg!(target_os = "windows") {
            "explorer"
        } else {
            "xdg-open"
        };
        let mut process = Process::new(opener);
        process
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Waited for, so that it leaves no trace when it ends.
        let run = move || {
            if let Err(error) = process.status() {
                tracing::warn!(%error, opener, "nothing to open files with");
            }
        };
        let thread = std::thread::Builder::new().name("opener".to_owned());
        if let Err(error) = thread.spawn(run) {
            tracing::warn!(%error, "no thread to open files with");
        }
    }

    fn write_demo(&mut self, path: PathBuf, wake: Wake) {
        let (write, written) = (Arc::clone(&self.write_demo), Arc::clone(&self.written));
        let work = move || {
            written.put(write(&path));
            wake();
        };
        let thread = std::thread::Builder::new().name("demo clip".to_owned());
        if let Err(error) = thread.spawn(work) {
            self.written.put(Err(error));
        }
    }

    fn demo_written(&mut self) -> Option<io::Result<()>> {
        self.written.take()
    }
}
