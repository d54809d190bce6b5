//! The rules of the code base, as tests: who may know whom, how long a file may be, what never occurs.
//!
//! The tables below are `docs/ARCHITECTURE.md`'s; a rule that has to change changes in both places.
//! The last tests of each file feed the scanners bad snippets, so that a rule that finds nothing can be trusted.

mod layering;
mod rules;
#[cfg(feature = "gpu")]
mod shaders;
mod source;
mod text;

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` of the package with this extension, as sorted paths relative to the package.
fn files_below(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// What git knows or would add, as paths relative to the package; none outside a checkout, which is said.
fn checkout_files() -> Vec<PathBuf> {
    let listing = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output();
    match listing {
        Ok(listing) if listing.status.success() => {
            let names = String::from_utf8(listing.stdout).unwrap();
            names
                .split_terminator('\0')
                .map(PathBuf::from)
                .filter(|f| root().join(f).is_file())
                .collect()
        }
        _ => {
            eprintln!(
                "skipped: not a git checkout, so there is no list of the project's own files"
            );
            Vec::new()
        }
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// Fails with every complaint about every file; `check` gives the complaints about one.
fn assert_clean(files: &[PathBuf], check: impl Fn(&Path, &str) -> Vec<String>) {
    let complain = |file: &PathBuf| {
        let complaints = check(file, &read(file));
        complaints
            .into_iter()
            .map(|c| format!("{}:{c}", file.display()))
            .collect::<Vec<_>>()
    };
    let complaints: Vec<String> = files.iter().flat_map(complain).collect();
    assert!(
        complaints.is_empty(),
        "{} found:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

/// Lines that `rule` complains about, for the tests of the rules themselves.
fn complaint_lines(rule: fn(&Path, &str) -> Vec<String>, file: &str, source: &str) -> Vec<usize> {
    let number = |complaint: &String| complaint.split_once(':').unwrap().0.parse().unwrap();
    rule(Path::new(file), source).iter().map(number).collect()
}

fn sources() -> Vec<PathBuf> {
    let sources = files_below("src", "rs");
    assert!(sources.len() > 1, "no sources found under src");
    sources
}

#[test]
fn modules_know_only_whom_they_may() {
    assert_clean(&sources(), layering::layering);
}

#[test]
fn modules_contain_no_crate_they_must_not() {
    assert_clean(&sources(), layering::forbidden_crates);
}

#[test]
fn files_are_short() {
    let files = [
        sources(),
        files_below("tests", "rs"),
        files_below("shaders", "wgsl"),
    ]
    .concat();
    assert_clean(&files, rules::length);
}

#[test]
fn nothing_unwraps_outside_tests() {
    assert_clean(&sources(), rules::unwraps);
}

#[test]
fn nothing_prints_outside_cli() {
    assert_clean(&sources(), rules::prints);
}

#[test]
fn nothing_reads_the_environment_below_main() {
    assert_clean(&sources(), rules::environment_reads);
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    let readable = |file: &PathBuf| std::fs::read_to_string(root().join(file)).is_ok();
    let text_files: Vec<PathBuf> = checkout_files().into_iter().filter(readable).collect();
    assert_clean(&text_files, |_, text| text::machine_paths(text));
}

#[test]
fn markdown_links_resolve() {
    let is_markdown = |file: &PathBuf| file.extension().is_some_and(|e| e == "md");
    let documents: Vec<PathBuf> = checkout_files().into_iter().filter(is_markdown).collect();
    assert_clean(&documents, |file, text| {
        text::broken_links(file, text, |target| root().join(target).exists())
    });
}

#[test]
fn shaders_say_what_they_do() {
    assert_clean(&files_below("shaders", "wgsl"), |file, text| {
        text::shader_header(file, text, |twin| root().join(twin).is_file())
    });
}
