//! A file that is not whole yet, beside its place, with a note of what it is a part of; and the record beside a whole one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::error::DownloadError;
use super::talk::Head;
use super::{CheckedBy, Receipt};
use crate::files;
use crate::models::inspect;

/// What an unfinished file is a part of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memo {
    /// Where it comes from.
    pub address: String,
    /// Tells the server which state of the file it is.
    pub validator: Option<String>,
    /// Length of the whole.
    pub total: Option<u64>,
    /// Hash of the whole, as the hub says.
    pub sha256: Option<String>,
}

/// What is known of a file that was downloaded or compared, beside it: `<file>.source.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where it came from.
    pub address: String,
    /// Its length.
    pub bytes: u64,
    /// Its hash.
    pub sha256: String,
    /// Whom the hash was compared with.
    pub checked_by: CheckedBy,
    /// When the file was written last as it was hashed, in milliseconds since 1970.
    #[serde(default)]
    pub modified_ms: Option<u64>,
}

/// Times that differ by less are the same: some file systems round them to two seconds.
const SAME_TIME_MS: u64 = 2000;

impl Record {
    fn new(address: &str, receipt: &Receipt, about: Option<&fs::Metadata>) -> Self {
        Self {
            address: address.to_owned(),
            bytes: receipt.bytes,
            sha256: receipt.sha256.clone(),
            checked_by: receipt.checked_by,
            modified_ms: about.and_then(modified_ms),
        }
    }

    /// Whether the hash is of the file as it is now, as far as its length and its time tell.
    #[must_use]
    pub fn is_of(&self, about: &fs::Metadata) -> bool {
        let times = self.modified_ms.zip(modified_ms(about));
        let is_then = times.is_some_and(|(noted, now)| noted.abs_diff(now) <= SAME_TIME_MS);
        self.bytes == about.len() && is_then
    }

    fn write(&self, file: &Path) -> Result<(), DownloadError> {
        let text = toml::to_string(self)
            .unwrap_or_else(|error| unreachable!("the record is plain data: {error}"));
        let path = beside(file, "", ".source.toml");
        files::write_atomic(&path, text.as_bytes())
            .map_err(|source| DownloadError::writing(&path, source))
    }

    /// The record of a file, if this program has downloaded or compared it.
    #[must_use]
    pub fn beside(file: &Path) -> Option<Self> {
        let path = beside(file, "", ".source.toml");
        files::require_file(&path).ok()?;
        toml::from_str(&fs::read_to_string(path).ok()?).ok()
    }
}

fn modified_ms(about: &fs::Metadata) -> Option<u64> {
    let since = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

/// Notes that a file which was there was compared, so that it need not be hashed to know it. Where that cannot be
/// written, it is hashed again.
pub(super) fn note_compared(receipt: &Receipt, address: &str, about: &fs::Metadata) {
    let record = Record::new(address, receipt, Some(about));
    if let Err(error) = record.write(&receipt.path) {
        tracing::warn!(%error, "what was compared cannot be noted");
    }
}

/// Bytes that a stopped download of `file` has left, and of how many, if there is one.
#[must_use]
pub fn unfinished(file: &Path) -> Option<(u64, Option<u64>)> {
    let [part, memo] = partials(file);
    let about = fs::metadata(part).ok()?;
    Some((about.len(), read_memo(&memo)?.total))
}

/// What a download of `file` has until it is whole: the bytes that came in, and the note beside them.
#[must_use]
pub fn partials(file: &Path) -> [PathBuf; 2] {
    ["", ".toml"].map(|after| beside(file, ".partial-", after))
}

/// A name beside `file`.
fn beside(file: &Path, before: &str, after: &str) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{before}{name}{after}"))
}

