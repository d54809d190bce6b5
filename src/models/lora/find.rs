//! Where a LoRA lies that is named and not pointed at.

use std::path::{Path, PathBuf};

use super::LoraError;

/// Where LoRAs lie in the models folder.
pub const FOLDER: &str = "loras";

/// Levels of folders below those for LoRAs that are looked into.
const DEPTH: usize = 4;

/// The file that is meant: a path, or the name of a file in one of these folders, with or without its extension.
///
/// # Errors
/// [`LoraError::NotFound`].
pub fn find(folders: &[PathBuf], named: &Path) -> Result<PathBuf, LoraError> {
    if named.is_file() {
        return Ok(named.to_owned());
    }
    let not_found = || LoraError::NotFound {
        name: named.display().to_string(),
    };
    let mut folders = folders.iter();
    folders
        .find_map(|folder| find_below(folder, named, DEPTH))
        .ok_or_else(not_found)
}

fn find_below(folder: &Path, named: &Path, depth: usize) -> Option<PathBuf> {
    let mut with_extension = named.as_os_str().to_owned();
    with_extension.push(".safetensors");
    let here = [folder.join(named), folder.join(with_extension)];
    // A name never leads out of the folder.
    let is_inside = named
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    if let Some(file) = here.into_iter().find(|file| is_inside && file.is_file()) {
        return Some(file);
    }
    let entries = std::fs::read_dir(folder).ok().filter(|_| depth > 0)?;
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
        .iter()
        .find_map(|folder| find_below(folder, named, depth - 1))
}
