//! Where the weights of helper networks are: in the models folder, in the cache of the hub's tools, or in the folders in
//! which other programs keep them. Only these are looked at, so that a job can ask each time.

use std::path::{Path, PathBuf};

use super::manifest::{Entry, catalogue};
use super::places::{Places, snapshot};
use crate::models::{depth_anything, egnet, gmflow, hed, midas, tiny_vae, u2net};

/// Folders of other programs that helpers lie in, below that program's own: of A1111 and its relatives, and of
/// `ComfyUI`.
const SHELVES: [&str; 7] = [
    "",
    "models",
    "models/ControlNetPreprocessor",
    "extensions/sd-webui-controlnet/annotator/downloads",
    "models/controlnet",
    "models/vae_approx",
    "custom_nodes/comfyui_controlnet_aux/ckpts/lllyasviel/Annotators",
];

/// A network that finds something in the source, or shows previews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helper {
    /// Finds motion.
    GmFlow,
    /// Finds soft edges.
    Hed,
    /// Finds what is salient.
    U2Net,
    /// Finds what is salient, as the reference does.
    EgNet,
    /// Finds depth.
    DepthAnything,
    /// Finds depth, as the reference does.
    Midas,
    /// Shows previews.
    TinyVae,
}

impl Helper {
    const ALL: [Self; 7] = [
        Self::GmFlow,
        Self::Hed,
        Self::U2Net,
        Self::EgNet,
        Self::DepthAnything,
        Self::Midas,
        Self::TinyVae,
    ];

    /// Its name in the catalogue.
    fn id(self) -> &'static str {
        match self {
            Self::GmFlow => "gmflow",
            Self::Hed => "hed",
            Self::U2Net => "u2net",
            Self::EgNet => "egnet",
            Self::DepthAnything => "depth-anything",
            Self::Midas => "midas",
            Self::TinyVae => "taesd",
        }
    }

    /// The helper that an entry of the catalogue is.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|helper| helper.id() == entry.id.0)
    }

    /// Its weights in a folder that is laid out like the models folder.
    fn find_in(self, folder: &Path) -> Option<PathBuf> {
        match self {
            Self::GmFlow => gmflow::find(folder),
            Self::Hed => hed::find(folder),
            Self::U2Net => u2net::find(folder),
            Self::EgNet => egnet::find(folder),
            Self::DepthAnything => depth_anything::find(folder),
            Self::Midas => midas::find(folder),
            Self::TinyVae => tiny_vae::find(folder),
        }
    }

    /// Its weights in the cache of the hub's tools; a link must not lead out of it.
    fn find_in_cache(self, cache: &Path) -> Option<PathBuf> {
        let mut entries = catalogue().iter();
        let entry = entries.find(|entry| entry.id.0 == self.id())?;
        let repository = format!("models--{}", entry.hub.replace('/', "--"));
        let file = snapshot(&cache.join(repository))?.join(&entry.file);
        let (real, within) = (file.canonicalize().ok()?, cache.canonicalize().ok()?);
        (real.is_file() && real.starts_with(within)).then_some(file)
    }
}

impl Places {
    /// The weights of a helper network: those in the models folder, else those of others, which are used in place.
    #[must_use]
    pub fn helper(&self, helper: Helper) -> Option<PathBuf> {
        let own = self.own().and_then(|folder| helper.find_in(folder));
        own.or_else(|| {
            let mut caches = self.caches.iter();
            caches.find_map(|cache| helper.find_in_cache(cache))
        })
        .or_else(|| {
            let shelves = self.others.iter().flat_map(|folder| {
                let shelf = |shelf: &&str| folder.join(shelf);
                SHELVES.iter().map(shelf).collect::<Vec<_>>()
            });
            let mut shelves = shelves;
            shelves.find_map(|shelf| helper.find_in(&shelf))
        })
        .or_else(|| {
            // A folder that somebody named may be such a cache.
            let caches = self.others.iter();
            let mut caches = caches.flat_map(|folder| [folder.join("hub"), folder.clone()]);
            caches.find_map(|cache| helper.find_in_cache(&cache))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::*;

    #[test]
    fn every_helper_of_the_catalogue_is_found() {
        let helpers = catalogue()
            .iter()
            .filter(|entry| entry.role == Role::Helper);
        let found: Vec<Option<Helper>> = helpers.map(Helper::of).collect();
        assert!(found.iter().all(Option::is_some), "{found:?}");
        assert_eq!(found.len(), Helper::ALL.len());
        let folder = tempfile::tempdir().unwrap();
        for entry in catalogue() {
            let Some(helper) = Helper::of(entry) else {
                continue;
            };
            let file = entry.place(folder.path());
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, b"weights").unwrap();
            assert_eq!(helper.find_in(folder.path()), Some(file));
        }
    }

    #[test]
    fn helpers_of_other_programs_are_found_after_one_s_own() {
        let home = tempfile::tempdir().unwrap();
        let put = |name: &str| {
            let file = home.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, b"weights").unwrap();
            file
        };
        let places = Places::usual(home.path().join("models"), Some(home.path()), |_| None);
        assert_eq!(places.helper(Helper::Hed), None);
        let a1111 = "stable-diffusion-webui/extensions/sd-webui-controlnet/annotator/downloads";
        let comfy = "ComfyUI/custom_nodes/comfyui_controlnet_aux/ckpts/lllyasviel/Annotators";
        let cache =
            ".cache/huggingface/hub/models--depth-anything--Depth-Anything-V2-Small-hf/snapshots";
        let there = [
            (
                Helper::Midas,
                format!("{a1111}/midas/dpt_hybrid-midas-501f0c75.pt"),
            ),
            (Helper::Hed, format!("{comfy}/ControlNetHED.pth")),
            (
                Helper::TinyVae,
                "ComfyUI/models/vae_approx/taesd_decoder.safetensors".to_owned(),
            ),
            (
                Helper::GmFlow,
                "ComfyUI/models/gmflow_sintel-0c07dcb3.pth".to_owned(),
            ),
            (
                Helper::DepthAnything,
                format!("{cache}/0123abc/model.safetensors"),
            ),
        ];
        for (helper, name) in there {
            let file = put(&name);
            assert_eq!(places.helper(helper), Some(file), "{helper:?}");
        }
        let own = put("models/hed/ControlNetHED.pth");
        assert_eq!(places.helper(Helper::Hed), Some(own));
        let nowhere = Places::default();
        assert_eq!(nowhere.helper(Helper::Hed), None);
    }
}
