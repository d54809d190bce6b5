//! The rules about who may know whom, as a table of modules and a table of other crates.

use std::path::Path;

use super::source::{PathUse, code_only, paths_climbing_from, paths_from, without_tests};

/// What each module may use of the others, besides itself, `frame` and `files`.
const MAY_USE: &[(&str, &[&str])] = &[
    (
        "ui",
        &[
            "app",
            "worker::message",
            "worker::handle",
            "worker::latest",
            "pipeline::job",
        ],
    ),
    (
        "cli",
        &[
            "app::format",
            "app::project",
            "app::preferences",
            "worker",
            "pipeline::job",
        ],
    ),
    ("app", &["worker::message", "pipeline::job"]),
    ("worker", &["pipeline", "video"]),
    (
        "pipeline",
        &[
            "fresco",
            "diffusion",
            "models",
            "flow",
            "annotators",
            "synth",
            "video",
            "tensor",
            "gpu",
        ],
    ),
    ("fresco", &["models::unet::hook", "flow", "tensor", "gpu"]),
    ("annotators", &["models", "tensor", "gpu"]),
    ("flow", &["models", "tensor", "gpu"]),
    ("synth", &["flow::field", "gpu"]),
    ("diffusion", &["tensor", "gpu"]),
    ("models", &["tensor", "gpu"]),
    ("video", &[]),
    ("tensor", &[]),
    ("gpu", &[]),
];

/// The shared nouns, which every module may use and which use nothing else of ours.
const SHARED: &[&str] = &["frame", "files"];

/// What each module must never contain of other crates.
const MUST_NOT_USE: &[(&str, &[&str])] = &[
    ("ui", &["burn", "wgpu", "ffmpeg_sidecar", "std::fs"]),
    ("cli", &["egui", "eframe"]),
    ("app", &["egui", "eframe", "std::thread", "burn", "wgpu"]),
    (
        "pipeline",
        &["egui", "eframe", "crossbeam_channel", "std::sync::mpsc"],
    ),
    ("synth", &["burn"]),
];

/// Complaints as `line: what` about each path into a module that this file may not know.
pub fn layering(file: &Path, source: &str) -> Vec<String> {
    let modules = modules_of(file);
    let Some(module) = modules.first() else {
        return Vec::new();
    };
    let code = code_only(source);
    let Some(allowed) = allowed_for(module) else {
        return vec![format!(
            "1: module {module} has no row in the table of tests/suite/tidy/layering.rs"
        )];
    };
    let may = |used: &PathUse| {
        let own = used.segments.first() == Some(module);
        own || allowed.iter().any(|path| starts_with(&used.segments, path))
    };
    // A climb that ends in a glob or in a name that is no module is an item of the file itself, seen from its tests.
    let reaches_a_module = |used: &PathUse| {
        used.segments
            .first()
            .is_some_and(|s| allowed_for(s).is_some())
    };
    let climbing = paths_climbing_from(&code, modules.len())
        .into_iter()
        .filter(reaches_a_module);
    let uses = paths_from(&code, "crate").into_iter().chain(climbing);
    let complain = |used: PathUse| {
        format!(
            "{}: {module} may not use crate::{}",
            used.line,
            used.segments.join("::")
        )
    };
    uses.filter(|used| !may(used)).map(complain).collect()
}

/// Complaints as `line: what` about each use of a crate that this module must not contain.
pub fn forbidden_crates(file: &Path, source: &str) -> Vec<String> {
    let modules = modules_of(file);
    let Some((module, forbidden)) = MUST_NOT_USE
        .iter()
        .find(|row| modules.first().is_some_and(|m| m == row.0))
    else {
        return Vec::new();
    };
    let code = without_tests(&code_only(source));
    let uses_of = |path: &&str| {
        let (root, rest) = path.split_once("::").unwrap_or((path, ""));
        let uses = paths_from(&code, root).into_iter();
        let hits = uses.filter(|used| rest.is_empty() || starts_with(&used.segments, rest));
        hits.map(|used| format!("{}: {module} must not use {path}", used.line))
            .collect::<Vec<_>>()
    };
    forbidden.iter().flat_map(uses_of).collect()
}

/// `src/fresco/guide.rs` → `["fresco", "guide"]`; empty for the roots of the library and of the binary.
fn modules_of(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix("src").unwrap().with_extension("");
    let mut modules: Vec<String> = inside
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if modules.last().is_some_and(|last| last == "mod") || modules == ["lib"] || modules == ["main"]
    {
        modules.pop();
    }
    modules
}

fn allowed_for(module: &str) -> Option<Vec<&'static str>> {
    if SHARED.contains(&module) {
        return Some(SHARED.to_vec());
    }
    let (_, others) = MAY_USE.iter().find(|row| row.0 == module)?;
    Some([SHARED, others].concat())
}

fn starts_with(segments: &[String], path: &str) -> bool {
    let mut segments = segments.iter();
    path.split("::")
        .all(|part| segments.next().is_some_and(|s| s == part))
}

#[cfg(test)]
mod tests {
    use super::super::complaint_lines as lines;
    use super::{forbidden_crates, layering};

    #[test]
    fn layering_sees_every_way_to_name_a_module() {
        let file = "src/diffusion/samplers/ddpm.rs";
        assert_eq!(lines(layering, file, "use crate::video::Frames;"), [1]);
        assert_eq!(
            lines(
                layering,
                file,
                "use crate::{\n    tensor::image,\n    fresco::guide,\n};"
            ),
            [1]
        );
        assert_eq!(
            lines(layering, file, "fn f() {\n    crate::pipeline::run();\n}"),
            [2]
        );
        assert_eq!(
            lines(layering, file, "use super::super::super::models::unet;"),
            [1]
        );
        assert_eq!(lines(layering, "src/newcomer.rs", ""), [1]);
        assert_eq!(
            lines(layering, "src/files.rs", "use crate::tensor::Device;"),
            [1]
        );
    }

    #[test]
    fn layering_allows_what_the_table_allows() {
        let source = "//! [`crate::pipeline`] is only spoken of.\nuse crate::{frame::Frame, tensor};\nuse super::Other;";
        assert!(lines(layering, "src/diffusion/noise.rs", source).is_empty());
        assert!(lines(layering, "src/main.rs", "use crate::video::Frames;").is_empty());
        assert!(
            lines(
                layering,
                "src/fresco/guide.rs",
                "use crate::models::unet::hook::UNetHook;"
            )
            .is_empty()
        );
        let in_tests = "mod tests {\n    use super::{Thing, make};\n}";
        assert!(lines(layering, "src/video/mod.rs", in_tests).is_empty());
    }

    #[test]
    fn layering_tells_parts_of_a_module_apart() {
        assert_eq!(
            lines(
                layering,
                "src/fresco/guide.rs",
                "use crate::models::unet::blocks::Block;"
            ),
            [1]
        );
        assert_eq!(
            lines(
                layering,
                "src/cli/run.rs",
                "use crate::pipeline::translate;"
            ),
            [1]
        );
        assert_eq!(
            lines(layering, "src/app/state.rs", "use crate::worker;"),
            [1]
        );
    }

    #[test]
    fn forbidden_crates_are_found_in_groups_too() {
        assert_eq!(
            lines(
                forbidden_crates,
                "src/synth/vote.rs",
                "use burn::tensor::Tensor;"
            ),
            [1]
        );
        assert_eq!(
            lines(
                forbidden_crates,
                "src/app/state.rs",
                "use std::{fmt, thread};"
            ),
            [1]
        );
        assert!(lines(forbidden_crates, "src/app/state.rs", "use std::fmt;").is_empty());
    }
}
