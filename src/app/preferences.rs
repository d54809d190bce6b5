//! Settings of this user, whatever the video.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::export::ExportPreset;
use super::memory_ratios::MemoryRatio;
use crate::pipeline::job::{DeviceChoice, Precision};
use crate::worker::message::{Hub, ModelSources, Pace, Secret};

/// Files in the recent list.
const MOST_RECENT: usize = 12;

/// What older versions stored and no version reads any more: measurements of any model, which say nothing of others.
const OUTDATED: [&str; 1] = ["memory-factors"];

/// More threads than any machine has cores.
pub const MOST_THREADS: u32 = 1024;

/// Settings of this user.
#[allow(
    clippy::struct_excessive_bools,
    reason = "one checkbox each, independent of the others"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Preferences {
    /// Whether opened files are remembered.
    pub remember_recent: bool,
    /// Files opened last, newest first.
    pub recent: Vec<PathBuf>,
    /// Seconds from a change to its autosave.
    pub autosave_secs: u32,
    /// Light or dark.
    pub theme: ThemeChoice,
    /// Size of everything, in per cent: 75 to 200.
    pub scale_percent: u32,
    /// Whether nothing moves that need not.
    pub reduced_motion: bool,
    /// Width of thumbnails in the keyframes panel, in points.
    pub thumbnail_points: u32,
    /// Width of the settings panel, in points; the usual one if absent.
    pub settings_points: Option<u32>,
    /// Width of the keyframes panel, in points; the usual one if absent.
    pub results_points: Option<u32>,
    /// Whether the settings panel is hidden.
    pub hides_settings: bool,
    /// Whether the timeline is hidden.
    pub hides_timeline: bool,
    /// Whether the keyframes panel is hidden.
    pub hides_results: bool,
    /// Where the networks run in new projects.
    pub device: DeviceChoice,
    /// In which precision networks compute, in every project.
    pub precision: Precision,
    /// Threads that compute on the CPU, from the next start on; one for each core if absent.
    pub cpu_threads: Option<u32>,
    /// Memory that a job may use, in gigabytes; unknown if absent.
    pub memory_limit_gb: Option<u32>,
    /// ffmpeg, if it is not the one on the path.
    pub ffmpeg: Option<PathBuf>,
    /// Where working folders of unsaved projects go.
    pub work_folder: Option<PathBuf>,
    /// The model of new projects; the demo model if absent.
    pub model: Option<PathBuf>,
    /// Where this user's models lie; the usual place if absent.
    pub models_folder: Option<PathBuf>,
    /// More folders in which models are looked for: of other programs, or any others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more_model_folders: Vec<PathBuf>,
    /// Tells the hub who asks; the environment's goes first.
    #[serde(with = "token", skip_serializing_if = "Option::is_none")]
    pub hub_token: Option<Secret>,
    /// The hub's address, or that of a mirror; the usual one if absent. The environment's goes first.
    pub hub_endpoint: Option<String>,
    /// Whether nothing is downloaded.
    pub offline: bool,
    /// The preset that exports begin with.
    pub export_preset: ExportPreset,
    /// Whether exported files hold the settings.
    pub store_settings: bool,
    /// Whether exported files say that a model made them.
    pub mark_as_translated: bool,
    /// Whether the user knows that there is no GPU.
    pub knows_no_gpu: bool,
    /// How fast each device was, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub paces: BTreeMap<String, Pace>,
    /// How many times its estimate a batch's memory was, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub memory_ratios: Vec<MemoryRatio>,
    /// What a newer version stored.
    #[serde(flatten)]
    pub unknown: toml::Table,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            remember_recent: true,
            recent: Vec::new(),
            autosave_secs: 10,
            theme: ThemeChoice::System,
            scale_percent: 100,
            reduced_motion: false,
            thumbnail_points: 96,
            settings_points: None,
            results_points: None,
            hides_settings: false,
            hides_timeline: false,
            hides_results: false,
            device: DeviceChoice::Auto,
            precision: Precision::Auto,
            cpu_threads: None,
            memory_limit_gb: None,
            ffmpeg: None,
            work_folder: None,
            model: None,
            models_folder: None,
            more_model_folders: Vec::new(),
            hub_token: None,
            hub_endpoint: None,
            offline: false,
            export_preset: ExportPreset::default(),
            store_settings: true,
            mark_as_translated: true,
            knows_no_gpu: false,
            paces: BTreeMap::new(),
            memory_ratios: Vec::new(),
            unknown: toml::Table::new(),
        }
    }
}

