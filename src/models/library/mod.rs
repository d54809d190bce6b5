//! The models that can be had and those that are there: the catalogue, its state on this machine, and files that other
//! programs keep, which are used in place and never moved.

mod fit;
mod helpers;
mod look;
mod manifest;
mod places;
mod scan;
mod state;

use std::path::PathBuf;

use serde::Serialize;

pub use fit::misfit;
pub use helpers::Helper;
pub use look::{NOT_SD15, Nature};
pub use manifest::{Entry, ModelId, Role, catalogue, parse_manifest};
pub use places::{Owner, Places};
pub use scan::scan;
pub use state::State;

/// What is known of the models on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// The folder for models of this user.
    pub folder: PathBuf,
    /// The catalogue, in its order, and where each of its models is.
    pub entries: Vec<(Entry, State)>,
    /// Files and folders of models, the preferred one of each name first.
    pub found: Vec<Found>,
    /// What was passed over, and which of several files of one name is used.
    pub notes: Vec<String>,
}

/// A model that is on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What it is called: the name of its file or folder.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The file, or the folder in diffusers layout.
    pub path: PathBuf,
    /// Whose folder it is in.
    pub owner: Owner,
    /// Its size; of a folder, that of its weights.
    pub bytes: u64,
    /// Why it cannot be used, if it cannot.
    pub trouble: Option<String>,
}
