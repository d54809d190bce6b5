//! When the window is drawn again without input.

use std::time::Duration;

use egui::Context;

use super::Studio;
use crate::ui::backend::Backend;

impl<B: Backend> Studio<B> {
    /// The window is drawn again on input and news; and by itself only for what time changes.
    pub(super) fn plan_next_frame(&self, ctx: &Context) {
        if self.is_stale {
            ctx.request_repaint();
        }
        if let Some(job) = &self.state.job {
            // The second that has passed is shown.
            let elapsed = self.state.now.saturating_sub(job.began);
            let rest = 1_000_000_000 - u64::from(elapsed.subsec_nanos());
            ctx.request_repaint_after(Duration::from_nanos(rest));
        }
        let Some(project) = &self.state.project else {
            return self.wake_for_messages(ctx);
        };
        if project.view.playback.is_playing() {
            ctx.request_repaint();
        }
        if let Some(changed_at) = project.changed_at {
            let saves_after = Duration::from_secs(u64::from(self.state.preferences.autosave_secs));
            let due = (changed_at + saves_after).saturating_sub(self.state.now);
            ctx.request_repaint_after(due.max(Duration::from_millis(50)));
        }
        self.wake_for_messages(ctx);
    }

    fn wake_for_messages(&self, ctx: &Context) {
        if let Some(fades_at) = self.state.messages.next_fade(self.state.now) {
            ctx.request_repaint_after(fades_at.saturating_sub(self.state.now));
        }
    }
}
