//! Where the files of helper networks lie in the models folder.

use std::path::{Path, PathBuf};

/// The first of `files` that is there, in the folder `own` of the models folder or in the models folder itself.
pub(super) fn find(models: &Path, own: &str, files: &[&str]) -> Option<PathBuf> {
    let folders = [models.join(own), models.to_owned()];
    let paths = folders
        .iter()
        .flat_map(|folder| files.iter().map(|file| folder.join(file)));
    paths.into_iter().find(|path| path.is_file())
}