fn read_memo(path: &Path) -> Option<Memo> {
    files::require_file(path).ok()?;
    toml::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// The hash of a file; it can be stopped.
pub(super) fn hash_of(
    path: &Path,
    goes_on: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<String, DownloadError> {
    let hash = inspect::sha256_of(path, goes_on).map_err(|source| DownloadError::Read {
        path: path.to_owned(),
        source,
    })?;
    hash.ok_or(DownloadError::Cancelled)
}

/// A file that is not whole yet; nobody else writes it meanwhile.
pub(super) struct Partial {
    file: File,
    n_bytes: u64,
    whole: PathBuf,
    path: PathBuf,
    memo_path: PathBuf,
    memo: Memo,
}

impl Partial {
    /// Opens what an earlier try has left, or begins anew if it is from elsewhere.
    pub fn open(whole: &Path, address: &str) -> Result<Self, DownloadError> {
        let [path, memo_path] = partials(whole);
        let writing = |source| DownloadError::writing(&path, source);
        fs::create_dir_all(files::parent(whole)).map_err(writing)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(writing)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(DownloadError::Busy(whole.to_owned())),
            // A file system without locks is no reason not to download.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let memo = read_memo(&memo_path).filter(|memo| memo.address == address);
        // Without a note it is not known what the bytes are.
        let n_bytes = if memo.is_some() {
            file.metadata().map_err(writing)?.len()
        } else {
            0
        };
        let mut partial = Self {
            memo: memo.unwrap_or_else(|| Memo {
                address: address.to_owned(),
                ..Memo::default()
            }),
            file,
            n_bytes,
            whole: whole.to_owned(),
            path,
            memo_path,
        };
        let is_usable = partial.memo.validator.is_some() || partial.memo.sha256.is_some();
        let is_too_long = partial.memo.total.is_some_and(|total| n_bytes > total);
        if n_bytes == 0 || !is_usable || is_too_long {
            partial.restart()?;
        } else {
            partial.seek()?;
        }
        Ok(partial)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    pub fn memo(&self) -> &Memo {
        &self.memo
    }

    /// Forgets everything.
    pub fn restart(&mut self) -> Result<(), DownloadError> {
        self.n_bytes = 0;
        self.memo = Memo {
            address: std::mem::take(&mut self.memo.address),
            ..Memo::default()
        };
        let about = self.file.metadata();
        let emptied = about.and_then(|about| match about.len() {
            0 => Ok(()),
            _ => self.file.set_len(0),
        });
        emptied.map_err(|source| DownloadError::writing(&self.path, source))?;
        let _ = fs::remove_file(&self.memo_path);
        self.seek()
    }

    fn seek(&mut self) -> Result<(), DownloadError> {
        let place = self.file.seek(SeekFrom::Start(self.n_bytes));
        place
            .map(drop)
            .map_err(|source| DownloadError::writing(&self.path, source))
    }

    /// Notes what the bytes that follow are a part of, before the first of them is written.
    pub fn note(&mut self, head: &Head, total: Option<u64>) -> Result<(), DownloadError> {
        let memo = Memo {
            address: self.memo.address.clone(),
            validator: head.validator.clone().or(self.memo.validator.take()),
            total: total.or(self.memo.total),
            sha256: head.sha256.clone().or(self.memo.sha256.take()),
        };
        let text = toml::to_string(&memo)
            .unwrap_or_else(|error| unreachable!("the note is plain data: {error}"));
        self.memo = memo;
        files::write_atomic(&self.memo_path, text.as_bytes())
            .map_err(|source| DownloadError::writing(&self.memo_path, source))
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        let written = self.file.write_all(bytes);
        if let Err(source) = written {
            // A part of them may be there.
            let error = DownloadError::writing(&self.path, source);
            let _ = self.file.set_len(self.n_bytes);
            return Err(error);
        }
        self.n_bytes += bytes.len() as u64;
        Ok(())
    }

    /// The hash of everything, as lowercase hexadecimal; it can be stopped.
    pub fn sha256(
        &mut self,
        goes_on: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<String, DownloadError> {
        hash_of(&self.path, goes_on)
    }

    /// Gives the file its name, after its data has reached the disk, and writes its record.
    pub fn finish(&mut self, receipt: &Receipt) -> Result<(), DownloadError> {
        let about = self.file.metadata().ok();
        Record::new(&self.memo.address, receipt, about.as_ref()).write(&self.whole)?;
        files::commit(&self.path, &self.whole)
            .map_err(|source| DownloadError::writing(&self.whole, source))?;
        let _ = fs::remove_file(&self.memo_path);
        Ok(())
    }
}
