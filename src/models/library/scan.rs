//! Looks through folders for models. Links are followed for reading, each folder once; what a link of the hub's cache
//! shows must lie in that cache. The order of what is found depends on nothing but names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::look::{self, Nature};
use super::manifest::{Entry, Role, catalogue};
use super::places::{Owner, Places, names_in, snapshot};
use super::{Found, Library, state};
use crate::models::checkpoint::is_pickle;

/// Folders below folders that are looked into.
const DEEPEST: usize = 5;
/// Files and folders of one place that are looked at.
const MOST: usize = 20_000;

/// Parts of a diffusers folder that hold weights.
const PARTS: [&str; 3] = ["unet", "vae", "text_encoder"];

/// Names of weights that say nothing: the folder's name is the model's.
const GENERIC: [&str; 5] = [
    "diffusion_pytorch_model",
    "diffusion_pytorch_model.fp16",
    "model",
    "model.fp16",
    "pytorch_lora_weights",
];

/// Looks through all places, and tells the state of every model of the catalogue.
#[must_use]
pub fn scan(places: &Places) -> Library {
    let mut search = Search::default();
    search.place(&places.folder, Owner::Own, None);
    for cache in &places.caches {
        search.cache(cache);
    }
    for folder in &places.others {
        search.other(folder);
    }
    let Search {
        mut found,
        mut notes,
        ..
    } = search;
    found.sort_by(|a, b| {
        (a.role, a.owner, &a.name, &a.path).cmp(&(b.role, b.owner, &b.name, &b.path))
    });
    notes.extend(collisions(&found));
    let state = |entry: &super::Entry| state::of(entry, places, &found);
    let entries = catalogue()
        .iter()
        .map(|entry| (entry.clone(), state(entry)));
    Library {
        folder: places.folder.clone(),
        entries: entries.collect(),
        notes,
        found,
    }
}

/// Tells which file is meant by a name that several have: the first.
fn collisions(found: &[Found]) -> Vec<String> {
    let mut first: BTreeMap<(Role, &str), &Path> = BTreeMap::new();
    let mut notes = Vec::new();
    for found in found.iter().filter(|found| found.trouble.is_none()) {
        let used = *first
            .entry((found.role, &found.name))
            .or_insert(&found.path);
        if used != found.path {
            notes.push(format!(
                "{} {} means {}, not {}",
                found.role,
                found.name,
                used.display(),
                found.path.display()
            ));
        }
    }
    notes
}

#[derive(Default)]
struct Search {
    found: Vec<Found>,
    notes: Vec<String>,
    /// Folders and files that were looked at, by their true paths.
    seen: BTreeSet<PathBuf>,
}

/// What a walk through a place knows.
struct Walk<'a> {
    owner: Owner,
    role: Option<Role>,
    /// What files must lie in, where links must not lead out.
    within: Option<&'a Path>,
    /// Files and folders that may still be looked at.
    left: usize,
}

impl Search {
    /// Looks through a folder of known layout or none.
    fn place(&mut self, folder: &Path, owner: Owner, role: Option<Role>) {
        let mut walk = Walk {
            owner,
            role,
            within: None,
            left: MOST,
        };
        self.walk(folder, 0, &mut walk);
        if walk.left == 0 {
            self.notes.push(format!(
                "only the first {MOST} files are looked at in {}",
                folder.display()
            ));
        }
    }

    /// Looks through somebody's folder, by the layout that it has.
    fn other(&mut self, folder: &Path) {
        let models = folder.join("models");
        let a1111 = [
            ("Stable-diffusion", Role::Checkpoint),
            ("VAE", Role::Vae),
            ("ControlNet", Role::ControlNet),
            ("Lora", Role::Lora),
        ];
        let comfy = [
            ("checkpoints", Role::Checkpoint),
            ("vae", Role::Vae),
            ("controlnet", Role::ControlNet),
            ("loras", Role::Lora),
        ];
        if folder.join("hub").is_dir() {
            self.cache(&folder.join("hub"));
        } else if models.join(a1111[0].0).is_dir() {
            for (name, role) in a1111 {
                self.place(&models.join(name), Owner::A1111, Some(role));
            }
            let extension = folder.join("extensions/sd-webui-controlnet/models");
            self.place(&extension, Owner::A1111, Some(Role::ControlNet));
        } else if models.join(comfy[0].0).is_dir() {
            for (name, role) in comfy {
                self.place(&models.join(name), Owner::ComfyUi, Some(role));
            }
        } else if names_in(folder)
            .iter()
            .any(|name| name.starts_with("models--"))
        {
            self.cache(folder);
        } else {
            self.place(folder, Owner::Folder, None);
        }
    }

