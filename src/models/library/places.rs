//! Where models may be: the user's own folder, the cache of the hub's tools, and folders of other programs.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::files;
use crate::models::lora;

/// Folders of other programs below the home folder, as their guides propose them.
const PROGRAMS: [&str; 5] = [
    "stable-diffusion-webui",
    "stable-diffusion-webui-forge",
    "ComfyUI",
    "Documents/ComfyUI",
    "comfy/ComfyUI",
];

/// Folders that are looked through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// This user's models, where downloads go; nothing is looked for there if it has no name.
    pub folder: PathBuf,
    /// Caches of the hub's own tools.
    pub caches: Vec<PathBuf>,
    /// Folders of other programs, or any others; what is in them is told by their layout.
    pub others: Vec<PathBuf>,
}

/// Whose folder a model is in, in the order in which they are preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// This program's.
    Own,
    /// The hub's tools'.
    HuggingFace,
    /// The web interface A1111's, or a relative's.
    A1111,
    /// `ComfyUI`'s.
    ComfyUi,
    /// Somebody's.
    Folder,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Own => "Models folder",
            Self::HuggingFace => "Hugging Face cache",
            Self::A1111 => "A1111",
            Self::ComfyUi => "ComfyUI",
            Self::Folder => "Other folders",
        })
    }
}

/// Folders of other programs for LoRAs, below that program's own.
const LORAS: [&str; 2] = ["models/Lora", "models/loras"];

/// Just a models folder.
impl From<PathBuf> for Places {
    fn from(folder: PathBuf) -> Self {
        Self {
            folder,
            ..Self::default()
        }
    }
}

impl Places {
    /// The models folder, if there is one.
    #[must_use]
    pub fn own(&self) -> Option<&Path> {
        let folder = self.folder.as_path();
        (folder != Path::new("")).then_some(folder)
    }

    /// Folders that LoRAs are looked for in by their names, the user's own first.
    #[must_use]
    pub fn lora_folders(&self) -> Vec<PathBuf> {
        let own = self.own().map(|folder| folder.join(lora::FOLDER));
        let others = self.others.iter().flat_map(|folder| {
            // That of a program, or one of weights.
            if folder.join("models").is_dir() {
                LORAS.map(|loras| folder.join(loras)).to_vec()
            } else {
                vec![folder.clone()]
            }
        });
        own.into_iter().chain(others).collect()
    }

    /// The usual places. `variable` reads the environment: `HF_HUB_CACHE`, `HF_HOME` and
    /// `XDG_CACHE_HOME` say where the hub's cache is, the first of them that is set.
    #[must_use]
    pub fn usual(
        folder: PathBuf,
        home: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let named = |name: &str| variable(name).filter(|value| !value.is_empty());
        let by_home = || home.map(|home| home.join(".cache/huggingface/hub"));
        let by_name = || named("HF_HOME").map(|home| Path::new(&home).join("hub"));
        let by_caches =
            || named("XDG_CACHE_HOME").map(|caches| Path::new(&caches).join("huggingface/hub"));
        let cache = named("HF_HUB_CACHE").map(PathBuf::from);
        let cache = cache.or_else(by_name).or_else(by_caches);
        let cache = cache.or_else(by_home);
        let below = |home: &Path| PROGRAMS.map(|program| home.join(program)).to_vec();
        Self {
            folder,
            caches: cache.into_iter().collect(),
            others: home.map(below).unwrap_or_default(),
        }
    }
}

/// What the branch of a repository in the hub's cache is at, or what was fetched of it.
pub(super) fn snapshot(repository: &Path) -> Option<PathBuf> {
    let snapshots = repository.join("snapshots");
    let main = repository.join("refs/main");
    let main = files::require_file(&main).and_then(|()| fs::read_to_string(&main));
    let main = main.unwrap_or_default();
    let mut names = names_in(&snapshots);
    let main = names.iter().position(|name| name == main.trim());
    let name = match main {
        Some(main) => names.swap_remove(main),
        None => names.pop()?,
    };
    Some(snapshots.join(name))
}

/// Names in a folder, sorted; none if it cannot be read.
pub(super) fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_where_the_variables_say() {
        let cache = |name: &'static str, value: &'static str| {
            let variable = move |asked: &str| (asked == name).then(|| value.to_owned());
            Places::usual("models".into(), Some(Path::new("home")), variable).caches
        };
        assert_eq!(cache("HF_HUB_CACHE", "a"), [PathBuf::from("a")]);
        assert_eq!(cache("HF_HOME", "a"), [PathBuf::from("a/hub")]);
        assert_eq!(
            cache("XDG_CACHE_HOME", "a"),
            [PathBuf::from("a/huggingface/hub")]
        );
        assert_eq!(
            cache("HF_HOME", ""),
            [PathBuf::from("home/.cache/huggingface/hub")]
        );
    }
}
