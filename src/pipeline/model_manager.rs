//! The models of this machine, for whoever manages them: what there is, and how to get what there is not.

use std::path::{Path, PathBuf};

pub use crate::models::download::{
    CheckedBy, DownloadError, Hub, Patience, Proxies, Receipt, Secret, Step, get,
};
pub use crate::models::library::{
    Entry, Found, Helper, Library, ModelId, NOT_SD15, Owner, Places, Role, State, catalogue, scan,
};

/// The model of this name, if the catalogue has it.
#[must_use]
pub fn entry(id: &ModelId) -> Option<&'static Entry> {
    catalogue().iter().find(|entry| entry.id == *id)
}

/// Where models are and come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelSources {
    /// Folders that are looked through.
    pub places: Places,
    /// Whom downloads ask.
    pub hub: Hub,
}

impl ModelSources {
    /// The usual ones; `variable` reads the environment.
    #[must_use]
    pub fn usual(
        folder: PathBuf,
        home: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        Self {
            hub: Hub::from_variables(&variable),
            places: Places::usual(folder, home, variable),
        }
    }
}
