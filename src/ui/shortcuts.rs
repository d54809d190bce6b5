//! One table of everything that can be asked for by name or key.
//!
//! Menus, tooltips, the command palette, the shortcut sheet and the keys themselves all read
//! [`TABLE`], so that none of them can say something that another does not.

mod table;

use egui::{Key, Modifiers};

pub use table::{Shortcut, TABLE};

/// Something the user can ask for by name or key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the table below has a label for each")]
pub enum Act {
    New,
    Open,
    OpenDemo,
    Save,
    SaveAs,
    Export,
    Models,
    Preferences,
    Quit,
    Undo,
    Redo,
    ToggleKeyframe,
    NudgeBack,
    NudgeForward,
    RemoveSelected,
    LockKeyframe,
    CutShot,
    SetIn,
    SetOut,
    ClearRange,
    ShowSource,
    ShowResult,
    ShowWipe,
    ShowSideBySide,
    ShowDifference,
    HoldSource,
    ControlOverlay,
    ToggleSettings,
    ToggleTimeline,
    ToggleResults,
    FlowOverlay,
    OcclusionOverlay,
    SaliencyOverlay,
    BatchOverlay,
    TurnWipe,
    FitPicture,
    FullSize,
    TimelineFit,
    TimelineZoomIn,
    TimelineZoomOut,
    FullScreen,
    NextPanel,
    PreviousPanel,
    ResetLayout,
    PlayPause,
    PlayBackwards,
    StopPlaying,
    PlayForwards,
    SlowBackwards,
    SlowForwards,
    FrameBack,
    FrameForward,
    SecondBack,
    SecondForward,
    PreviousKeyframe,
    NextKeyframe,
    PreviousShot,
    NextShot,
    GoToStart,
    GoToEnd,
    GoTo,
    Try,
    Main,
    NewTake,
    CancelJob,
    RedoBatch,
    ShowJobs,
    ShowMessages,
    CopyAsCommand,
    Palette,
    ShortcutSheet,
    About,
    Dismiss,
}

/// A menu of the menu bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    /// Projects and files.
    File,
    /// Changes and keyframes.
    Edit,
    /// What is seen, and how.
    View,
    /// Time.
    Playback,
    /// The work.
    Translate,
    /// Help.
    Help,
}

impl Menu {
    /// All, in the order of the bar.
    pub const ALL: [Self; 6] = [
        Self::File,
        Self::Edit,
        Self::View,
        Self::Playback,
        Self::Translate,
        Self::Help,
    ];

    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::View => "View",
            Self::Playback => "Playback",
            Self::Translate => "Translate",
            Self::Help => "Help",
        }
    }
}

/// A combination of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// A key that is held meanwhile and has a meaning of its own.
    pub held: Option<Key>,
    /// Modifiers; `command` is Ctrl, and Cmd on macOS.
    pub modifiers: Modifiers,
    /// The key.
    pub key: Key,
    /// Whether Shift is only how the character is typed on some keyboards.
    pub any_shift: bool,
}

impl Keys {
    const fn new(modifiers: Modifiers, key: Key) -> Self {
        Self {
            held: None,
            modifiers,
            key,
            any_shift: false,
        }
    }

    /// Whether a key press is this combination.
    #[must_use]
    pub fn matches(&self, modifiers: Modifiers, key: Key, is_held: impl Fn(Key) -> bool) -> bool {
        let shift = self.any_shift || modifiers.shift == self.modifiers.shift;
        let command = modifiers.command || modifiers.ctrl || modifiers.mac_cmd;
        self.key == key
            && shift
            && command == self.modifiers.command
            && modifiers.alt == self.modifiers.alt
            && self.held.is_none_or(is_held)
    }

    /// More of them is a closer match.
    fn n_modifiers(self) -> usize {
        let Modifiers {
            alt,
            shift,
            command,
            ..
        } = self.modifiers;
        [alt, shift, command, self.held.is_some()]
            .into_iter()
            .filter(|on| *on)
            .count()
    }

