//! The table itself, in the order of the menus.

use egui::{Key, Modifiers};

use super::Menu::{self, Edit, File, Help, Playback, Translate, View};
use super::{Act, Keys};

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

/// Everything that can be asked for by name or key, in the order of the menus.
#[rustfmt::skip]
pub const TABLE: &[Shortcut] = &[
    row(Act::New, "New project", File, &[ctrl(Key::N)]),
    row(Act::Open, "Open…", File, &[ctrl(Key::O)]),
    row(Act::OpenDemo, "Try the demo clip", File, &[]),
    row(Act::Save, "Save project", File, &[ctrl(Key::S)]),
    row(Act::SaveAs, "Save project as…", File, &[ctrl_shift(Key::S)]),
    row(Act::Export, "Export…", File, &[ctrl(Key::E)]),
    row(Act::Models, "Models…", File, &[]),
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
    row(Act::FlowOverlay, "Flow overlay", View, &[]),
    row(Act::OcclusionOverlay, "Occlusion overlay", View, &[]),
    row(Act::SaliencyOverlay, "Saliency overlay", View, &[]),
    row(Act::BatchOverlay, "Batch borders overlay", View, &[]),
    row(Act::TurnWipe, "Turn the wipe line", View, &[plain(Key::W)]),
    row(Act::FitPicture, "Fit picture", View, &[plain(Key::F)]),
    row(Act::FullSize, "100 %", View, &[plain(Key::Z)]),
    row(Act::TimelineFit, "Fit timeline", View, &[typed(Key::Backslash)]),
    row(Act::TimelineZoomIn, "Zoom timeline in", View, &[typed(Key::Plus), typed(Key::Equals)]),
    row(Act::TimelineZoomOut, "Zoom timeline out", View, &[typed(Key::Minus)]),
    row(Act::FullScreen, "Full screen viewer", View, &[plain(Key::F11)]),
    row(Act::NextPanel, "Next panel", View, &[plain(Key::F6)]),
    row(Act::PreviousPanel, "Previous panel", View, &[shift(Key::F6)]),
    row(Act::ToggleSettings, "Show or hide settings", View, &[]),
    row(Act::ToggleTimeline, "Show or hide timeline", View, &[]),
    row(Act::ToggleResults, "Show or hide keyframes", View, &[]),
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
