//! The models of this machine, as the window knows them: the catalogue, what was found, downloads, and what can be done
//! with each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::actions::Action;
use super::format::{about, bytes};
use super::state::{AppState, Check, Dialog};
use crate::pipeline::job::ControlKind;
use crate::worker::message::{
    DownloadState, Entry, Found, GetModel, Hub, Library, ModelId, ModelSources, NOT_SD15, Owner,
    Places, Report, Role, State, catalogue,
};

/// Why nothing is downloaded.
const OFFLINE: &str = "Downloads are switched off in Preferences → Models.";

/// Why only checkpoints can be used before a video is open.
const NO_PROJECT: &str = "Open a video first.";

/// What a user can ask about models.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelAction {
    /// Look again for models.
    Scan,
    /// Use a model that is there.
    Use(Role, PathBuf),
    /// Download a model, or go on with it.
    Download(ModelId),
    /// Stop a download; what came in is kept.
    Pause(ModelId),
    /// Stop a download, and throw away what came in.
    Drop(ModelId),
}

/// What the window knows of models.
#[derive(Debug, Default)]
pub struct Models {
    /// Caches and folders of others, and whom downloads ask, as the environment says.
    pub environment: ModelSources,
    /// What was there at the last look.
    pub library: Check<Box<Library>>,
    /// The control that new projects begin with, once that is known.
    pub control: Option<ControlKind>,
    /// Looks that are not answered yet.
    pub looks: usize,
    /// Downloads that wait, go on or have failed.
    pub downloads: BTreeMap<ModelId, Download>,
}

/// A download of this window.
#[derive(Clone, Debug, PartialEq)]
pub struct Download {
    /// What it does.
    pub phase: Phase,
    /// Bytes that are there, and that there will be, as far as that is known.
    pub bytes: (u64, Option<u64>),
}

/// What a download does.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// It waits for others.
    Queued,
    /// It goes on; the last news of it.
    Going(DownloadState),
    /// It was told to stop, and perhaps to throw away what came in.
    Stopping {
        /// Whether it throws that away.
        drops: bool,
    },
    /// It failed.
    Failed(Report),
}

impl Download {
    /// Whether it waits or goes on.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Failed(_))
    }
}

/// How a model of the catalogue is.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Nobody has looked yet.
    Unknown,
    /// It can be used.
    Ready(PathBuf),
    /// It can be used, but nobody has compared its bytes with the hash that is known.
    Unchecked(PathBuf),
    /// It is not on this machine.
    Missing,
    /// Its file is of another family.
    OtherFamily,
    /// Its file cannot be used.
    Damaged(String),
    /// Its download has stopped in the middle.
    Unfinished(u64, Option<u64>),
    /// It is being downloaded, or that failed.
    Download(Download),
}

/// What can be done with a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// What the button says.
    pub label: &'static str,
    /// What it does.
    pub action: Action,
    /// Why it cannot be pressed, if it cannot.
    pub hindrance: Option<&'static str>,
}

impl Standing {
    /// It in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Unknown => "looking…".to_owned(),
            Self::Ready(_) => "ready".to_owned(),
            Self::Unchecked(_) => "ready, SHA-256 not compared".to_owned(),
            Self::Missing => "missing".to_owned(),
            Self::OtherFamily => NOT_SD15.to_owned(),
            Self::Damaged(reason) => format!("damaged: {reason}"),
            Self::Unfinished(done, total) => format!("stopped at {}", part(*done, *total)),
            Self::Download(Download { phase, bytes }) => match phase {
                Phase::Queued => "waiting for its turn".to_owned(),
                Phase::Going(DownloadState::Checking) => "checking its SHA-256".to_owned(),
                Phase::Going(DownloadState::Waiting { secs, reason }) => {
                    format!("{reason}; trying again in {secs:.0} s")
                }
                Phase::Going(DownloadState::Going { left_secs, .. }) => {
                    let left = left_secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
                    let left = left.map_or("measuring".to_owned(), |left| {
                        format!("{} left", about(left))
                    });
                    format!("{}, {left}", part(bytes.0, bytes.1))
                }
                Phase::Going(_) => "connecting…".to_owned(),
                Phase::Stopping { .. } => "stopping…".to_owned(),
                Phase::Failed(report) => format!("failed: {}", report.summary),
            },
        }
    }

    /// Which share of it is there, while it is downloaded.
    #[must_use]
    pub fn share(&self) -> Option<f32> {
        let (done, total) = match self {
            Self::Unfinished(done, total) => (*done, *total),
            Self::Download(download) if download.is_active() => download.bytes,
            _ => return None,
        };
        let total = total.filter(|total| *total > 0)?;
        Some((done as f64 / total as f64).min(1.0) as f32)
    }
}

/// So much of a file: a share if its length is known.
fn part(done: u64, total: Option<u64>) -> String {
    match total {
        Some(total) if total > 0 => format!("{} %", done.min(total) * 100 / total),
        _ => bytes(done),
    }
}

impl Models {
    /// How a model of the catalogue is.
    #[must_use]
    pub fn standing(&self, id: &ModelId) -> Standing {
        if let Some(download) = self.downloads.get(id) {
            return Standing::Download(download.clone());
        }
        match self.known(id) {
            None => Standing::Unknown,
            Some(State::Ready { path }) => Standing::Ready(path.clone()),
            Some(State::Unchecked { path }) => Standing::Unchecked(path.clone()),
            Some(State::Missing) => Standing::Missing,
            Some(State::Unfinished { done, total }) => Standing::Unfinished(*done, *total),
            Some(State::Damaged { reason, .. }) if reason == NOT_SD15 => Standing::OtherFamily,
            Some(State::Damaged { reason, .. }) => Standing::Damaged(reason.clone()),
        }
    }

