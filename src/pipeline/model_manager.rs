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

/// What people call the model at a path: by the catalogue, else by the name of its file or folder.
#[must_use]
pub fn title(path: &Path, places: &Places) -> String {
    let is_it = |entry: &&Entry| {
        let place = entry.place(&places.folder);
        place == path || place.parent() == Some(path)
    };
    let name = path.file_name().unwrap_or(path.as_os_str());
    let entry = catalogue().iter().find(is_it);
    entry.map_or_else(
        || name.to_string_lossy().into_owned(),
        |entry| entry.title.clone(),
    )
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
