//! Why a download did not end with a file.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::talk::Head;
use crate::models::inspect::Fault;

/// Why a download did not end with a file.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The user said so.
    #[error("the download was stopped")]
    Cancelled,
    /// The user wants no network.
    #[error("working offline, so nothing is downloaded; the address is {address}")]
    Offline {
        /// Where the file is.
        address: String,
        /// Where it belongs.
        file: PathBuf,
        /// Its hash, if it is known.
        sha256: Option<String>,
    },
    /// Another process fetches the same file.
    #[error("another download of the same file is going on: {}", .0.display())]
    Busy(PathBuf),
    /// The hub wants to know who asks.
    #[error("the hub gives this file only to users that it knows: {page}")]
    SignIn {
        /// The page about it.
        page: String,
    },
    /// The hub knows who asks, and refuses.
    #[error("the hub does not give you this file yet: {page}")]
    Forbidden {
        /// The page about it.
        page: String,
    },
    /// It is not there.
    #[error("the hub has no such file (any more); its page is {page}")]
    NotFound {
        /// The page about it.
        page: String,
    },
    /// Another answer than a file.
    #[error("the server refused with status {status}; the page is {page}")]
    Status {
        /// The server's word.
        status: u16,
        /// The page about it.
        page: String,
    },
    /// The server sends elsewhere, in circles or to where one must not go.
    #[error("the server sends elsewhere and no file comes: {reason}")]
    Redirect {
        /// What is wrong with it.
        reason: String,
    },
    /// It failed again and again.
    #[error("the download failed several times: {reason}; the address is {address}")]
    GaveUp {
        /// Where the file is.
        address: String,
        /// What went wrong last.
        reason: String,
        /// Bytes that are kept for the next try.
        kept: u64,
    },
    /// It cannot be asked for at all.
    #[error("cannot connect: {reason}")]
    Connect {
        /// Why not.
        reason: String,
    },
    /// Another length than it should have.
    #[error("the file has {found} bytes instead of {expected}: {address}")]
    WrongLength {
        /// Where it is.
        address: String,
        /// Its length, as catalogue or hub know it.
        expected: u64,
        /// The length that the server gives it.
        found: u64,
    },
    /// Another hash than it should have.
    #[error(
        "the file does not match its checksum: it has SHA-256 {found} instead of {expected}, from {address}"
    )]
    WrongHash {
        /// Where it is.
        address: String,
        /// Its hash, as catalogue or hub know it.
        expected: String,
        /// Its hash.
        found: String,
    },
    /// What came is no file of weights.
    #[error("what was downloaded is damaged ({fault}): {}", file.display())]
    Damaged {
        /// Where it would have gone.
        file: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
    /// What came is a whole file, and no use as what it was fetched for.
    #[error("what was downloaded is not what the catalogue promises ({reason}): {}", file.display())]
    NotIt {
        /// Where it would have gone.
        file: PathBuf,
        /// What it is, or lacks.
        reason: String,
    },
    /// The disk has too little room for what is still to come.
    #[error("the download needs {} more and the disk has {}: {}", gigabytes(*needed), gigabytes(*free), file.display())]
    NoRoom {
        /// Bytes that are still to come.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// Where the file would go.
        file: PathBuf,
    },
    /// The disk is full.
    #[error("the disk is full: {}", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be read back.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why one try ended without all bytes.
#[derive(Debug)]
pub(super) enum Ended {
    /// Another one may help.
    Again {
        /// What happened.
        reason: String,
        /// For how long the server asks to wait.
        pause: Option<Duration>,
    },
    /// No other one helps.
    Final(DownloadError),
}

impl Ended {
    pub fn again(reason: &str) -> Self {
        Self::Again {
            reason: reason.to_owned(),
            pause: None,
        }
    }
}

impl From<DownloadError> for Ended {
    fn from(error: DownloadError) -> Self {
        Self::Final(error)
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.2} GB", bytes as f64 / 1e9)
}

impl DownloadError {
    /// A file that could not be written.
    pub(super) fn writing(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, source }
            }
            _ => Self::Write { path, source },
        }
    }

    /// What a server's answer without a file means.
    pub(super) fn of_status(head: &Head, page: &str) -> Ended {
        let page = page.to_owned();
        let status = head.status;
        Ended::Final(match status {
            401 => Self::SignIn { page },
            403 => Self::Forbidden { page },
            404 | 410 => Self::NotFound { page },
            408 | 425 | 429 | 500..=599 => {
                return Ended::Again {
                    reason: if status == 429 {
                        "the server asks to wait".to_owned()
                    } else {
                        format!("the server has a problem, status {status}")
                    },
                    pause: head.retry_after,
                };
            }
            _ => Self::Status { status, page },
        })
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Cancelled => return None,
            Self::Offline { file, sha256, .. } => {
                let hash = sha256.as_ref();
                let hash = hash.map(|hash| format!("; its SHA-256 must be {hash}"));
                format!(
                    "unset HF_HUB_OFFLINE and switch offline off in the preferences, or get the file on another machine and put it at {}{}",
                    file.display(),
                    hash.unwrap_or_default()
                )
            }
            Self::Busy(_) => "wait for it to end".to_owned(),
            Self::SignIn { .. } => "open the page, make a token in your account's settings there, and set HF_TOKEN to it".to_owned(),
            Self::Forbidden { .. } => "open the page, accept its conditions with the account of your token, and try again".to_owned(),
            Self::NotFound { .. } => "see on the page whether it has moved, get it by hand and use it as a file of your own".to_owned(),
            Self::Status { .. } | Self::Redirect { .. } => "try again later; with HF_ENDPOINT another server can be used".to_owned(),
            Self::GaveUp { kept, .. } => format!(
                "check the connection and try again; {kept} bytes are kept, and the download goes on from there"
            ),
            Self::Connect { .. } => "check HF_ENDPOINT, HTTPS_PROXY and the system's clock".to_owned(),
            Self::WrongLength { .. }
            | Self::WrongHash { .. }
            | Self::Damaged { .. }
            | Self::NotIt { .. } => {
                "nothing of it was kept; try again, or get the file from its page by hand".to_owned()
            }
            Self::NoRoom { .. } => "free some disk space, or choose a models folder on another disk; what came in so far is kept".to_owned(),
            Self::DiskFull { .. } => "free some disk space and try again; the download goes on where it stopped".to_owned(),
            Self::Read { .. } | Self::Write { .. } => "check that the models folder is there and may be written to".to_owned(),
        })
    }
}
