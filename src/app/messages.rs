//! What the user was told: toasts that fade, and the list that keeps warnings and errors.

use std::collections::VecDeque;
use std::time::Duration;

use super::actions::Action;
use crate::worker::message::Report;

/// How long a success or a hint is shown.
pub const FADES_AFTER: Duration = Duration::from_secs(5);

/// Toasts shown at once.
pub const MOST_TOASTS: usize = 3;

/// Messages kept.
const MOST_KEPT: usize = 200;

/// How serious a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something worked, or could be done.
    Hint,
    /// Something did not go as wished.
    Warning,
    /// Something failed.
    Error,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its number.
    pub id: u64,
    /// How serious it is.
    pub severity: Severity,
    /// What is said.
    pub report: Report,
    /// What can be done about it, with one click.
    pub button: Option<(&'static str, Action)>,
    /// How often it was said.
    pub count: usize,
    /// When it was said last, since the window opened.
    pub at: Duration,
    /// Whether it was seen in the list or closed.
    pub read: bool,
}

impl Message {
    /// The text to copy.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![self.report.summary.clone()];
        lines.extend(self.report.causes.iter().cloned());
        lines.extend(self.report.hint.iter().cloned());
        lines.join("\n")
    }
}

/// All messages, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    list: VecDeque<Message>,
    next: u64,
}

impl Messages {
    /// Says something; the same again is counted.
    pub fn say(&mut self, severity: Severity, report: Report, now: Duration) {
        self.say_with(severity, report, None, now);
    }

    /// Says something that one click can answer.
    pub fn say_with(
        &mut self,
        severity: Severity,
        report: Report,
        button: Option<(&'static str, Action)>,
        now: Duration,
    ) {
        let same = |message: &Message| message.severity == severity && message.report == report;
        if let Some(position) = self.list.iter().position(same)
            && let Some(mut message) = self.list.remove(position)
        {
            message.count += 1;
            message.at = now;
            message.read = false;
            message.button = button;
            self.list.push_back(message);
            return;
        }
        if self.list.len() == MOST_KEPT {
            self.list.pop_front();
        }
        self.list.push_back(Message {
            id: self.next,
            severity,
            report,
            button,
            count: 1,
            at: now,
            read: false,
        });
        self.next += 1;
    }

    /// A hint of one sentence.
    pub fn hint(&mut self, text: impl Into<String>, now: Duration) {
        self.say(Severity::Hint, plain(text), now);
    }

    /// Warnings and errors, newest first.
    pub fn kept(&self) -> impl Iterator<Item = &Message> {
        let list = self.list.iter().rev();
        list.filter(|message| message.severity > Severity::Hint)
    }

    /// Warnings and errors that were not seen yet.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.kept().filter(|message| !message.read).count()
    }

    /// What is shown over the window now, newest first.
    #[must_use]
    pub fn toasts(&self, now: Duration) -> Vec<&Message> {
        let fresh = |message: &&Message| {
            let fades = message.severity == Severity::Hint;
            !message.read && (!fades || now.saturating_sub(message.at) < FADES_AFTER)
        };
        self.list
            .iter()
            .rev()
            .filter(fresh)
            .take(MOST_TOASTS)
            .collect()
    }

    /// When the next toast fades, so that the window can draw again then.
    #[must_use]
    pub fn next_fade(&self, now: Duration) -> Option<Duration> {
        let hints = self.toasts(now).into_iter();
        let hints = hints.filter(|message| message.severity == Severity::Hint);
        hints.map(|message| message.at + FADES_AFTER).min()
    }

    /// A message was seen.
    pub fn dismiss(&mut self, id: u64) {
        if let Some(message) = self.list.iter_mut().find(|message| message.id == id) {
            message.read = true;
        }
    }

    /// Forgets all messages.
    pub fn clear(&mut self) {
        self.list.clear();
    }
}

/// A report of one sentence.
#[must_use]
pub fn plain(text: impl Into<String>) -> Report {
    Report {
        summary: text.into(),
        ..Report::default()
    }
}
