//! Which products of a job exist, keyed by all that determined them: a killed job goes on from
//! here.
//!
//! Several processes may work in one folder, so each task appends to a file of its own and all are
//! merged on reading. A line is written after the product's files are whole, so a line that is torn
//! by a crash only costs its product.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::ContentHash;

/// The record of finished products in one working folder, open for one task.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    lines: Vec<Line>,
    /// Held while the journal is open; a file of its own, because some systems refuse reads of a
    /// locked file.
    _lock: File,
}

/// Why the record of finished products cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// Another process has the same task's journal open.
    #[error("another run is using the working folder {}", folder.display())]
    Busy {
        /// The working folder.
        folder: PathBuf,
    },
    /// A product must lie in the working folder, so that the folder can be moved.
    #[error("a product lies outside of the working folder: {}", path.display())]
    Outside {
        /// The file.
        path: PathBuf,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    product: String,
    key: ContentHash,
    files: Vec<ProductFile>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ProductFile {
    /// Relative to the working folder, with `/` on every system.
    path: String,
    hash: ContentHash,
}

impl Journal {
    /// Opens the journal of `task` in a working folder, creating both if needed, and reads those of
    /// all tasks.
    ///
    /// # Errors
    /// [`JournalError::Busy`] if another process has the same task open here, [`JournalError::Io`]
    /// if the folder cannot be used.
    pub fn open(work_folder: &Path, task: &str) -> Result<Self, JournalError> {
        let journals = work_folder.join("journal");
        fs::create_dir_all(&journals).map_err(io_error("create the folder", &journals))?;
        let lock = lock(&journals.join(format!("{task}.lock")), work_folder)?;
        let path = journals.join(format!("{task}.jsonl"));
        let file = open_for_append(&path).map_err(io_error("open the journal", &path))?;
        let lines = read_all(&journals)?;
        Ok(Self {
            folder: work_folder.to_owned(),
            path,
            file,
            lines,
            _lock: lock,
        })
    }

    /// The files of a product, if it was made with this key and every file is as it was.
    #[must_use]
    pub fn find(&self, product: &str, key: &ContentHash) -> Option<Vec<PathBuf>> {
        let made = |line: &&Line| line.product == product && line.key == *key;
        self.lines
            .iter()
            .rev()
            .filter(made)
            .find_map(|line| self.verified(line))
    }

    /// Notes that a product is finished: its files are whole, on disk, and inside the working
    /// folder.
    ///
    /// # Errors
    /// [`JournalError::Io`] if a file cannot be read or the line not written,
    /// [`JournalError::Outside`] for a file that is elsewhere. The product then counts as not made.
    pub fn record(
        &mut self,
        product: &str,
        key: &ContentHash,
        files: &[PathBuf],
    ) -> Result<(), JournalError> {
        let files = files
            .iter()
            .map(|path| self.describe(path))
            .collect::<Result<_, _>>()?;
        let line = Line {
            product: product.to_owned(),
            key: key.clone(),
            files,
        };
        append(&mut self.file, &line).map_err(io_error("write the journal", &self.path))?;
        self.lines.push(line);
        Ok(())
    }

    fn describe(&self, path: &Path) -> Result<ProductFile, JournalError> {
        let outside = || JournalError::Outside {
            path: path.to_owned(),
        };
        let relative = path.strip_prefix(&self.folder).map_err(|_| outside())?;
        let names = relative.components().map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        let names: Vec<&str> = names.collect::<Option<_>>().ok_or_else(outside)?;
        let hash = ContentHash::of_file(path).map_err(io_error("read the product", path))?;
        Ok(ProductFile {
            path: names.join("/"),
            hash,
        })
    }

    fn verified(&self, line: &Line) -> Option<Vec<PathBuf>> {
        let check = |file: &ProductFile| {
            let relative = Path::new(&file.path);
            let inside = relative
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            let path = self.folder.join(relative);
            let unchanged =
                inside && ContentHash::of_file(&path).is_ok_and(|hash| hash == file.hash);
            unchanged.then_some(path)
        };
        line.files.iter().map(check).collect()
    }
}

fn io_error<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> JournalError + 'a {
    move |source| JournalError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

/// Takes the task's lock. Where the file system has no locks (some network shares), goes on
/// without.
fn lock(path: &Path, work_folder: &Path) -> Result<File, JournalError> {
    let file = File::create(path).map_err(io_error("create the file", path))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            return Err(JournalError::Busy {
                folder: work_folder.to_owned(),
            });
        }
        Err(TryLockError::Error(error)) => {
            tracing::debug!(%error, path = %path.display(), "no lock");
        }
        Ok(()) => {}
    }
    Ok(file)
}

