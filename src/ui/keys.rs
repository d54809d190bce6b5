//! Takes the keys of the shortcut table out of the input before the toolkit moves the focus with
//! them.
//!
//! Rules: keys without Ctrl do nothing while a text field has the focus, and undoing is its own. After Tab, Space and Enter
//! press the focused control and arrows move it, until Escape or a click.

use egui::{Context, Event, Key, RawInput};

use super::shortcuts::{self, Act, Keys};

/// A shortcut whose keys went down or up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// What was asked for.
    pub act: Act,
    /// Whether the keys went down; an act that lasts ends when they go up.
    pub is_down: bool,
}

/// What has the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Nothing,
    Control,
    Text,
}

fn focus(ctx: &Context) -> Focus {
    if ctx.text_edit_focused() {
        Focus::Text
    } else if ctx.memory(|memory| memory.focused().is_some()) {
        Focus::Control
    } else {
        Focus::Nothing
    }
}

/// The plugin that takes keys and keeps what they ask for until it is fetched.
#[derive(Debug, Default)]
pub struct KeyTaker {
    presses: Vec<Press>,
    held: Vec<Key>,
    is_tabbing: bool,
    /// Whether a dialog is open, which leaves only Escape.
    pub is_dialog_open: bool,
}

impl KeyTaker {
    /// Everything asked for since the last call, in order.
    pub fn take(&mut self) -> Vec<Press> {
        std::mem::take(&mut self.presses)
    }

    /// Whether this event is a shortcut, which is noted.
    fn takes(&mut self, event: &Event, focus: Focus) -> bool {
        let &Event::Key {
            key,
            pressed,
            repeat,
            modifiers,
            ..
        } = event
        else {
            self.is_tabbing &= !matches!(event, Event::PointerButton { pressed: true, .. });
            return false;
        };
        if !pressed {
            return self.released(key);
        }
        match key {
            Key::Tab => self.is_tabbing = true,
            Key::Escape => self.is_tabbing = false,
            _ => (),
        }
        let found = shortcuts::pressed(modifiers, key, |key| self.held.contains(&key));
        let Some((row, keys)) = found else {
            return false;
        };
        let belongs_to_control =
            self.is_tabbing && focus == Focus::Control && moves_a_control(*keys);
        let is_blocked = self.is_dialog_open && row.act != Act::Dismiss;
        let belongs_to_text = keys.is_typed() || matches!(row.act, Act::Undo | Act::Redo);
        if (focus == Focus::Text && belongs_to_text) || belongs_to_control || is_blocked {
            return false;
        }
        if repeat && !repeats(row.act) {
            return true;
        }
        if !self.held.contains(&key) {
            self.held.push(key);
        }
        self.presses.push(Press {
            act: row.act,
            is_down: true,
        });
        // Escape closes what the toolkit has open, too.
        row.act != Act::Dismiss
    }

    fn released(&mut self, key: Key) -> bool {
        let n_held = self.held.len();
        self.held.retain(|held| *held != key);
        let lasting = shortcuts::of(Act::HoldSource);
        let was_held = self.held.len() < n_held;
        if was_held && lasting.keys.iter().any(|keys| keys.key == key) {
            self.presses.push(Press {
                act: lasting.act,
                is_down: false,
            });
        }
        was_held
    }
}

/// Keys that the toolkit uses on the control with the focus.
fn moves_a_control(keys: Keys) -> bool {
    let is_plain = !keys.modifiers.any();
    is_plain
        && matches!(
            keys.key,
            Key::Space
                | Key::Enter
                | Key::ArrowLeft
                | Key::ArrowRight
                | Key::ArrowUp
                | Key::ArrowDown
        )
}

/// Acts that go on while their keys are held.
fn repeats(act: Act) -> bool {
    matches!(
        act,
        Act::FrameBack
            | Act::FrameForward
            | Act::SecondBack
            | Act::SecondForward
            | Act::PreviousKeyframe
            | Act::NextKeyframe
            | Act::PreviousShot
            | Act::NextShot
            | Act::NudgeBack
            | Act::NudgeForward
            | Act::TimelineZoomIn
            | Act::TimelineZoomOut
            | Act::Undo
            | Act::Redo
    )
}

impl egui::Plugin for KeyTaker {
    fn debug_name(&self) -> &'static str {
        "shortcuts"
    }

    fn input_hook(&mut self, ctx: &Context, input: &mut RawInput) {
        let focus = focus(ctx);
        let is_popup_open = egui::Popup::is_any_open(ctx);
        if !input.focused {
            self.held.clear();
        }
        let mut has_taken = false;
        input.events.retain(|event| {
            if is_popup_open
                && !matches!(
                    event,
                    Event::Key {
                        key: Key::Escape,
                        ..
                    }
                )
            {
                return true;
            }
            let taken = self.takes(event, focus);
            has_taken |= taken;
            // What a taken key would have typed is taken with it.
            let is_its_text = has_taken && focus != Focus::Text && matches!(event, Event::Text(_));
            !taken && !is_its_text
        });
    }
}
