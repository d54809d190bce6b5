//! One table of everything that can be asked for by name or key.
//!
//! Menus, tooltips, the command palette, the shortcut sheet and the keys themselves all read
//! [`TABLE`], so that none of them can say something that another does not.

use egui::{Key, Modifiers};

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
    fn n_modifiers(&self) -> usize {
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

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Shortcut {
    /// What it asks for.
    pub act: Act,
    /// What it is called, everywhere.
    pub label: &'static str,
    /// The menu it is found in.
    pub menu: Menu,
    /// Its keys; the first is the one that menus show.
    pub keys: &'static [Keys],
    /// Whether this version can do it; otherwise the name and the keys are kept for it.
    pub is_ready: bool,
}

const fn plain(key: Key) -> Keys {
    Keys::new(Modifiers::NONE, key)
}

const fn shift(key: Key) -> Keys {
    Keys::new(Modifiers::SHIFT, key)
}

const fn alt(key: Key) -> Keys {
    Keys::new(Modifiers::ALT, key)
}

const fn ctrl(key: Key) -> Keys {
    Keys::new(Modifiers::COMMAND, key)
}

const fn ctrl_shift(key: Key) -> Keys {
    let modifiers = Modifiers {
        shift: true,
        ..Modifiers::COMMAND
    };
    Keys::new(modifiers, key)
}

/// A character that some keyboards type with Shift.
const fn typed(key: Key) -> Keys {
    Keys {
        any_shift: true,
        ..plain(key)
    }
}

const fn while_held(held: Key, key: Key) -> Keys {
    Keys {
        held: Some(held),
        ..plain(key)
    }
}

const fn row(act: Act, label: &'static str, menu: Menu, keys: &'static [Keys]) -> Shortcut {
    Shortcut {
        act,
        label,
        menu,
        keys,
        is_ready: true,
    }
}

/// Bound, but not there yet.
const fn later(act: Act, label: &'static str, menu: Menu, keys: &'static [Keys]) -> Shortcut {
    Shortcut {
        is_ready: false,
        ..row(act, label, menu, keys)
    }
}

use Menu::{Edit, File, Help, Playback, Translate, View};

/// Everything that can be asked for by name or key, in the order of the menus.
#[rustfmt::skip]
pub const TABLE: &[Shortcut] = &[
    row(Act::New, "New project", File, &[ctrl(Key::N)]),
    row(Act::Open, "Open…", File, &[ctrl(Key::O)]),
    row(Act::OpenDemo, "Try the demo clip", File, &[]),
    row(Act::Save, "Save project", File, &[ctrl(Key::S)]),
    row(Act::SaveAs, "Save project as…", File, &[ctrl_shift(Key::S)]),
    row(Act::Export, "Export…", File, &[ctrl(Key::E)]),
    row(Act::Preferences, "Preferences…", File, &[ctrl(Key::Comma)]),
    row(Act::Quit, "Quit", File, &[ctrl(Key::Q)]),
    row(Act::Undo, "Undo", Edit, &[ctrl(Key::Z)]),
    row(Act::Redo, "Redo", Edit, &[ctrl_shift(Key::Z)]),
    row(Act::ToggleKeyframe, "Keyframe here on or off", Edit, &[plain(Key::M)]),
    row(Act::NudgeBack, "Nudge keyframe back", Edit, &[typed(Key::Comma)]),
    row(Act::NudgeForward, "Nudge keyframe forward", Edit, &[typed(Key::Period)]),
    row(Act::RemoveSelected, "Remove selected keyframe", Edit, &[plain(Key::Delete)]),
    row(Act::LockKeyframe, "Lock keyframe", Edit, &[plain(Key::X)]),
    row(Act::CutShot, "Cut or join shots here", Edit, &[ctrl(Key::B)]),
    row(Act::SetIn, "Set in point", Edit, &[plain(Key::I)]),
    row(Act::SetOut, "Set out point", Edit, &[plain(Key::O)]),
    row(Act::ClearRange, "Clear range", Edit, &[alt(Key::X)]),
    row(Act::ShowSource, "Source", View, &[plain(Key::Num1)]),
    row(Act::ShowResult, "Result", View, &[plain(Key::Num2)]),
    row(Act::ShowWipe, "Wipe", View, &[plain(Key::Num3)]),
    row(Act::ShowSideBySide, "Side by side", View, &[plain(Key::Num4)]),
    row(Act::ShowDifference, "Difference", View, &[plain(Key::Num5)]),
    row(Act::HoldSource, "Source while held", View, &[plain(Key::B)]),
    row(Act::ControlOverlay, "Control image overlay", View, &[plain(Key::C)]),
    row(Act::TurnWipe, "Turn the wipe line", View, &[plain(Key::W)]),
    row(Act::FitPicture, "Fit picture", View, &[plain(Key::F)]),
    row(Act::FullSize, "100 %", View, &[plain(Key::Z)]),
    row(Act::TimelineFit, "Fit timeline", View, &[typed(Key::Backslash)]),
    row(Act::TimelineZoomIn, "Zoom timeline in", View, &[typed(Key::Plus), typed(Key::Equals)]),
    row(Act::TimelineZoomOut, "Zoom timeline out", View, &[typed(Key::Minus)]),
    row(Act::FullScreen, "Full screen viewer", View, &[plain(Key::F11)]),
    row(Act::NextPanel, "Next panel", View, &[plain(Key::F6)]),
    row(Act::PreviousPanel, "Previous panel", View, &[shift(Key::F6)]),
    row(Act::ResetLayout, "Reset layout", View, &[]),
    row(Act::PlayPause, "Play or pause", Playback, &[plain(Key::Space)]),
    row(Act::PlayBackwards, "Play backwards, again for faster", Playback, &[plain(Key::J)]),
    row(Act::StopPlaying, "Stop", Playback, &[plain(Key::K)]),
    row(Act::PlayForwards, "Play forwards, again for faster", Playback, &[plain(Key::L)]),
    row(Act::SlowBackwards, "Slow backwards", Playback, &[while_held(Key::K, Key::J)]),
    row(Act::SlowForwards, "Slow forwards", Playback, &[while_held(Key::K, Key::L)]),
    row(Act::FrameBack, "One frame back", Playback, &[plain(Key::ArrowLeft)]),
    row(Act::FrameForward, "One frame forward", Playback, &[plain(Key::ArrowRight)]),
    row(Act::SecondBack, "One second back", Playback, &[shift(Key::ArrowLeft)]),
    row(Act::SecondForward, "One second forward", Playback, &[shift(Key::ArrowRight)]),
    row(Act::PreviousKeyframe, "Previous keyframe", Playback, &[plain(Key::ArrowUp)]),
    row(Act::NextKeyframe, "Next keyframe", Playback, &[plain(Key::ArrowDown)]),
    row(Act::PreviousShot, "Previous shot", Playback, &[plain(Key::PageUp)]),
    row(Act::NextShot, "Next shot", Playback, &[plain(Key::PageDown)]),
    row(Act::GoToStart, "Go to the start", Playback, &[plain(Key::Home)]),
    row(Act::GoToEnd, "Go to the end", Playback, &[plain(Key::End)]),
    row(Act::GoTo, "Go to frame or time…", Playback, &[plain(Key::G)]),
    row(Act::Try, "Try this frame", Translate, &[plain(Key::P)]),
    row(Act::Main, "Translate, pause or continue", Translate, &[ctrl(Key::Enter)]),
    later(Act::NewTake, "Translate as new take", Translate, &[ctrl_shift(Key::Enter)]),
    row(Act::CancelJob, "Cancel job", Translate, &[ctrl(Key::Period)]),
    later(Act::RedoBatch, "Redo batch", Translate, &[plain(Key::R)]),
    row(Act::ShowJobs, "Jobs", Translate, &[]),
    row(Act::ShowMessages, "Messages", Translate, &[]),
    row(Act::Palette, "Commands…", Help, &[ctrl(Key::K)]),
    row(Act::ShortcutSheet, "Shortcuts", Help, &[typed(Key::Questionmark), plain(Key::F1)]),
    row(Act::CopyAsCommand, "Copy as command", Help, &[]),
    row(Act::About, "About FRESCO Studio", Help, &[]),
    row(Act::Dismiss, "Close the topmost", Help, &[plain(Key::Escape)]),
];

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