    /// Looks through a cache of the hub: of each repository, the snapshot that its branch is at.
    fn cache(&mut self, cache: &Path) {
        let Ok(within) = cache.canonicalize() else {
            return;
        };
        for name in names_in(cache) {
            let Some(repository) = name.strip_prefix("models--") else {
                continue;
            };
            let Some(snapshot) = snapshot(&cache.join(&name)) else {
                continue;
            };
            let before = self.found.len();
            let mut walk = Walk {
                owner: Owner::HuggingFace,
                role: None,
                within: Some(&within),
                left: MOST,
            };
            self.walk(&snapshot, 0, &mut walk);
            let repository = repository.replacen("--", "/", 1);
            for found in &mut self.found[before..] {
                found.name.clone_from(&repository);
            }
        }
    }

    /// Looks into a folder: it is a model in diffusers layout, or holds files and folders.
    fn walk(&mut self, folder: &Path, depth: usize, walk: &mut Walk<'_>) {
        if depth > DEEPEST || !self.is_new(folder, walk.within) {
            return;
        }
        if folder.join("unet").join("config.json").is_file() {
            self.diffusers(folder, walk);
            return;
        }
        for name in names_in(folder) {
            if walk.left == 0 {
                return;
            }
            walk.left -= 1;
            let path = folder.join(&name);
            if name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                self.walk(&path, depth + 1, walk);
            } else if look::is_weights(&path) && self.is_new(&path, walk.within) {
                self.file(&path, walk);
            }
        }
    }

    /// Whether a path is there, lies where it must, and was not looked at under any name. A link that leads to itself
    /// is not there.
    fn is_new(&mut self, path: &Path, within: Option<&Path>) -> bool {
        let Ok(real) = path.canonicalize() else {
            return false;
        };
        if within.is_some_and(|within| !real.starts_with(within)) {
            self.notes.push(format!(
                "a link that leads out of its cache is passed over: {}",
                path.display()
            ));
            return false;
        }
        self.seen.insert(real)
    }

    fn diffusers(&mut self, folder: &Path, walk: &Walk<'_>) {
        let files = PARTS.iter().flat_map(|part| {
            let part = folder.join(part);
            let names = names_in(&part).into_iter();
            names.map(move |name| part.join(name)).collect::<Vec<_>>()
        });
        let (safe, other): (Vec<_>, Vec<_>) = files
            .filter(|path| look::is_weights(path))
            .partition(|path| path.extension().is_some_and(|end| end == "safetensors"));
        let mut troubles = safe
            .iter()
            .filter_map(|path| look::look(path, None).trouble);
        let only_pickles = safe.is_empty().then(|| other.first()).flatten();
        let trouble = only_pickles.and_then(|path| look::look(path, None).trouble);
        let trouble = trouble.or_else(|| troubles.next());
        self.found.push(Found {
            name: name_of(folder),
            role: Role::Checkpoint,
            path: folder.to_owned(),
            owner: walk.owner,
            bytes: safe.iter().map(|path| length(path)).sum(),
            trouble,
        });
    }

    fn file(&mut self, path: &Path, walk: &Walk<'_>) {
        let is_helper = |name: &str| {
            let mut helpers = catalogue()
                .iter()
                .filter(|entry| entry.role == Role::Helper);
            // A pickle may have another of their endings.
            let known = |entry: &Entry| {
                let [own, other] = [Path::new(entry.file_name()), Path::new(name)];
                own == other
                    || (own.file_stem() == other.file_stem() && is_pickle(own) && is_pickle(other))
            };
            helpers.any(known)
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let is_generic = GENERIC.contains(&&*stem);
        let helper = (!is_generic && is_helper(&name)).then_some(Role::Helper);
        let Nature { role, trouble } = look::look(path, helper.or(walk.role));
        let Some(role) = role.or(helper).or(walk.role) else {
            if let Some(trouble) = trouble {
                let note = format!("{} is passed over, {trouble}", path.display());
                self.notes.push(note);
            }
            return;
        };
        let name = if is_generic {
            name_of(path.parent().unwrap_or(path))
        } else {
            stem.into_owned()
        };
        // A network in diffusers layout is its folder: the config belongs to it.
        let has_config = path.with_file_name("config.json").is_file();
        let is_folder = has_config && matches!(role, Role::ControlNet | Role::Vae);
        let whole = path.parent().filter(|_| is_folder).unwrap_or(path);
        self.found.push(Found {
            name,
            role,
            path: whole.to_owned(),
            owner: walk.owner,
            bytes: length(path),
            trouble,
        });
    }
}

fn name_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |about| about.len())
}
