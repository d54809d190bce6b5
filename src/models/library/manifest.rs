//! The catalogue: what each model is for, where it is published, how large it is and under which licence.
//!
//! It is data, in `models/<name>/manifest.toml`, and part of the program. Hashes stand there only where a page of the
//! publisher shows one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

macro_rules! manifests {
    ($($name:literal: [$($config:literal),*]),+ $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../../../models/", $name, "/manifest.toml")),
            &[$(($config, include_str!(concat!("../../../models/", $name, "/", $config)))),*],
        )),+]
    };
}

/// A model's folder, its manifest, and the configs that the manifest names.
type Manifest = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// Every manifest, in the order in which people see them.
const MANIFESTS: &[Manifest] = manifests![
    "realistic-vision-2": [],
    "sd15": [],
    "dreamshaper-8-lcm": [],
    "sd-vae-ft-mse": ["config.json"],
    "controlnet-sd15": ["config.json"],
    "gmflow": [],
    "hed": [],
    "u2net": [],
    "egnet": [],
    "depth-anything": [],
    "midas": [],
    "taesd": [],
    "lcm-lora-sdv1-5": [],
];

/// Names a model of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelId(pub String);

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything that makes pictures.
    Checkpoint,
    /// Between pictures and latents.
    Vae,
    /// Keeps a structure of the source.
    ControlNet,
    /// Changes a checkpoint a little.
    Lora,
    /// Finds something in the source, or shows previews.
    #[serde(other)]
    Helper,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Checkpoint => "Checkpoint",
            Self::Vae => "VAE",
            Self::ControlNet => "ControlNet",
            Self::Lora => "LoRA",
            Self::Helper => "Helper",
        })
    }
}

/// A model of the catalogue: one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name for commands; also its folder in the models folder.
    pub id: ModelId,
    /// What it is.
    pub role: Role,
    /// What people call it.
    pub title: String,
    /// What it is for.
    pub purpose: String,
    /// The hub's repository.
    pub hub: String,
    /// The file in it.
    pub file: String,
    /// Its size: exact if it has to be so, else as published.
    pub bytes: u64,
    /// Whether the size has to be exact.
    pub is_exact: bool,
    /// Its hash, where the publisher shows one.
    pub sha256: Option<String>,
    /// Its licence, as the publisher names it.
    pub licence: String,
    /// What is unclear about the licence.
    pub licence_note: Option<String>,
    /// Text of the `config.json` that belongs beside it.
    #[serde(skip)]
    pub config: Option<&'static str>,
}

impl Entry {
    /// Name of its file, without folders.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or(&self.file)
    }

    /// Where it goes in the models folder.
    #[must_use]
    pub fn place(&self, models: &Path) -> PathBuf {
        models.join(&self.id.0).join(self.file_name())
    }

    /// Where the hub at `endpoint` has it.
    #[must_use]
    pub fn address(&self, endpoint: &str) -> String {
        let endpoint = endpoint.trim_end_matches('/');
        format!("{endpoint}/{}/resolve/main/{}", self.hub, self.file)
    }

    /// Its licence, and what is unclear about it.
    #[must_use]
    pub fn licence_text(&self) -> String {
        match &self.licence_note {
            None => self.licence.clone(),
            Some(note) => format!("{} ({note})", self.licence),
        }
    }

    /// The page about it, which tells the licence.
    #[must_use]
    pub fn page(&self, endpoint: &str) -> String {
        format!("{}/{}", endpoint.trim_end_matches('/'), self.hub)
    }
}

/// Every model that can be downloaded.
#[must_use]
pub fn catalogue() -> &'static [Entry] {
    static CATALOGUE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let entries = MANIFESTS.iter().flat_map(|(name, text, configs)| {
            parse_manifest(text, configs)
                .unwrap_or_else(|error| unreachable!("manifests are constants, {name}: {error}"))
        });
        entries.collect()
    });
    &CATALOGUE
}

/// A manifest as it stands in its file; what describes the networks themselves is for tests.
#[derive(Debug, Deserialize)]
struct ManifestFile {
    role: Role,
    hub: Option<String>,
    licence: Option<String>,
    licence_note: Option<String>,
    #[serde(default)]
    download: Vec<DownloadTable>,
}

#[derive(Debug, Deserialize)]
struct DownloadTable {
    id: ModelId,
    title: String,
    purpose: String,
    hub: Option<String>,
    file: String,
    bytes: Option<u64>,
    size_gb: Option<f64>,
    sha256: Option<String>,
    licence: Option<String>,
    licence_note: Option<String>,
    config: Option<String>,
}

