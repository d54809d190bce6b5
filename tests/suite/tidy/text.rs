//! The rules about other text: paths of one machine, links between documents, headers of shaders.

use std::path::{Component, Path, PathBuf};

use regex::Regex;

use super::source::line_of;

/// Absolute paths that exist on somebody's machine only, as `line: what`.
pub fn machine_paths(text: &str) -> Vec<String> {
    let path = Regex::new(
        r"(?m)(?:^|[^\w.})$/-])(/(?:work|farm|root|home/[\w.-]+|Users/[\w.-]+|tmp/[a-z]{3,})/|[A-Za-z]:\\Users\\)",
    )
    .unwrap();
    let complain = |found: regex::Captures<'_>| {
        let path = found.get(1).unwrap();
        format!(
            "{}: path of one machine: {}",
            line_of(text, path.start()),
            path.as_str()
        )
    };
    path.captures_iter(text).map(complain).collect()
}

/// Relative links of a Markdown document to what does not exist or lies outside the repository.
pub fn broken_links(document: &Path, text: &str, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let text = without_code(text);
    let link = Regex::new(r"(?m)\]\(\s*<?([^)>\s]+)|^\s*\[[^\]]+\]:\s*<?([^>\s]+)").unwrap();
    let folder = document.parent().unwrap_or(Path::new(""));
    let check = |found: regex::Captures<'_>| {
        let target = found.get(1).or(found.get(2)).unwrap();
        let path = target.as_str().split('#').next().unwrap_or_default();
        let elsewhere = path.is_empty() || path.contains("://") || path.starts_with("mailto:");
        let resolves = || normalised(&folder.join(path)).is_some_and(|path| exists(&path));
        let line = line_of(&text, target.start());
        (!elsewhere && !resolves()).then(|| format!("{line}: link to {path}, which is not there"))
    };
    link.captures_iter(&text).filter_map(check).collect()
}

/// The text with fenced blocks and code spans blanked; lines stay where they are.
fn without_code(text: &str) -> String {
    let code = Regex::new(r"(?ms)^\s*```.*?^\s*```|`[^`\n]*`").unwrap();
    let blank = |found: &regex::Captures<'_>| found[0].replace(|c| c != '\n', " ");
    code.replace_all(text, blank).into_owned()
}

/// The path without `.` and `..`; none where it leaves the repository.
fn normalised(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => plain.pop().then_some(())?,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}

/// What is missing in the comment that opens a shader; `is_file` tells whether the twin exists.
///
/// A shader says what it does, which Rust function is its twin and how it is dispatched; an imported one (in
/// `shaders/shared`) only what it holds.
pub fn shader_header(file: &Path, text: &str, is_file: impl Fn(&Path) -> bool) -> Vec<String> {
    let header: Vec<&str> = text
        .lines()
        .take_while(|line| line.starts_with("//"))
        .collect();
    let mut missing = Vec::new();
    if header
        .first()
        .is_none_or(|line| line.trim_start_matches('/').trim().is_empty())
    {
        missing.push("1: no comment that says what it does".to_owned());
    }
    if file.starts_with("shaders/shared") {
        return missing;
    }
    let header = header.join("\n");
    let twin = Regex::new(r"Twin: (\S+\.rs)")
        .unwrap()
        .captures(&header)
        .map(|c| PathBuf::from(&c[1]));
    match twin {
        None => missing.push("1: no `Twin: src/….rs`".to_owned()),
        Some(twin) if !is_file(&twin) => missing.push(format!("1: no twin at {}", twin.display())),
        Some(_) => {}
    }
    if !header.contains("Dispatch: ") {
        missing.push("1: no `Dispatch: `".to_owned());
    }
    missing
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{broken_links, machine_paths, shader_header};

    #[test]
    fn machine_paths_are_found_and_others_are_not() {
        // Put together here, so that this file does not contain what it looks for.
        for folders in [
            &["home", "somebody"][..],
            &["work"],
            &["tmp", "scratch"],
            &["Users", "Somebody"],
        ] {
            let text = format!("first line\nin \"/{}/clip.mp4\"", folders.join("/"));
            assert_eq!(machine_paths(&text).len(), 1, "{text}");
            assert!(machine_paths(&text)[0].starts_with("2: "), "{text}");
        }
        let harmless =
            "/usr/share/vulkan  name.fresco/work/x  https://example.org/home/a/  ${X}/root/y";
        assert!(machine_paths(harmless).is_empty());
    }

    #[test]
    fn broken_links_are_found_in_every_form() {
        let exists = |path: &Path| path == Path::new("docs/here.md");
        let text = "[a](here.md#part) ![b](gone.png)\n[c]: ../gone.md\n[d](https://x.org) [e](#part)\n\
                    `[f](gone)`\n```\n[g](gone)\n```\n[h](../docs/here.md) [i](../../outside.md)";
        let found = broken_links(Path::new("docs/a.md"), text, exists);
        let lines: Vec<&str> = found.iter().map(|f| f.split_once(':').unwrap().0).collect();
        assert_eq!(lines, ["1", "2", "8"], "{found:?}");
    }

    #[test]
    fn shader_headers_must_be_whole() {
        let is_file = |path: &Path| path == Path::new("src/synth/vote.rs");
        let missing = |file: &str, text: &str| shader_header(Path::new(file), text, is_file).len();
        let whole = "// Averages.\n// Twin: src/synth/vote.rs.   Dispatch: (1, 1, 1).\nfn f() {}";
        assert_eq!(missing("shaders/synth/vote.wgsl", whole), 0);
        assert_eq!(
            missing(
                "shaders/synth/vote.wgsl",
                &whole.replace("vote.rs", "gone.rs")
            ),
            1
        );
        assert_eq!(missing("shaders/synth/vote.wgsl", "fn f() {}"), 3);
        assert_eq!(
            missing("shaders/shared/patch.wgsl", "// What a patch is."),
            0
        );
        assert_eq!(missing("shaders/shared/patch.wgsl", "fn f() {}"), 1);
    }
}
