//! The project file: TOML, paths relative to it, keys of other versions kept.
//!
//! It holds the [`JobSpec`], edits of keyframes, shots and range, the view, and with which settings results were made.
//! The results themselves are in the working folder beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::edits::{Edits, Keyframes};
use super::paths;
use super::state::{KeyframeResult, Project};
use super::view::ViewState;
use crate::frame::FrameIdx;
use crate::pipeline::job::{FrameRange, JobSpec};

/// Version of the format that is written.
pub const VERSION: i64 = 1;

/// One function for each older version: from version 1 to 2, from 2 to 3, and so on.
const MIGRATIONS: &[Migration] = &[];

/// Turns a file of one version into the next.
pub type Migration = fn(toml::Table) -> toml::Table;

/// Key of the version.
const FORMAT: &str = "format-version";

/// A project file that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectFile {
    /// Settings, keyframes, shots, range, locks.
    pub edits: Edits,
    /// How it is looked at.
    pub view: ViewState,
    /// With which settings each keyframe was made.
    pub made_with: BTreeMap<FrameIdx, String>,
    /// With which settings in-betweens were made.
    pub filled_with: Option<String>,
    /// The source as it was when results were made: bytes and seconds since 1970.
    pub source_state: Option<SourceState>,
    /// Whether a job was running when it was written.
    pub unfinished: bool,
    /// Whether the window was open when it was written.
    pub open: bool,
    /// Whether a newer version of the program wrote it.
    pub is_newer: bool,
    /// Keys that this version does not know, at their places.
    pub unknown: toml::Table,
}

pub use crate::worker::message::SourceState;

/// Why a text is no project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    /// It is not TOML.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// It does not say its version.
    #[error("this is not a project file: it has no {FORMAT}")]
    NoVersion,
    /// A value is not of its kind.
    #[error("a value cannot be used: {0}")]
    Value(String),
}