/// Opens a journal and ends a torn last line, so that the next one stands alone.
fn open_for_append(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    if file.seek(SeekFrom::End(0))? > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != [b'\n'] {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

fn append(file: &mut File, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_data()
}

/// The lines of all tasks, in the order of the tasks' names, which is the same on every system.
fn read_all(journals: &Path) -> Result<Vec<Line>, JournalError> {
    let mut paths: Vec<PathBuf> = fs::read_dir(journals)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(io_error("read the journals in", journals))?;
    paths.retain(|path| path.extension().is_some_and(|name| name == "jsonl"));
    paths.sort();
    let mut lines = Vec::new();
    for path in &paths {
        let text = fs::read(path).map_err(io_error("read the journal", path))?;
        let full = |line: &&[u8]| !line.is_empty();
        for line in text.split(|byte| *byte == b'\n').filter(full) {
            match serde_json::from_slice(line) {
                Ok(line) => lines.push(line),
                // Torn by a crash, or being written by another process now: its product counts as
                // not made.
                Err(error) => tracing::warn!(%error, path = %path.display(), "skipped a line"),
            }
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn open(&self, task: &str) -> Journal {
            Journal::open(self.0.path(), task).unwrap()
        }

        fn write(&self, name: &str, content: &str) -> PathBuf {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            path
        }
    }

    fn key(text: &str) -> ContentHash {
        ContentHash::of_bytes(text.as_bytes())
    }

    #[test]
    fn a_recorded_product_is_found_now_and_after_a_restart() {
        let folder = Folder::new();
        let files = vec![
            folder.write("frames/0.png", "zero"),
            folder.write("frames/1.png", "one"),
        ];
        let mut journal = folder.open("translate");
        assert_eq!(journal.find("frames", &key("a")), None);
        journal.record("frames", &key("a"), &files).unwrap();
        assert_eq!(journal.find("frames", &key("a")), Some(files.clone()));
        drop(journal);
        assert_eq!(
            folder.open("translate").find("frames", &key("a")),
            Some(files)
        );
    }

    #[test]
    fn another_key_or_name_is_not_found() {
        let folder = Folder::new();
        let files = [folder.write("keyframes/0.png", "zero")];
        let mut journal = folder.open("translate");
        journal
            .record("keyframes/batch-000", &key("a"), &files)
            .unwrap();
        assert_eq!(journal.find("keyframes/batch-000", &key("b")), None);
        assert_eq!(journal.find("keyframes/batch-001", &key("a")), None);
    }

    #[test]
    fn a_changed_or_missing_file_is_not_trusted() {
        let folder = Folder::new();
        let files = [folder.write("a", "one"), folder.write("b", "two")];
        let mut journal = folder.open("translate");
        journal.record("pair", &key("k"), &files).unwrap();
        folder.write("b", "changed");
        assert_eq!(journal.find("pair", &key("k")), None);
        folder.write("b", "two");
        assert!(journal.find("pair", &key("k")).is_some());
        fs::remove_file(&files[0]).unwrap();
        assert_eq!(journal.find("pair", &key("k")), None);
    }

    #[test]
    fn a_torn_last_line_costs_only_itself() {
        let folder = Folder::new();
        let files = [folder.write("a", "one")];
        let mut journal = folder.open("translate");
        journal.record("first", &key("k"), &files).unwrap();
        journal.record("torn", &key("k"), &files).unwrap();
        let path = journal.path.clone();
        drop(journal);
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - 7]).unwrap();

        let mut journal = folder.open("translate");
        assert!(journal.find("first", &key("k")).is_some());
        assert_eq!(journal.find("torn", &key("k")), None);
        journal.record("after", &key("k"), &files).unwrap();
        drop(journal);
        let journal = folder.open("translate");
        assert!(journal.find("after", &key("k")).is_some());
        assert!(journal.find("first", &key("k")).is_some());
    }

    #[test]
    fn tasks_are_merged_and_do_not_share_a_file() {
        let folder = Folder::new();
        let files = [folder.write("a", "one")];
        folder
            .open("shot-1")
            .record("one", &key("k"), &files)
            .unwrap();
        folder
            .open("shot-2")
            .record("two", &key("k"), &files)
            .unwrap();
        let journal = folder.open("shot-1");
        assert!(journal.find("one", &key("k")).is_some());
        assert!(journal.find("two", &key("k")).is_some());
        assert_eq!(
            fs::read_to_string(&journal.path).unwrap().lines().count(),
            1
        );
    }

    #[test]
    fn a_task_is_open_once_at_a_time() {
        let folder = Folder::new();
        let first = folder.open("translate");
        let second = Journal::open(folder.0.path(), "translate");
        assert!(matches!(second, Err(JournalError::Busy { .. })));
        assert!(Journal::open(folder.0.path(), "other").is_ok());
        drop(first);
        folder.open("translate");
    }

    #[test]
    fn a_moved_folder_keeps_its_products() {
        let folder = Folder::new();
        let files = [folder.write("old/frames/0.png", "zero")];
        let old = folder.0.path().join("old");
        Journal::open(&old, "translate")
            .unwrap()
            .record("frames", &key("k"), &files)
            .unwrap();
        let new = folder.0.path().join("new");
        fs::rename(&old, &new).unwrap();
        let journal = Journal::open(&new, "translate").unwrap();
        assert_eq!(
            journal.find("frames", &key("k")),
            Some(vec![new.join("frames/0.png")])
        );
    }

    #[test]
    fn files_outside_are_neither_recorded_nor_believed() {
        let folder = Folder::new();
        let outside = folder.write("secret", "content");
        let work = folder.0.path().join("work");
        let mut journal = Journal::open(&work, "translate").unwrap();
        let refused = journal.record("p", &key("k"), std::slice::from_ref(&outside));
        assert!(matches!(refused, Err(JournalError::Outside { .. })));
        let files = vec![ProductFile {
            path: "../secret".into(),
            hash: key("content"),
        }];
        journal.lines.push(Line {
            product: "p".into(),
            key: key("k"),
            files,
        });
        assert_eq!(journal.find("p", &key("k")), None);
    }
}
