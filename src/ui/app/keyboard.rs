//! The keyboard: commands that keys name, and who has the focus.

use egui::Context;

use super::super::acts;
use super::super::backend::Backend;
use super::super::keys::KeyTaker;
use super::super::layout::{Arrangement, walk};
use super::super::shortcuts::Act;
use super::{FocusBefore, List, Studio};
use crate::app::actions::Action;

impl<B: Backend> Studio<B> {
    /// Does what the keys pressed since the last frame mean.
    pub(super) fn take_keys(&mut self, ctx: &Context) {
        let plugin = ctx.plugin::<KeyTaker>();
        let presses = {
            let mut keys = plugin.lock();
            keys.is_dialog_open = !self.state.dialogs.is_empty();
            keys.take()
        };
        for press in presses {
            if press.is_down {
                self.act(ctx, press.act);
            } else {
                self.perform(ctx, Action::HoldSource(false));
            }
        }
    }

    /// Does what a command means, in the window or in its memory.
    pub(super) fn act(&mut self, ctx: &Context, act: Act) {
        match act {
            Act::NextPanel => self.panel = Some(walk(ctx, &self.arrangement, self.panel, 1)),
            Act::PreviousPanel => self.panel = Some(walk(ctx, &self.arrangement, self.panel, -1)),
            Act::ResetLayout => self.arrangement = Arrangement::default(),
            Act::ShowJobs => self.toggle_list(List::Jobs),
            Act::ShowMessages => self.toggle_list(List::Messages),
            Act::Dismiss if self.open_list.is_some() && self.state.dialogs.is_empty() => {
                self.open_list = None;
            }
            act => {
                for action in acts::actions(act, &self.state) {
                    self.perform(ctx, action);
                }
            }
        }
    }

    /// Opens a list of the status bar, or closes it.
    pub(super) fn toggle_list(&mut self, list: List) {
        self.open_list = if self.open_list == Some(list) {
            None
        } else {
            Some(list)
        };
    }

    /// A dialog takes the keyboard, and gives it back where it was.
    pub(super) fn keep_focus(&mut self, ctx: &Context) {
        if let Some(id) = self.focus_again.take() {
            ctx.memory_mut(|memory| memory.request_focus(id));
        }
        let is_open = !self.state.dialogs.is_empty();
        match self.focus_before {
            FocusBefore::NoDialog if is_open => {
                let focused = ctx.memory(egui::Memory::focused);
                self.focus_before = FocusBefore::Was(focused);
                if let Some(id) = focused {
                    ctx.memory_mut(|memory| memory.surrender_focus(id));
                }
            }
            FocusBefore::Was(before) if !is_open => {
                // In the next frame, when nothing lies over it any more.
                self.focus_before = FocusBefore::NoDialog;
                self.focus_again = before;
                ctx.request_repaint();
            }
            _ => (),
        }
    }
}
