//! Which `ControlNet` serves a control where none is named: one of the models folder, else one that another program
//! keeps. What a network looks at is told by what it is called; its weights do not tell.
//!
//! Source: the names under which the `ControlNets` of versions 1.0 and 1.1 are published.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::annotator::weights_are_there;
use super::job::{ControlKind, ControlNetSpec, ModelFiles};
use crate::models::catalog::ModelFolder;
use crate::models::library::{Found, Places, Role, catalogue, scan};

/// What a `ControlNet` was trained to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LooksAt {
    /// Edges that fade, as HED finds them.
    SoftEdges,
    /// Thin lines.
    Canny,
    /// How near everything is.
    Depth,
    /// Something that nothing here draws.
    Other(&'static str),
}

/// Words in names, and what they tell.
const WORDS: [(&str, LooksAt); 18] = [
    ("hed", LooksAt::SoftEdges),
    ("softedge", LooksAt::SoftEdges),
    ("pidinet", LooksAt::SoftEdges),
    ("canny", LooksAt::Canny),
    ("depth", LooksAt::Depth),
    ("lineart", LooksAt::Other("line art")),
    ("openpose", LooksAt::Other("drawn poses")),
    ("dwpose", LooksAt::Other("drawn poses")),
    ("tile", LooksAt::Other("the picture itself, blurred")),
    ("scribble", LooksAt::Other("scribbles")),
    ("mlsd", LooksAt::Other("straight lines")),
    ("normal", LooksAt::Other("surface normals")),
    ("normalbae", LooksAt::Other("surface normals")),
    ("seg", LooksAt::Other("coloured segments")),
    ("inpaint", LooksAt::Other("a masked picture")),
    ("shuffle", LooksAt::Other("a shuffled picture")),
    ("ip2p", LooksAt::Other("the picture itself")),
    ("qrcode", LooksAt::Other("a pattern")),
];

/// Controls in the order in which they are proposed.
const PROPOSED: [ControlKind; 4] = [
    ControlKind::Hed,
    ControlKind::SoftEdges,
    ControlKind::Canny,
    ControlKind::Depth,
];

impl LooksAt {
    /// By what a network is called, if that tells.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
        words.find_map(|word| {
            let known = WORDS.iter().find(|(known, _)| *known == word);
            known.map(|(_, looks_at)| *looks_at)
        })
    }

    /// By where a network is: the name of its file, of its folder, or of its repository in the hub's cache.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let mut names = path.iter().rev().map(|name| name.to_string_lossy());
        let near = names.by_ref().take(2).find_map(|name| Self::of_name(&name));
        near.or_else(|| {
            let repository = names.find(|name| name.starts_with("models--"))?;
            Self::of_name(&repository)
        })
    }

    /// Whether it is what a control draws.
    #[must_use]
    pub fn is_drawn_by(self, control: ControlKind) -> bool {
        match self {
            Self::SoftEdges => matches!(control, ControlKind::SoftEdges | ControlKind::Hed),
            Self::Canny => control == ControlKind::Canny,
            Self::Depth => control == ControlKind::Depth,
            Self::Other(_) => false,
        }
    }

    /// The control that draws it, if one does.
    #[must_use]
    pub fn drawn_by(self) -> Option<ControlKind> {
        self.drawn_with(|_| true)
    }

    /// The first control that draws it and that `can_draw`.
    fn drawn_with(self, can_draw: impl Fn(ControlKind) -> bool) -> Option<ControlKind> {
        let mut controls = PROPOSED.into_iter();
        controls.find(|control| self.is_drawn_by(*control) && can_draw(*control))
    }

    /// It in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::SoftEdges => "soft edges",
            Self::Canny => "thin lines",
            Self::Depth => "depth",
            Self::Other(words) => words,
        }
    }
}

/// The model of the catalogue that serves a control.
#[must_use]
pub fn published_for(control: ControlKind) -> &'static str {
    match control {
        ControlKind::Canny => "controlnet-canny",
        ControlKind::Depth => "controlnet-depth",
        ControlKind::SoftEdges | ControlKind::Hed | ControlKind::None => "controlnet-hed",
    }
}

/// `ControlNets` that are on this machine. Folders are looked through when that is needed, once.
pub struct Installed<'a> {
    places: &'a Places,
    found: OnceCell<Vec<Found>>,
}

impl<'a> Installed<'a> {
    /// Those in these places.
    #[must_use]
    pub fn new(places: &'a Places) -> Self {
        Self {
            places,
            found: OnceCell::new(),
        }
    }

    /// One for a control: a file, or a folder in diffusers layout.
    #[must_use]
    pub fn for_control(&self, control: ControlKind) -> Option<PathBuf> {
        let serves = |name: &str| {
            let looks_at = LooksAt::of_name(name);
            looks_at.is_some_and(|looks_at| looks_at.is_drawn_by(control))
        };
        let entries = catalogue().iter();
        let mut entries =
            entries.filter(|entry| entry.role == Role::ControlNet && serves(&entry.id.0));
        let own = self.places.own().and_then(|folder| {
            let places = entries.by_ref().map(|entry| entry.place(folder));
            let mut there = places.filter(|place| place.is_file());
            there.next()
        });
        own.map(whole).or_else(|| {
            let found = self.found.get_or_init(|| scan(self.places).found);
            let is_it = |found: &&Found| {
                found.role == Role::ControlNet && found.trouble.is_none() && serves(&found.name)
            };
            found.iter().find(is_it).map(|found| found.path.clone())
        })
    }