/// The token is written as it is into its file, which only its owner can read.
mod token {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Secret;

    #[allow(clippy::ref_option, reason = "this is how a field is handed over")]
    pub fn serialize<S: Serializer>(token: &Option<Secret>, to: S) -> Result<S::Ok, S::Error> {
        match token {
            Some(Secret(token)) => to.serialize_some(token),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(Secret))
    }
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeChoice {
    /// As the desktop is.
    #[default]
    System,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

impl Preferences {
    /// Name of their file in the folder of settings.
    pub const FILE: &'static str = "preferences.toml";

    /// Reads a file's text. What cannot be read becomes the default, field by field, with the names of those fields.
    #[must_use]
    pub fn from_text(text: &str) -> (Self, Vec<String>) {
        let Ok(table) = text.parse::<toml::Table>() else {
            let all = if text.trim().is_empty() {
                vec![]
            } else {
                vec!["all".to_owned()]
            };
            return (Self::default(), all);
        };
        let mut kept = toml::Table::new();
        let mut lost = Vec::new();
        for (key, value) in table {
            if OUTDATED.contains(&&*key) {
                continue;
            }
            let mut tried = kept.clone();
            tried.insert(key.clone(), value);
            if Self::deserialize(tried.clone()).is_ok() {
                kept = tried;
            } else {
                lost.push(key);
            }
        }
        let preferences = Self::deserialize(kept).unwrap_or_default();
        (preferences.clamped(), lost)
    }

    /// The text of their file.
    #[must_use]
    pub fn to_text(&self) -> String {
        toml::to_string_pretty(self)
            .unwrap_or_else(|error| unreachable!("preferences are plain data: {error}"))
    }

    /// Bytes of memory that a job may use; unknown if not said.
    #[must_use]
    pub fn memory_limit(&self) -> Option<u64> {
        let gigabytes = self.memory_limit_gb.map(u64::from);
        gigabytes.map(|gigabytes| gigabytes * 1_000_000_000)
    }

    /// Where models are and come from, given what the environment says of that.
    #[must_use]
    pub fn sources(&self, environment: &ModelSources) -> ModelSources {
        let mut places = environment.places.clone();
        if let Some(folder) = &self.models_folder {
            places.folder.clone_from(folder);
        }
        let more = self.more_model_folders.iter().cloned();
        places.others.splice(0..0, more);
        ModelSources {
            places,
            hub: self.hub(&environment.hub),
        }
    }

    /// Whom downloads ask: a token and an address that the environment names go before those of the preferences, and
    /// either can switch downloads off.
    #[must_use]
    pub fn hub(&self, environment: &Hub) -> Hub {
        let usual = Hub::default().endpoint;
        let own = self.hub_endpoint.as_ref().filter(|own| !own.is_empty());
        let own = own.filter(|_| environment.endpoint == usual);
        Hub {
            endpoint: own.unwrap_or(&environment.endpoint).clone(),
            token: environment.token.clone().or(self.hub_token.clone()),
            offline: environment.offline || self.offline,
            ..environment.clone()
        }
    }

    /// With every number in its range.
    #[must_use]
    pub fn clamped(mut self) -> Self {
        self.scale_percent = self.scale_percent.clamp(75, 200);
        self.autosave_secs = self.autosave_secs.clamp(1, 3600);
        self.thumbnail_points = self.thumbnail_points.clamp(48, 320);
        self.cpu_threads = self.cpu_threads.map(|n| n.clamp(1, MOST_THREADS));
        self.recent.truncate(MOST_RECENT);
        self
    }

    /// Notes that a file was opened.
    pub fn opened(&mut self, path: &Path) {
        self.recent.retain(|recent| recent != path);
        if self.remember_recent {
            self.recent.insert(0, path.to_owned());
            self.recent.truncate(MOST_RECENT);
        }
    }
}