    /// Whether any download waits or goes on.
    #[must_use]
    pub fn is_downloading(&self) -> bool {
        self.downloads.values().any(Download::is_active)
    }

    fn known(&self, id: &ModelId) -> Option<&State> {
        let entries = &self.library.ready()?.entries;
        let found = entries.iter().find(|(entry, _)| entry.id == *id);
        found.map(|(_, state)| state)
    }

    /// Notes how a model is, until the next look.
    pub(super) fn note(&mut self, id: &ModelId, now: State) {
        if let Check::Ready(library) = &mut self.library
            && let Some((_, state)) = library
                .entries
                .iter_mut()
                .find(|(entry, _)| entry.id == *id)
        {
            *state = now;
        }
    }

    /// Models of an owner that are no models of the catalogue.
    pub fn found(&self, owner: Owner) -> impl Iterator<Item = &Found> {
        let library = self.library.ready();
        let all = library.into_iter().flat_map(|library| {
            let found = library.found.iter();
            found.filter(|found| !is_listed(found, &library.folder))
        });
        all.filter(move |found| found.owner == owner)
    }
}

/// Whether a model of the models folder is there as one of the catalogue.
fn is_listed(found: &Found, folder: &Path) -> bool {
    let is_it = |entry: &Entry| {
        let place = entry.place(folder);
        place == found.path || place.parent() == Some(&found.path)
    };
    catalogue().iter().any(is_it)
}

impl AppState {
    /// Where this user's models lie.
    #[must_use]
    pub fn models_folder(&self) -> &Path {
        let chosen = self.preferences.models_folder.as_deref();
        chosen.unwrap_or(&self.folders.models)
    }

    /// Everywhere that models are looked for.
    #[must_use]
    pub fn places(&self) -> Places {
        Places {
            folder: self.models_folder().to_owned(),
            ..self.preferences.sources(&self.models.environment).places
        }
    }

    /// Whom downloads ask.
    #[must_use]
    pub fn hub(&self) -> Hub {
        self.preferences.hub(&self.models.environment.hub)
    }

    /// Why nothing is downloaded, if nothing is.
    #[must_use]
    pub fn why_offline(&self) -> Option<&'static str> {
        if self.models.environment.hub.offline {
            Some("HF_HUB_OFFLINE is set, so nothing is downloaded.")
        } else {
            self.preferences.offline.then_some(OFFLINE)
        }
    }

    /// How models are fetched.
    #[must_use]
    pub fn how_to_get(&self) -> GetModel {
        GetModel {
            folder: self.models_folder().to_owned(),
            hub: self.hub(),
        }
    }

    /// What can be done with a model of the catalogue.
    #[must_use]
    pub fn offers(&self, entry: &Entry, standing: &Standing) -> Vec<Offer> {
        let id = || entry.id.clone();
        let offline = self.why_offline();
        let download = |label, action| Offer {
            label,
            action,
            hindrance: offline,
        };
        let ask = |label| download(label, Action::OpenDialog(Dialog::Download(id())));
        let go_on = |label| download(label, Action::Model(ModelAction::Download(id())));
        let plain = |label, action| Offer {
            label,
            action,
            hindrance: None,
        };
        let copy = || plain("Copy address", Action::Copy(self.by_hand(entry)));
        let drop = || plain("Cancel", Action::Model(ModelAction::Drop(id())));
        match standing {
            Standing::Unknown => Vec::new(),
            Standing::Ready(path) | Standing::Unchecked(path) => {
                self.offer_use(entry.role, path).into_iter().collect()
            }
            Standing::Missing => vec![ask("Download"), copy()],
            Standing::OtherFamily | Standing::Damaged(_) => vec![ask("Download again"), copy()],
            Standing::Unfinished(..) => vec![go_on("Continue"), drop(), copy()],
            Standing::Download(download) => match &download.phase {
                Phase::Queued | Phase::Going(_) => {
                    let pause = plain("Pause", Action::Model(ModelAction::Pause(id())));
                    vec![pause, drop()]
                }
                Phase::Stopping { .. } => Vec::new(),
                Phase::Failed(report) => vec![
                    go_on("Try again"),
                    plain("Show details", Action::ShowDetails(report.clone())),
                    copy(),
                ],
            },
        }
    }

    /// The button that uses a model, unless it is used already or works by itself.
    #[must_use]
    pub fn offer_use(&self, role: Role, path: &Path) -> Option<Offer> {
        let needs_project = role != Role::Checkpoint && self.project.is_none();
        (role != Role::Helper && !self.uses(role, path)).then(|| Offer {
            label: "Use",
            action: Action::Model(ModelAction::Use(role, path.to_owned())),
            hindrance: needs_project.then_some(NO_PROJECT),
        })
    }

    /// Whether the settings name a model.
    #[must_use]
    pub fn uses(&self, role: Role, path: &Path) -> bool {
        let Some(project) = &self.project else {
            return role == Role::Checkpoint && self.preferences.model.as_deref() == Some(path);
        };
        let spec = &project.edits.spec;
        match role {
            Role::Checkpoint => spec.model.as_deref() == Some(path),
            Role::Vae => spec.vae.as_deref() == Some(path),
            Role::ControlNet => spec.controlnet.iter().any(|net| net.path == path),
            Role::Lora => spec.lora.iter().any(|lora| lora.path == path),
            Role::Helper => false,
        }
    }

    /// All that one needs to get a model on another machine and put it into its place.
    #[must_use]
    pub fn by_hand(&self, entry: &Entry) -> String {
        let hash = entry.sha256.as_deref();
        format!(
            "{}\nFile: {}\nSHA-256: {}",
            entry.address(&self.hub().endpoint),
            entry.place(self.models_folder()).display(),
            hash.unwrap_or("none is published")
        )
    }
}
