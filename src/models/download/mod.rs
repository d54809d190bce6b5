//! Fetches one file of a model, only when the user asks: goes on where an earlier try stopped, checks length and hash,
//! and gives the file its name when it is whole.

mod error;
mod fetch;
mod hub;
mod partial;
mod talk;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use error::DownloadError;
pub use fetch::fetch;
pub use hub::{Hub, Patience, Proxies, Secret};
pub use partial::{Record, partials, unfinished};

use super::inspect;
use super::library::{Entry, misfit};
use crate::files;

/// What is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Where it is.
    pub address: String,
    /// The page about it, for messages.
    pub page: String,
    /// Where it goes.
    pub file: PathBuf,
    /// Its length, where it is known.
    pub bytes: Option<u64>,
    /// Its hash, where it is known.
    pub sha256: Option<String>,
}

/// How far a download is.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Bytes come in.
    Going {
        /// Bytes that are there.
        done: u64,
        /// Bytes that there will be, if that is known.
        total: Option<u64>,
    },
    /// The line broke or the server asks to wait; it goes on by itself.
    Waiting {
        /// For how long.
        pause: Duration,
        /// Why.
        reason: String,
    },
    /// All bytes are there, and are compared with the hash.
    Checking,
}

/// Whom a file's hash is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckedBy {
    /// The catalogue.
    Catalogue,
    /// The hub, at the time of the download.
    Hub,
    /// Nobody: only the length was compared.
    Nobody,
}

/// A file that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its hash.
    pub sha256: String,
    /// Whom the hash was compared with.
    pub checked_by: CheckedBy,
}

/// Hears how far a download is, and says whether it goes on.
pub type Watch<'a> = dyn FnMut(Step) -> ControlFlow<()> + 'a;

/// Fetches a model of the catalogue into its place in the models folder, with the config that belongs beside it.
///
/// # Errors
/// [`DownloadError`]; what came in so far is kept for the next try unless it is known to be wrong.
pub fn get(
    entry: &Entry,
    models: &Path,
    hub: &Hub,
    watch: &mut Watch<'_>,
) -> Result<Receipt, DownloadError> {
    let order = Order {
        address: entry.address(&hub.endpoint),
        page: entry.page(&hub.endpoint),
        file: entry.place(models),
        bytes: entry.is_exact.then_some(entry.bytes),
        sha256: entry.sha256.clone(),
    };
    let misfit = |path: &Path| misfit(entry, path);
    if let Some(receipt) = there(&order, watch)?
        && misfit(&order.file).is_none()
    {
        return Ok(receipt);
    }
    if let Some(config) = entry.config.filter(|_| !hub.offline) {
        let path = order.file.with_file_name("config.json");
        let written = fs::create_dir_all(files::parent(&path))
            .and_then(|()| files::write_atomic(&path, config.as_bytes()));
        written.map_err(|source| DownloadError::writing(&path, source))?;
    }
    fetch::fetch_if(&order, hub, watch, &misfit)
}

/// The file, if it is there already and whole: its bytes are hashed and compared with what the catalogue knows, else with
/// what was noted as they came.
fn there(order: &Order, watch: &mut Watch<'_>) -> Result<Option<Receipt>, DownloadError> {
    let path = &order.file;
    let about = fs::metadata(path).ok().filter(fs::Metadata::is_file);
    let Some(about) = about else {
        return Ok(None);
    };
    let told = match (&order.sha256, Record::beside(path)) {
        (Some(hash), _) => Some((order.bytes, hash.clone(), CheckedBy::Catalogue)),
        (None, Some(record)) => {
            let by = match record.checked_by {
                CheckedBy::Hub => CheckedBy::Hub,
                // The catalogue knows no hash, whatever it knew before.
                CheckedBy::Catalogue | CheckedBy::Nobody => CheckedBy::Nobody,
            };
            Some((Some(record.bytes), record.sha256, by))
        }
        (None, None) => None,
    };
    let noted = told.as_ref().and_then(|(bytes, ..)| *bytes);
    let mut lengths = [order.bytes, noted].into_iter().flatten();
    if lengths.any(|wanted| wanted != about.len()) || fault(path, path).is_some() {
        return Ok(None);
    }
    let sha256 = partial::hash_of(path, &mut || watch(Step::Checking))?;
    let checked_by = match told {
        Some((_, wanted, _)) if !wanted.eq_ignore_ascii_case(&sha256) => return Ok(None),
        Some((.., by)) => by,
        None => CheckedBy::Nobody,
    };
    let receipt = Receipt {
        path: path.clone(),
        bytes: about.len(),
        sha256,
        checked_by,
    };
    partial::note_compared(&receipt, &order.address, &about);
    Ok(Some(receipt))
}

/// What is wrong with the structure of a file at `path` that is to be called `name`, if it is one of weights.
fn fault(path: &Path, name: &Path) -> Option<inspect::Fault> {
    let end = name.extension().unwrap_or_default();
    if end.eq_ignore_ascii_case("safetensors") {
        inspect::header_of(path).ok()?.err()
    } else if end.eq_ignore_ascii_case("pth") || end.eq_ignore_ascii_case("pt") {
        inspect::pickle_of(path).ok()?.err()
    } else {
        None
    }
}
