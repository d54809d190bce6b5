//! Where a model of the catalogue is, and whether it is whole.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::helpers::Helper;
use super::manifest::Entry;
use super::places::Places;
use super::{Found, misfit};
use crate::models::download::{self, Record};

/// Where a model of the catalogue is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// It can be used.
    Ready {
        /// Its file, or the folder that holds it.
        path: PathBuf,
    },
    /// It can be used, but its bytes were not compared with the hash that the catalogue has.
    Unchecked {
        /// Its file.
        path: PathBuf,
    },
    /// It is not on this machine.
    Missing,
    /// A download has stopped in the middle, and can go on.
    Unfinished {
        /// Bytes that are there.
        done: u64,
        /// Bytes that there will be, if that is known.
        total: Option<u64>,
    },
    /// It is there and cannot be used.
    Damaged {
        /// Its file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl Entry {
    /// The names that a download of it has until it is whole: what came in, and the note beside it.
    #[must_use]
    pub fn partials(&self, models: &Path) -> [PathBuf; 2] {
        download::partials(&self.place(models))
    }
}

/// Where a model is: in the models folder, or anywhere else.
pub(super) fn of(entry: &Entry, places: &Places, found: &[Found]) -> State {
    let path = entry.place(&places.folder);
    let elsewhere = match Helper::of(entry) {
        // Where the jobs look for it.
        Some(helper) => places.helper(helper).filter(|found| {
            let is_other = *found != path;
            is_other && misfit(entry, found).is_none()
        }),
        None => elsewhere(entry, found),
    };
    match (own(entry, &path), elsewhere) {
        (Some(own @ (State::Ready { .. } | State::Unchecked { .. })), _) => own,
        (_, Some(path)) => State::Ready { path },
        (Some(state), None) => state,
        (None, None) => State::Missing,
    }
}

/// The state of the file in the models folder, if there is anything of it.
fn own(entry: &Entry, path: &Path) -> Option<State> {
    let Ok(about) = fs::metadata(path) else {
        let (done, total) = download::unfinished(path)?;
        return Some(State::Unfinished { done, total });
    };
    let record = Record::beside(path);
    let wanted = record.as_ref().map(|record| record.bytes);
    let wanted = wanted.or(entry.is_exact.then_some(entry.bytes));
    let reason = match wanted {
        Some(wanted) if wanted != about.len() => {
            Some(format!("it has {} bytes instead of {wanted}", about.len()))
        }
        _ => misfit(entry, path),
    };
    let is_unchecked = entry.sha256.as_ref().is_some_and(|hash| {
        let is_told = |record: &Record| record.sha256.eq_ignore_ascii_case(hash);
        !record.is_some_and(|record| is_told(&record) && record.is_of(&about))
    });
    let path = path.to_owned();
    Some(match reason {
        None if is_unchecked => State::Unchecked { path },
        None => State::Ready { path },
        Some(reason) => State::Damaged { path, reason },
    })
}

/// The same file in somebody else's folder: in the hub's cache by its repository, elsewhere by a name that tells.
fn elsewhere(entry: &Entry, found: &[Found]) -> Option<PathBuf> {
    let is_it = |found: &&Found| {
        let name = entry.file_name();
        let is_named = found.path.file_name().is_some_and(|file| file == name)
            || found.path.join(name).is_file();
        let is_telling = !GENERIC.iter().any(|generic| name.starts_with(generic));
        let is_same = is_named && (is_telling || found.name == entry.hub);
        let file = if found.path.is_dir() {
            found.path.join(name)
        } else {
            found.path.clone()
        };
        is_same
            && found.role == entry.role
            && found.trouble.is_none()
            && misfit(entry, &file).is_none()
    };
    found.iter().find(is_it).map(|found| found.path.clone())
}

/// Names that files of many models have.
const GENERIC: [&str; 3] = ["diffusion_pytorch_model", "model.", "pytorch_lora_weights"];
