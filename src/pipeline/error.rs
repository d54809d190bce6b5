//! Why a job ended without a result.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use crate::frame::FrameError;
use crate::pipeline::job::JobErrors;
use crate::pipeline::journal::JournalError;
use crate::pipeline::observer::Cancelled;

/// Why a job ended without a result: one variant for each stage, and [`Error::Cancelled`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings cannot be used.
    #[error(transparent)]
    Job(#[from] JobErrors),
    /// The record of finished products cannot be kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A picture cannot be read or written.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A file or folder of the job cannot be used.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried, as in "create the folder".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// It was asked to stop; everything finished is kept.
    #[error("cancelled")]
    Cancelled,
}

impl From<Cancelled> for Error {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl Error {
    /// What the user can do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Journal(JournalError::Busy { .. }) => {
                "wait until the other run has ended, or choose another folder with --work"
            }
            Self::Job(_) | Self::Cancelled => return None,
            _ => return io_hint(self),
        };
        Some(hint.to_owned())
    }
}

/// A hint by what the file system said, wherever in the chain of causes it said so.
fn io_hint(error: &Error) -> Option<String> {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let kind = causes
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .last()?;
    let hint = match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some disk space, or choose a folder on another disk with --work; \
                 finished parts are kept"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose folders that you may write to with --out and --work"
        }
        io::ErrorKind::NotFound => "check that the file or folder still exists",
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_follows_the_file_system() {
        let error = |kind: io::ErrorKind| Error::Io {
            what: "create the folder",
            path: "work".into(),
            source: kind.into(),
        };
        assert!(
            error(io::ErrorKind::StorageFull)
                .hint()
                .unwrap()
                .contains("disk space")
        );
        assert!(
            error(io::ErrorKind::PermissionDenied)
                .hint()
                .unwrap()
                .contains("--work")
        );
        assert_eq!(error(io::ErrorKind::BrokenPipe).hint(), None);
        assert_eq!(
            error(io::ErrorKind::NotFound).to_string(),
            "cannot create the folder work"
        );
    }

    #[test]
    fn the_hint_is_found_behind_other_causes() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = Error::from(FrameError::Write {
            path: "0001.png".into(),
            source: full,
        });
        assert!(error.hint().unwrap().contains("disk space"));
    }
}
