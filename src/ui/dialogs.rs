//! The system's file dialogs, which wait on threads of their own.

use std::path::PathBuf;
use std::sync::Arc;

use rfd::{AsyncFileDialog, FileHandle};

use crate::app::actions::FilePick;
use crate::worker::handle::Wake;
use crate::worker::latest::Latest;

/// Names of video files that dialogs show first.
const VIDEOS: &[&str] = &[
    "mp4", "mov", "mkv", "avi", "webm", "m4v", "mpg", "mpeg", "mts", "m2ts", "wmv", "gif",
];

/// What was asked for and what was chosen.
pub type Answer = (FilePick, Option<PathBuf>);

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
        let wait = move || {
            let path = pollster::block_on(chosen).map(PathBuf::from);
            answer.put((pick, path));
            wake();
        };
        let thread = std::thread::Builder::new().name("file dialog".to_owned());
        match thread.spawn(wait) {
            Ok(_) => self.is_open = true,
            Err(error) => {
                tracing::error!(%error, "no thread for a file dialog");
                self.answer.put((pick, None));
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

type Choice = std::pin::Pin<Box<dyn Future<Output = Option<FileHandle>> + Send>>;

fn dialog(pick: FilePick, proposal: Option<PathBuf>) -> Choice {
    let mut dialog = AsyncFileDialog::new().set_title(title(pick));
    if let Some(proposal) = proposal {
        let is_folder = matches!(
            pick,
            FilePick::ExportFolder | FilePick::WorkFolder | FilePick::ModelFolder
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
        FilePick::ModelFile | FilePick::Vae | FilePick::ControlNet => Box::pin(
            dialog
                .add_filter("SafeTensors", &["safetensors"])
                .pick_file(),
        ),
        FilePick::ModelFolder | FilePick::ExportFolder | FilePick::WorkFolder => {
            Box::pin(dialog.pick_folder())
        }
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
        FilePick::ControlNet => "File of a ControlNet",
        FilePick::ControlClip(_) => "Clip of control images",
        FilePick::Ffmpeg => "Locate FFmpeg",
        FilePick::ExportFile => "Export to",
        FilePick::ExportFolder => "Folder for pictures",
        FilePick::WorkFolder => "Folder for working folders",
    }
}