/// Reads the downloads of a manifest, with the configs that it may name.
///
/// # Errors
/// What is wrong with it, for its author.
pub fn parse_manifest(
    text: &str,
    configs: &'static [(&'static str, &'static str)],
) -> Result<Vec<Entry>, String> {
    let file: ManifestFile = toml::from_str(text).map_err(|error| error.to_string())?;
    let entry = |table: &DownloadTable| {
        let missing = |what: &str| format!("{} has no {what}", table.id);
        let about = table.size_gb.map(|size| (size * 1e9).round() as u64);
        let config = match &table.config {
            None => None,
            Some(name) => {
                let found = configs.iter().find(|(config, _)| config == name);
                Some(found.ok_or_else(|| missing(name))?.1)
            }
        };
        let entry = Entry {
            id: table.id.clone(),
            role: file.role,
            title: table.title.clone(),
            purpose: table.purpose.clone(),
            hub: or(table.hub.as_ref(), file.hub.as_ref()).ok_or_else(|| missing("hub"))?,
            file: table.file.clone(),
            bytes: table.bytes.or(about).ok_or_else(|| missing("size"))?,
            is_exact: table.bytes.is_some(),
            sha256: table.sha256.clone(),
            licence: or(table.licence.as_ref(), file.licence.as_ref())
                .ok_or_else(|| missing("licence"))?,
            licence_note: or(table.licence_note.as_ref(), file.licence_note.as_ref()),
            config,
        };
        check(&entry).map(|()| entry)
    };
    file.download.iter().map(entry).collect()
}

fn or(own: Option<&String>, common: Option<&String>) -> Option<String> {
    own.or(common).cloned()
}

/// Names become parts of paths and addresses, so they must not lead anywhere else.
fn check(entry: &Entry) -> Result<(), String> {
    let is_plain = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
        !part.is_empty() && !part.starts_with('.') && part.chars().all(plain)
    };
    if !is_plain(&entry.id.0) {
        return Err(format!("{} is no name", entry.id));
    }
    let repository = entry.hub.split('/');
    if repository.clone().count() != 2 || !repository.chain(entry.file.split('/')).all(is_plain) {
        return Err(format!("{} is at no plain address", entry.id));
    }
    let is_hash = |hash: &String| hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit());
    if !entry.sha256.as_ref().is_none_or(is_hash) {
        return Err(format!("the hash of {} is none", entry.id));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_manifest_with_a_download_is_part_of_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let names = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
        let on_disk: BTreeSet<String> = names
            .filter(|entry| {
                let text = std::fs::read_to_string(entry.path().join("manifest.toml"));
                text.is_ok_and(|text| text.contains("[[download]]"))
            })
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        let embedded = MANIFESTS.iter().map(|(name, ..)| (*name).to_owned());
        assert_eq!(on_disk, embedded.collect());
        let ids: BTreeSet<_> = catalogue().iter().map(|entry| &entry.id).collect();
        assert_eq!(ids.len(), catalogue().len());
    }

    #[test]
    fn addresses_follow_the_endpoint() {
        let hed = catalogue().iter().find(|entry| entry.id.0 == "hed");
        let hed = hed.unwrap();
        let address = hed.address("https://hub.example/");
        let wanted = "https://hub.example/lllyasviel/Annotators/resolve/main/ControlNetHED.pth";
        assert_eq!(address, wanted);
        assert_eq!(
            hed.place(Path::new("models")),
            Path::new("models/hed/ControlNetHED.pth")
        );
    }

    #[test]
    fn names_lead_nowhere_else() {
        let manifest = |id: &str, hub: &str, file: &str| {
            format!(
                "role = \"lora\"\nlicence = \"MIT\"\n[[download]]\nid = \"{id}\"\ntitle = \"x\"\n\
                 purpose = \"y\"\nsize_gb = 1\nhub = \"{hub}\"\nfile = \"{file}\""
            )
        };
        let parse = |id, hub, file| parse_manifest(&manifest(id, hub, file), &[]);
        assert!(parse("a", "b/c", "d/e.pth").is_ok());
        for (id, hub, file) in [
            ("..", "b/c", "d"),
            ("a/b", "b/c", "d"),
            ("a", "b", "d"),
            ("a", "b/c", "../d"),
            ("a", "b/c", "/d"),
            ("a", "b/c", "d?e"),
        ] {
            assert!(parse(id, hub, file).is_err(), "{id} {hub} {file}");
        }
    }
}