    /// The control that is proposed: the first that has all it needs.
    #[must_use]
    pub fn proposed(&self) -> Option<ControlKind> {
        let is_ready = |control: &ControlKind| {
            weights_are_there(*control, self.places) && self.for_control(*control).is_some()
        };
        PROPOSED.into_iter().find(is_ready)
    }
}

/// The folder in diffusers layout that a file belongs to, or the file: the config belongs to it.
fn whole(file: PathBuf) -> PathBuf {
    let has_config = file.with_file_name("config.json").is_file();
    match file.parent() {
        Some(folder) if has_config => folder.to_owned(),
        _ => file,
    }
}

/// The control that settings begin with: what the named `ControlNet` looks at, or that of the model's own, which is soft
/// edges, or what is installed.
#[must_use]
pub fn proposed_control(files: &ModelFiles, places: &Places) -> ControlKind {
    let usual = ControlKind::SoftEdges;
    let Some(model) = &files.checkpoint else {
        return usual;
    };
    if !files.controlnets.is_empty() {
        let mut nets = files.controlnets.iter().filter(|net| follows(net));
        let looks_at = nets.find_map(|net| LooksAt::of_path(&net.path));
        let drawn =
            looks_at.and_then(|looks_at| looks_at.drawn_with(|it| weights_are_there(it, places)));
        return drawn.unwrap_or(usual);
    }
    let model = ModelFolder::open(model, files.configs.as_deref());
    if model.is_ok_and(|model| model.part("controlnet").has("config.json")) {
        return usual;
    }
    Installed::new(places).proposed().unwrap_or(usual)
}

/// The control of its own that a `ControlNet` begins with, where the job's does not draw what it looks at: the first that
/// does and that `can_draw`.
#[must_use]
pub fn own_control(
    net: &ControlNetSpec,
    usual: ControlKind,
    can_draw: impl Fn(ControlKind) -> bool,
) -> Option<ControlKind> {
    let looks_at = LooksAt::of_path(&net.path).filter(|_| follows(net))?;
    let is_other = !looks_at.is_drawn_by(usual);
    is_other.then(|| looks_at.drawn_with(can_draw)).flatten()
}

/// Whether a network is shown what the job's control draws.
fn follows(net: &ControlNetSpec) -> bool {
    net.clip.is_none() && net.control.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_a_network_looks_at() {
        let soft = Some(LooksAt::SoftEdges);
        for (name, looks_at) in [
            ("controlnet-hed", soft),
            ("control_v11p_sd15_softedge_fp16", soft),
            ("lllyasviel/sd-controlnet-canny", Some(LooksAt::Canny)),
            ("control_v11f1p_sd15_depth", Some(LooksAt::Depth)),
            (
                "control_v11p_sd15s2_lineart_anime",
                Some(LooksAt::Other("line art")),
            ),
            ("shedlight", None),
        ] {
            assert_eq!(LooksAt::of_name(name), looks_at, "{name}");
        }
        let cache =
            "hub/models--lllyasviel--control_v11p_sd15_openpose/snapshots/0a/net.safetensors";
        assert_eq!(
            LooksAt::of_path(Path::new(cache)),
            Some(LooksAt::Other("drawn poses"))
        );
        let path = Path::new("canny/mine/model.safetensors");
        assert_eq!(LooksAt::of_path(path), None);
    }

    #[test]
    fn a_network_that_the_jobs_control_does_not_serve_begins_with_its_own() {
        let own = |net: &str, usual| {
            own_control(&net.parse().unwrap(), usual, |control| {
                control != ControlKind::Hed
            })
        };
        let (soft, depth) = (ControlKind::SoftEdges, ControlKind::Depth);
        assert_eq!(own("controlnet-depth", soft), Some(depth));
        assert_eq!(own("controlnet-depth", depth), None);
        assert_eq!(own("controlnet-hed", depth), Some(soft));
        assert_eq!(own("control_v11f1e_sd15_tile", soft), None);
        assert_eq!(own("controlnet-depth,control=canny", soft), None);
        assert_eq!(own("controlnet-depth,clip=c.mp4", soft), None);
    }

    #[test]
    fn every_controlnet_of_the_catalogue_is_understood() {
        let nets = catalogue()
            .iter()
            .filter(|entry| entry.role == Role::ControlNet);
        for entry in nets {
            assert!(LooksAt::of_name(&entry.id.0).is_some(), "{}", entry.id);
        }
        for control in PROPOSED {
            let id = published_for(control);
            let looks_at = LooksAt::of_name(id).unwrap();
            assert!(looks_at.is_drawn_by(control), "{id}");
            assert!(catalogue().iter().any(|entry| entry.id.0 == id), "{id}");
        }
    }
}
