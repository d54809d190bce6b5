//! Files that are either whole or absent: atomic writes and content hashes.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How the names of unfinished files begin.
const PARTIAL: &str = ".partial-";

/// BLAKE3 hash of some content, as lowercase hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentHash(String);

impl ContentHash {
    /// Hash of bytes in memory.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().to_string())
    }

    /// Hash of a file, which is memory-mapped and may be larger than memory.
    ///
    /// # Errors
    /// Whatever opening or reading the file gives.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_mmap_rayon(path)?;
        Ok(Self(hasher.finalize().to_hex().to_string()))
    }

    /// Hash of any plain value, by its JSON form.
    ///
    /// # Panics
    /// If the value has no JSON form, which is an error in our own code (a map with keys that are not strings).
    #[must_use]
    pub fn of_value(value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => Self::of_bytes(&bytes),
            Err(error) => unreachable!("hashed values are plain data: {error}"),
        }
    }

    /// The hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// This user's own folder, if the system knows one.
#[must_use]
pub fn home() -> Option<PathBuf> {
    let users = directories::UserDirs::new()?;
    Some(users.home_dir().to_owned())
}

/// Where this user's files go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFolders {
    /// Preferences.
    pub config: PathBuf,
    /// Projects that were never saved, and their results.
    pub data: PathBuf,
    /// Models.
    pub models: PathBuf,
    /// Proposed place of exports.
    pub videos: PathBuf,
}

impl UserFolders {
    /// Those of this system; below the current folder, if it knows no home.
    #[must_use]
    pub fn of_system() -> Self {
        let homeless = PathBuf::from("fresco-studio");
        let own = directories::ProjectDirs::from("", "", "fresco-studio");
        let users = directories::UserDirs::new();
        let folder = |of_project: fn(&directories::ProjectDirs) -> &Path| {
            own.as_ref()
                .map_or(homeless.as_path(), of_project)
                .to_owned()
        };
        let data = folder(directories::ProjectDirs::data_dir);
        let videos = users.as_ref().map(|users| {
            let videos = users.video_dir().filter(|videos| videos.is_dir());
            videos.unwrap_or_else(|| users.home_dir()).to_owned()
        });
        Self {
            config: folder(directories::ProjectDirs::config_dir),
            models: data.join("models"),
            videos: videos.unwrap_or(homeless.clone()),
            data: data.join("projects"),
        }
    }
}

/// Writes `bytes` to `path` so that readers see the old content or the new, never a part.
///
/// The folder must exist. The data reaches the disk before the name does.
///
/// # Errors
/// Whatever the file system says; `path` is then as it was and nothing is left beside it.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, bytes, make_readable)
}

/// As [`write_atomic`], a file that only its owner can read, where the system knows owners.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Temporary files are.
    write_with(path, bytes, |_| Ok(()))
}

fn write_with(
    path: &Path,
    bytes: &[u8],
    open_up: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let mut temporary = tempfile::Builder::new()
        .prefix(PARTIAL)
        .tempfile_in(parent(path))?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_data()?;
    open_up(temporary.as_file())?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A name beside `path` for a file that is written piece by piece and renamed when whole.
///
/// The extension stays last, since programs choose formats by it.
#[must_use]
pub fn partial_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{PARTIAL}{}-{name}", std::process::id()))
}

/// Whether a plain file name is one that unfinished files have here.
#[must_use]
pub fn is_partial_name(name: &str) -> bool {
    name.starts_with(PARTIAL) && !name.contains(['/', '\\'])
}

/// Removes what killed writers left in a folder. Only for folders that nobody else is writing to.
///
/// A file that cannot be removed is left and logged: it is in nobody's way.
///
/// # Errors
/// Whatever listing the folder gives.
pub fn remove_partials(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_partial_name(&entry.file_name().to_string_lossy())
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::warn!(%error, path = %entry.path().display(), "cannot remove an unfinished file");
        }
    }
    Ok(())
}

/// A nameless file on the disk of `folder`, which is gone when it is closed.
///
/// # Errors
/// Whatever the file system says.
pub fn nameless(folder: &Path) -> io::Result<File> {
    // Where a system knows no nameless files, a killed run may leave the name, which `remove_partials` knows.
    let file = tempfile::Builder::new()
        .prefix(PARTIAL)
        .tempfile_in(folder)?;
    Ok(file.into_file())
}

/// Gives `partial` the name `path`, after its data has reached the disk.
///
/// # Errors
/// Whatever the file system says; `path` is then as it was.
pub fn commit(partial: &Path, path: &Path) -> io::Result<()> {
    File::open(partial)?.sync_all()?;
    fs::rename(partial, path)
}

/// Opens a file for reading. What has a name but is none is refused: a pipe would wait for somebody who writes into it.
///
/// # Errors
/// Whatever the file system says, and [`io::ErrorKind::InvalidInput`] for what is no file.
pub fn open(path: &Path) -> io::Result<File> {
    require_file(path)?;
    File::open(path)
}

/// Refuses what is no file, once links are followed.
///
/// # Errors
/// As [`open`].
pub fn require_file(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_file() {
        Ok(())
    } else {
        let what = "it is no file but a folder, pipe, socket or device";
        Err(io::Error::new(io::ErrorKind::InvalidInput, what))
    }
}

/// The folder that holds `path`: `.` for a bare name.
#[must_use]
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Temporary files are private to their owner; finished ones follow the usual mask.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &File) -> io::Result<()> {
    Ok(())
}
/// Bytes that are free on the disk of a folder, which need not be there yet; nothing where the system does not tell.
#[must_use]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    free_on_disk_of(folder.ancestors().find(|folder| folder.is_dir())?)
}

#[cfg(unix)]
fn free_on_disk_of(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(windows)]
fn free_on_disk_of(folder: &Path) -> Option<u64> {
    let disks = sysinfo::Disks::new_with_refreshed_list();
    // A disk may be mounted in a folder of another one.
    let disks = disks
        .iter()
        .filter(|disk| folder.starts_with(disk.mount_point()));
    let disk = disks.max_by_key(|disk| disk.mount_point().as_os_str().len())?;
    Some(disk.available_space())
}

#[cfg(not(any(unix, windows)))]
fn free_on_disk_of(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_room_for_folders_that_are_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        let known = cfg!(any(unix, windows));
        for path in [folder.path().to_owned(), folder.path().join("not/there")] {
            assert_eq!(free_bytes(&path).is_some_and(|free| free > 0), known);
        }
    }
}