    /// Whether it does nothing while text is being typed.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        let is_function = matches!(self.key, Key::F1 | Key::F6 | Key::F11 | Key::Escape);
        !self.modifiers.command && !is_function
    }

    /// How it is written: `Ctrl+Shift+Z`, and `⌘` for `Ctrl` on macOS.
    #[must_use]
    pub fn text(&self, is_mac: bool) -> String {
        let mut text = String::new();
        if self.modifiers.command {
            text += if is_mac { "Cmd+" } else { "Ctrl+" };
        }
        if self.modifiers.alt {
            text += if is_mac { "Option+" } else { "Alt+" };
        }
        if self.modifiers.shift {
            text += "Shift+";
        }
        if let Some(held) = self.held {
            text += held.name();
            text += "+";
        }
        text + key_name(self.key)
    }
}

fn key_name(key: Key) -> &'static str {
    match key {
        Key::ArrowLeft => "Left",
        Key::ArrowRight => "Right",
        Key::ArrowUp => "Up",
        Key::ArrowDown => "Down",
        Key::PageUp => "PgUp",
        Key::PageDown => "PgDn",
        Key::Escape => "Esc",
        Key::Minus => "-",
        Key::Plus => "+",
        Key::Comma => ",",
        Key::Period => ".",
        Key::Backslash => "\\",
        Key::Questionmark => "?",
        other => other.name(),
    }
}

/// The row of an act.
///
/// # Panics
/// If the table has none, which a test rules out.
#[must_use]
pub fn of(act: Act) -> &'static Shortcut {
    match TABLE.iter().find(|row| row.act == act) {
        Some(row) => row,
        None => unreachable!("the table has a row for {act:?}"),
    }
}

/// What a key press asks for: of several matches the one with the most modifiers.
pub fn pressed(
    modifiers: Modifiers,
    key: Key,
    is_held: impl Fn(Key) -> bool,
) -> Option<(&'static Shortcut, &'static Keys)> {
    let rows = TABLE
        .iter()
        .flat_map(|row| row.keys.iter().map(move |keys| (row, keys)));
    rows.filter(|(_, keys)| keys.matches(modifiers, key, &is_held))
        .max_by_key(|(_, keys)| keys.n_modifiers())
}

/// An act's label with its keys, for tooltips: `Undo (Ctrl+Z)`.
#[must_use]
pub fn hint(ctx: &egui::Context, act: Act) -> String {
    let row = of(act);
    match keys_text(ctx, row) {
        Some(keys) => format!("{} ({keys})", row.label),
        None => row.label.to_owned(),
    }
}

/// How the first keys of a row are written on this system.
#[must_use]
pub fn keys_text(ctx: &egui::Context, row: &Shortcut) -> Option<String> {
    let is_mac = ctx.os().is_mac();
    row.keys.first().map(|keys| keys.text(is_mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_occurs_once() {
        for (index, row) in TABLE.iter().enumerate() {
            let earlier = &TABLE[..index];
            assert!(
                earlier.iter().all(|other| other.label != row.label),
                "{}",
                row.label
            );
            assert!(
                earlier.iter().all(|other| other.act != row.act),
                "{}",
                row.label
            );
        }
    }

    #[test]
    fn the_longest_match_wins() {
        let act = |modifiers, key, held: &[Key]| {
            pressed(modifiers, key, |key| held.contains(&key)).map(|(row, _)| row.act)
        };
        let ctrl_shift = Modifiers::CTRL | Modifiers::SHIFT;
        assert_eq!(act(Modifiers::CTRL, Key::Z, &[]), Some(Act::Undo));
        assert_eq!(act(ctrl_shift, Key::Z, &[]), Some(Act::Redo));
        assert_eq!(act(Modifiers::NONE, Key::Z, &[]), Some(Act::FullSize));
        assert_eq!(
            act(Modifiers::NONE, Key::J, &[Key::K]),
            Some(Act::SlowBackwards)
        );
        assert_eq!(
            act(Modifiers::SHIFT, Key::Questionmark, &[]),
            Some(Act::ShortcutSheet)
        );
        assert_eq!(act(Modifiers::ALT, Key::Z, &[]), None);
    }

    #[test]
    fn keys_are_written_as_the_system_writes_them() {
        let redo = of(Act::Redo).keys[0];
        assert_eq!(redo.text(false), "Ctrl+Shift+Z");
        assert_eq!(redo.text(true), "Cmd+Shift+Z");
        assert_eq!(of(Act::SlowForwards).keys[0].text(false), "K+L");
    }
}
