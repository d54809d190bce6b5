//! Undo and redo: whole states of [`Edits`], each with the name of the step that left it.

use std::collections::VecDeque;

use super::actions::{Gesture, Setting};
use super::edits::Edits;

/// Steps that are kept.
pub const STEPS: usize = 100;

/// What a step did, for *Undo …* in the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepName {
    /// A setting was changed.
    Setting(Setting),
    /// A keyframe was added.
    AddKeyframe,
    /// Keyframes were removed.
    RemoveKeyframe,
    /// A keyframe was moved.
    MoveKeyframe,
    /// The suggestion was taken back.
    SuggestKeyframes,
    /// Keyframes were locked or unlocked.
    Lock,
    /// A shot was cut.
    Cut,
    /// Two shots were joined.
    Join,
    /// The translated part was changed.
    Range,
    /// A section was put back to its defaults.
    Reset,
}

impl StepName {
    /// As it follows *Undo* and *Redo*.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Setting(setting) => format!("change {}", lower_first(setting.label())),
            Self::AddKeyframe => "add keyframe".to_owned(),
            Self::RemoveKeyframe => "remove keyframe".to_owned(),
            Self::MoveKeyframe => "move keyframe".to_owned(),
            Self::SuggestKeyframes => "suggest keyframes".to_owned(),
            Self::Lock => "lock keyframe".to_owned(),
            Self::Cut => "cut shot".to_owned(),
            Self::Join => "join shots".to_owned(),
            Self::Range => "change range".to_owned(),
            Self::Reset => "reset section".to_owned(),
        }
    }
}

/// Names such as *ControlNet* and *VAE* keep their capitals.
fn lower_first(label: &str) -> String {
    let mut characters = label.chars();
    match (characters.next(), characters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() && label != "ControlNet" => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => label.to_owned(),
    }
}

/// Steps of undo and redo.
#[derive(Clone, Debug, Default)]
pub struct History {
    undo: VecDeque<(StepName, Edits)>,
    redo: Vec<(StepName, Edits)>,
    /// The step that a drag is part of.
    open: Option<StepName>,
}

impl History {
    /// Notes how things were before a step. Steps of one drag become one.
    pub fn record(&mut self, name: StepName, before: &Edits, gesture: Gesture) {
        let continues = self.open == Some(name);
        self.open = (gesture == Gesture::Ongoing).then_some(name);
        self.redo.clear();
        if continues {
            return;
        }
        if self.undo.len() == STEPS {
            self.undo.pop_front();
        }
        self.undo.push_back((name, before.clone()));
    }

    /// Ends a drag that was left without its last move.
    pub fn close(&mut self) {
        self.open = None;
    }

    /// Goes a step back: returns how things were, given how they are.
    pub fn undo(&mut self, now: &Edits) -> Option<Edits> {
        self.open = None;
        let (name, before) = self.undo.pop_back()?;
        self.redo.push((name, now.clone()));
        Some(before)
    }

    /// Takes back the last [`Self::undo`].
    pub fn redo(&mut self, now: &Edits) -> Option<Edits> {
        self.open = None;
        let (name, after) = self.redo.pop()?;
        self.undo.push_back((name, now.clone()));
        Some(after)
    }

    /// The step that *Undo* takes back.
    #[must_use]
    pub fn undo_name(&self) -> Option<StepName> {
        self.undo.back().map(|(name, _)| *name)
    }

    /// The step that *Redo* takes again.
    #[must_use]
    pub fn redo_name(&self) -> Option<StepName> {
        self.redo.last().map(|(name, _)| *name)
    }
}
