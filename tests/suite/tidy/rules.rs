//! The rules about what a source file holds; each takes a file and its text and returns complaints as `line: what`.

use std::path::Path;

use regex::Regex;

use super::source::{code_only, line_of, without_tests};

const MAX_LINES: usize = 400;
/// For a file of `src/models` whose module doc says why it is longer than 400 lines, in these words.
const MAX_LINES_OF_NETWORK: usize = 500;
const NOTE_OF_LENGTH: &str = "longer than 400 lines";

/// On the same line as an `unwrap` or `expect`, or on the line above, followed by the reason.
const MARK_OF_INFALLIBLE: &str = "// infallible: ";

pub fn length(file: &Path, source: &str) -> Vec<String> {
    let n_lines = source.lines().count();
    let noted = source
        .lines()
        .any(|line| line.starts_with("//!") && line.contains(NOTE_OF_LENGTH));
    let is_network = file.starts_with("src/models");
    let allowed = if is_network && noted {
        MAX_LINES_OF_NETWORK
    } else {
        MAX_LINES
    };
    let complaint = || format!("{allowed}: {n_lines} lines, allowed {allowed}");
    (n_lines > allowed).then(complaint).into_iter().collect()
}

pub fn unwraps(file: &Path, source: &str) -> Vec<String> {
    let lines: Vec<&str> = source.lines().collect();
    let has_reason = |line: Option<&&str>| {
        line.and_then(|l| l.split_once(MARK_OF_INFALLIBLE))
            .is_some_and(|(_, reason)| !reason.is_empty())
    };
    let hits = matches_outside_tests(file, source, r"\.\s*(?:unwrap|expect)\s*\(");
    let excused = |line: usize| {
        has_reason(lines.get(line - 1)) || (line >= 2 && has_reason(lines.get(line - 2)))
    };
    hits.into_iter()
        .filter(|(line, _)| !excused(*line))
        .map(|(line, _)| {
            format!("{line}: return an error, or say why it cannot fail: `{MARK_OF_INFALLIBLE}…`")
        })
        .collect()
}

pub fn prints(file: &Path, source: &str) -> Vec<String> {
    if file.starts_with("src/cli") {
        return Vec::new();
    }
    let hits = matches_outside_tests(file, source, r"\be?print(?:ln)?\s*!");
    hits.into_iter()
        .map(|(line, what)| format!("{line}: {what} outside cli; use tracing"))
        .collect()
}

pub fn environment_reads(file: &Path, source: &str) -> Vec<String> {
    if file == Path::new("src/main.rs") {
        return Vec::new();
    }
    let hits = matches_outside_tests(file, source, r"\benv\s*::\s*vars?(?:_os)?\b");
    hits.into_iter()
        .map(|(line, what)| format!("{line}: {what} below main; take it as an argument"))
        .collect()
}

/// Line and text of each match in the code that is not test code.
fn matches_outside_tests(file: &Path, source: &str, pattern: &str) -> Vec<(usize, String)> {
    if file.file_stem().is_some_and(|stem| stem == "tests") {
        return Vec::new();
    }
    let code = without_tests(&code_only(source));
    let pattern = Regex::new(pattern).unwrap();
    let place = |found: regex::Match<'_>| {
        let word = found.start() + found.as_str().find(char::is_alphabetic).unwrap_or(0);
        (line_of(&code, word), found.as_str().to_owned())
    };
    pattern.find_iter(&code).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::super::complaint_lines as lines;
    use super::{environment_reads, length, prints, unwraps};

    #[test]
    fn length_counts_lines() {
        let lines_of = |n: usize| "x\n".repeat(n);
        let noted = |n: usize| {
            format!(
                "//! It is longer than 400 lines since so is the paper.\n{}",
                lines_of(n - 1)
            )
        };
        assert!(lines(length, "src/a.rs", &lines_of(400)).is_empty());
        assert_eq!(lines(length, "src/a.rs", &lines_of(401)), [400]);
        assert_eq!(lines(length, "src/a.rs", &noted(401)), [400]);
        assert_eq!(lines(length, "src/models/a.rs", &lines_of(401)), [400]);
        assert!(lines(length, "src/models/a.rs", &noted(500)).is_empty());
        assert_eq!(lines(length, "src/models/a.rs", &noted(501)), [500]);
    }

    #[test]
    fn unwraps_are_found_unless_excused_or_in_tests() {
        assert_eq!(
            lines(
                unwraps,
                "src/a.rs",
                "let x = y\n    .unwrap();\nz.expect(\"w\");"
            ),
            [2, 3]
        );
        assert_eq!(
            lines(unwraps, "src/a.rs", "// infallible: \nx.unwrap();"),
            [2]
        );
        assert!(
            lines(
                unwraps,
                "src/a.rs",
                "// infallible: checked above\nx.unwrap();"
            )
            .is_empty()
        );
        assert!(lines(unwraps, "src/a.rs", "x.unwrap_or(0); // not .unwrap()").is_empty());
        assert!(
            lines(
                unwraps,
                "src/a.rs",
                "#[cfg(test)]\nmod t {\n    fn f() { x.unwrap(); }\n}"
            )
            .is_empty()
        );
    }

    #[test]
    fn prints_are_found_outside_cli() {
        assert_eq!(
            lines(
                prints,
                "src/video/probe.rs",
                "\nprintln!(\"x\");\neprint!(\"y\");"
            ),
            [2, 3]
        );
        assert!(lines(prints, "src/cli/progress.rs", "println!(\"x\");").is_empty());
        assert!(lines(prints, "src/video/probe.rs", "let s = \"println!()\";").is_empty());
    }

    #[test]
    fn environment_reads_are_found_below_main() {
        let source =
            "let x = std::env::var(\"X\");\nlet y = env!(\"Y\");\nlet z = env::var_os(\"Z\");";
        assert_eq!(
            lines(environment_reads, "src/video/ffmpeg.rs", source),
            [1, 3]
        );
        assert!(lines(environment_reads, "src/main.rs", source).is_empty());
    }
}