/// What the tables of the file hold besides the settings.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Tables {
    edits: EditsTable,
    view: ViewState,
    results: ResultsTable,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct EditsTable {
    keyframes: Option<BTreeSet<FrameIdx>>,
    cuts: Option<BTreeSet<FrameIdx>>,
    locked: BTreeSet<FrameIdx>,
    range: Option<FrameRange>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct ResultsTable {
    unfinished: bool,
    open: bool,
    filled_with: Option<String>,
    source: Option<SourceState>,
    made_with: BTreeMap<String, String>,
}

const SETTINGS: &str = "settings";
/// Every key of the tables that this version knows, also those that are left out where they say nothing.
const KNOWN: [(&str, &[&str]); 3] = [
    ("edits", &["keyframes", "cuts", "locked", "range"]),
    (
        "view",
        &[
            "playhead",
            "mode",
            "wipe",
            "difference-gain",
            "overlay",
            "zoom",
            "timeline",
        ],
    ),
    (
        "results",
        &["unfinished", "open", "filled-with", "source", "made-with"],
    ),
];

/// Reads a project file that lies in `folder`.
///
/// # Errors
/// [`ProjectError`] if it is none, or damaged.
pub fn from_text(text: &str, folder: &Path) -> Result<ProjectFile, ProjectError> {
    from_text_migrating(text, folder, MIGRATIONS)
}

/// [`from_text`] with other migrations than this version's, of which there are as many as older versions.
///
/// # Errors
/// As [`from_text`].
pub fn from_text_migrating(
    text: &str,
    folder: &Path,
    migrations: &[Migration],
) -> Result<ProjectFile, ProjectError> {
    let damaged = |error: toml::de::Error| ProjectError::Damaged(error.message().to_owned());
    let mut table: toml::Table = text.parse().map_err(damaged)?;
    let version = table.get(FORMAT).and_then(toml::Value::as_integer);
    let version = version.filter(|&version| version >= 1);
    let version = version.ok_or(ProjectError::NoVersion)?;
    let current = 1 + migrations.len() as i64;
    let is_newer = version > current;
    let first = usize::try_from(version - 1).unwrap_or(usize::MAX);
    for migrate in migrations.iter().skip(first) {
        table = migrate(table);
    }
    let value = |error: toml::de::Error| ProjectError::Value(error.message().to_owned());
    let settings = table.get(SETTINGS).cloned();
    let settings = settings.unwrap_or_else(|| toml::Table::new().into());
    let mut spec = JobSpec::deserialize(settings).map_err(value)?;
    paths::each(&mut spec, |path| *path = paths::resolve(folder, path));
    let tables = Tables::deserialize(table.clone()).map_err(value)?;
    let frame_of = |(frame, hash): (String, String)| Some((FrameIdx(frame.parse().ok()?), hash));
    Ok(ProjectFile {
        edits: Edits {
            spec,
            keyframes: tables
                .edits
                .keyframes
                .map_or(Keyframes::Suggested, Keyframes::Placed),
            cuts: tables.edits.cuts,
            locked: tables.edits.locked,
            range: tables.edits.range,
        },
        view: tables.view,
        made_with: tables
            .results
            .made_with
            .into_iter()
            .filter_map(frame_of)
            .collect(),
        filled_with: tables.results.filled_with,
        source_state: tables.results.source,
        unfinished: tables.results.unfinished,
        open: tables.results.open,
        is_newer,
        unknown: unknown_of(table),
    })
}

/// The text of a project's file in `folder`; `open` says whether the window is, so that a crash is noticed.
#[must_use]
pub fn to_text(project: &Project, folder: &Path, open: bool) -> String {
    let mut spec = project.edits.spec.clone();
    // These are the window's business, and follow from where the file is.
    spec.out = PathBuf::new();
    spec.work = None;
    paths::each(&mut spec, |path| *path = paths::relative(folder, path));
    let results = &project.results;
    let hash = |(frame, result): (&FrameIdx, &KeyframeResult)| {
        (frame.to_string(), result.made_with.clone())
    };
    let tables = Tables {
        edits: EditsTable {
            keyframes: match &project.edits.keyframes {
                Keyframes::Suggested => None,
                Keyframes::Placed(frames) => Some(frames.clone()),
            },
            cuts: project.edits.cuts.clone(),
            locked: project.edits.locked.clone(),
            range: project.edits.range,
        },
        view: project.view.clone(),
        results: ResultsTable {
            unfinished: results.unfinished,
            open,
            filled_with: results.filled_with.clone(),
            source: project.source.made_from,
            made_with: results.keyframes.iter().map(hash).collect(),
        },
    };
    let mut table = toml::Table::new();
    table.insert(FORMAT.to_owned(), VERSION.into());
    table.insert(SETTINGS.to_owned(), plain(&spec));
    if let toml::Value::Table(tables) = plain(&tables) {
        table.extend(tables);
    }
    merge(&mut table, &project.unknown);
    toml::to_string_pretty(&table)
        .unwrap_or_else(|error| unreachable!("a table is valid TOML: {error}"))
}

fn plain(value: &impl Serialize) -> toml::Value {
    toml::Value::try_from(value)
        .unwrap_or_else(|error| unreachable!("projects are plain data: {error}"))
}

/// What remains when all that this version knows is taken away.
fn unknown_of(mut table: toml::Table) -> toml::Table {
    table.remove(FORMAT);
    if let Some(toml::Value::Table(settings)) = table.get_mut(SETTINGS) {
        let known = paths::setting_names();
        settings.retain(|key, _| !known.contains(key));
    }
    for (name, keys) in KNOWN {
        if let Some(toml::Value::Table(inner)) = table.get_mut(name) {
            inner.retain(|key, _| !keys.contains(&key));
        }
    }
    table.retain(|_, value| !value.as_table().is_some_and(toml::Table::is_empty));
    table
}

/// Adds what `table` does not have.
fn merge(table: &mut toml::Table, unknown: &toml::Table) {
    for (key, value) in unknown {
        match (table.get_mut(key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(more)) => merge(inner, more),
            (Some(_), _) => {}
            (None, value) => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}
