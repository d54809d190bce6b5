//! From names in a published checkpoint to paths in our modules: an ordered table of patterns.

use regex::Regex;

/// How one network's published tensor names map to module paths.
///
/// The rules run in order on every name; names that match `ignored` have no use here
/// (buffers, training state, parts that only training runs) and are passed over without a word.
#[derive(Clone, Copy, Debug)]
pub struct KeyMap {
    /// Regular expression and replacement (`$1` for its first group).
    pub rules: &'static [(&'static str, &'static str)],
    /// Regular expressions of names that are passed over.
    pub ignored: &'static [&'static str],
}

/// A [`KeyMap`] whose patterns are compiled.
pub(super) struct Renamer {
    rules: Vec<(Regex, &'static str)>,
    ignored: Vec<Regex>,
}

impl Renamer {
    pub(super) fn new(keys: &KeyMap) -> Self {
        let rules = keys
            .rules
            .iter()
            .map(|(from, to)| (compile(from), *to))
            .collect();
        Self {
            rules,
            ignored: keys
                .ignored
                .iter()
                .map(|pattern| compile(pattern))
                .collect(),
        }
    }

    /// The module path of a checkpoint name, or `None` for an ignored one.
    pub(super) fn path(&self, name: &str) -> Option<String> {
        if self.ignored.iter().any(|pattern| pattern.is_match(name)) {
            return None;
        }
        let rename =
            |name: String, (from, to): &(Regex, &str)| from.replace(&name, *to).into_owned();
        Some(self.rules.iter().fold(name.to_owned(), rename))
    }
}

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern)
        .unwrap_or_else(|error| unreachable!("key maps are constants of this program: {error}"))
}
