//! Reads Rust source just well enough for the rules: what is code, what is test code, which paths it names.

use regex::Regex;

/// A path written in the source, such as `crate::frame::Size` as `["frame", "Size"]`, without its root.
#[derive(Debug, PartialEq, Eq)]
pub struct PathUse {
    pub line: usize,
    pub segments: Vec<String>,
}

/// The source with comments and the contents of literals blanked; lines stay where they are.
pub fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        if let Some(end) = end_of_blank(&chars[at..]) {
            let blank = &chars[at..at + end.min(chars.len() - at)];
            code.extend(blank.iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at += blank.len();
        } else {
            code.push(chars[at]);
            at += 1;
        }
    }
    code
}

/// Length of the comment or literal that starts here, if one does.
fn end_of_blank(rest: &[char]) -> Option<usize> {
    match rest {
        ['/', '/', ..] => Some(rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())),
        ['/', '*', ..] => Some(end_of_block_comment(rest)),
        ['r', '#' | '"', ..] => end_of_raw_string(rest),
        ['"', ..] => Some(end_of_quoted(rest, '"')),
        ['\'', '\\', ..] => Some(end_of_quoted(rest, '\'')),
        ['\'', _, '\'', ..] => Some(3),
        _ => None,
    }
}

fn end_of_block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => depth += 1,
            ['*', '/', ..] => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn end_of_raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return None; // a raw identifier
    }
    let close: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    let body = hashes + 2;
    let end = rest[body..].windows(close.len()).position(|w| w == close);
    Some(end.map_or(rest.len(), |end| body + end + close.len()))
}

fn end_of_quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// `code` (of [`code_only`]) with every item under `#[cfg(test)]` blanked.
pub fn without_tests(code: &str) -> String {
    let attribute = Regex::new(r"#\[cfg\((?:test|all\(test\b[^\]]*)\)\]").unwrap();
    let mut kept = String::with_capacity(code.len());
    let mut from = 0;
    for found in attribute.find_iter(code) {
        if found.start() < from {
            continue; // inside an item that is already gone
        }
        kept.push_str(&code[from..found.start()]);
        from = found.end() + end_of_item(&code[found.end()..]);
        kept.extend(
            code[found.start()..from]
                .chars()
                .map(|c| if c == '\n' { '\n' } else { ' ' }),
        );
    }
    kept.push_str(&code[from..]);
    kept
}

/// Length of the item that starts `code`: up to its closing brace, or to its semicolon if that comes first.
fn end_of_item(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Every path in `code` (of [`code_only`]) that starts with the word `root`, groups taken apart.
pub fn paths_from(code: &str, root: &str) -> Vec<PathUse> {
    let start = Regex::new(&format!(r"\b{root}\s*::")).unwrap();
    let roots = start
        .find_iter(code)
        .filter(|found| !code[..found.start()].trim_end().ends_with("::"));
    roots
        .flat_map(|found| path_tree(code, found.start(), found.end()))
        .collect()
}

/// The paths that climb with `super` from a file `depth` modules deep to the root of the crate.
pub fn paths_climbing_from(code: &str, depth: usize) -> Vec<PathUse> {
    let climb = Regex::new(r"\bsuper\s*::(?:\s*super\s*::)*").unwrap();
    let to_root = climb
        .find_iter(code)
        .filter(|found| found.as_str().matches("super").count() >= depth);
    to_root
        .flat_map(|found| path_tree(code, found.start(), found.end()))
        .collect()
}

fn path_tree(code: &str, start: usize, after_root: usize) -> Vec<PathUse> {
    let mut leaves = Vec::new();
    collect_leaves(&code[after_root..], &[], &mut leaves);
    let line = line_of(code, start);
    leaves
        .into_iter()
        .map(|segments| PathUse { line, segments })
        .collect()
}

/// Reads one tree of a `use` (or one plain path) and returns what follows it.
fn collect_leaves<'a>(code: &'a str, prefix: &[String], leaves: &mut Vec<Vec<String>>) -> &'a str {
    let code = code.trim_start();
    if let Some(mut rest) = code.strip_prefix('{') {
        loop {
            rest = collect_leaves(rest, prefix, leaves);
            let Some(next) = rest.find([',', '}']) else {
                return "";
            };
            let closes = rest[next..].starts_with('}');
            rest = &rest[next + 1..];
            if closes {
                return rest;
            }
        }
    }
    let end = code
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(code.len());
    if end == 0 {
        if code.starts_with('*') {
            leaves.push(prefix.to_vec());
        }
        return code; // the end of a group, a glob or a turbofish
    }
    let path = [prefix, &[code[..end].to_owned()]].concat();
    match code[end..].trim_start().strip_prefix("::") {
        Some(rest) if !rest.trim_start().starts_with('<') => collect_leaves(rest, &path, leaves),
        _ => {
            leaves.push(path);
            &code[end..]
        }
    }
}

/// The line, counted from 1, that holds byte `at` of `text`.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::{code_only, paths_climbing_from, paths_from, without_tests};

    fn joined(paths: &[super::PathUse]) -> Vec<String> {
        paths
            .iter()
            .map(|p| format!("{} {}", p.line, p.segments.join("::")))
            .collect()
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        let source = "a /* b /* c */ d */ e // f\ng(\"h\\\" i\", r#\"j\" k\"#, 'l', '\\'', &'m n)";
        let words: Vec<String> = code_only(source)
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        assert_eq!(words, ["a", "e", "g(", ",", ",", ",", ",", "&'m", "n)"]);
        assert_eq!(code_only(source).lines().count(), 2);
    }

    #[test]
    fn test_code_is_dropped_and_the_rest_kept() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c(); } }\n#[cfg(test)]\nmod d;\nfn e() {}";
        let kept = without_tests(code);
        assert_eq!(
            kept.split_whitespace().collect::<Vec<_>>().join(" "),
            "fn a() {} fn e() {}"
        );
        assert_eq!(kept.lines().count(), code.lines().count());
    }

    #[test]
    fn groups_are_taken_apart() {
        let code =
            "use crate::{a::{self, B as C}, d};\nuse crate::e::*;\nlet x = crate::f::g::<H>(y);";
        let want = ["1 a::self", "1 a::B", "1 d", "2 e", "3 f::g"];
        assert_eq!(joined(&paths_from(code, "crate")), want);
    }

    #[test]
    fn only_whole_roots_count() {
        assert!(
            paths_from(
                "pub(crate) fn f(x: my_crate::A, y: other::crate::B) {}",
                "crate"
            )
            .is_empty()
        );
    }

    #[test]
    fn super_counts_where_it_reaches_the_root() {
        let code = "use super::near::A;\nuse super::super::far::B;";
        assert_eq!(joined(&paths_climbing_from(code, 2)), ["2 far::B"]);
    }
}
