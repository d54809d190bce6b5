//! Carries out what the state asks for outside of itself, without waiting.

use std::path::Path;
use std::sync::Arc;

use egui::{Context, ViewportCommand};

use super::backend::Backend;
use super::desktop::Desktop;
use super::dialogs::Answer;
use crate::app::actions::Effect;
use crate::app::messages::{Severity, plain};
use crate::app::state::AppState;
use crate::worker::handle::Wake;
use crate::worker::message::Command;

/// The world outside of the window's memory.
pub struct Outside<B> {
    /// The worker.
    pub backend: B,
    desktop: Box<dyn Desktop>,
    /// What waits for the demo clip to be written.
    after_demo: Option<Vec<Effect>>,
}

impl<B: Backend> Outside<B> {
    /// A world with this worker and this system.
    pub fn new(backend: B, desktop: Box<dyn Desktop>) -> Self {
        Self {
            backend,
            desktop,
            after_demo: None,
        }
    }

    /// Carries out effects in order.
    pub fn run(&mut self, ctx: &Context, state: &mut AppState, effects: Vec<Effect>) {
        for effect in effects {
            match &mut self.after_demo {
                // What follows may read the clip.
                Some(waiting) => waiting.push(effect),
                None => self.run_one(ctx, state, effect),
            }
        }
    }

    /// What was chosen in a file dialog.
    pub fn picked(&mut self) -> Option<Answer> {
        self.desktop.picked()
    }

    /// Goes on once the demo clip is there.
    pub fn demo_written(&mut self, ctx: &Context, state: &mut AppState) {
        let Some(written) = self.desktop.demo_written() else {
            return;
        };
        let waiting = self.after_demo.take().unwrap_or_default();
        if let Err(error) = written {
            let mut report = plain("cannot write the demo clip");
            report.causes = vec![error.to_string()];
            state.messages.say(Severity::Error, report, state.now);
        }
        self.run(ctx, state, waiting);
    }

    fn run_one(&mut self, ctx: &Context, state: &mut AppState, effect: Effect) {
        match effect {
            Effect::Send(command) => self.send(state, command),
            Effect::Try(request) => self.backend.try_frame(*request),
            Effect::Cancel(job) => self.backend.cancel(job),
            Effect::Pause(job) => self.backend.pause(job),
            Effect::Resume(job) => self.backend.resume(job),
            Effect::StopDownload(id) => self.backend.stop_download(&id),
            Effect::Pick { pick, proposal } => self.desktop.pick(pick, proposal, wake(ctx)),
            Effect::Copy(text) => ctx.copy_text(text),
            Effect::Reveal(path) => self.desktop.open(path.parent().unwrap_or(Path::new("."))),
            Effect::OpenOutside(path) => self.desktop.open(&path),
            Effect::Notify(_) => {
                let attention = egui::UserAttentionType::Informational;
                ctx.send_viewport_cmd(ViewportCommand::RequestUserAttention(attention));
            }
            Effect::WriteDemoClip(path) => {
                self.after_demo = Some(Vec::new());
                self.desktop.write_demo(path, wake(ctx));
            }
            Effect::Quit => {
                state.quitting = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    fn send(&self, state: &mut AppState, command: Command) {
        if let Err(error) = self.backend.send(command) {
            let report = plain(error.to_string());
            state.messages.say(Severity::Error, report, state.now);
        }
    }
}

fn wake(ctx: &Context) -> Wake {
    let ctx = ctx.clone();
    Arc::new(move || ctx.request_repaint())
}
