//! The models of this machine, for whoever manages them: what there is, and how to get what there is not.

use std::path::Path;

pub use crate::models::download::{
    CheckedBy, DownloadError, Hub, Patience, Proxies, Receipt, Secret, Step,
};
pub use crate::models::library::{Entry, Found, Library, ModelId, Owner, Places, Role, State};

use crate::models::download::{self, Watch};
use crate::models::library;

/// Every model that can be downloaded.
#[must_use]
pub fn catalogue() -> &'static [Entry] {
    library::catalogue()
}

/// The model of this name, if the catalogue has it.
#[must_use]
pub fn entry(id: &ModelId) -> Option<&'static Entry> {
    catalogue().iter().find(|entry| entry.id == *id)
}

/// Looks through all places for models, and tells the state of every model of the catalogue.
#[must_use]
pub fn scan(places: &Places) -> Library {
    library::scan(places)
}

/// Fetches a model into its place in the models folder, unless it is there.
///
/// # Errors
/// [`DownloadError`]; what came in so far is kept for the next try unless it is known to be wrong.
pub fn get(
    entry: &Entry,
    models: &Path,
    hub: &Hub,
    watch: &mut Watch<'_>,
) -> Result<Receipt, DownloadError> {
    download::get(entry, models, hub, watch)
}
