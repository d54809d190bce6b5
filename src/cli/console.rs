//! Where the command line writes, and how.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;

use crate::worker::Report;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Moving bars, for a terminal.
    Bars,
    /// A line now and then, for a log.
    Lines,
    /// One JSON object per line, for a program.
    Json,
}

/// The two outputs of the program. That nobody reads them is no reason to stop a job, so write
/// errors are passed over.
pub struct Console {
    /// Results, and progress unless it is shown as bars.
    pub out: Box<dyn Write>,
    /// Errors and warnings.
    pub err: Box<dyn Write>,
    /// How progress is shown.
    pub style: Style,
}

impl Console {
    /// Standard output and standard error.
    #[must_use]
    pub fn standard(json: bool) -> Self {
        let style = match (
            json,
            io::stderr().is_terminal() && io::stdout().is_terminal(),
        ) {
            (true, _) => Style::Json,
            (false, true) => Style::Bars,
            (false, false) => Style::Lines,
        };
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            style,
        }
    }

    /// Writes a line for people; with JSON there are none.
    pub fn say(&mut self, line: impl Display) {
        if self.style != Style::Json {
            let _ = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
        }
    }

    /// Writes an event for programs; without JSON there are none.
    pub fn tell(&mut self, event: &impl Serialize) {
        if self.style != Style::Json {
            return;
        }
        match serde_json::to_string(event) {
            Ok(line) => drop(writeln!(self.out, "{line}").and_then(|()| self.out.flush())),
            Err(error) => tracing::error!(%error, "an event has no JSON form"),
        }
    }

    /// Writes what went wrong: what, why, and what to do.
    pub fn complain(&mut self, word: &str, report: &Report) {
        let cause = |cause: &String| format!("  because: {cause}\n");
        let causes: String = report.causes.iter().map(cause).collect();
        let hint = report
            .hint
            .as_ref()
            .map(|hint| format!("  what to do: {hint}\n"));
        let text = format!(
            "{word}: {}\n{causes}{}",
            report.summary,
            hint.unwrap_or_default()
        );
        let _ = self.err.write_all(text.as_bytes());
    }
}
