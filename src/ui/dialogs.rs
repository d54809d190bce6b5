//! The system's file dialogs, which wait on threads of their own.

use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rfd::{AsyncFileDialog, FileHandle};

use crate::app::actions::FilePick;
use crate::worker::handle::Wake;
use crate::worker::latest::Latest;

/// Names of video files that dialogs show first.
const VIDEOS: &[&str] = &[
    "mp4", "mov", "mkv", "avi", "webm", "m4v", "mpg", "mpeg", "mts", "m2ts", "wmv", "gif",
];

/// How long a dialog needs to be seen and left. Only one that never opened ends earlier without a choice.
const SEEN_AFTER: Duration = Duration::from_secs(2);

/// What was asked for and what was chosen.
pub type Answer = (FilePick, Chosen);

/// What became of a file dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// This file.
    File(PathBuf),
    /// Nothing: the user left it.
    Nothing,
    /// The system has none to show.
    NoDialog,
}

/// Open file dialogs; one at a time.
#[derive(Default)]
pub struct FileDialogs {
    answer: Arc<Latest<Answer>>,
    is_open: bool,
}

impl FileDialogs {
    /// Shows a dialog, unless one is open. `wake` is called when there is an answer.
    pub fn open(&mut self, pick: FilePick, proposal: Option<PathBuf>, wake: Wake) {
        if self.is_open {
            return;
        }
        let answer = Arc::clone(&self.answer);
        // The dialog begins here, as some systems want that on the window's thread, and is waited
        // for there.
        let chosen = dialog(pick, proposal);
        let began = Instant::now();
        let wait = move || {
            let file = pollster::block_on(chosen).map(PathBuf::from);
            answer.put((pick, what_became(file, began.elapsed(), has_own_dialog)));
            wake();
        };
        let thread = std::thread::Builder::new().name("file dialog".to_owned());
        match thread.spawn(wait) {
            Ok(_) => self.is_open = true,
            Err(error) => {
                tracing::error!(%error, "no thread for a file dialog");
                self.answer.put((pick, Chosen::Nothing));
            }
        }
    }

    /// What was chosen since the last call.
    pub fn take(&mut self) -> Option<Answer> {
        let answer = self.answer.take()?;
        self.is_open = false;
        Some(answer)
    }
}

/// A dialog that ends at once without a choice was none, unless the system always has one.
fn what_became(file: Option<PathBuf>, took: Duration, has_own: impl Fn() -> bool) -> Chosen {
    match file {
        Some(file) => Chosen::File(file),
        None if took < SEEN_AFTER && !has_own() => Chosen::NoDialog,
        None => Chosen::Nothing,
    }
}

/// Whether there is a dialog beside that of the desktop portal, which says nothing when it is missing.
fn has_own_dialog() -> bool {
    let asked = || {
        Process::new("zenity")
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    cfg!(any(target_os = "macos", target_os = "windows")) || asked().is_ok()
}

type Choice = std::pin::Pin<Box<dyn Future<Output = Option<FileHandle>> + Send>>;

fn dialog(pick: FilePick, proposal: Option<PathBuf>) -> Choice {
    let mut dialog = AsyncFileDialog::new().set_title(title(pick));
    if let Some(proposal) = proposal {
        let is_folder = matches!(
            pick,
            FilePick::ExportFolder
                | FilePick::WorkFolder
                | FilePick::ModelFolder
                | FilePick::ModelsFolder
                | FilePick::MoreModels
        );
        let folder = if is_folder {
            Some(proposal.as_path())
        } else {
            proposal.parent()
        };
        if let Some(folder) = folder {
            dialog = dialog.set_directory(folder);
        }
        if let Some(name) = proposal.file_name().filter(|_| !is_folder) {
            dialog = dialog.set_file_name(name.to_string_lossy());
        }
    }
    match pick {
        FilePick::Video | FilePick::Source | FilePick::ControlClip(_) => Box::pin(
            dialog
                .add_filter("Video", VIDEOS)
                .add_filter("Everything", &["*"])
                .pick_file(),
        ),
        FilePick::Project => Box::pin(dialog.add_filter("Project", &["toml"]).pick_file()),
        FilePick::SaveProject => Box::pin(dialog.add_filter("Project", &["toml"]).save_file()),
        FilePick::ModelFile | FilePick::Vae | FilePick::Lora | FilePick::ControlNet => Box::pin(
            dialog
                .add_filter("SafeTensors", &["safetensors"])
                .pick_file(),
        ),
        FilePick::ModelFolder
        | FilePick::ModelsFolder
        | FilePick::MoreModels
        | FilePick::ExportFolder
        | FilePick::WorkFolder => Box::pin(dialog.pick_folder()),
        FilePick::Ffmpeg => Box::pin(dialog.pick_file()),
        FilePick::ExportFile => Box::pin(
            dialog
                .add_filter("Video", &["mp4", "mov", "mkv"])
                .save_file(),
        ),
    }
}

fn title(pick: FilePick) -> &'static str {
    match pick {
        FilePick::Video => "Open video",
        FilePick::Project => "Open project",
        FilePick::SaveProject => "Save project",
        FilePick::Source => "Locate the source",
        FilePick::ModelFolder => "Folder of a model",
        FilePick::ModelFile => "File of a model",
        FilePick::Vae => "File of a VAE",
        FilePick::Lora => "File of a LoRA",
        FilePick::ModelsFolder => "Folder for models",
        FilePick::MoreModels => "Folder to look for models in",
        FilePick::ControlNet => "File of a ControlNet",
        FilePick::ControlClip(_) => "Clip of control images",
        FilePick::Ffmpeg => "Locate FFmpeg",
        FilePick::ExportFile => "Export to",
        FilePick::ExportFolder => "Folder for pictures",
        FilePick::WorkFolder => "Folder for working folders",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_that_never_opened_is_told_from_one_that_was_left() {
        let at_once = Duration::from_millis(20);
        let none = || false;
        assert_eq!(what_became(None, at_once, none), Chosen::NoDialog);
        assert_eq!(what_became(None, SEEN_AFTER, none), Chosen::Nothing);
        assert_eq!(what_became(None, at_once, || true), Chosen::Nothing);
        let file = PathBuf::from("/clips/beach.mp4");
        let chosen = what_became(Some(file.clone()), at_once, none);
        assert_eq!(chosen, Chosen::File(file));
    }
}
